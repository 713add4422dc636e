//! A settlement's statement: the totals, and each payment, refund and charge-back behind them, as JSON or CSV.
//!
//! Items are read from the journal, so that they add up to the totals by construction.

use super::items::{Effect, effect};
use super::totals::Sides;
use super::{Settlement, SettlementView, records};
use crate::entries::EntryKind;
use crate::{Bank, BankError, Own, merchants};
use money::{Currency, print_minor};
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use vocabulary::{Id, Timestamp, kinds};

const PIECE: usize = 2_000;

/// One entry of a statement; minor units, from the merchant's side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementItem {
    /// When.
    pub at: Timestamp,
    /// What: the entry's type, such as `payment` or `refund`.
    pub kind: String,
    /// The payment, refund or other object.
    pub subject: String,
    /// In less out, fee and tax aside.
    pub gross: i64,
    /// Fee taken; negative when given back.
    pub fee: i64,
    /// Tax taken; negative when given back.
    pub tax: i64,
    /// What it changed of the balance.
    pub net: i64,
}

/// A settlement with its items, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementView {
    /// The settlement.
    pub settlement: SettlementView,
    /// Its items, as many as were asked for.
    pub items: Vec<StatementItem>,
}

/// A settlement and its newest items. Someone else's is as good as none: the caller compares the merchant.
///
/// # Errors
/// Trouble.
pub fn statement(bank: &Bank, id: Id<kinds::Settlement>, limit: usize) -> Result<Option<StatementView>, BankError> {
    let Some((row, _)) = found(bank, id)? else { return Ok(None) };
    let mut items = Vec::new();
    each(bank, id, &mut |item| {
        if items.len() < limit {
            items.push(item);
        }
        items.len() < limit
    })?;
    Ok(Some(StatementView { settlement: row.view(&bank.currencies()), items }))
}

/// A settlement's items as CSV (RFC 4180) with a header row; amounts with the currency's digits.
///
/// # Errors
/// Trouble.
pub fn csv(bank: &Bank, id: Id<kinds::Settlement>) -> Result<Option<String>, BankError> {
    let Some((_, currency)) = found(bank, id)? else { return Ok(None) };
    let mut text = String::from("at,type,id,gross,fee,tax,net,currency\r\n");
    each(bank, id, &mut |item| {
        let print = |minor: i64| print_minor(i128::from(minor), currency.digits());
        let (gross, fee, tax, net) = (print(item.gross), print(item.fee), print(item.tax), print(item.net));
        // Writing to a string cannot fail.
        let _ = write!(text, "{},{},{},{gross},{fee},{tax},{net},{currency}\r\n", item.at, item.kind, item.subject);
        true
    })?;
    Ok(Some(text))
}

fn found(bank: &Bank, id: Id<kinds::Settlement>) -> Result<Option<(Settlement, Currency)>, BankError> {
    let row = bank.store().read_blocking(|snapshot| records::by_id(snapshot.reading(), id))?;
    let currencies = bank.currencies();
    Ok(row.and_then(|row| currencies.by_number(row.currency).map(|currency| (row, currency))))
}

/// Visits the items of a settlement, newest first, until the visitor says false.
fn each(bank: &Bank, id: Id<kinds::Settlement>, visit: &mut dyn FnMut(StatementItem) -> bool) -> Result<(), BankError> {
    let Some((row, currency)) = found(bank, id)? else { return Ok(()) };
    let account =
        bank.store().read_blocking(|snapshot| merchants::account(snapshot.reading(), row.merchant, currency))?;
    let Some(account) = account else { return Ok(()) };
    let own = |own| bank.chart().opened(own, currency).unwrap_or_default();
    let (income, tax) = (own(Own::FeeIncome), own(Own::TaxPayable));
    let sides = Sides { account: account.account, reserve: account.reserve, income, tax };
    let mut open: Option<(u64, StatementItem)> = None;
    let mut before = row.lines.1 + 1;
    while before > row.lines.0 + 1 {
        let lines = piece(bank, sides, (row.lines, before))?;
        let Some((last, ..)) = lines.last() else { break };
        before = *last;
        for (_, entry, item) in lines {
            match &mut open {
                Some((same, whole)) if *same == entry => add(whole, &item),
                _ => {
                    if let Some((_, whole)) = open.replace((entry, item))
                        && !visit(whole)
                    {
                        return Ok(());
                    }
                }
            }
        }
    }
    if let Some((_, whole)) = open {
        visit(whole);
    }
    Ok(())
}

/// A line's number, its entry's, and what it adds to the entry's item.
type Piece = Vec<(u64, u64, StatementItem)>;

fn piece(bank: &Bank, sides: Sides, (lines, before): ((u64, u64), u64)) -> Result<Piece, BankError> {
    Ok(bank.store().read_blocking(|snapshot| {
        let rows = match before == lines.1 + 1 {
            // The settlement's last line is known; the chain goes back from it.
            true => {
                let mut rows = vec![snapshot.line(lines.1)?];
                rows.extend(snapshot.history(sides.account, lines.1, PIECE)?);
                rows
            }
            false => snapshot.history(sides.account, before, PIECE)?,
        };
        let mut found = Piece::new();
        for row in rows.iter().take_while(|row| row.line.seq > lines.0) {
            let header = snapshot.header_of(row)?;
            let item = item(effect(&row.line, &header, sides), &header);
            found.push((row.line.seq, row.line.entry, item));
        }
        Ok(found)
    })?)
}

fn item(effect: Effect, header: &store::Header) -> StatementItem {
    let (gross, fee, tax) = match effect {
        Effect::Payment(amount) | Effect::FromReserve(amount) | Effect::Other(amount) => (amount, 0, 0),
        Effect::Refund(amount) | Effect::ChargeBack(amount) | Effect::Settled(amount) => (-amount, 0, 0),
        Effect::Fee(amount) => (0, amount, 0),
        Effect::Tax(amount) => (0, 0, amount),
        Effect::None => (0, 0, 0),
    };
    let kind = EntryKind::from_number(header.kind);
    StatementItem {
        at: header.at,
        kind: kind.map_or("other", EntryKind::name).to_owned(),
        subject: subject(kind, header.cause),
        gross,
        fee,
        tax,
        net: gross - fee - tax,
    }
}

fn subject(kind: Option<EntryKind>, cause: u128) -> String {
    match kind {
        Some(
            EntryKind::Payment
            | EntryKind::PaymentHold
            | EntryKind::PaymentCapture
            | EntryKind::PaymentVoid
            | EntryKind::PaymentExpiry,
        ) => Id::<kinds::Payment>::from_u128(cause).to_string(),
        Some(EntryKind::Refund) => Id::<kinds::Refund>::from_u128(cause).to_string(),
        Some(EntryKind::Chargeback) => Id::<kinds::Dispute>::from_u128(cause).to_string(),
        Some(EntryKind::Payout | EntryKind::PayoutReturned) => Id::<kinds::Payout>::from_u128(cause).to_string(),
        Some(EntryKind::SuspenseReleased) => Id::<kinds::Case>::from_u128(cause).to_string(),
        _ => Id::<kinds::Settlement>::from_u128(cause).to_string(),
    }
}

fn add(whole: &mut StatementItem, part: &StatementItem) {
    whole.gross += part.gross;
    whole.fee += part.fee;
    whole.tax += part.tax;
    whole.net += part.net;
}
