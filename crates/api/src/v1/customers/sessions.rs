//! Signing in and out, refreshing; a person's own sessions.

use crate::dto::{Moment, Page, ids};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bank::sessions::{self, SessionView, SignedIn, Wanted};
use bank::{Bank, Refusal};
use edge::caller::{AsCustomer, Caller};
use edge::reply::{Handled, Reply};
use edge::{Context, PathId, Problem, Strict, cookie};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocabulary::{ErrorCode, Secret, kinds};

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
    /// request must come from this very origin and carry `X-CSRF: 1`. Not together with `refresh` or `device`.
    #[serde(default)]
    pub cookie: bool,
    /// What the person calls the device; only she sees it.
    #[schema(min_length = 1, max_length = 100)]
    pub device_name: Option<String>,
    /// Whether to give a refresh token, and an access token that lasts for minutes only. Apps and pages do; without it the
    /// token lasts as long as the session.
    #[serde(default)]
    pub refresh: bool,
    /// The device's key and its proof: then the session lasts longer, and each refresh needs a proof.
    pub device: Option<super::devices::DeviceProof>,
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
    /// When the token ends.
    pub expires_at: Moment,
    /// What the next token is asked for with, once; shown this once.
    pub refresh_token: Option<String>,
    /// When the session ends unless it is refreshed before.
    pub refresh_expires_at: Option<Moment>,
}

impl From<SignedIn> for Session {
    fn from(made: SignedIn) -> Self {
        Self {
            id: made.session.id.into(),
            customer: made.session.customer.into(),
            token: Some(made.token.expose().clone()),
            expires_at: made.session.expires.into(),
            refresh_token: made.refresh.as_ref().map(|refresh| refresh.token.expose().clone()),
            refresh_expires_at: made.refresh.map(|refresh| refresh.until.into()),
        }
    }
}

/// Sign in
///
/// Wrong name and wrong password are the same refusal. After too many failures even the right password waits. A session is
/// always a new one: no id or token of the caller's is taken over; the browser's session that a new cookie takes the place of ends.
#[utoipa::path(post, path = "/v1/sessions", tag = "customers", request_body = SignIn,
    responses((status = 201, description = "The session with its token.", body = Session)))]
pub async fn sign_in(context: Context, Strict(body): Strict<SignIn>) -> Result<Response, Problem> {
    let bank = &context.bank;
    if body.cookie && !context.from_own_page {
        return Err(Problem::new(ErrorCode::CrossSite));
    }
    if body.cookie && (body.refresh || body.device.is_some()) {
        let detail = "A cookie has no refresh token; leave refresh and device out.";
        return Err(Problem::because(ErrorCode::InvalidField, detail).at("/cookie"));
    }
    let device = body.device.as_ref().map(super::devices::DeviceProof::read).transpose()?;
    let wanted = Wanted { device_name: body.device_name, refresh: body.refresh, device };
    let made = sessions::sign_in_as(bank, (&body.sign_in, Secret::new(body.password)), wanted).await?;
    let made = made.map_err(|refusal| refused(bank, refusal))?;
    if !body.cookie {
        return Ok(Reply::created(Session::from(made)).into_response());
    }
    let seconds = (made.session.expires.micros() - bank.now().micros()) / 1_000_000;
    let handed = cookie::set(&made.token, seconds).ok_or_else(|| Problem::new(ErrorCode::Internal))?;
    let mut response = Reply::created(Session { token: None, ..Session::from(made) }).into_response();
    response.headers_mut().insert(header::SET_COOKIE, handed);
    if let (Caller::Customer(former), true) = (context.caller, context.by_cookie) {
        sessions::sign_out(bank, former).await?;
    }
    Ok(response)
}

/// A refresh.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"refresh_token": "jzr_06f5t2c9wk7v1xq4mz8rhd3bne.0.0123456789abcdefghjkmnpqrstvwxyz.0123456789abcdef"}))]
pub struct RefreshSession {
    /// The session's present refresh token.
    #[schema(min_length = 1, max_length = 256)]
    pub refresh_token: String,
    /// Where the session is bound to a device: its signature over `jiaozi refresh`, a line feed and the refresh token, base64url
    /// without padding.
    #[schema(min_length = 1, max_length = 128)]
    pub device_signature: Option<String>,
}

/// Refresh a session
///
/// Gives the next access token and the next refresh token, and ends the present ones. When the answer was lost, the same
/// refresh token gives the same answer for some seconds. Used again after that, or after the next one was used, it ends the
/// session, and the person is told: somebody has a copy.
#[utoipa::path(post, path = "/v1/sessions/refresh", tag = "customers", request_body = RefreshSession,
    responses((status = 200, description = "The session with its next tokens.", body = Session)))]
pub async fn refresh(context: Context, Strict(body): Strict<RefreshSession>) -> Handled<Session> {
    let signature = body.device_signature.as_deref();
    let signature = signature.map(|text| super::devices::bytes(text, "/device_signature")).transpose()?;
    let made = sessions::refresh(&context.bank, &body.refresh_token, signature.as_deref()).await?;
    Ok(Reply::ok(made.map_err(|refusal| Problem::refused(&context.bank, refusal))?.into()))
}

/// One of a person's own sessions.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnSession {
    /// Its id.
    pub id: ids::Session,
    /// What she calls the device.
    #[schema(example = "My phone")]
    pub device_name: Option<String>,
    /// From which network it was begun; never the whole address.
    #[schema(example = "203.0.113.0/24")]
    pub network: Option<String>,
    /// When it was begun.
    pub begun_at: Moment,
    /// When it was last used, to the minute or so.
    pub last_seen_at: Moment,
    /// When it ends unless it is refreshed before.
    pub expires_at: Moment,
    /// Whether it has a refresh token.
    pub refreshable: bool,
    /// Whether it is the one that asks.
    pub current: bool,
}

fn show(view: SessionView) -> OwnSession {
    OwnSession {
        id: view.id.into(),
        device_name: view.device_name,
        network: view.network,
        begun_at: view.created.into(),
        last_seen_at: view.seen.into(),
        expires_at: view.expires.into(),
        refreshable: view.refreshable,
        current: view.current,
    }
}

/// List sessions
#[utoipa::path(get, path = "/v1/sessions", tag = "customers",
    responses((status = 200, description = "One's own sessions, newest first, at most 200.", body = Page<OwnSession>)))]
pub async fn list(who: AsCustomer) -> Handled<Page<OwnSession>> {
    let all = sessions::list(&who.bank, who.session).await?;
    Ok(Reply::ok(Page { data: all.into_iter().map(show).collect(), next_cursor: None }))
}

/// End a session
#[utoipa::path(delete, path = "/v1/sessions/{session}", tag = "customers",
    responses((status = 204, description = "The session has ended, on every node.")))]
pub async fn end(who: AsCustomer, PathId(id): PathId<kinds::Session>) -> Result<StatusCode, Problem> {
    let ended = sessions::end(&who.bank, who.session, id).await?;
    ended.map_err(|refusal| Problem::refused(&who.bank, refusal))?;
    Ok(StatusCode::NO_CONTENT)
}

/// End all other sessions
#[utoipa::path(delete, path = "/v1/sessions/others", tag = "customers",
    responses((status = 204, description = "Only the session that asked is left.")))]
pub async fn end_others(who: AsCustomer) -> Result<StatusCode, Problem> {
    sessions::end_others(&who.bank, who.session).await?;
    Ok(StatusCode::NO_CONTENT)
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
