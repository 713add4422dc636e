//! The customer's password.

use axum::http::StatusCode;
use bank::sessions;
use edge::caller::AsCustomer;
use edge::{Problem, Strict};
use serde::Deserialize;
use utoipa::ToSchema;
use vocabulary::Secret;

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"current_password": "a long enough password", "new_password": "another long password"}))]
pub struct PasswordChange {
    /// The present password.
    #[schema(min_length = 1, max_length = 256, format = Password)]
    pub current_password: String,
    /// The new one.
    #[schema(min_length = 12, max_length = 256, format = Password)]
    pub new_password: String,
}

/// Change the password
///
/// Every other session ends. A wrong present password counts as a failed sign-in. Not recorded under a key: repeated after it
/// succeeded, the request says that the former password is wrong.
#[utoipa::path(put, path = "/v1/me/password", tag = "customers", request_body = PasswordChange,
    responses((status = 204, description = "The new password is good from now on.")))]
pub async fn change(who: AsCustomer, Strict(body): Strict<PasswordChange>) -> Result<StatusCode, Problem> {
    let (current, new) = (Secret::new(body.current_password), Secret::new(body.new_password));
    let changed = sessions::change_password(&who.bank, who.session, current, new).await?;
    changed.map_err(|refusal| super::sessions::refused(&who.bank, refusal))?;
    Ok(StatusCode::NO_CONTENT)
}
