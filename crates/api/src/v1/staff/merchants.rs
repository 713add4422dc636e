//! Merchants, their stores, terms and API keys.

use crate::dto::{Cursor, Listing, Moment, Page, ids, page};
use crate::v1::merchants::account::{Merchant, Store, show, show_store};
use axum::http::StatusCode;
use bank::merchants::{self, KeyView, NewKey, NewMerchant, NewStore, Scope, Status};
use edge::caller::{AsStaff, Look, ManageMerchants};
use edge::reply::{self, Handled, Reply};
use edge::{Command, Params, PathId, PathIds, Problem, Strict};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocabulary::{ErrorCode, Id, kinds};

/// A merchant to be opened.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Noodle House", "category": "5812", "country": "CN", "city": "Chengdu",
    "fee_plan": "payment.standard", "settlement_plan": "standard", "currencies": ["CNY"]}))]
pub struct MerchantToOpen {
    /// Its name.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// Its category code (ISO 18245).
    #[schema(pattern = "^[0-9]{4}$")]
    pub category: String,
    /// Its country (ISO 3166-1).
    #[schema(pattern = "^[A-Z]{2}$")]
    pub country: String,
    /// Its city.
    #[schema(min_length = 1, max_length = 100)]
    pub city: String,
    /// A key of the policy `fees`.
    #[schema(min_length = 1, max_length = 64)]
    pub fee_plan: String,
    /// A key of the policy `settlement`.
    #[schema(min_length = 1, max_length = 64)]
    pub settlement_plan: String,
    /// Currencies of its first accounts.
    #[schema(min_items = 1, max_items = 20)]
    pub currencies: Vec<String>,
}

/// A store to be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Noodle House Wuhou", "category": "5812", "country": "CN", "city": "Chengdu"}))]
pub struct StoreToAdd {
    /// Its name.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// Its category code (ISO 18245).
    #[schema(pattern = "^[0-9]{4}$")]
    pub category: String,
    /// Its country (ISO 3166-1).
    #[schema(pattern = "^[A-Z]{2}$")]
    pub country: String,
    /// Its city.
    #[schema(min_length = 1, max_length = 100)]
    pub city: String,
}

/// What is to be changed of a merchant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"status": "suspended"}))]
pub struct MerchantChange {
    /// Whether it accepts payments; a closed merchant stays closed.
    pub status: Option<MerchantStatus>,
    /// Both plans together.
    pub plans: Option<Plans>,
}

/// Whether a merchant accepts payments.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MerchantStatus {
    /// It does.
    Active,
    /// Not for now.
    Suspended,
    /// Never again.
    Closed,
}

/// The terms of a merchant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Plans {
    /// A key of the policy `fees`.
    #[schema(min_length = 1, max_length = 64)]
    pub fee: String,
    /// A key of the policy `settlement`.
    #[schema(min_length = 1, max_length = 64)]
    pub settlement: String,
}

/// An API key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"label": "till", "scopes": ["payments:read", "payments:write"]}))]
pub struct KeyToMake {
    /// What the merchant calls it.
    #[schema(min_length = 1, max_length = 64)]
    pub label: String,
    /// What it may do.
    #[schema(min_items = 1, max_items = 7)]
    pub scopes: Vec<String>,
}

/// A new API key.
#[derive(Serialize, ToSchema)]
pub struct MadeKey {
    /// Its id.
    pub id: ids::ApiKey,
    /// The key; shown this once.
    #[schema(example = "jz_test_0123456789abcdefghjkmnpqrstvwxyz0123456789abcdefghjk")]
    pub key: String,
}

/// An API key.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiKey {
    /// Its id.
    pub id: ids::ApiKey,
    /// What the merchant calls it.
    #[schema(example = "till")]
    pub label: String,
    /// What it may do.
    #[schema(example = json!(["payments:read"]))]
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Moment,
    /// When it ends, after a rotation.
    pub expires_at: Option<Moment>,
}

/// How a key is replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"overlap_hours": 24}))]
pub struct KeyRotation {
    /// How long the old key works on.
    #[schema(minimum = 0, maximum = 720)]
    pub overlap_hours: u32,
}

fn read_key(made: NewKey) -> MadeKey {
    MadeKey { id: made.id.into(), key: made.key }
}

fn show_key(view: KeyView) -> ApiKey {
    ApiKey {
        id: view.id.into(),
        label: view.label,
        scopes: view.scopes,
        created_at: view.created.into(),
        expires_at: view.expires.map(Moment),
    }
}

/// Open a merchant
#[utoipa::path(post, path = "/v1/staff/merchants", tag = "staff", request_body = MerchantToOpen,
    responses((status = 201, description = "The merchant, with one store of its name.", body = Merchant)))]
pub async fn open(who: AsStaff<ManageMerchants>, command: Command<MerchantToOpen>) -> Handled<Merchant> {
    let (wish, body) = who.wish("merchants.open", command);
    let mut currencies = Vec::new();
    for (place, code) in body.currencies.iter().enumerate() {
        let at = format!("/currencies/{place}");
        currencies.push(who.bank.currencies().parse(code).map_err(|code| Problem::new(code).at(at))?);
    }
    let new = NewMerchant {
        name: body.name,
        mcc: body.category,
        country: body.country,
        city: body.city,
        fee_plan: body.fee_plan,
        settlement_plan: body.settlement_plan,
        currencies,
    };
    reply::created(&who.bank, merchants::open(&who.bank, wish, new).await, show)
}

/// List merchants
#[utoipa::path(get, path = "/v1/staff/merchants", tag = "staff", params(Listing),
    responses((status = 200, description = "Newest first.", body = Page<Merchant>)))]
pub async fn list(who: AsStaff<Look>, Params(listing): Params<Listing>) -> Handled<Page<Merchant>> {
    let (before, limit) = (listing.before()?, listing.rows()?);
    let rows = merchants::list(&who.bank, before, limit).await?;
    page(rows, limit, |row| Cursor::after(row.id), show)
}

async fn shown(bank: &bank::Bank, id: Id<kinds::Merchant>) -> Handled<Merchant> {
    Ok(Reply::ok(show(reply::found(merchants::view(bank, id).await)?)))
}

/// Look at a merchant
#[utoipa::path(get, path = "/v1/staff/merchants/{merchant}", tag = "staff",
    responses((status = 200, description = "The merchant.", body = Merchant)))]
pub async fn get(who: AsStaff<Look>, PathId(id): PathId<kinds::Merchant>) -> Handled<Merchant> {
    shown(&who.bank, id).await
}

/// Change a merchant's status or terms
#[utoipa::path(patch, path = "/v1/staff/merchants/{merchant}", tag = "staff", request_body = MerchantChange,
    responses((status = 200, description = "The merchant.", body = Merchant)))]
pub async fn change(
    who: AsStaff<ManageMerchants>,
    PathId(id): PathId<kinds::Merchant>,
    Strict(body): Strict<MerchantChange>,
) -> Handled<Merchant> {
    if let Some(status) = body.status {
        let status = match status {
            MerchantStatus::Active => Status::Active,
            MerchantStatus::Suspended => Status::Suspended,
            MerchantStatus::Closed => Status::Closed,
        };
        let wish = who.unrecorded("merchants.set_status");
        reply::done(&who.bank, merchants::set_status(&who.bank, wish, id, status).await, drop)?;
    }
    if let Some(plans) = body.plans {
        let wish = who.unrecorded("merchants.set_plans");
        let plans = (plans.fee, plans.settlement);
        reply::done(&who.bank, merchants::set_plans(&who.bank, wish, id, plans).await, drop)?;
    }
    shown(&who.bank, id).await
}

/// Add a store
#[utoipa::path(post, path = "/v1/staff/merchants/{merchant}/stores", tag = "staff", request_body = StoreToAdd,
    responses((status = 201, description = "The store.", body = Store)))]
pub async fn add_store(
    who: AsStaff<ManageMerchants>,
    PathId(id): PathId<kinds::Merchant>,
    command: Command<StoreToAdd>,
) -> Handled<Store> {
    let (wish, body) = who.wish("merchants.add_store", command);
    let new = NewStore { name: body.name, mcc: body.category, country: body.country, city: body.city };
    reply::created(&who.bank, merchants::add_store(&who.bank, wish, id, new).await, show_store)
}

/// Make an API key
#[utoipa::path(post, path = "/v1/staff/merchants/{merchant}/keys", tag = "staff", request_body = KeyToMake,
    responses((status = 201, description = "The key; it is shown this once.", body = MadeKey)))]
pub async fn make_key(
    who: AsStaff<ManageMerchants>,
    PathId(id): PathId<kinds::Merchant>,
    command: Command<KeyToMake>,
) -> Handled<MadeKey> {
    let (wish, body) = who.wish("merchants.create_key", command);
    let mut scopes = Vec::new();
    for (place, name) in body.scopes.iter().enumerate() {
        let at = format!("/scopes/{place}");
        let detail = "Send a scope that the documentation names.";
        let scope = Scope::parse(name).ok_or_else(|| Problem::because(ErrorCode::InvalidField, detail).at(at))?;
        scopes.push(scope);
    }
    let answer = merchants::create_key(&who.bank, wish, id, (body.label, scopes)).await;
    reply::created(&who.bank, answer, read_key)
}

/// List a merchant's API keys
#[utoipa::path(get, path = "/v1/staff/merchants/{merchant}/keys", tag = "staff",
    responses((status = 200, description = "Newest first.", body = Page<ApiKey>)))]
pub async fn keys(who: AsStaff<Look>, PathId(id): PathId<kinds::Merchant>) -> Handled<Page<ApiKey>> {
    reply::found(merchants::view(&who.bank, id).await)?;
    let all = merchants::list_keys(&who.bank, id).await?;
    Ok(Reply::ok(Page { data: all.into_iter().map(show_key).collect(), next_cursor: None }))
}

/// Replace an API key
#[utoipa::path(post, path = "/v1/staff/merchants/{merchant}/keys/{key}/rotate", tag = "staff", request_body = KeyRotation,
    responses((status = 201, description = "The new key.", body = MadeKey)))]
pub async fn rotate_key(
    who: AsStaff<ManageMerchants>,
    PathIds(merchant, key): PathIds<kinds::Merchant, kinds::ApiKey>,
    command: Command<KeyRotation>,
) -> Handled<MadeKey> {
    let (wish, body) = who.wish("merchants.rotate_key", command);
    if body.overlap_hours > 720 {
        let detail = "Send at most 720 hours.";
        return Err(Problem::because(ErrorCode::InvalidField, detail).at("/overlap_hours"));
    }
    let answer = merchants::rotate_key(&who.bank, wish, (merchant, key), body.overlap_hours).await;
    reply::created(&who.bank, answer, read_key)
}

/// Revoke an API key
#[utoipa::path(delete, path = "/v1/staff/merchants/{merchant}/keys/{key}", tag = "staff",
    responses((status = 204, description = "It is no good any more.")))]
pub async fn revoke_key(
    who: AsStaff<ManageMerchants>,
    PathIds(merchant, key): PathIds<kinds::Merchant, kinds::ApiKey>,
) -> Result<StatusCode, Problem> {
    let wish = who.unrecorded("merchants.revoke_key");
    reply::done(&who.bank, merchants::revoke_key(&who.bank, wish, (merchant, key)).await, drop)?;
    Ok(StatusCode::NO_CONTENT)
}
