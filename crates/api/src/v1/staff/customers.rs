//! Customers as staff see and change them.

use crate::dto::{Moment, Ref, ids};
use axum::http::StatusCode;
use bank::customers;
use edge::caller::{AsStaff, Look, Restrain};
use edge::reply::{self, Handled, Reply};
use edge::{PathId, Problem, Strict};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocabulary::kinds;

/// A customer.
#[derive(Debug, Serialize, ToSchema)]
pub struct CustomerRecord {
    /// Its id.
    pub id: ids::Customer,
    /// Its wallet.
    pub wallet: Option<ids::Wallet>,
    /// The name; null once it was erased.
    pub display_name: Option<String>,
    /// The tier of limits.
    #[schema(minimum = 1, maximum = 3)]
    pub tier: u8,
    /// When it was registered.
    pub created_at: Moment,
}

/// A tier.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"tier": 2}))]
pub struct Tier {
    /// What the bank knows of the customer.
    #[schema(minimum = 1, maximum = 3)]
    pub tier: u8,
}

/// Look at a customer
#[utoipa::path(get, path = "/v1/staff/customers/{customer}", tag = "staff",
    responses((status = 200, description = "The customer.", body = CustomerRecord)))]
pub async fn get(who: AsStaff<Look>, PathId(id): PathId<kinds::Customer>) -> Handled<CustomerRecord> {
    let view = reply::found(customers::view(&who.bank, id).await)?;
    Ok(Reply::ok(CustomerRecord {
        id: view.id.into(),
        wallet: view.wallet.map(Ref),
        display_name: view.display_name,
        tier: view.tier,
        created_at: view.created.into(),
    }))
}

/// Change a customer's tier
#[utoipa::path(put, path = "/v1/staff/customers/{customer}/tier", tag = "staff", request_body = Tier,
    responses((status = 204, description = "The limits of the tier bind from now on.")))]
pub async fn change_tier(
    who: AsStaff<Restrain>,
    PathId(id): PathId<kinds::Customer>,
    Strict(body): Strict<Tier>,
) -> Result<StatusCode, Problem> {
    let wish = who.unrecorded("customers.change_tier");
    reply::done(&who.bank, customers::change_tier(&who.bank, wish, id, body.tier).await, drop)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Erase a customer's personal data
///
/// Refused while the accounts hold money. Journal and ids stay.
#[utoipa::path(delete, path = "/v1/staff/customers/{customer}", tag = "staff",
    responses((status = 204, description = "The person's key is destroyed.")))]
pub async fn erase(who: AsStaff<Restrain>, PathId(id): PathId<kinds::Customer>) -> Result<StatusCode, Problem> {
    let wish = who.unrecorded("customers.erase");
    reply::done(&who.bank, customers::erase(&who.bank, wish, id).await, drop)?;
    Ok(StatusCode::NO_CONTENT)
}
