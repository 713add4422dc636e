//! Signing in and out.

use crate::dto::{Moment, ids};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bank::{Bank, Refusal, sessions};
use edge::caller::{AsCustomer, Caller};
use edge::reply::Reply;
use edge::{Context, Problem, Strict, cookie};
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
    /// For pages of this bank: hand the session to the browser as a cookie that no script can read, instead of a token. The
    /// request must come from this very origin and carry `X-CSRF: 1`.
    #[serde(default)]
    pub cookie: bool,
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    /// Its id.
    pub id: ids::Session,
    /// Whose.
    pub customer: ids::Customer,
    /// The bearer token; shown this once. Absent when it was handed to the browser as a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "jzs_0123456789abcdefghjkmnpqrstvwxyz0123456789abcdefghjk")]
    pub token: Option<String>,
    /// When it ends.
    pub expires_at: Moment,
}

/// Sign in
///
/// Wrong name and wrong password are the same refusal. After too many failures even the right password waits. A session is
/// always a new one; the browser's session that a new cookie takes the place of ends.
#[utoipa::path(post, path = "/v1/sessions", tag = "customers", request_body = SignIn,
    responses((status = 201, description = "The session with its token.", body = Session)))]
pub async fn sign_in(context: Context, Strict(body): Strict<SignIn>) -> Result<Response, Problem> {
    let bank = &context.bank;
    if body.cookie && !context.from_own_page {
        return Err(Problem::new(ErrorCode::CrossSite));
    }
    let made = sessions::sign_in(bank, &body.sign_in, Secret::new(body.password)).await?;
    let made = made.map_err(|refusal| refused(bank, refusal))?;
    let (id, customer, expires) = (made.session.id, made.session.customer, made.session.expires);
    let token = (!body.cookie).then(|| made.token.expose().clone());
    let shown = Session { id: id.into(), customer: customer.into(), token, expires_at: expires.into() };
    let mut response = Reply::created(shown).into_response();
    if body.cookie {
        let seconds = (expires.micros() - bank.now().micros()) / 1_000_000;
        let handed = cookie::set(&made.token, seconds).ok_or_else(|| Problem::new(ErrorCode::Internal))?;
        response.headers_mut().insert(header::SET_COOKIE, handed);
        if let (Caller::Customer(former), true) = (context.caller, context.by_cookie) {
            sessions::sign_out(bank, former).await?;
        }
    }
    Ok(response)
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
pub async fn sign_out(who: AsCustomer) -> Result<Response, Problem> {
    sessions::sign_out(&who.bank, who.session).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    if who.by_cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie::clear());
    }
    Ok(response)
}
