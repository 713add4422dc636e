//! Settle one merchant account for one day.
//!
//! Races closed: payments and refunds go on while the day's lines are added up; lines never change, and what left the account
//! after the cut-off is seen by the unit that moves the money, which takes no more than is available then.

use super::day::cut_off;
use super::reserve::JOB_RELEASE;
use super::rules::{Facts, Shares, shares};
use super::send::JOB_SEND;
use super::totals::{Period, Sides, collect};
use super::{Settlement, SettlementState, records};
use crate::entries::{self, Channel, EntryKind, Intent};
use crate::merchants::MerchantAccount;
use crate::policies::SettlementMode;
use crate::{Bank, BankError, Desk, Own, Principal, chart, payments};
use ledger::{AccountNo, BookNo, Class, Count, Floor, GroupNo};
use store::{NewAccount, NewEvent, Outcome, StoreError, Uow};
use vocabulary::{BookingDate, Id, Timestamp, kinds};

/// One merchant account to be settled for one day.
#[derive(Clone)]
struct Due {
    account: MerchantAccount,
    day: BookingDate,
    period: Period,
    /// Where the last settlement ended: line and balance.
    from: (u64, i64),
    /// The day of the last settlement.
    before: Option<BookingDate>,
}

/// Settles; does nothing when it was done before or there is nothing to settle.
pub(super) fn settle(bank: &Bank, account: &MerchantAccount, day: BookingDate) -> Result<(), BankError> {
    let desk = bank.desk();
    let moment = cut_off(desk.policies(), desk.zone(), day);
    let (merchant, currency) = (account.merchant, account.currency.number());
    let last = bank.store().read_blocking(|snapshot| records::last(snapshot.reading(), merchant, currency))?;
    if last.as_ref().is_some_and(|last| last.day >= day) {
        return Ok(());
    }
    payments::fund_waiting(bank, account.account, moment)?;
    let from = last.as_ref().map_or((0, 0), |last| (last.lines.1, last.balances.1));
    let own = |own| desk.chart().opened(own, account.currency).unwrap_or_default();
    let sides = Sides {
        account: account.account,
        reserve: account.reserve,
        income: own(Own::FeeIncome),
        tax: own(Own::TaxPayable),
    };
    let period = collect(bank, sides, from, moment)?;
    if period.closing == 0 && period.totals.is_quiet() {
        // Nothing but what earlier settlements moved: it belongs to the next one that has something to say.
        return Ok(());
    }
    let due = Due { account: account.clone(), day, period, from, before: last.map(|last| last.day) };
    let id = bank.new_id();
    bank.store().write_blocking(move |uow| {
        act(&desk, uow, &due, id)?;
        Ok(Outcome::<(), ()>::Done(()))
    })?;
    Ok(())
}

/// The accounts that a settlement moves money between.
struct Accounts {
    clearing: AccountNo,
    receivable: AccountNo,
    claim: AccountNo,
}

fn act(desk: &Desk, uow: &mut Uow<'_, '_>, due: &Due, id: Id<kinds::Settlement>) -> Result<(), StoreError> {
    let (merchant, currency) = (due.account.merchant, due.account.currency);
    let done = records::last(uow.reading(), merchant, currency.number())?.is_some_and(|last| last.day >= due.day);
    if done {
        return Ok(());
    }
    let terms = desk.policies().settlement_terms(&due.account.settlement_plan);
    let missing = StoreError::Corrupt { table: "merchant_account", finding: "no such ledger account" };
    let account = uow.account(due.account.account)?.ok_or(missing)?;
    let claim = match records::claim(uow.reading(), merchant, currency.number())? {
        Some(claim) => claim,
        None if terms.mode == SettlementMode::Gross => open_claim(desk, uow, &due.account)?,
        None => AccountNo(0),
    };
    let accounts = Accounts {
        clearing: desk.chart().own(uow, Own::SettlementClearing, currency)?,
        receivable: account.receivable,
        claim,
    };
    let posted = |uow: &mut Uow<'_, '_>, no: AccountNo| -> Result<i64, StoreError> {
        Ok(uow.account(no)?.map_or(0, |account| account.posted()))
    };
    let facts = Facts {
        closing: due.period.closing,
        available: account.available().unwrap_or(0),
        payments: due.period.totals.payments,
        fees: due.period.totals.fees + due.period.totals.tax,
        owed: posted(uow, accounts.receivable)?,
        claimed: if new_month(due) { posted(uow, claim)? } else { 0 },
    };
    let mut parts = shares(&facts, &terms);
    if !post(desk, uow, (due, id), (&accounts, &parts))? {
        // Frozen or closed: the money stays where it is; what happened is on record.
        parts = Shares::default();
    }
    let paid = parts.paid_out > 0;
    let row = Settlement {
        id,
        merchant,
        currency: currency.number(),
        day: due.day,
        value_day: desk.policies().business_days_after(due.day, terms.days),
        state: if paid { SettlementState::Scheduled } else { SettlementState::Carried },
        lines: (due.from.0, due.period.last),
        balances: (due.from.1, due.period.closing),
        totals: due.period.totals,
        shares: parts,
        owed: facts.owed - parts.repaid,
        payout: None,
        created: uow.now(),
    };
    let release = desk.zone().start_of(due.day.plus_days(i32::try_from(terms.reserve_days).unwrap_or(i32::MAX)));
    write(desk, uow, &row, release)
}

/// Fees under gross terms are collected with the first settlement of a month.
fn new_month(due: &Due) -> bool {
    let month = |day: BookingDate| (day.ymd().0, day.ymd().1);
    due.before.is_some_and(|before| month(before) != month(due.day))
}

/// The account of the bank's claim for fees under gross terms.
fn open_claim(desk: &Desk, uow: &mut Uow<'_, '_>, account: &MerchantAccount) -> Result<AccountNo, StoreError> {
    let now = uow.now();
    let opened = uow.open_account(&NewAccount {
        id: desk.new_id(now),
        book: BookNo::of(0, account.currency.number()),
        class: Class::Asset,
        gl_code: chart::GL_MERCHANT_RECEIVABLES.to_owned(),
        product: "merchant_fees".to_owned(),
        owner: Some(account.merchant.as_u128()),
        floor: Floor::None,
        groups: [GroupNo::NONE; 2],
        receivable: AccountNo(0),
    })?;
    let opened = opened.ok_or(StoreError::Corrupt { table: "account", finding: "a fresh account's id is taken" })?;
    records::insert_claim(uow, account.merchant, account.currency.number(), opened)?;
    Ok(opened)
}

/// Posts where the money goes. False when the ledger refuses, because the account is frozen or closed.
fn post(
    desk: &Desk,
    uow: &mut Uow<'_, '_>,
    (due, id): (&Due, Id<kinds::Settlement>),
    (accounts, parts): (&Accounts, &Shares),
) -> Result<bool, StoreError> {
    let from = due.account.account;
    let steps = payments::moves(&[
        (accounts.claim, from, parts.fees_put_back, Count::No),
        (from, accounts.receivable, parts.repaid, Count::No),
        (from, accounts.claim, parts.fees_collected, Count::No),
        (from, due.account.reserve, parts.reserved, Count::No),
        (from, accounts.clearing, parts.paid_out, Count::No),
    ]);
    if steps.is_empty() {
        return Ok(true);
    }
    let (principal, channel, cause) = (Principal::System, Channel::Job, id.as_u128());
    let entry = entries::draft(desk, uow, Intent { kind: EntryKind::Settlement, principal, channel, cause }, steps);
    Ok(uow.post(&entry)?.is_ok())
}

fn write(desk: &Desk, uow: &mut Uow<'_, '_>, row: &Settlement, release: Timestamp) -> Result<(), StoreError> {
    records::insert(uow, row)?;
    if row.shares.paid_out > 0 {
        uow.schedule(desk.zone().start_of(row.value_day), JOB_SEND, row.id.as_u128())?;
    }
    if row.shares.reserved > 0 {
        uow.schedule(release, JOB_RELEASE, row.id.as_u128())?;
    }
    tell(desk, uow, "settlement.created", row);
    Ok(())
}

/// Tells the merchant what happened to a settlement.
pub(super) fn tell(desk: &Desk, uow: &mut Uow<'_, '_>, kind: &'static str, row: &Settlement) {
    let currency = desk.currencies().by_number(row.currency).map_or_else(String::new, |found| found.code().to_owned());
    let body = format!(
        "{{\"settlement\":\"{}\",\"merchant\":\"{}\",\"day\":\"{}\",\"paid_out_minor\":{},\"currency\":\"{currency}\"}}",
        row.id, row.merchant, row.day, row.shares.paid_out
    );
    let owner = Some(row.merchant.as_u128());
    uow.emit(NewEvent { kind, version: 1, owner, subject: row.id.as_u128(), body });
}
