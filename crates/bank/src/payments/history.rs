//! Looking payments up: one, and those of an account.
//!
//! A list needs no index: the journal chains the entries of an account, and the entry with which a payment began names it. So
//! the hot path writes one row, and lists are in the order of the books.

use super::{Payment, PaymentState, PaymentView, RefundView, records, refund_records};
use crate::Currencies;
use crate::entries::EntryKind;
use ledger::AccountNo;
use store::{Snapshot, StoreError};
use vocabulary::{Id, kinds};

/// Lines looked at in one step.
const STEP: usize = 64;

/// The payments of an account (a wallet's or a merchant's), newest first, from before a payment on.
///
/// # Errors
/// As `Snapshot::history`.
pub fn list_by_account(
    snapshot: &Snapshot<'_>,
    account: AccountNo,
    before: Option<Id<kinds::Payment>>,
    limit: usize,
) -> Result<Vec<Payment>, StoreError> {
    let mut from = match before {
        None => 0,
        Some(id) => match records::by_id(snapshot.reading(), id)? {
            Some(payment) if payment.from == account || payment.to == account => payment.entry,
            _ => return Ok(Vec::new()),
        },
    };
    let begins = [EntryKind::Payment.number(), EntryKind::PaymentHold.number()];
    let mut found = Vec::new();
    while found.len() < limit {
        let rows = snapshot.history(account, from, STEP)?;
        for row in &rows {
            from = row.line.seq;
            let Some(header) = row.header.filter(|header| begins.contains(&header.kind)) else { continue };
            let payment = records::by_id(snapshot.reading(), Id::from_u128(header.cause))?;
            found.extend(payment.filter(|_| found.len() < limit));
        }
        if rows.len() < STEP {
            break;
        }
    }
    Ok(found)
}

/// A payment as shown, with the expiry of its hold while that is open.
///
/// # Errors
/// When the database fails.
pub fn view(snapshot: &Snapshot<'_>, currencies: &Currencies, payment: &Payment) -> Result<PaymentView, StoreError> {
    let mut view = payment.view(currencies);
    if matches!(payment.state, PaymentState::Held | PaymentState::PartiallyCaptured) {
        view.expires_at = records::hold(snapshot.reading(), payment)?.map(|hold| hold.expires);
    }
    Ok(view)
}

/// A payment's refunds, oldest first.
///
/// # Errors
/// When the database fails.
pub fn refunds_of(
    snapshot: &Snapshot<'_>,
    currencies: &Currencies,
    payment: &Payment,
) -> Result<Vec<RefundView>, StoreError> {
    let found = refund_records::of_payment(snapshot.reading(), payment.id)?;
    Ok(found.iter().map(|refund| refund.view(currencies, payment.currency)).collect())
}

/// A refund and its payment.
///
/// # Errors
/// When the database fails.
pub fn refund_by_id(
    snapshot: &Snapshot<'_>,
    currencies: &Currencies,
    id: Id<kinds::Refund>,
) -> Result<Option<(Payment, RefundView)>, StoreError> {
    let Some(refund) = refund_records::by_id(snapshot.reading(), id)? else { return Ok(None) };
    let payment = records::by_id(snapshot.reading(), refund.payment)?;
    Ok(payment.map(|payment| {
        let view = refund.view(currencies, payment.currency);
        (payment, view)
    }))
}
