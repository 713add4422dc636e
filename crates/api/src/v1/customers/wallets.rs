//! The wallet: balances, further currencies, the person's own limits.

use crate::dto::{Balance, Money, ids};
use bank::policies::Limits as LimitRow;
use bank::wallets::{self, AccountView};
use bank::{Bank, BankError, Currencies};
use edge::caller::AsCustomer;
use edge::reply::{self, Handled, Reply};
use edge::{Command, Object, Problem, Strict};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocabulary::{Id, kinds};

/// A wallet with all balances of one moment.
#[derive(Debug, Serialize, ToSchema)]
pub struct Wallet {
    /// Its id.
    pub id: ids::Wallet,
    /// Its accounts.
    pub accounts: Vec<Account>,
}

/// An account.
#[derive(Debug, Serialize, ToSchema)]
pub struct Account {
    /// Its id.
    pub id: ids::Account,
    /// What is posted.
    pub posted: Balance,
    /// What is set aside for payments that are not captured yet.
    pub held: Balance,
    /// What can be spent.
    pub available: Balance,
    /// Which movements are frozen: `none`, `debit`, `credit` or `all`.
    #[schema(example = "none")]
    pub frozen: String,
    /// Whether it is closed.
    pub closed: bool,
}

/// An account to be opened.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"currency": "EUR"}))]
pub struct NewAccount {
    /// ISO 4217 code or a unit that the bank declared.
    #[schema(pattern = "^[A-Z0-9]{2,8}$")]
    pub currency: String,
}

/// An account was opened.
#[derive(Debug, Serialize, ToSchema)]
pub struct Opened {
    /// The wallet.
    pub wallet: ids::Wallet,
    /// The account.
    pub account: ids::Account,
    /// The currency's code.
    #[schema(example = "EUR")]
    pub currency: String,
}

/// Limits in one currency; null where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"out_movement": {"amount": "500.00", "currency": "CNY"}, "out_day": {"amount": "2000.00", "currency": "CNY"}}))]
pub struct LimitAmounts {
    /// Out, each movement.
    pub out_movement: Option<Money>,
    /// Out, a day.
    pub out_day: Option<Money>,
    /// Out, a month.
    pub out_month: Option<Money>,
    /// Out, a year.
    pub out_year: Option<Money>,
    /// In, each movement.
    pub in_movement: Option<Money>,
    /// In, a day.
    pub in_day: Option<Money>,
    /// In, a month.
    pub in_month: Option<Money>,
    /// In, a year.
    pub in_year: Option<Money>,
    /// The highest balance.
    pub balance: Option<Money>,
}

/// The limits that bind, by currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct Limits {
    /// One row for the person and one for each account, in each currency.
    pub data: Vec<BindingLimits>,
}

/// Limits that bind.
#[derive(Debug, Serialize, ToSchema)]
pub struct BindingLimits {
    /// The currency's code.
    #[schema(example = "CNY")]
    pub currency: String,
    /// `person` or `account`.
    #[schema(example = "person")]
    pub whose: &'static str,
    /// The limits: the bank's, lowered by the person's own.
    pub limits: LimitAmounts,
}

/// Limits of one's own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"currency": "CNY", "limits": {"out_day": {"amount": "2000.00", "currency": "CNY"}}}))]
pub struct OwnLimits {
    /// In which currency.
    #[schema(pattern = "^[A-Z0-9]{2,8}$")]
    pub currency: String,
    /// The limits; those that are absent are the bank's.
    #[schema(value_type = LimitAmounts)]
    pub limits: Object<LimitAmounts>,
}

/// The wallet of a customer.
///
/// # Errors
/// `not_found` for one who has none; trouble.
pub(crate) async fn wallet_of(bank: &Bank, customer: Id<kinds::Customer>) -> Result<Id<kinds::Wallet>, Problem> {
    let found = bank.store().read(move |snapshot| wallets::of_customer(snapshot.reading(), customer)).await;
    reply::found(found.map_err(BankError::from))
}

fn show_account(currencies: &Currencies, view: AccountView) -> Account {
    let amount = |minor: i64| Balance::of(currencies, minor, &view.currency);
    Account {
        id: view.id.into(),
        posted: amount(view.balance.posted_minor),
        held: amount(view.balance.held_minor),
        available: amount(view.balance.available_minor),
        frozen: view.frozen,
        closed: view.closed,
    }
}

/// Look at the wallet
///
/// All balances are of one moment.
#[utoipa::path(get, path = "/v1/wallet", tag = "wallets",
    responses((status = 200, description = "The wallet.", body = Wallet)))]
pub async fn get(who: AsCustomer) -> Handled<Wallet> {
    let wallet = wallet_of(&who.bank, who.customer()).await?;
    let view = reply::found(wallets::view(&who.bank, wallet).await)?;
    let currencies = who.bank.currencies();
    let accounts = view.accounts.into_iter().map(|account| show_account(&currencies, account)).collect();
    Ok(Reply::ok(Wallet { id: view.id.into(), accounts }))
}

/// Open an account in a further currency
#[utoipa::path(post, path = "/v1/wallet/accounts", tag = "wallets", request_body = NewAccount,
    responses((status = 201, description = "The account.", body = Opened)))]
pub async fn open(who: AsCustomer, command: Command<NewAccount>) -> Handled<Opened> {
    let (wish, body) = who.wish("wallets.open_account", command);
    let currency = who.bank.currencies().parse(&body.currency).map_err(|code| Problem::new(code).at("/currency"))?;
    let wallet = wallet_of(&who.bank, who.customer()).await?;
    reply::created(&who.bank, wallets::add_currency(&who.bank, wish, wallet, currency).await, |opened| Opened {
        wallet: opened.wallet.into(),
        account: opened.account.into(),
        currency: opened.currency,
    })
}

fn show_limits(currencies: &Currencies, code: &str, row: LimitRow) -> LimitAmounts {
    let amount = |minor: Option<i64>| minor.map(|minor| Money::of(currencies, minor, code));
    LimitAmounts {
        out_movement: amount(row.out_movement),
        out_day: amount(row.out_day),
        out_month: amount(row.out_month),
        out_year: amount(row.out_year),
        in_movement: amount(row.in_movement),
        in_day: amount(row.in_day),
        in_month: amount(row.in_month),
        in_year: amount(row.in_year),
        balance: amount(row.balance),
    }
}

fn read_limits(bank: &Bank, currency: money::Currency, limits: &LimitAmounts) -> Result<LimitRow, Problem> {
    let read = |amount: &Option<Money>, name: &str| -> Result<Option<i64>, Problem> {
        let Some(amount) = amount else { return Ok(None) };
        let at = format!("/limits/{name}");
        let amount = amount.read(bank, &at)?;
        if amount.currency() != currency {
            return Err(Problem::new(vocabulary::ErrorCode::CurrencyMismatch).at(format!("{at}/currency")));
        }
        Ok(Some(amount.minor()))
    };
    Ok(LimitRow {
        out_movement: read(&limits.out_movement, "out_movement")?,
        out_day: read(&limits.out_day, "out_day")?,
        out_month: read(&limits.out_month, "out_month")?,
        out_year: read(&limits.out_year, "out_year")?,
        in_movement: read(&limits.in_movement, "in_movement")?,
        in_day: read(&limits.in_day, "in_day")?,
        in_month: read(&limits.in_month, "in_month")?,
        in_year: read(&limits.in_year, "in_year")?,
        balance: read(&limits.balance, "balance")?,
    })
}

async fn binding(bank: &Bank, customer: Id<kinds::Customer>) -> Handled<Limits> {
    let currencies = bank.currencies();
    let rows = wallets::limits(bank, customer).await?;
    let show = |(currency, person, row): (String, bool, LimitRow)| BindingLimits {
        limits: show_limits(&currencies, &currency, row),
        whose: if person { "person" } else { "account" },
        currency,
    };
    Ok(Reply::ok(Limits { data: rows.into_iter().map(show).collect() }))
}

/// Look at the limits
#[utoipa::path(get, path = "/v1/limits", tag = "wallets",
    responses((status = 200, description = "The limits that bind.", body = Limits)))]
pub async fn limits(who: AsCustomer) -> Handled<Limits> {
    binding(&who.bank, who.customer()).await
}

/// Set limits of one's own
///
/// They only ever lower the bank's.
#[utoipa::path(put, path = "/v1/limits", tag = "wallets", request_body = OwnLimits,
    responses((status = 200, description = "The limits that bind now.", body = Limits)))]
pub async fn lower(who: AsCustomer, Strict(body): Strict<OwnLimits>) -> Handled<Limits> {
    let currency = who.bank.currencies().parse(&body.currency).map_err(|code| Problem::new(code).at("/currency"))?;
    let limits = read_limits(&who.bank, currency, &body.limits.0)?;
    let wish = who.unrecorded("wallets.lower_limits");
    let answer = wallets::lower_limits(&who.bank, wish, (who.customer(), currency), limits).await;
    reply::done(&who.bank, answer, drop)?;
    binding(&who.bank, who.customer()).await
}
