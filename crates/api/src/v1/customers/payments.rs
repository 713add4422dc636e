//! Payments as the payer makes and sees them.

use super::wallets::wallet_of;
use crate::dto::{Cursor, Money, Page, ids, page};
use crate::v1::payments::{Payment, Side, show};
use bank::entries::Channel;
use bank::payments::{self, AuthorizeCommand, DisputeView, OpenDispute, PayCommand, Target};
use bank::{Bank, BankError, codes, wallets};
use edge::caller::AsCustomer;
use edge::reply::{self, Handled, Reply};
use edge::{Command, Params, PathId, Problem, Strict};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vocabulary::{ErrorCode, kinds};

/// A payment to be made. Who is paid stands in exactly one of `order`, `qr`, `store`, `merchant`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"merchant": "mer_06f5t2c9wk7v1xq4mz8rhd3bne", "amount": {"amount": "25.00", "currency": "CNY"}}))]
pub struct NewPayment {
    /// From which wallet; the caller's own when absent.
    pub wallet: Option<ids::Wallet>,
    /// An order.
    pub order: Option<ids::Order>,
    /// The text of a scanned code.
    #[schema(max_length = 4096)]
    pub qr: Option<String>,
    /// A store.
    pub store: Option<ids::Store>,
    /// A merchant.
    pub merchant: Option<ids::Merchant>,
    /// How much; an order knows its own amount.
    pub amount: Option<Money>,
    /// A reference, unique for ever among the merchant's payments.
    #[schema(min_length = 1, max_length = 64)]
    pub reference: Option<String>,
    /// What it is for.
    #[schema(max_length = 200)]
    pub description: Option<String>,
    /// The quote that the payer accepted; it serves once.
    pub quote: Option<ids::Quote>,
    /// Set the amount aside instead, for the merchant to capture.
    #[serde(default)]
    pub hold: bool,
    /// How long the amount is set aside at most.
    #[schema(minimum = 1, maximum = 31_622_400)]
    pub hold_seconds: Option<u32>,
}

/// A code to be looked at before paying.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"qr": "000201010211…"}))]
pub struct ScannedCode {
    /// The text of the code.
    #[schema(min_length = 1, max_length = 4096)]
    pub qr: String,
}

/// What a code of this bank asks for.
#[derive(Debug, Serialize, ToSchema)]
pub struct CodeMeaning {
    /// Who is paid.
    pub merchant: ids::Merchant,
    /// The merchant's name.
    #[schema(example = "Noodle House")]
    pub merchant_name: String,
    /// At which store.
    pub store: Option<ids::Store>,
    /// Which order.
    pub order: Option<ids::Order>,
    /// The currency's code.
    #[schema(example = "CNY")]
    pub currency: String,
    /// How much; null when the payer names it.
    pub amount: Option<Money>,
}

/// Which payments.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PaymentListing {
    /// In which currency; that of the first account when absent.
    #[param(pattern = "^[A-Z0-9]{2,8}$")]
    pub currency: Option<String>,
    /// How many rows at most, 1 to 100; 20 when absent.
    #[param(minimum = 1, maximum = 100, example = 20)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(max_length = 64)]
    pub cursor: Option<String>,
}

impl PaymentListing {
    pub(crate) fn listing(&self) -> crate::dto::Listing {
        crate::dto::Listing { limit: self.limit, cursor: self.cursor.clone() }
    }
}

/// A dispute to be opened.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"amount": {"amount": "25.00", "currency": "CNY"}}))]
pub struct NewDispute {
    /// How much of the payment.
    pub amount: Money,
}

/// A dispute.
#[derive(Debug, Serialize, ToSchema)]
pub struct Dispute {
    /// Its id.
    pub id: ids::Dispute,
    /// About which payment.
    pub payment: ids::Payment,
    /// How much.
    pub amount: Money,
    /// `open`, or who won.
    #[schema(value_type = String, example = "open")]
    pub state: serde_json::Value,
}

pub(crate) fn show_dispute(currencies: &bank::Currencies, view: DisputeView, code: &str) -> Dispute {
    Dispute {
        id: view.id.into(),
        payment: view.payment.into(),
        amount: Money::of(currencies, view.amount, code),
        state: serde_json::to_value(view.state).unwrap_or_default(),
    }
}

async fn target_of(bank: &Bank, body: &NewPayment) -> Result<Target, Problem> {
    match (body.order, &body.qr, body.store, body.merchant) {
        (Some(order), None, None, None) => Ok(Target::Order(order.0)),
        (None, None, Some(store), None) => Ok(Target::Store(store.0)),
        (None, None, store, Some(merchant)) => Ok(Target::Merchant(merchant.0, store.map(|store| store.0))),
        (None, Some(text), None, None) => {
            let scanned = codes::resolve(bank, text).await?.map_err(|no| Problem::refused(bank, no))?;
            Ok(match (scanned.order, scanned.store) {
                (Some(order), _) => Target::Order(order.id),
                (None, Some(store)) => Target::Store(store.id),
                (None, None) => Target::Merchant(scanned.merchant, None),
            })
        }
        (None, None, None, None) => {
            Err(Problem::because(ErrorCode::MissingField, "Say who is paid: send one of order, qr, store, merchant.")
                .at("/order"))
        }
        _ => Err(Problem::because(
            ErrorCode::InvalidField,
            "Say once who is paid: send one of order, qr, store, merchant.",
        )
        .at("/order")),
    }
}

/// The bank's command for a payment.
///
/// # Errors
/// What is wrong with the fields.
pub(crate) async fn command_of(who: &AsCustomer, key: Option<String>, body: NewPayment) -> Result<PayCommand, Problem> {
    let bank = &who.bank;
    let target = target_of(bank, &body).await?;
    let amount = body.amount.as_ref().map(|amount| amount.positive(bank, "/amount")).transpose()?;
    let wallet = match body.wallet {
        Some(wallet) => wallet.0,
        None => wallet_of(bank, who.customer()).await?,
    };
    Ok(PayCommand {
        principal: who.principal(),
        key,
        channel: Channel::Api,
        wallet,
        target,
        amount,
        reference: body.reference,
        description: body.description,
        quote: body.quote.map(|quote| quote.0),
    })
}

/// For how long the amount is to be set aside.
///
/// # Errors
/// When nothing is to be set aside.
pub(crate) fn hold_seconds(body: &NewPayment) -> Result<Option<u32>, Problem> {
    if body.hold_seconds.is_some() && !body.hold {
        return Err(Problem::because(ErrorCode::InvalidField, "Send hold_seconds with hold only.").at("/hold_seconds"));
    }
    Ok(body.hold_seconds)
}

/// Pay a merchant
///
/// At once, or with `hold` for the merchant to capture later.
#[utoipa::path(post, path = "/v1/payments", tag = "payments", request_body = NewPayment,
    responses((status = 201, description = "The payment.", body = Payment)))]
pub async fn create(who: AsCustomer, command: Command<NewPayment>) -> Handled<Payment> {
    let Command { key, body, .. } = command;
    let (hold, seconds) = (body.hold, hold_seconds(&body)?);
    let pay = command_of(&who, Some(key), body).await?;
    let answer = if hold {
        payments::authorize(&who.bank, AuthorizeCommand { pay, seconds }).await
    } else {
        payments::pay(&who.bank, pay).await
    };
    let currencies = who.bank.currencies();
    reply::created(&who.bank, answer, |view| show(&currencies, view, Side::Payer))
}

/// Look at a payment of one's own
#[utoipa::path(get, path = "/v1/payments/{payment}", tag = "payments",
    responses((status = 200, description = "The payment.", body = Payment)))]
pub async fn get(who: AsCustomer, PathId(id): PathId<kinds::Payment>) -> Handled<Payment> {
    let (customer, currencies) = (who.customer(), who.bank.currencies());
    let known = who.bank.currencies();
    let found = who.bank.store().read(move |snapshot| {
        let found = payments::by_id(snapshot.reading(), id)?.filter(|payment| payment.payer == customer);
        found.map(|payment| payments::view(snapshot, &known, &payment)).transpose()
    });
    let view = reply::found(found.await.map_err(BankError::from))?;
    Ok(Reply::ok(show(&currencies, view, Side::Payer)))
}

/// List one's own payments
#[utoipa::path(get, path = "/v1/payments", tag = "payments", params(PaymentListing),
    responses((status = 200, description = "Newest first.", body = Page<Payment>)))]
pub async fn list(who: AsCustomer, Params(params): Params<PaymentListing>) -> Handled<Page<Payment>> {
    let listing = params.listing();
    let (before, limit) = (listing.before()?, listing.rows()?);
    let currencies = who.bank.currencies();
    let currency = match &params.currency {
        Some(code) => currencies.parse(code).map_err(|code| Problem::new(code).at("currency"))?,
        None => first_currency(&who).await?,
    };
    let wallet = wallet_of(&who.bank, who.customer()).await?;
    let account = reply::found(wallets::find(&who.bank, wallet, currency).await)?.account;
    let known = who.bank.currencies();
    let rows = who.bank.store().read(move |snapshot| {
        let found = payments::list_by_account(snapshot, account, before, limit as usize)?;
        found.iter().map(|payment| payments::view(snapshot, &known, payment)).collect::<Result<Vec<_>, _>>()
    });
    let rows = rows.await.map_err(BankError::from)?;
    page(rows, limit, |row| Cursor::after(row.id), |view| show(&currencies, view, Side::Payer))
}

async fn first_currency(who: &AsCustomer) -> Result<money::Currency, Problem> {
    let wallet = wallet_of(&who.bank, who.customer()).await?;
    let view = reply::found(wallets::view(&who.bank, wallet).await)?;
    let code = view.accounts.first().map(|account| account.currency.clone()).unwrap_or_default();
    who.bank.currencies().parse(&code).map_err(Problem::new)
}

/// Look at a code before paying
///
/// Says whom a code of this bank pays. Moves nothing.
#[utoipa::path(post, path = "/v1/codes/resolve", tag = "codes", request_body = ScannedCode,
    responses((status = 200, description = "What the code asks for.", body = CodeMeaning)))]
pub async fn resolve(who: AsCustomer, Strict(body): Strict<ScannedCode>) -> Handled<CodeMeaning> {
    let found = codes::resolve(&who.bank, &body.qr).await?;
    let view = found.map_err(|refusal| Problem::refused(&who.bank, refusal))?;
    let currencies = who.bank.currencies();
    Ok(Reply::ok(CodeMeaning {
        merchant: view.merchant.into(),
        merchant_name: view.merchant_name,
        store: view.store.map(|store| store.id.into()),
        order: view.order.map(|order| order.id.into()),
        amount: view.amount.map(|minor| Money::of(&currencies, minor, &view.currency)),
        currency: view.currency,
    }))
}

/// Dispute a payment
#[utoipa::path(post, path = "/v1/payments/{payment}/disputes", tag = "payments", request_body = NewDispute,
    responses((status = 201, description = "The dispute; staff decide it.", body = Dispute)))]
pub async fn dispute(
    who: AsCustomer,
    PathId(payment): PathId<kinds::Payment>,
    command: Command<NewDispute>,
) -> Handled<Dispute> {
    let Command { key, body, .. } = command;
    let amount = body.amount.positive(&who.bank, "/amount")?;
    let open = OpenDispute { principal: who.principal(), key: Some(key), payment, amount: amount.minor() };
    let currencies = who.bank.currencies();
    let code = amount.currency().code().to_owned();
    reply::created(&who.bank, payments::open_dispute(&who.bank, open).await, |view| {
        show_dispute(&currencies, view, &code)
    })
}
