//! What a top-up does when the bank speaks; when it does which is decided in `instructions/rules.rs`.
//!
//! Money that cannot be credited waits in suspense with a case, and so does money that the bank says has come after it had
//! said that it was taken back: it may be on its way out again, so it is not the customer's to spend before people or the
//! statement have decided.

use crate::cases::{self, CaseKind};
use crate::chart::Own;
use crate::desk::Desk;
use crate::entries::EntryKind;
use crate::instructions::effects::{call_people, end, investigate, moving, own, post_forced, post_surely, receivable};
use crate::instructions::{Facts, Instructed, Stage, Terms};
use crate::suspense::{self, How, Waiting};
use crate::topups::{JOB_DEADLINE, TopUp, TopUpState, records};
use ledger::{AccountNo, Count, Step};
use ports::Order;
use sql::{Reading, SqlError};
use store::{StoreError, Uow};
use vocabulary::{BookingDate, Id, Timestamp, kinds};

impl Instructed for TopUp {
    type Kind = kinds::TopUp;
    const TERMS: Terms = Terms { table: "top_up", order: Order::Collect, deadline: JOB_DEADLINE };

    fn by_id(reading: Reading<'_>, id: Id<kinds::TopUp>) -> Result<Option<Self>, SqlError> {
        records::by_id(reading, id)
    }

    fn facts(&self) -> Facts<kinds::TopUp> {
        Facts {
            id: self.id,
            bank_account: self.bank_account,
            currency: self.currency,
            asked: self.amount,
            moved: self.credited,
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

    fn standing(&self, uow: &Uow<'_, '_>) -> Result<bool, StoreError> {
        Ok(suspense::waits(uow.reading(), self.id.as_u128())?)
    }

    fn let_go(&self, uow: &Uow<'_, '_>) -> Result<bool, StoreError> {
        Ok(suspense::let_go(uow.reading(), self.id.as_u128())?)
    }

    fn change(&self, uow: &mut Uow<'_, '_>) -> Result<(), StoreError> {
        records::change(uow, self)
    }

    fn set_sent(uow: &mut Uow<'_, '_>, id: Id<kinds::TopUp>, at: Timestamp) -> Result<bool, StoreError> {
        records::set_sent(uow, id, at)
    }

    fn set_unsent(uow: &mut Uow<'_, '_>, id: Id<kinds::TopUp>) -> Result<(), StoreError> {
        records::set_unsent(uow, id)
    }

    fn emit(&self, desk: &Desk, uow: &mut Uow<'_, '_>) {
        Self::emit(self, desk, uow);
    }

    fn execute(&mut self, desk: &Desk, uow: &mut Uow<'_, '_>, amount: i64) -> Result<(), StoreError> {
        let mut steps = vec![Step::Capture { hold: self.hold, amount: Some(amount), last: true }];
        steps.extend(fee_steps(desk, uow, self, self.account)?);
        self.credited = amount;
        if post_forced(desk, uow, self, (EntryKind::TopUp, steps))?.is_err() {
            release_hold(desk, uow, self)?;
            return set_aside(desk, uow, self, "the money came and the wallet cannot take it; it waits in suspense");
        }
        end(desk, uow, self, Stage::Executed)?;
        if amount == self.amount {
            return Ok(());
        }
        let finding = "the bank executed less than was asked; that was credited";
        call_people(desk, uow, self, (CaseKind::AmountDiffers, finding)).map(drop)
    }

    fn execute_late(&mut self, desk: &Desk, uow: &mut Uow<'_, '_>, amount: i64) -> Result<(), StoreError> {
        let nostro = own(desk, uow, self, Own::Nostro)?;
        // The hold gave its limits back when we gave up: the money uses them now. Forced, it is not refused for them.
        let mut steps = vec![moving(nostro, self.account, amount, Count::Use)];
        steps.extend(fee_steps(desk, uow, self, self.account)?);
        self.credited = amount;
        if post_forced(desk, uow, self, (EntryKind::TopUp, steps))?.is_err() {
            return set_aside(desk, uow, self, "the money came and the wallet cannot take it; it waits in suspense");
        }
        self.used_day = uow.moment().day;
        end(desk, uow, self, Stage::Executed)?;
        let finding = "the bank executed it after rejecting it; it was credited";
        call_people(desk, uow, self, (CaseKind::LateTopUp, finding)).map(drop)
    }

    fn execute_after_return(&mut self, desk: &Desk, uow: &mut Uow<'_, '_>, amount: i64) -> Result<(), StoreError> {
        self.credited = amount;
        let finding = "the bank says the money came after it had said that it was taken back; it waits in suspense until the \
            statement shows a return or two people release it";
        set_aside(desk, uow, self, finding)
    }

    /// Releases the hold, which gives the limits back.
    fn give_up(
        &mut self,
        desk: &Desk,
        uow: &mut Uow<'_, '_>,
        (stage, reason): (Stage, &str),
    ) -> Result<(), StoreError> {
        release_hold(desk, uow, self)?;
        self.explain(reason);
        end(desk, uow, self, stage)
    }

    /// The bank took the money back: so do we, fee returned first; what is spent becomes the customer's receivable. The limits it used
    /// are free again.
    fn undo(&mut self, desk: &Desk, uow: &mut Uow<'_, '_>, reason: &str) -> Result<(), StoreError> {
        let nostro = own(desk, uow, self, Own::Nostro)?;
        let mut steps = Vec::new();
        for (from, amount) in [(Own::FeeIncome, self.fee), (Own::TaxPayable, self.tax)] {
            if amount > 0 {
                steps.push(moving(own(desk, uow, self, from)?, self.account, amount, Count::No));
            }
        }
        // What was spent comes from the receivable first, so that all of it leaves the wallet, and with it the limits it used.
        let receivable = receivable(desk, uow, self, self.account)?;
        let there = uow.account(self.account)?.and_then(|account| account.available()).unwrap_or(i64::MAX);
        let spent = self.credited.saturating_sub(there.saturating_add(self.fee + self.tax)).clamp(0, self.credited);
        if spent > 0 {
            steps.push(moving(receivable, self.account, spent, Count::No));
        }
        steps.push(moving(self.account, nostro, self.credited, Count::GiveBack { day: self.used_day }));
        let finding = match post_forced(desk, uow, self, (EntryKind::TopUpReturned, steps))? {
            Ok(_) if spent == 0 => None,
            Ok(_) => Some("a part was spent; it stands as a receivable"),
            Err(_) => {
                let step = moving(receivable, nostro, self.credited, Count::No);
                post_surely(desk, uow, self, (EntryKind::TopUpReturned, vec![step]))?;
                Some("the wallet is closed; the whole amount stands as a receivable")
            }
        };
        self.explain(reason);
        end(desk, uow, self, Stage::Returned)?;
        match finding {
            Some(finding) => call_people(desk, uow, self, (CaseKind::ReturnedTopUp, finding)).map(drop),
            None => Ok(()),
        }
    }

    /// What waits in suspense goes back the way it came.
    fn unwind(&mut self, desk: &Desk, uow: &mut Uow<'_, '_>, reason: &str) -> Result<(), StoreError> {
        let (suspense, nostro) = (own(desk, uow, self, Own::TopUpSuspense)?, own(desk, uow, self, Own::Nostro)?);
        let step = moving(suspense, nostro, self.credited, Count::No);
        post_surely(desk, uow, self, (EntryKind::TopUpReturned, vec![step]))?;
        suspense::end_of(uow, self.id.as_u128(), How::TakenBack)?;
        let subject = self.id.to_string();
        cases::settle(uow, CaseKind::NotCreditable, &subject, "it was taken back: nothing waits any more")?;
        self.explain(reason);
        end(desk, uow, self, Stage::Returned)
    }
}

/// What its release from suspense costs, from the account it is released to; nothing when it is no top-up.
pub(crate) fn fee_of_released(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    (id, account): (u128, AccountNo),
) -> Result<Vec<Step>, StoreError> {
    match records::by_id(uow.reading(), Id::from_u128(id))? {
        Some(top_up) => fee_steps(desk, uow, &top_up, account),
        None => Ok(Vec::new()),
    }
}

/// Two people released what waited: the top-up has succeeded, unless it had ended before.
pub(crate) fn released(desk: &Desk, uow: &mut Uow<'_, '_>, id: u128) -> Result<(), StoreError> {
    let found = records::by_id(uow.reading(), Id::from_u128(id))?;
    let Some(mut top_up) = found.filter(|top_up| top_up.state < TopUpState::Succeeded) else { return Ok(()) };
    top_up.used_day = uow.moment().day;
    end(desk, uow, &mut top_up, Stage::Executed)
}

/// Two people sent what waited back to where it came from.
pub(crate) fn sent_back(desk: &Desk, uow: &mut Uow<'_, '_>, id: u128) -> Result<(), StoreError> {
    let found = records::by_id(uow.reading(), Id::from_u128(id))?;
    let Some(mut top_up) = found.filter(|top_up| top_up.state < TopUpState::Succeeded) else { return Ok(()) };
    top_up.explain("it could not be credited and was sent back");
    end(desk, uow, &mut top_up, Stage::Returned)
}

/// The fee's steps, from an account.
fn fee_steps(desk: &Desk, uow: &mut Uow<'_, '_>, top_up: &TopUp, debit: AccountNo) -> Result<Vec<Step>, StoreError> {
    let mut steps = Vec::new();
    for (to, amount) in [(Own::FeeIncome, top_up.fee), (Own::TaxPayable, top_up.tax)] {
        if amount > 0 {
            let credit: AccountNo = own(desk, uow, top_up, to)?;
            steps.push(moving(debit, credit, amount, Count::No));
        }
    }
    Ok(steps)
}

/// The money is here and cannot be the customer's yet: it waits in suspense for people.
fn set_aside(desk: &Desk, uow: &mut Uow<'_, '_>, top_up: &mut TopUp, finding: &str) -> Result<(), StoreError> {
    let (nostro, account) = (own(desk, uow, top_up, Own::Nostro)?, own(desk, uow, top_up, Own::TopUpSuspense)?);
    let step = moving(nostro, account, top_up.credited, Count::No);
    post_surely(desk, uow, top_up, (EntryKind::TopUpSuspense, vec![step]))?;
    if top_up.state < TopUpState::Failed {
        investigate(desk, uow, top_up)?;
    } else {
        records::change(uow, top_up)?;
    }
    let case = call_people(desk, uow, top_up, (CaseKind::NotCreditable, finding))?;
    let (subject, owner) = (top_up.id.as_u128(), top_up.customer.as_u128());
    let (meant, currency, amount) = (top_up.account, top_up.currency, top_up.credited);
    suspense::park(uow, &Waiting { case, subject, owner, account, meant, currency, amount })?;
    top_up.tell(desk, uow, "top_up.waiting");
    Ok(())
}

fn release_hold(desk: &Desk, uow: &mut Uow<'_, '_>, top_up: &TopUp) -> Result<(), StoreError> {
    post_surely(desk, uow, top_up, (EntryKind::TopUp, vec![Step::Void { hold: top_up.hold }]))
}
