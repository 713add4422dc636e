//! Movements that their payer has to confirm, and what passes without.

use super::factors::{Proof, Proved, refused};
use crate::dto::{Moment, Money, ids};
use bank::Currencies;
use bank::confirmations::{self, ConfirmationView, SmallView};
use bank::factors::Kind;
use edge::caller::AsCustomer;
use edge::reply::{self, Handled, Reply};
use edge::{Params, PathId, Problem, Strict};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vocabulary::kinds;

/// What is to be confirmed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Confirmation {
    /// Its id: the header `Confirmation` of the request that makes the movement.
    pub id: ids::Confirmation,
    /// `payment`, `hold`, `transfer` or `payout`.
    #[schema(example = "payment")]
    pub movement: String,
    /// Who is paid: a merchant's name, a person's masked name, a bank account's masked number; null when nobody holds the alias yet.
    #[schema(example = "Tea House")]
    pub payee: Option<String>,
    /// How much.
    pub amount: Money,
    /// `factor_changed`, `new_payee`, `amount` or `used_up`.
    #[schema(example = "amount")]
    pub reason: &'static str,
    /// `asked`, `confirmed` or `used`.
    #[schema(example = "asked")]
    pub state: String,
    /// Until when it can be confirmed and used.
    pub expires_at: Moment,
}

fn show(currencies: &Currencies, view: ConfirmationView) -> Confirmation {
    Confirmation {
        id: view.id.into(),
        movement: view.movement,
        payee: view.payee,
        amount: Money::of(currencies, view.amount_minor, &view.currency),
        reason: view.reason.name(),
        state: view.state,
        expires_at: view.expires_at.into(),
    }
}

/// Look at what is to be confirmed
#[utoipa::path(get, path = "/v1/confirmations/{confirmation}", tag = "customers",
    responses((status = 200, description = "What is to be confirmed.", body = Confirmation)))]
pub async fn get(who: AsCustomer, PathId(id): PathId<kinds::Confirmation>) -> Handled<Confirmation> {
    let found = confirmations::find(&who.bank, who.customer(), id).await;
    Ok(Reply::ok(show(&who.bank.currencies(), reply::found(found)?)))
}

/// Confirm exactly what is shown
///
/// With the PIN, an authenticator's code or the password. Then send the payment, transfer or payout again under a fresh key with the
/// header `Confirmation`.
#[utoipa::path(post, path = "/v1/confirmations/{confirmation}", tag = "customers", request_body = Proved,
    responses((status = 200, description = "It is confirmed.", body = Confirmation)))]
pub async fn confirm(
    who: AsCustomer,
    PathId(id): PathId<kinds::Confirmation>,
    Strict(body): Strict<Proved>,
) -> Handled<Confirmation> {
    let proof = body.proof.read("/proof")?;
    let kind = proof.kind();
    let confirmed = confirmations::confirm(&who.bank, who.session, id, proof).await?;
    let view = confirmed.map_err(|refusal| refused(&who.bank, kind, refusal))?;
    Ok(Reply::ok(show(&who.bank.currencies(), view)))
}

/// In which currency.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InCurrency {
    /// Its code.
    #[param(max_length = 8, example = "CNY")]
    pub currency: String,
}

/// What passes unconfirmed.
#[derive(Debug, Serialize, ToSchema)]
pub struct SmallPayments {
    /// The largest amount.
    pub each: Money,
    /// The largest amount that can be set.
    pub most: Money,
    /// What is left in sum until something has to be confirmed.
    pub left: Money,
    /// How many are left until then.
    #[schema(minimum = 0, maximum = 1000)]
    pub left_count: u32,
}

/// What is to pass unconfirmed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"each": {"amount": "50.00", "currency": "CNY"}}))]
pub struct NewSmallPayments {
    /// The largest amount; at most the bank's.
    pub each: Money,
    /// Needed when it goes up.
    pub proof: Option<Proof>,
}

fn show_small(currencies: &Currencies, view: SmallView) -> SmallPayments {
    let amount = |minor| Money::of(currencies, minor, view.currency.code());
    SmallPayments {
        each: amount(view.each_minor),
        most: amount(view.most_minor),
        left: amount(view.left_minor),
        left_count: view.left_count,
    }
}

/// See what passes unconfirmed
#[utoipa::path(get, path = "/v1/me/small-payments", tag = "customers", params(InCurrency),
    responses((status = 200, description = "What passes in the currency.", body = SmallPayments)))]
pub async fn small(who: AsCustomer, Params(asked): Params<InCurrency>) -> Handled<SmallPayments> {
    let currencies = who.bank.currencies();
    let currency = currencies.parse(&asked.currency).map_err(|code| Problem::new(code).at("currency"))?;
    let view = confirmations::small(&who.bank, who.customer(), currency).await?;
    Ok(Reply::ok(show_small(&currencies, view)))
}

/// Set what passes unconfirmed
///
/// It goes down at once, and up again only with a proof.
#[utoipa::path(put, path = "/v1/me/small-payments", tag = "customers", request_body = NewSmallPayments,
    responses((status = 200, description = "What passes from now on.", body = SmallPayments)))]
pub async fn set_small(who: AsCustomer, Strict(body): Strict<NewSmallPayments>) -> Handled<SmallPayments> {
    let most = body.each.read(&who.bank, "/each")?;
    let proof = body.proof.map(|proof| proof.read("/proof")).transpose()?;
    let kind = proof.as_ref().map_or(Kind::Password, bank::factors::Proof::kind);
    let set = confirmations::set_small(&who.bank, who.session, most, proof).await?;
    let view = set.map_err(|refusal| refused(&who.bank, kind, refusal))?;
    Ok(Reply::ok(show_small(&who.bank.currencies(), view)))
}
