//! Payouts: money from the wallet to a linked bank account.

use super::wallets::wallet_of;
use crate::dto::{Cursor, Day, Listing, Moment, Money, Page, ids, page};
use bank::Currencies;
use bank::entries::Channel;
use bank::payouts::{self, PayoutView, StartPayout};
use edge::caller::AsCustomer;
use edge::reply::{self, Handled, Reply};
use edge::{Command, Params, PathId, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocabulary::kinds;

/// A payout to be started.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"bank_account": "bac_06f5t2c9wk7v1xq4mz8rhd3bne", "amount": {"amount": "50.00", "currency": "CNY"}}))]
pub struct NewPayout {
    /// To which linked bank account.
    pub bank_account: ids::BankAccount,
    /// How much is to arrive; a fee comes on top.
    pub amount: Money,
    /// The quote to be redeemed: the fee is the one it names.
    pub quote: Option<ids::Quote>,
}

/// A payout.
#[derive(Debug, Serialize, ToSchema)]
pub struct Payout {
    /// Its id.
    pub id: ids::Payout,
    /// To which bank account.
    pub bank_account: ids::BankAccount,
    /// What was asked.
    pub amount: Money,
    /// The fee on top of it, tax included.
    pub fee: Money,
    /// What the bank paid.
    pub paid: Money,
    /// Its state.
    #[schema(value_type = PayoutState)]
    pub state: payouts::PayoutState,
    /// Under which id the bank knows it.
    pub end_to_end_id: String,
    /// When it was asked for.
    pub created_at: Moment,
    /// By then it is final, or under investigation.
    pub decided_by: Moment,
    /// Under investigation: when we look next.
    pub next_date: Option<Day>,
    /// When it became final.
    pub ended_at: Option<Moment>,
    /// Why it failed or came back, in the bank's words.
    pub reason: Option<String>,
}

/// The state of a payout.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used: the bank's own state is written")]
pub enum PayoutState {
    /// It waits to be handed to the bank.
    Created,
    /// The bank has it.
    Instructed,
    /// No result came in time; it is looked into until the next date.
    UnderInvestigation,
    /// The bank refused; the money is back.
    Failed,
    /// The bank paid it.
    Paid,
    /// It came back later.
    Returned,
}

pub(crate) fn show(currencies: &Currencies, view: PayoutView) -> Payout {
    let amount = |minor| Money::of(currencies, minor, &view.currency);
    Payout {
        id: view.id.into(),
        bank_account: view.bank_account.into(),
        amount: amount(view.amount_minor),
        fee: amount(view.fee_minor),
        paid: amount(view.paid_minor),
        state: view.state,
        end_to_end_id: view.end_to_end_id,
        created_at: view.created_at.into(),
        decided_by: view.decided_by.into(),
        next_date: view.next_date.map(Day),
        ended_at: view.ended_at.map(Moment),
        reason: view.reason,
    }
}

/// Start a payout
///
/// The bank's result comes later; by `decided_by` it is final or under investigation.
#[utoipa::path(post, path = "/v1/payouts", tag = "payouts", request_body = NewPayout,
    responses((status = 201, description = "The payout.", body = Payout)))]
pub async fn create(who: AsCustomer, command: Command<NewPayout>) -> Handled<Payout> {
    let (wish, body) = who.wish("payouts.create", command);
    let (start, quote) = (command_of(&who, &body, "/amount").await?, body.quote.map(|quote| quote.0));
    let currencies = who.bank.currencies();
    let answer = payouts::start_quoted(&who.bank, wish, start, quote).await;
    reply::created(&who.bank, answer, |view| show(&currencies, view))
}

/// The bank's command for a payout; `at` points at its amount.
///
/// # Errors
/// What is wrong with the fields.
pub(crate) async fn command_of(who: &AsCustomer, body: &NewPayout, at: &str) -> Result<StartPayout, Problem> {
    let amount = body.amount.positive(&who.bank, at)?;
    let wallet = wallet_of(&who.bank, who.customer()).await?;
    Ok(StartPayout { wallet, bank_account: body.bank_account.0, amount, channel: Channel::Api })
}

/// Look at a payout
#[utoipa::path(get, path = "/v1/payouts/{payout}", tag = "payouts",
    responses((status = 200, description = "The payout.", body = Payout)))]
pub async fn get(who: AsCustomer, PathId(id): PathId<kinds::Payout>) -> Handled<Payout> {
    let customer = who.customer();
    let found = payouts::find(&who.bank, id).await?;
    let view = reply::found(Ok(found.filter(|view| view.customer == Some(customer))))?;
    Ok(Reply::ok(show(&who.bank.currencies(), view)))
}

/// List payouts
#[utoipa::path(get, path = "/v1/payouts", tag = "payouts", params(Listing),
    responses((status = 200, description = "Newest first.", body = Page<Payout>)))]
pub async fn list(who: AsCustomer, Params(listing): Params<Listing>) -> Handled<Page<Payout>> {
    let (owner, before, limit) = (who.principal(), listing.before()?, listing.rows()?);
    let rows = payouts::list(&who.bank, owner, before, limit).await?;
    let currencies = who.bank.currencies();
    page(rows, limit, |row| Cursor::after(row.id), |view| show(&currencies, view))
}
