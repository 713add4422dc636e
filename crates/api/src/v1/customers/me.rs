//! Who is signed in.

use crate::dto::{Moment, Ref, ids};
use bank::customers;
use edge::caller::AsCustomer;
use edge::reply::{self, Handled, Reply};
use serde::Serialize;
use utoipa::ToSchema;

/// The customer who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// The customer.
    pub id: ids::Customer,
    /// The wallet.
    pub wallet: Option<ids::Wallet>,
    /// The name.
    #[schema(example = "Li Wei")]
    pub display_name: Option<String>,
    /// The name for signing in.
    #[schema(example = "+8613800000001")]
    pub sign_in: Option<String>,
    /// The tier of limits.
    #[schema(minimum = 1, maximum = 3)]
    pub tier: u8,
    /// When the customer was registered.
    pub created_at: Moment,
}

/// Who am I
#[utoipa::path(get, path = "/v1/me", tag = "customers",
    responses((status = 200, description = "The customer who is signed in.", body = Me)))]
pub async fn me(who: AsCustomer) -> Handled<Me> {
    let view = reply::found(customers::view(&who.bank, who.customer()).await)?;
    Ok(Reply::ok(Me {
        id: view.id.into(),
        wallet: view.wallet.map(Ref),
        display_name: view.display_name,
        sign_in: view.sign_in,
        tier: view.tier,
        created_at: view.created.into(),
    }))
}
