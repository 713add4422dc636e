//! Reconciliation of the bank's statement with our books.
//!
//! A line that names a top-up or payout is evidence for it. A line that belongs to nothing is booked to the account for
//! differences, so that our nostro stays what the bank says, and opens a case. A line of a kind that the instruction cannot
//! have (another currency, nothing or less, a second booking of what was booked before, a return of what people let go) is
//! treated as belonging to nothing.

use crate::bank::Bank;
use crate::cases::{self, CaseKind, NewCase};
use crate::chart::Own;
use crate::desk::Desk;
use crate::entries::{self, Channel, EntryKind, Intent};
use crate::error::BankError;
use crate::instructions::hear;
use crate::payouts::{self, Payout};
use crate::rail_feed::{Named, Source, named, records};
use crate::topups::{self, TopUp};
use crate::wish::Principal;
use ledger::{Count, Step, UpTo};
use money::Currency;
use ports::{Outcome, StatementLine};
use serde::{Deserialize, Serialize};
use store::{StoreError, Uow};

/// Takes a new line; whether it belonged to something.
pub(super) fn take(desk: &Desk, uow: &mut Uow<'_, '_>, line: &StatementLine) -> Result<bool, StoreError> {
    let (amount, returned) = (line.amount, || "the statement shows that it came back".to_owned());
    let end_to_end = line.end_to_end.as_deref();
    let again = match end_to_end {
        Some(end_to_end) => records::booked(uow.reading(), end_to_end, line.incoming)?.is_some(),
        None => false,
    };
    let known = match named(end_to_end) {
        _ if again || line.amount <= 0 => false,
        Named::TopUp(id) if topups::currency_of(uow, id)? == Some(line.currency) => {
            let outcome =
                if line.incoming { Outcome::Done { amount } } else { Outcome::Returned { amount, reason: returned() } };
            hear::<TopUp>(desk, uow, id, (&outcome, Source::Statement))?
        }
        Named::Payout(id) if payouts::currency_of(uow, id)? == Some(line.currency) => {
            let outcome =
                if line.incoming { Outcome::Returned { amount, reason: returned() } } else { Outcome::Done { amount } };
            hear::<Payout>(desk, uow, id, (&outcome, Source::Statement))?
        }
        Named::TopUp(_) | Named::Payout(_) | Named::Nothing => false,
    };
    if !known {
        set_aside(desk, uow, line)?;
    }
    Ok(known)
}

fn set_aside(desk: &Desk, uow: &mut Uow<'_, '_>, line: &StatementLine) -> Result<(), StoreError> {
    let finding = match desk.currencies().by_number(line.currency) {
        Some(currency) if book_difference(desk, uow, (line.incoming, line.amount), currency)? => {
            "a line of the bank's statement belongs to nothing we know; it is booked as a difference"
        }
        Some(_) => "a line of the bank's statement is of an amount that the books cannot take; nothing was booked",
        None => "a line of the bank's statement is in a currency we do not know; nothing was booked",
    };
    let new = NewCase { kind: CaseKind::UnmatchedStatement, subject: &line.reference, finding, next_date: None };
    cases::open(desk, uow, &new)?;
    Ok(())
}

/// False when the books cannot take the amount: a line that is absurd must not keep us from hearing those after it.
fn book_difference(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    (incoming, amount): (bool, i64),
    currency: Currency,
) -> Result<bool, StoreError> {
    let nostro = desk.chart().own(uow, Own::Nostro, currency)?;
    let difference = desk.chart().own(uow, Own::Difference, currency)?;
    let (debit, credit) = if incoming { (nostro, difference) } else { (difference, nostro) };
    let step = Step::Post { debit, credit, amount, up_to: UpTo::default(), count: Count::No };
    let intent = Intent { kind: EntryKind::Difference, principal: Principal::System, channel: Channel::Rail, cause: 0 };
    let mut entry = entries::draft(desk, uow, intent, vec![step]);
    entry.forced = true;
    Ok(uow.post(&entry)?.is_ok())
}

/// Our nostro beside what the bank's statement says, for one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciliation {
    /// The currency's code.
    pub currency: String,
    /// The balance of our nostro, minor units.
    pub books_minor: i64,
    /// The sum of the lines of the bank's statement that we have read.
    pub statement_minor: i64,
    /// How many lines belong to nothing we know, in all currencies.
    pub unmatched_lines: u64,
}

/// Compares our nostro with the bank's statement. They differ by what is on its way: heard of by a result and not yet stated.
///
/// # Errors
/// Trouble.
pub fn reconciliation(bank: &Bank) -> Result<Vec<Reconciliation>, BankError> {
    let desk = bank.desk();
    let found = bank.store().read_blocking(|snapshot| {
        let stated = records::stated(snapshot.reading())?;
        let unmatched_lines = records::unmatched(snapshot.reading())?;
        let mut found = Vec::new();
        for currency in desk.currencies().all() {
            let Some(nostro) = desk.chart().opened(Own::Nostro, currency) else { continue };
            let books_minor = snapshot.balance(nostro)?.posted;
            let sum = stated.iter().find(|(number, _)| *number == currency.number());
            let statement_minor = sum.map_or(0, |(_, sum)| *sum);
            let currency = currency.code().to_owned();
            found.push(Reconciliation { currency, books_minor, statement_minor, unmatched_lines });
        }
        Ok(found)
    })?;
    Ok(found)
}
