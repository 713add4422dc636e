//! What a payout does when the bank speaks; when it does which is decided in `instructions/rules.rs`.
//!
//! The money left its account for suspense before anybody was instructed, so nothing heard here can find it spent; what can
//! be found spent is money that we gave back on the bank's word and that the bank paid nevertheless: it stands as the owner's
//! receivable, and people are called. Giving back passes freezes and limits, returns the fee where policy says so, and returns
//! what the payout used of the limits.
//!
//! Race closed here: a receivable may be paid (by a merchant's next settlement) before the money for it comes back. What comes
//! back goes to the receivable only as far as something is still owed; the rest is the owner's again.

use crate::cases::{self, CaseKind};
use crate::chart::Own;
use crate::desk::Desk;
use crate::entries::EntryKind;
use crate::instructions::effects::{call_people, end, moving, own, post_forced, post_surely, receivable};
use crate::instructions::{Facts, Instructed, Stage, Terms};
use crate::payouts::{JOB_DEADLINE, Payout, records};
use crate::settlement;
use crate::suspense::{self, Waiting};
use ledger::{AccountNo, Count, Step};
use ports::Order;
use sql::{Reading, SqlError};
use store::{StoreError, Uow};
use vocabulary::{BookingDate, Id, Timestamp, kinds};

impl Instructed for Payout {
    type Kind = kinds::Payout;
    const TERMS: Terms = Terms { table: "payout", order: Order::Pay, deadline: JOB_DEADLINE };

    fn by_id(reading: Reading<'_>, id: Id<kinds::Payout>) -> Result<Option<Self>, SqlError> {
        records::by_id(reading, id)
    }

    fn facts(&self) -> Facts<kinds::Payout> {
        Facts {
            id: self.id,
            bank_account: self.bank_account,
            currency: self.currency,
            asked: self.amount,
            moved: self.paid,
            stage: self.state.into(),
            sent: self.sent.is_some(),
        }
    }

    fn enter(&mut self, stage: Stage, next_date: Option<BookingDate>, ended: Option<Timestamp>) {
        (self.state, self.next_date, self.ended) = (stage.into(), next_date, ended);
    }

    fn explain(&mut self, reason: &str) {
        reason.clone_into(&mut self.reason);
    }

    fn standing(&self, _: &Uow<'_, '_>) -> Result<bool, StoreError> {
        Ok(self.late)
    }

    /// What waits for a payout is given back to its owner already, in suspense or out of it.
    fn let_go(&self, _: &Uow<'_, '_>) -> Result<bool, StoreError> {
        Ok(false)
    }

    fn change(&self, uow: &mut Uow<'_, '_>) -> Result<(), StoreError> {
        records::change(uow, self)
    }

    fn set_sent(uow: &mut Uow<'_, '_>, id: Id<kinds::Payout>, at: Timestamp) -> Result<bool, StoreError> {
        records::set_sent(uow, id, at)
    }

    fn set_unsent(uow: &mut Uow<'_, '_>, id: Id<kinds::Payout>) -> Result<(), StoreError> {
        records::set_unsent(uow, id)
    }

    fn emit(&self, desk: &Desk, uow: &mut Uow<'_, '_>) {
        Self::emit(self, desk, uow);
    }

    fn execute(&mut self, desk: &Desk, uow: &mut Uow<'_, '_>, amount: i64) -> Result<(), StoreError> {
        let suspense = own(desk, uow, self, Own::PayoutSuspense)?;
        let nostro = own(desk, uow, self, Own::Nostro)?;
        let step = moving(suspense, nostro, amount, Count::No);
        post_surely(desk, uow, self, (EntryKind::PayoutExecuted, vec![step]))?;
        self.paid = amount;
        let rest = self.amount - amount;
        if rest > 0 {
            let back = moving(suspense, self.source, rest, Count::GiveBack { day: self.used_day });
            into_source(desk, uow, self, vec![back])?;
            let finding = "the bank paid less than was asked; the rest went back";
            call_people(desk, uow, self, (CaseKind::AmountDiffers, finding))?;
        }
        end(desk, uow, self, Stage::Executed)
    }

    fn execute_late(&mut self, desk: &Desk, uow: &mut Uow<'_, '_>, amount: i64) -> Result<(), StoreError> {
        owe(desk, uow, self, amount)?;
        end(desk, uow, self, Stage::Executed)?;
        let finding = "the bank paid after it had refused and we had given back; the amount stands as a receivable";
        call_people(desk, uow, self, (CaseKind::PaidAfterReturn, finding)).map(drop)
    }

    fn execute_after_return(&mut self, desk: &Desk, uow: &mut Uow<'_, '_>, amount: i64) -> Result<(), StoreError> {
        owe(desk, uow, self, amount)?;
        records::change(uow, self)?;
        self.tell(desk, uow, "payout.paid_after_return");
        let finding = "the bank says it paid after it had said that it came back and we had given back; the amount stands \
            as a receivable until the statement shows a return";
        call_people(desk, uow, self, (CaseKind::PaidAfterReturn, finding)).map(drop)
    }

    /// Out of suspense, back to where it came from.
    fn give_up(
        &mut self,
        desk: &Desk,
        uow: &mut Uow<'_, '_>,
        (stage, reason): (Stage, &str),
    ) -> Result<(), StoreError> {
        let suspense = own(desk, uow, self, Own::PayoutSuspense)?;
        let count = Count::GiveBack { day: self.used_day };
        let mut steps = vec![moving(suspense, self.source, self.amount, count)];
        steps.extend(fee_back(desk, uow, self)?);
        into_source(desk, uow, self, steps)?;
        settlement::payout_came_back(desk, uow, self.cause)?;
        self.explain(reason);
        end(desk, uow, self, stage)
    }

    fn undo(&mut self, desk: &Desk, uow: &mut Uow<'_, '_>, reason: &str) -> Result<(), StoreError> {
        let nostro = own(desk, uow, self, Own::Nostro)?;
        let count = Count::GiveBack { day: self.used_day };
        let mut steps = vec![moving(nostro, self.source, self.paid, count)];
        steps.extend(fee_back(desk, uow, self)?);
        into_source(desk, uow, self, steps)?;
        settlement::payout_came_back(desk, uow, self.cause)?;
        self.explain(reason);
        end(desk, uow, self, Stage::Returned)
    }

    fn unwind(&mut self, desk: &Desk, uow: &mut Uow<'_, '_>, reason: &str) -> Result<(), StoreError> {
        let nostro = own(desk, uow, self, Own::Nostro)?;
        let receivable = receivable(desk, uow, self, self.source)?;
        let owed = if receivable == own(desk, uow, self, Own::Difference)? {
            // Everybody's, so its balance says nothing of this payout; and nobody pays there what he owes.
            self.paid
        } else {
            uow.account(receivable)?.map_or(0, |account| account.posted()).clamp(0, self.paid)
        };
        if owed > 0 {
            let step = moving(nostro, receivable, owed, Count::No);
            post_surely(desk, uow, self, (EntryKind::ReceivablePaid, vec![step]))?;
        }
        if self.paid > owed {
            let step = moving(nostro, self.source, self.paid - owed, Count::No);
            into_source(desk, uow, self, vec![step])?;
        }
        self.late = false;
        self.explain(reason);
        let subject = self.id.to_string();
        cases::settle(uow, CaseKind::PaidAfterReturn, &subject, "it came back: the receivable is settled")?;
        end(desk, uow, self, Stage::Returned)
    }
}

/// The bank paid what we had given back: the owner owes it.
fn owe(desk: &Desk, uow: &mut Uow<'_, '_>, payout: &mut Payout, amount: i64) -> Result<(), StoreError> {
    let nostro = own(desk, uow, payout, Own::Nostro)?;
    let receivable = receivable(desk, uow, payout, payout.source)?;
    let step = moving(receivable, nostro, amount, Count::No);
    post_surely(desk, uow, payout, (EntryKind::PayoutExecuted, vec![step]))?;
    (payout.paid, payout.late) = (amount, true);
    Ok(())
}

/// Posts what goes back to the account it came from; when that account takes nothing any more (it was closed), it waits in
/// suspense and people are called.
fn into_source(desk: &Desk, uow: &mut Uow<'_, '_>, payout: &Payout, steps: Vec<Step>) -> Result<(), StoreError> {
    let suspense = own(desk, uow, payout, Own::PayoutSuspense)?;
    let mut all = 0_i64;
    let mut elsewhere = Vec::new();
    for step in &steps {
        let Step::Post { debit, amount, .. } = *step else { continue };
        all = all.saturating_add(amount);
        if debit != suspense {
            elsewhere.push(moving(debit, suspense, amount, Count::No));
        }
    }
    if post_forced(desk, uow, payout, (EntryKind::PayoutReturned, steps))?.is_ok() {
        return wait_again(desk, uow, payout, all);
    }
    if !elsewhere.is_empty() {
        post_surely(desk, uow, payout, (EntryKind::PayoutReturned, elsewhere))?;
    }
    let finding = "the payout went back and its account cannot take it; it waits in suspense";
    let case = call_people(desk, uow, payout, (CaseKind::NotCreditable, finding))?;
    suspense::park(uow, &waiting(payout, (case, all), (suspense, payout.source)))
}

fn waiting(
    payout: &Payout,
    (case, amount): (Id<kinds::Case>, i64),
    (account, meant): (AccountNo, AccountNo),
) -> Waiting {
    let (subject, owner, currency) = (payout.id.as_u128(), payout.owner, payout.currency);
    Waiting { case, subject, owner, account, meant, currency, amount }
}

/// What was sent back out of suspense and bounced waits there again, or else no case would say whose it is.
fn wait_again(desk: &Desk, uow: &mut Uow<'_, '_>, payout: &Payout, amount: i64) -> Result<(), StoreError> {
    let before = suspense::before(uow.reading(), Id::from_u128(payout.cause))?;
    let Some(before) = before.filter(|before| before.account == payout.source) else { return Ok(()) };
    let finding = "what was sent back to its sender came back; it waits in suspense again";
    let case = call_people(desk, uow, payout, (CaseKind::NotCreditable, finding))?;
    suspense::park(uow, &waiting(payout, (case, amount), (before.account, before.meant)))
}

/// What goes back with the amount: the fee and its tax, where policy says so.
fn fee_back(desk: &Desk, uow: &mut Uow<'_, '_>, payout: &Payout) -> Result<Vec<Step>, StoreError> {
    let refundable = desk.policies().fees.get("payout").is_none_or(|terms| terms.refundable);
    let mut steps = Vec::new();
    for (from, amount) in [(Own::FeeIncome, payout.fee), (Own::TaxPayable, payout.tax)] {
        if refundable && amount > 0 {
            let count = Count::GiveBack { day: payout.used_day };
            steps.push(moving(own(desk, uow, payout, from)?, payout.source, amount, count));
        }
    }
    Ok(steps)
}
