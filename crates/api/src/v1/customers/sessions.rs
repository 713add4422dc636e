//! Signing in and out.

use crate::dto::{Moment, ids};
use axum::http::StatusCode;
use bank::{Bank, Refusal, sessions};
use edge::caller::AsCustomer;
use edge::reply::{Handled, Reply};
use edge::{Context, Problem, Strict};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocabulary::{ErrorCode, Secret};

/// A sign-in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"sign_in": "+8613800000001", "password": "a long enough password"}))]
pub struct SignIn {
    /// The name for signing in.
    #[schema(min_length = 1, max_length = 254)]
    pub sign_in: String,
    /// The password.
    #[schema(min_length = 1, max_length = 256, format = Password)]
    pub password: String,
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    /// Its id.
    pub id: ids::Session,
    /// Whose.
    pub customer: ids::Customer,
    /// The bearer token; shown this once.
    #[schema(example = "jzs_0123456789abcdefghjkmnpqrstvwxyz0123456789abcdefghjk")]
    pub token: String,
    /// When it ends.
    pub expires_at: Moment,
}

/// Sign in
///
/// Wrong name and wrong password are the same refusal. After too many failures even the right password waits.
#[utoipa::path(post, path = "/v1/sessions", tag = "customers", request_body = SignIn,
    responses((status = 201, description = "The session with its token.", body = Session)))]
pub async fn sign_in(context: Context, Strict(body): Strict<SignIn>) -> Handled<Session> {
    let bank = &context.bank;
    let made = sessions::sign_in(bank, &body.sign_in, Secret::new(body.password)).await?;
    let made = made.map_err(|refusal| refused(bank, refusal))?;
    Ok(Reply::created(Session {
        id: made.session.id.into(),
        customer: made.session.customer.into(),
        token: made.token.expose().clone(),
        expires_at: made.session.expires.into(),
    }))
}

/// The problem of a refused password; with how long to wait after too many.
pub(super) fn refused(bank: &Bank, refusal: Refusal) -> Problem {
    let wait = refusal.code == ErrorCode::TooManyAttempts;
    let problem = Problem::refused(bank, refusal);
    if wait { problem.retry_after(bank.policies().sign_in.minutes * 60) } else { problem }
}

/// Sign out
#[utoipa::path(delete, path = "/v1/sessions/current", tag = "customers",
    responses((status = 204, description = "The session has ended.")))]
pub async fn sign_out(who: AsCustomer) -> Result<StatusCode, Problem> {
    sessions::sign_out(&who.bank, who.session).await?;
    Ok(StatusCode::NO_CONTENT)
}
