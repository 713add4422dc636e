//! What every instruction does with money and people: forced postings, its end, investigations, cases, receivables.

use crate::cases::{self, CaseKind, NewCase};
use crate::chart::Own;
use crate::desk::Desk;
use crate::entries::{self, Channel, EntryKind, Intent};
use crate::instructions::{Instructed, Stage, next_date};
use crate::wish::Principal;
use ledger::{AccountNo, Count, Posted, Refusal, Step, UpTo};
use store::{StoreError, Uow};
use vocabulary::{BookingDate, Id, kinds};

/// One of the bank's own accounts, in the instruction's currency.
pub(crate) fn own<T: Instructed>(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    subject: &T,
    own: Own,
) -> Result<AccountNo, StoreError> {
    let unknown = StoreError::Corrupt { table: T::TERMS.table, finding: "a currency that is not known" };
    let currency = desk.currencies().by_number(subject.facts().currency).ok_or(unknown)?;
    desk.chart().own(uow, own, currency)
}

pub(crate) const fn moving(debit: AccountNo, credit: AccountNo, amount: i64, count: Count) -> Step {
    Step::Post { debit, credit, amount, up_to: UpTo { debit: false, credit: false }, count }
}

/// Posts what the bank's word demands: it passes freezes and limits.
pub(crate) fn post_forced<T: Instructed>(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    subject: &T,
    (kind, steps): (EntryKind, Vec<Step>),
) -> Result<Result<Posted, Refusal>, StoreError> {
    let cause = subject.facts().id.as_u128();
    let intent = Intent { kind, principal: Principal::System, channel: Channel::Rail, cause };
    let mut entry = entries::draft(desk, uow, intent, steps);
    entry.forced = true;
    uow.post(&entry)
}

/// Posts where nothing refuses: between the bank's own accounts, or the end of a hold.
pub(crate) fn post_surely<T: Instructed>(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    subject: &T,
    what: (EntryKind, Vec<Step>),
) -> Result<(), StoreError> {
    let table = T::TERMS.table;
    post_forced(desk, uow, subject, what)?
        .map(drop)
        .map_err(|refusal| StoreError::Bug(format!("an entry that cannot be refused was, for a {table}: {refusal}")))
}

/// Ends it in a stage.
pub(crate) fn end<T: Instructed>(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    subject: &mut T,
    stage: Stage,
) -> Result<(), StoreError> {
    subject.enter(stage, None, Some(uow.now()));
    subject.change(uow)?;
    let id = subject.facts().id;
    uow.cancel_jobs(T::TERMS.deadline, id.as_u128())?;
    cases::settle(uow, CaseKind::NoResult, &id.to_string(), "the bank's answer ended the investigation")?;
    subject.emit(desk, uow);
    Ok(())
}

/// Puts it under investigation, or keeps it there; returns the day on which somebody looks next.
pub(crate) fn investigate<T: Instructed>(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    subject: &mut T,
) -> Result<BookingDate, StoreError> {
    let next = next_date(desk, uow.now());
    let begins = subject.facts().stage < Stage::UnderInvestigation;
    subject.enter(Stage::UnderInvestigation, Some(next), None);
    subject.change(uow)?;
    if begins {
        subject.emit(desk, uow);
    }
    Ok(next)
}

/// The bank's word cannot be believed: people look.
pub(crate) fn doubt<T: Instructed>(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    subject: &mut T,
    kind: CaseKind,
) -> Result<(), StoreError> {
    if subject.facts().stage < Stage::UnderInvestigation {
        investigate(desk, uow, subject)?;
    }
    let finding = match kind {
        CaseKind::AmountDiffers => "the bank says another amount than we know",
        _ => "the bank says the opposite of what it said before",
    };
    call_people(desk, uow, subject, (kind, finding)).map(drop)
}

/// Opens a case about it, or adds to the one that is open.
pub(crate) fn call_people<T: Instructed>(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    subject: &T,
    (kind, finding): (CaseKind, &str),
) -> Result<Id<kinds::Case>, StoreError> {
    let text = subject.facts().id.to_string();
    let next_date = Some(next_date(desk, uow.now()));
    cases::open(desk, uow, &NewCase { kind, subject: &text, finding, next_date })
}

/// Where the owner of an account owes what the bank moved and the account cannot give; the differences' account when there
/// is no such place, or it was closed: what cannot be posted would keep the bank from being heard.
pub(crate) fn receivable<T: Instructed>(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    subject: &T,
    account: AccountNo,
) -> Result<AccountNo, StoreError> {
    let found = uow.account(account)?.map_or(AccountNo(0), |account| account.receivable);
    let open = uow.account(found)?.is_some_and(|account| !account.closed);
    if open { Ok(found) } else { own(desk, uow, subject, Own::Difference) }
}
