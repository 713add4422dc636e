//! Settlements: what went to the merchant's bank, and of what it is made.

use crate::dto::{Balance, Cursor, Listing, Moment, Page, Ref, ids, page};
use crate::v1::statements::csv;
use axum::response::Response;
use bank::settlement::{self, SettlementView, StatementItem};
use bank::{BankError, Currencies};
use edge::caller::{AsMerchant, SettlementsRead};
use edge::reply::{self, Handled, Reply};
use edge::{Params, PathId, Problem, blocking};
use serde::Serialize;
use utoipa::ToSchema;
use vocabulary::kinds;

/// A settlement.
#[derive(Debug, Serialize, ToSchema)]
pub struct Settlement {
    /// Its id.
    pub id: ids::Settlement,
    /// The day it settles.
    #[schema(format = Date, example = "2026-11-22")]
    pub day: String,
    /// The day on which the money reaches the merchant's bank.
    #[schema(format = Date, example = "2026-11-23")]
    pub value_day: String,
    /// Its state.
    #[schema(value_type = SettlementState)]
    pub state: settlement::SettlementState,
    /// The balance before.
    pub opening: Balance,
    /// Received from payers.
    pub payments: Balance,
    /// Given back to payers.
    pub refunds: Balance,
    /// Taken back by disputes.
    pub charge_backs: Balance,
    /// Fees, less what refunds gave back.
    pub fees: Balance,
    /// Tax on them.
    pub tax: Balance,
    /// Lent by the reserve, or released from it.
    pub from_reserve: Balance,
    /// Anything else, in less out.
    pub other: Balance,
    /// The balance at the cut-off.
    pub closing: Balance,
    /// Put into the reserve.
    pub reserved: Balance,
    /// Repaid to the bank.
    pub repaid: Balance,
    /// To the merchant's bank.
    pub paid_out: Balance,
    /// What the merchant still owes the bank, carried forward.
    pub owed: Balance,
    /// The payout that carries it.
    pub payout: Option<ids::Payout>,
    /// When it was made.
    pub created_at: Moment,
}

/// The state of a settlement.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used: the bank's own state is written")]
pub enum SettlementState {
    /// Its value day has not come.
    Scheduled,
    /// Its payout was handed to the bank.
    Sent,
    /// Nothing is paid out: it is carried forward.
    Carried,
    /// The payout could not be made, or came back; the next settlement finds the money on the merchant's account.
    Returned,
}

/// A settlement with its newest items.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettlementItems {
    /// The settlement.
    pub settlement: Settlement,
    /// Its newest items, at most 1,000; all are in the CSV.
    pub items: Vec<SettlementItem>,
}

/// One item of a settlement, from the merchant's side.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettlementItem {
    /// When.
    pub at: Moment,
    /// What it was.
    #[schema(example = "payment")]
    pub r#type: String,
    /// The payment, refund or other object.
    #[schema(example = "pay_06f5t2c9wk7v1xq4mz8rhd3bne")]
    pub subject: String,
    /// In less out, fee and tax aside.
    pub gross: Balance,
    /// Fee taken; negative when given back.
    pub fee: Balance,
    /// Tax taken; negative when given back.
    pub tax: Balance,
    /// What it changed of the balance.
    pub net: Balance,
}

fn show(currencies: &Currencies, view: SettlementView) -> Settlement {
    let amount = |minor: i64| Balance::of(currencies, minor, &view.currency);
    Settlement {
        id: view.id.into(),
        day: view.day,
        value_day: view.value_day,
        state: view.state,
        opening: amount(view.opening),
        payments: amount(view.totals.payments),
        refunds: amount(view.totals.refunds),
        charge_backs: amount(view.totals.charge_backs),
        fees: amount(view.totals.fees),
        tax: amount(view.totals.tax),
        from_reserve: amount(view.totals.from_reserve),
        other: amount(view.totals.other),
        closing: amount(view.closing),
        reserved: amount(view.shares.reserved),
        repaid: amount(view.shares.repaid),
        paid_out: amount(view.shares.paid_out),
        owed: amount(view.owed),
        payout: view.payout.map(Ref),
        created_at: view.created_at.into(),
    }
}

fn show_item(currencies: &Currencies, item: StatementItem, code: &str) -> SettlementItem {
    let amount = |minor: i64| Balance::of(currencies, minor, code);
    SettlementItem {
        at: item.at.into(),
        r#type: item.kind,
        subject: item.subject,
        gross: amount(item.gross),
        fee: amount(item.fee),
        tax: amount(item.tax),
        net: amount(item.net),
    }
}

/// List settlements
#[utoipa::path(get, path = "/v1/settlements", tag = "settlements", params(Listing),
    responses((status = 200, description = "Newest first.", body = Page<Settlement>)))]
pub async fn list(who: AsMerchant<SettlementsRead>, Params(listing): Params<Listing>) -> Handled<Page<Settlement>> {
    let (before, limit) = (listing.before()?, listing.rows()?);
    let (merchant, currencies) = (who.merchant(), who.bank.currencies());
    let known = who.bank.currencies();
    let rows = who.bank.store().read(move |snapshot| {
        let found = settlement::list(snapshot.reading(), merchant, before, limit)?;
        Ok(found.iter().map(|row| row.view(&known)).collect::<Vec<_>>())
    });
    let rows = rows.await.map_err(BankError::from)?;
    page(rows, limit, |row| Cursor::after(row.id), |view| show(&currencies, view))
}

/// Look at a settlement and its items
#[utoipa::path(get, path = "/v1/settlements/{settlement}", tag = "settlements",
    responses((status = 200, description = "The settlement.", body = SettlementItems)))]
pub async fn get(who: AsMerchant<SettlementsRead>, PathId(id): PathId<kinds::Settlement>) -> Handled<SettlementItems> {
    let merchant = who.merchant();
    let found = blocking(&who.bank, move |bank| settlement::statement(bank, id, 1_000)).await?;
    let view = reply::found(Ok(found.filter(|view| view.settlement.merchant == merchant)))?;
    let currencies = who.bank.currencies();
    let code = view.settlement.currency.clone();
    let items = view.items.into_iter().map(|item| show_item(&currencies, item, &code)).collect();
    Ok(Reply::ok(SettlementItems { settlement: show(&currencies, view.settlement), items }))
}

/// A settlement's items as CSV
#[utoipa::path(get, path = "/v1/settlements/{settlement}/items.csv", tag = "settlements",
    responses((status = 200, description = "RFC 4180 with a header row.", body = String, content_type = "text/csv")))]
pub async fn items(
    who: AsMerchant<SettlementsRead>,
    PathId(id): PathId<kinds::Settlement>,
) -> Result<Response, Problem> {
    let merchant = who.merchant();
    let own = who.bank.store().read(move |snapshot| {
        Ok(settlement::by_id(snapshot.reading(), id)?.filter(|row| row.merchant == merchant).map(|row| row.id))
    });
    let id = reply::found(own.await.map_err(BankError::from))?;
    let text = blocking(&who.bank, move |bank| settlement::csv(bank, id)).await?;
    Ok(csv(reply::found(Ok(text))?))
}
