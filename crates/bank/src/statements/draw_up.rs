//! Drawing a statement up: along the account's chain of lines, newest first, in pages, from the period's end.
//!
//! A closed day knows its last line, so that what came after the period is passed over: what a statement costs is bounded by
//! what its period moved, however much an account moved since.

use crate::accounting;
use crate::bank::Bank;
use crate::customers;
use crate::desk::Desk;
use crate::entries::EntryKind;
use crate::error::BankError;
use crate::merchants;
use crate::refusal::Refusal;
use crate::statements::{Statement, StatementRecord};
use crate::wallets;
use ledger::{AccountNo, Action, Class, Side};
use money::Currency;
use std::collections::HashMap;
use store::{Header, JournalLine, Snapshot, StoreError};
use vocabulary::{BookingDate, ErrorCode, Id, kinds};

/// A statement has at most so many records: ask for a shorter period otherwise.
pub const MOST_RECORDS: usize = 50_000;

const PAGE: usize = 2_000;

/// A period of booking days, both included.
type Period = (BookingDate, BookingDate);

/// The statement of a wallet's account. Refused with `account_not_found`, and `invalid_parameter` for a period that is upside
/// down or has too many records.
///
/// # Errors
/// Trouble.
pub fn of_wallet(
    bank: &Bank,
    wallet: Id<kinds::Wallet>,
    currency: Currency,
    period: Period,
) -> Result<Result<Statement, Refusal>, BankError> {
    let found = bank.store().read_blocking(|snapshot| wallets::account(snapshot.reading(), wallet, currency))?;
    match found {
        Some(found) => draw_up(bank, found.account, currency, period),
        None => Ok(Err(Refusal::of(ErrorCode::AccountNotFound))),
    }
}

/// The statement of a merchant's main account. Refused as [`of_wallet`].
///
/// # Errors
/// Trouble.
pub fn of_merchant(
    bank: &Bank,
    merchant: Id<kinds::Merchant>,
    currency: Currency,
    period: Period,
) -> Result<Result<Statement, Refusal>, BankError> {
    let found = bank.store().read_blocking(|snapshot| merchants::account(snapshot.reading(), merchant, currency))?;
    match found {
        Some(found) => draw_up(bank, found.account, currency, period),
        None => Ok(Err(Refusal::of(ErrorCode::AccountNotFound))),
    }
}

/// What is gathered over pages, newest first.
pub(super) struct Gathered {
    desk: Desk,
    account: AccountNo,
    /// The side that increases the account.
    normal: Side,
    period: Period,
    records: Vec<StatementRecord>,
    opening: i64,
    closing: Option<i64>,
    labels: HashMap<AccountNo, String>,
    /// How many lines were looked at.
    pub(super) looked_at: usize,
}

fn draw_up(
    bank: &Bank,
    account: AccountNo,
    currency: Currency,
    period: Period,
) -> Result<Result<Statement, Refusal>, BankError> {
    let gathered = match gather(bank, account, period)? {
        Ok(gathered) => gathered,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let missing = || StoreError::Corrupt { table: "account", finding: "an account of a wallet or merchant is missing" };
    let row = bank.store().read_blocking(|snapshot| snapshot.account(account)?.ok_or_else(missing))?;
    Ok(Ok(Statement {
        account: row.id.to_string(),
        currency: currency.code().to_owned(),
        digits: currency.digits(),
        from: period.0,
        to: period.1,
        opening_minor: gathered.opening,
        closing_minor: gathered.closing.unwrap_or(gathered.opening),
        records: gathered.records,
    }))
}

/// The account's last line that may book within the period, 0 for none.
fn last_line(snapshot: &Snapshot<'_>, account: AccountNo, to: BookingDate) -> Result<u64, StoreError> {
    let last = accounting::last_closed(snapshot.reading())?;
    if last.is_none_or(|last| last.day < to) {
        return snapshot.head(account);
    }
    match accounting::closed(snapshot.reading(), to)? {
        Some(closed) => snapshot.line_before(account, closed.last_line + 1),
        // Before the first day of the books.
        None => Ok(0),
    }
}

pub(super) fn gather(bank: &Bank, account: AccountNo, period: Period) -> Result<Result<Gathered, Refusal>, BankError> {
    let (from, to) = period;
    if from > to {
        let detail = "the period ends before it begins; give the earlier day first";
        return Ok(Err(Refusal::new(ErrorCode::InvalidParameter, detail).at("from")));
    }
    let missing = || StoreError::Corrupt { table: "account", finding: "an account of a wallet or merchant is missing" };
    let row = bank.store().read_blocking(|snapshot| snapshot.account(account)?.ok_or_else(missing))?;
    let class: Class = row.account.class;
    let mut gathered = Gathered {
        desk: bank.desk(),
        account,
        normal: class.normal(),
        period,
        records: Vec::new(),
        opening: 0,
        closing: None,
        labels: HashMap::new(),
        looked_at: 0,
    };
    let mut first = bank.store().read_blocking(|snapshot| last_line(snapshot, account, to))?;
    while first != 0 {
        let lines = bank.store().read_blocking(|snapshot| snapshot.chain(account, first, PAGE))?;
        let Some(last) = lines.last().map(|row| row.line) else { break };
        let over = bank.store().read_blocking(|snapshot| {
            // Runs once for each page: nothing in it meets a changing balance.
            gathered.take(snapshot, &lines)
        })?;
        if gathered.records.len() > MOST_RECORDS {
            let detail = format!("the period has more than {MOST_RECORDS} records; ask for a shorter one");
            return Ok(Err(Refusal::new(ErrorCode::InvalidParameter, detail).at("to")));
        }
        if over {
            break;
        }
        first = if last.debit == account { last.debit_prev } else { last.credit_prev };
    }
    gathered.records.reverse();
    Ok(Ok(gathered))
}

impl Gathered {
    /// Takes a page; true when the period's beginning was passed.
    fn take(&mut self, snapshot: &Snapshot<'_>, lines: &[JournalLine]) -> Result<bool, StoreError> {
        let (from, to) = self.period;
        for row in lines {
            self.looked_at += 1;
            let header = snapshot.header_of(row)?;
            let after = if row.line.debit == self.account { row.line.debit_after } else { row.line.credit_after };
            if header.booking < from {
                self.opening = after.posted;
                return Ok(true);
            }
            if header.booking > to {
                continue;
            }
            self.closing.get_or_insert(after.posted);
            if matches!(row.line.action, Action::Post | Action::Capture) && row.line.amount != 0 {
                self.add(snapshot, row, &header)?;
            }
        }
        Ok(false)
    }

    fn add(&mut self, snapshot: &Snapshot<'_>, row: &JournalLine, header: &Header) -> Result<(), StoreError> {
        let debits = row.line.debit == self.account;
        let grows = debits == (self.normal == Side::Debit);
        let signed = if grows { row.line.amount } else { -row.line.amount };
        let (other, after) =
            if debits { (row.line.credit, row.line.debit_after) } else { (row.line.debit, row.line.credit_after) };
        // The first line of an entry names the counterparty: fees and taxes come after it.
        let counterparty = self.label(snapshot, other)?;
        if let Some(last) = self.records.last_mut().filter(|last| last.entry == row.line.entry) {
            last.amount_minor += signed;
            last.counterparty = counterparty;
            return Ok(());
        }
        let kind = EntryKind::from_number(header.kind).map_or("entry", EntryKind::name);
        self.records.push(StatementRecord {
            entry: row.line.entry,
            at: header.at,
            booking: header.booking,
            value: header.value,
            kind: kind.to_owned(),
            counterparty,
            cause: if header.cause == 0 { String::new() } else { format!("{:032x}", header.cause) },
            amount_minor: signed,
            balance_after_minor: after.posted,
        });
        Ok(())
    }

    fn label(&mut self, snapshot: &Snapshot<'_>, no: AccountNo) -> Result<String, StoreError> {
        if let Some(label) = self.labels.get(&no) {
            return Ok(label.clone());
        }
        let label = label(&self.desk, snapshot, no)?;
        self.labels.insert(no, label.clone());
        Ok(label)
    }
}

fn label(desk: &Desk, snapshot: &Snapshot<'_>, no: AccountNo) -> Result<String, StoreError> {
    let Some(row) = snapshot.account(no)? else { return Ok(String::new()) };
    let reading = snapshot.reading();
    let Some(owner) = row.owner else { return Ok(row.product) };
    if let Some(name) = merchants::name(reading, Id::from_u128(owner))? {
        return Ok(name);
    }
    let name = customers::masked_name(desk.sealing(), reading, Id::from_u128(owner))?;
    Ok(name.unwrap_or(row.product))
}
