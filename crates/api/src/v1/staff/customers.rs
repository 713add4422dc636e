//! Customers as staff see and change them.

use crate::dto::{Cursor, Listing, Moment, Page, Ref, ids, page};
use axum::http::StatusCode;
use bank::audit;
use bank::customers::{self, CustomerSummary as Summary, Wanted};
use edge::caller::{AsStaff, ChangeCustomers, EraseCustomers, Look, SearchCustomers, ViewCustomers};
use edge::reply::{self, Handled, Reply};
use edge::{Params, PathId, Problem, Strict};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocabulary::{ErrorCode, kinds};

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

/// A customer in a list: nothing personal but the masked name.
#[derive(Debug, Serialize, ToSchema)]
pub struct CustomerSummary {
    /// Its id.
    pub id: ids::Customer,
    /// Its wallet.
    pub wallet: Option<ids::Wallet>,
    /// The name, masked as payers see it; null once it was erased.
    #[schema(example = "L* Wei")]
    pub masked_name: Option<String>,
    /// The tier of limits.
    #[schema(minimum = 1, maximum = 3)]
    pub tier: u8,
    /// When it was registered.
    pub created_at: Moment,
    /// When its personal data was erased.
    pub erased_at: Option<Moment>,
}

/// Who is looked for: exactly one of the three.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"alias": "+8613800000001"}))]
pub struct CustomerSearch {
    /// A customer.
    pub customer: Option<ids::Customer>,
    /// The owner of a wallet.
    pub wallet: Option<ids::Wallet>,
    /// A phone number, e-mail address or handle that somebody proved to be theirs or signs in under.
    #[schema(min_length = 1, max_length = 254)]
    pub alias: Option<String>,
}

fn show(row: Summary) -> CustomerSummary {
    CustomerSummary {
        id: row.id.into(),
        wallet: row.wallet.map(Ref),
        masked_name: row.masked_name,
        tier: row.tier,
        created_at: row.created.into(),
        erased_at: row.erased.map(Moment),
    }
}

/// List customers
#[utoipa::path(get, path = "/v1/staff/customers", tag = "staff", params(Listing),
    responses((status = 200, description = "Newest first.", body = Page<CustomerSummary>)))]
pub async fn list(who: AsStaff<Look>, Params(listing): Params<Listing>) -> Handled<Page<CustomerSummary>> {
    let (before, limit) = (listing.before()?, listing.rows()?);
    let rows = customers::list(&who.bank, before, limit).await?;
    page(rows, limit, |row| Cursor::after(row.id), show)
}

/// Find a customer
///
/// By id, wallet or alias. The alias stands in the body and not in the address, so that no log keeps it.
#[utoipa::path(post, path = "/v1/staff/customers/search", tag = "staff", request_body = CustomerSearch,
    responses((status = 200, description = "Who was found; nobody when there is no such customer.",
        body = Page<CustomerSummary>)))]
pub async fn search(
    who: AsStaff<SearchCustomers>,
    Strict(body): Strict<CustomerSearch>,
) -> Handled<Page<CustomerSummary>> {
    let wanted = match (body.customer, body.wallet, body.alias) {
        (Some(customer), None, None) => Wanted::Customer(customer.0),
        (None, Some(wallet), None) => Wanted::Wallet(wallet.0),
        (None, None, Some(alias)) => Wanted::Alias(alias),
        (None, None, None) => {
            let detail = "Say who is looked for: send one of customer, wallet, alias.";
            return Err(Problem::because(ErrorCode::MissingField, detail).at("/customer"));
        }
        _ => {
            let detail = "Look for one at a time: send one of customer, wallet, alias.";
            return Err(Problem::because(ErrorCode::InvalidField, detail).at("/customer"));
        }
    };
    audit::looked(&who.bank, who.principal(), "customers.search").await?;
    let found = customers::search(&who.bank, wanted).await?;
    let rows = found.map_err(|refusal| Problem::refused(&who.bank, refusal))?;
    Ok(Reply::ok(Page { data: rows.into_iter().map(show).collect(), next_cursor: None }))
}

/// Look at a customer
#[utoipa::path(get, path = "/v1/staff/customers/{customer}", tag = "staff",
    responses((status = 200, description = "The customer.", body = CustomerRecord)))]
pub async fn get(who: AsStaff<ViewCustomers>, PathId(id): PathId<kinds::Customer>) -> Handled<CustomerRecord> {
    audit::looked(&who.bank, who.principal(), "customers.view").await?;
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
    who: AsStaff<ChangeCustomers>,
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
pub async fn erase(who: AsStaff<EraseCustomers>, PathId(id): PathId<kinds::Customer>) -> Result<StatusCode, Problem> {
    let wish = who.unrecorded("customers.erase");
    reply::done(&who.bank, customers::erase(&who.bank, wish, id).await, drop)?;
    Ok(StatusCode::NO_CONTENT)
}
