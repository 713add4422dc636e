//! Top-ups: money from a linked bank account into the wallet.

use super::wallets::wallet_of;
use crate::dto::{Cursor, Day, Listing, Moment, Money, Page, ids, page};
use bank::Currencies;
use bank::entries::Channel;
use bank::topups::{self, StartTopUp, TopUpView};
use edge::caller::AsCustomer;
use edge::reply::{self, Handled, Reply};
use edge::{Command, Params, PathId, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocabulary::kinds;

/// A top-up to be started.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"bank_account": "bac_06f5t2c9wk7v1xq4mz8rhd3bne", "amount": {"amount": "100.00", "currency": "CNY"}}))]
pub struct NewTopUp {
    /// From which linked bank account.
    pub bank_account: ids::BankAccount,
    /// How much; a fee, if there is one, is taken from it.
    pub amount: Money,
    /// The quote to be redeemed: the fee is the one it names.
    pub quote: Option<ids::Quote>,
}

/// A top-up.
#[derive(Debug, Serialize, ToSchema)]
pub struct TopUp {
    /// Its id.
    pub id: ids::TopUp,
    /// Into which wallet.
    pub wallet: ids::Wallet,
    /// From which bank account.
    pub bank_account: ids::BankAccount,
    /// How much was asked.
    pub amount: Money,
    /// The fee, tax included.
    pub fee: Money,
    /// What the wallet got.
    pub credited: Money,
    /// Its state.
    #[schema(value_type = TopUpState)]
    pub state: topups::TopUpState,
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

/// The state of a top-up.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used: the bank's own state is written")]
pub enum TopUpState {
    /// It waits to be handed to the bank.
    Created,
    /// The bank has it.
    Instructed,
    /// No result came in time; it is looked into until the next date.
    UnderInvestigation,
    /// The bank refused; no money moved.
    Failed,
    /// The wallet has it.
    Succeeded,
    /// The bank took it back.
    Returned,
}

pub(crate) fn show(currencies: &Currencies, view: TopUpView) -> TopUp {
    let amount = |minor| Money::of(currencies, minor, &view.currency);
    TopUp {
        id: view.id.into(),
        wallet: view.wallet.into(),
        bank_account: view.bank_account.into(),
        amount: amount(view.amount_minor),
        fee: amount(view.fee_minor),
        credited: amount(view.credited_minor),
        state: view.state,
        end_to_end_id: view.end_to_end_id,
        created_at: view.created_at.into(),
        decided_by: view.decided_by.into(),
        next_date: view.next_date.map(Day),
        ended_at: view.ended_at.map(Moment),
        reason: view.reason,
    }
}

/// Start a top-up
///
/// The bank's result comes later; by `decided_by` it is final or under investigation.
#[utoipa::path(post, path = "/v1/top-ups", tag = "top-ups", request_body = NewTopUp,
    responses((status = 201, description = "The top-up.", body = TopUp)))]
pub async fn create(who: AsCustomer, command: Command<NewTopUp>) -> Handled<TopUp> {
    let (wish, body) = who.wish("top_ups.create", command);
    let (start, quote) = (command_of(&who, &body, "/amount").await?, body.quote.map(|quote| quote.0));
    let currencies = who.bank.currencies();
    let answer = topups::start_quoted(&who.bank, wish, start, quote).await;
    reply::created(&who.bank, answer, |view| show(&currencies, view))
}

/// The bank's command for a top-up; `at` points at its amount.
///
/// # Errors
/// What is wrong with the fields.
pub(crate) async fn command_of(who: &AsCustomer, body: &NewTopUp, at: &str) -> Result<StartTopUp, Problem> {
    let amount = body.amount.positive(&who.bank, at)?;
    let wallet = wallet_of(&who.bank, who.customer()).await?;
    Ok(StartTopUp { wallet, bank_account: body.bank_account.0, amount, channel: Channel::Api })
}

/// Look at a top-up
#[utoipa::path(get, path = "/v1/top-ups/{top_up}", tag = "top-ups",
    responses((status = 200, description = "The top-up.", body = TopUp)))]
pub async fn get(who: AsCustomer, PathId(id): PathId<kinds::TopUp>) -> Handled<TopUp> {
    let customer = who.customer();
    let found = topups::find(&who.bank, id).await?;
    let view = reply::found(Ok(found.filter(|view| view.customer == customer)))?;
    Ok(Reply::ok(show(&who.bank.currencies(), view)))
}

/// List top-ups
#[utoipa::path(get, path = "/v1/top-ups", tag = "top-ups", params(Listing),
    responses((status = 200, description = "Newest first.", body = Page<TopUp>)))]
pub async fn list(who: AsCustomer, Params(listing): Params<Listing>) -> Handled<Page<TopUp>> {
    let (customer, before, limit) = (who.customer(), listing.before()?, listing.rows()?);
    let rows = topups::list(&who.bank, customer, before, limit).await?;
    let currencies = who.bank.currencies();
    page(rows, limit, |row| Cursor::after(row.id), |view| show(&currencies, view))
}
