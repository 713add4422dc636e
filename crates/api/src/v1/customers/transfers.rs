//! Transfers between people: look the payee up, send, look, take back.

use super::wallets::wallet_of;
use crate::dto::{Cursor, Listing, Moment, Money, Page, Ref, ids, page};
use bank::entries::Channel;
use bank::transfers::{self, PayeeRef, Send, TransferView};
use bank::{Bank, Currencies};
use edge::caller::AsCustomer;
use edge::reply::{self, Handled, Reply};
use edge::{BareCommand, Command, Params, PathId, Problem, Strict};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocabulary::{ErrorCode, Id, kinds};

/// Who is to be paid: exactly one of the two.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"alias": "+8613800000002"}))]
pub struct PayeeName {
    /// A phone number, e-mail address or handle.
    #[schema(min_length = 1, max_length = 254)]
    pub alias: Option<String>,
    /// A wallet.
    pub wallet: Option<ids::Wallet>,
}

/// What a payer sees before sending.
#[derive(Debug, Serialize, ToSchema)]
pub struct Payee {
    /// The payee's name, masked; null when nobody holds the alias yet.
    #[schema(example = "L* Wei")]
    pub masked_name: Option<String>,
    /// Whether the money would wait for somebody to prove that the alias is theirs.
    pub unclaimed: bool,
    /// To be sent with the transfer.
    pub confirmation: String,
    /// Until when it holds.
    pub expires_at: Moment,
}

/// A transfer to be sent.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"alias": "+8613800000002", "confirmation": "1774500000000000.0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "amount": {"amount": "8.88", "currency": "CNY"}}))]
pub struct NewTransfer {
    /// A phone number, e-mail address or handle.
    #[schema(min_length = 1, max_length = 254)]
    pub alias: Option<String>,
    /// A wallet.
    pub wallet: Option<ids::Wallet>,
    /// What the look-up gave.
    #[schema(max_length = 128)]
    pub confirmation: Option<String>,
    /// How much.
    pub amount: Money,
    /// The quote to be redeemed: the fee is the one it names.
    pub quote: Option<ids::Quote>,
}

/// A transfer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Transfer {
    /// Its id.
    pub id: ids::Transfer,
    /// `sent` or `received`.
    #[schema(example = "sent")]
    pub direction: &'static str,
    /// Who has it; null while it waits or when it went back.
    pub payee_wallet: Option<ids::Wallet>,
    /// What the payee gets.
    pub amount: Money,
    /// The fee, tax included; only the sender sees it.
    pub fee: Option<Money>,
    /// Its state.
    #[schema(value_type = TransferState)]
    pub state: transfers::TransferState,
    /// When it was sent.
    pub created_at: Moment,
    /// While it waits: when it goes back.
    pub returns_at: Option<Moment>,
    /// When it became final.
    pub ended_at: Option<Moment>,
}

/// The state of a transfer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used: the bank's own state is written")]
pub enum TransferState {
    /// Nobody holds the alias yet.
    Waiting,
    /// The payee has it.
    Completed,
    /// The alias found its holder, who has it.
    Claimed,
    /// Nobody claimed it in time: the sender has it again.
    Returned,
    /// The sender took it back while it waited.
    Cancelled,
}

fn payee_of(alias: Option<String>, wallet: Option<ids::Wallet>) -> Result<PayeeRef, Problem> {
    match (alias, wallet) {
        (Some(alias), None) => Ok(PayeeRef::Alias(alias)),
        (None, Some(wallet)) => Ok(PayeeRef::Wallet(wallet.0)),
        (None, None) => Err(Problem::because(ErrorCode::MissingField, "Name the payee: alias or wallet.").at("/alias")),
        (Some(_), Some(_)) => {
            Err(Problem::because(ErrorCode::InvalidField, "Name the payee once: alias or wallet.").at("/wallet"))
        }
    }
}

fn show(currencies: &Currencies, view: TransferView, whose: Id<kinds::Customer>) -> Transfer {
    let amount = |minor| Money::of(currencies, minor, &view.currency);
    let sent = view.payer == whose;
    Transfer {
        id: view.id.into(),
        direction: if sent { "sent" } else { "received" },
        payee_wallet: view.payee_wallet.map(Ref),
        amount: amount(view.amount_minor),
        fee: sent.then(|| amount(view.fee_minor)),
        state: view.state,
        created_at: view.created_at.into(),
        returns_at: view.returns_at.map(Moment),
        ended_at: view.ended_at.map(Moment),
    }
}

/// The bank's command for a transfer.
///
/// # Errors
/// What is wrong with the fields.
pub(crate) async fn command_of(bank: &Bank, customer: Id<kinds::Customer>, body: NewTransfer) -> Result<Send, Problem> {
    let payee = payee_of(body.alias, body.wallet)?;
    let amount = body.amount.positive(bank, "/amount")?;
    let wallet = wallet_of(bank, customer).await?;
    Ok(Send { wallet, payee, confirmation: body.confirmation, amount, channel: Channel::Api })
}

/// Look a payee up
///
/// Gives the masked name to show to the payer, and the confirmation that a transfer needs.
#[utoipa::path(post, path = "/v1/payees/lookup", tag = "transfers", request_body = PayeeName,
    responses((status = 200, description = "The payee.", body = Payee)))]
pub async fn look_up(who: AsCustomer, Strict(body): Strict<PayeeName>) -> Handled<Payee> {
    let (payee, payer) = (payee_of(body.alias, body.wallet)?, who.customer());
    let found = transfers::look_up(&who.bank, payer, &payee).await?;
    let view = found.map_err(|refusal| Problem::refused(&who.bank, refusal))?;
    Ok(Reply::ok(Payee {
        masked_name: view.masked_name,
        unclaimed: view.unclaimed,
        confirmation: view.confirmation,
        expires_at: view.expires_at.into(),
    }))
}

/// Send money to a person
///
/// Money for an alias that nobody holds yet waits a day and then goes back.
#[utoipa::path(post, path = "/v1/transfers", tag = "transfers", request_body = NewTransfer,
    responses((status = 201, description = "The transfer.", body = Transfer)))]
pub async fn create(who: AsCustomer, command: Command<NewTransfer>) -> Handled<Transfer> {
    let (wish, body) = who.wish("transfers.create", command);
    let quote = body.quote.map(|quote| quote.0);
    let send = command_of(&who.bank, who.customer(), body).await?;
    let currencies = who.bank.currencies();
    let answer = transfers::send_quoted(&who.bank, wish, send, quote).await;
    reply::created(&who.bank, answer, |view| show(&currencies, view, who.customer()))
}

/// Look at a transfer
#[utoipa::path(get, path = "/v1/transfers/{transfer}", tag = "transfers",
    responses((status = 200, description = "The transfer.", body = Transfer)))]
pub async fn get(who: AsCustomer, PathId(id): PathId<kinds::Transfer>) -> Handled<Transfer> {
    let customer = who.customer();
    let found = transfers::find(&who.bank, id).await?;
    let own = found.filter(|view| view.payer == customer || view.payee == Some(customer));
    Ok(Reply::ok(show(&who.bank.currencies(), reply::found(Ok(own))?, customer)))
}

/// List transfers
#[utoipa::path(get, path = "/v1/transfers", tag = "transfers", params(Listing),
    responses((status = 200, description = "Sent and received, newest first.", body = Page<Transfer>)))]
pub async fn list(who: AsCustomer, Params(listing): Params<Listing>) -> Handled<Page<Transfer>> {
    let (customer, before, limit) = (who.customer(), listing.before()?, listing.rows()?);
    let rows = transfers::list(&who.bank, customer, before, limit).await?;
    let currencies = who.bank.currencies();
    page(rows, limit, |row| Cursor::after(row.id), |view| show(&currencies, view, customer))
}

/// Take a waiting transfer back
#[utoipa::path(post, path = "/v1/transfers/{transfer}/cancel", tag = "transfers",
    responses((status = 200, description = "The transfer.", body = Transfer)))]
pub async fn cancel(who: AsCustomer, PathId(id): PathId<kinds::Transfer>, command: BareCommand) -> Handled<Transfer> {
    let wish = who.bare_wish("transfers.cancel", command);
    let currencies = who.bank.currencies();
    let answer = transfers::cancel(&who.bank, wish, id).await;
    reply::done(&who.bank, answer, |view| show(&currencies, view, who.customer()))
}
