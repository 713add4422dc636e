//! The customer's factors: payment PIN, authenticator, recovery codes.

use crate::dto::{Moment, Ref, ids};
use axum::http::StatusCode;
use bank::factors::{self, Kind};
use bank::{Bank, Refusal};
use edge::caller::AsCustomer;
use edge::reply::{Handled, Reply};
use edge::{PathId, Problem, Strict};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocabulary::{ErrorCode, Secret, kinds};

/// By what it is shown that the customer herself asks: exactly one of them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"password": "a long enough password"}))]
pub struct Proof {
    /// The password.
    #[schema(min_length = 1, max_length = 256, format = Password)]
    pub password: Option<String>,
    /// The payment PIN.
    #[schema(min_length = 6, max_length = 6, format = Password)]
    pub pin: Option<String>,
    /// The authenticator's present code.
    #[schema(min_length = 6, max_length = 6)]
    pub totp: Option<String>,
    /// A recovery code.
    #[schema(min_length = 16, max_length = 32)]
    pub recovery_code: Option<String>,
}

/// The longest that is looked at.
const LONGEST: usize = 256;

impl Proof {
    /// The bank's proof, for a field at this pointer.
    pub(super) fn read(self, at: &str) -> Result<factors::Proof, Problem> {
        let all = [
            self.password.map(|text| factors::Proof::Password(Secret::new(text))),
            self.pin.map(|text| factors::Proof::Pin(Secret::new(text))),
            self.totp.map(|text| factors::Proof::Totp(Secret::new(text))),
            self.recovery_code.map(|text| factors::Proof::RecoveryCode(Secret::new(text))),
        ];
        let mut given = all.into_iter().flatten();
        let first = given.next().ok_or_else(|| {
            Problem::because(ErrorCode::MissingField, "Send a proof: password, pin, totp or recovery_code.").at(at)
        })?;
        let (factors::Proof::Password(text)
        | factors::Proof::Pin(text)
        | factors::Proof::Totp(text)
        | factors::Proof::RecoveryCode(text)) = &first;
        if given.next().is_some() || text.expose().len() > LONGEST {
            return Err(Problem::because(ErrorCode::InvalidField, "Send one proof, of at most 256 bytes.").at(at));
        }
        Ok(first)
    }
}

/// The problem of a proof that is not right; with how long to wait after too many.
pub(super) fn refused(bank: &Bank, kind: Kind, refusal: Refusal) -> Problem {
    let wait = refusal.code == ErrorCode::TooManyAttempts;
    let problem = Problem::refused(bank, refusal);
    if wait { problem.retry_after(kind.throttle(&bank.policies()).minutes * 60) } else { problem }
}

/// A factor that is set.
#[derive(Debug, Serialize, ToSchema)]
pub struct Factor {
    /// Its id.
    pub id: ids::Factor,
    /// `pin` or `totp`.
    #[schema(example = "pin")]
    pub kind: &'static str,
    /// When it was set.
    pub created_at: Moment,
    /// When it was last proved.
    pub last_used_at: Option<Moment>,
}

/// What the customer has set.
#[derive(Debug, Serialize, ToSchema)]
pub struct Factors {
    /// Oldest first.
    pub data: Vec<Factor>,
    /// How many recovery codes are left.
    #[schema(minimum = 0, maximum = 10)]
    pub recovery_codes_left: i64,
}

/// A new payment PIN.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"pin": "739164", "proof": {"password": "a long enough password"}}))]
pub struct NewPin {
    /// Six digits that are no row, no repetition and no date.
    #[schema(pattern = "^[0-9]{6}$", format = Password)]
    pub pin: String,
    /// The password, an authenticator's code or a recovery code.
    pub proof: Proof,
}

/// Another factor, proved.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"proof": {"password": "a long enough password"}}))]
pub struct Proved {
    /// The proof.
    pub proof: Proof,
}

/// The id of what was set.
#[derive(Debug, Serialize, ToSchema)]
pub struct Set {
    /// The id.
    pub id: ids::Factor,
}

/// An authenticator that waits for its first code.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewAuthenticator {
    /// Its id.
    pub id: ids::Factor,
    /// The secret in base 32; shown this once.
    #[schema(example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    pub secret: String,
    /// The same as an address, to be shown as a QR code.
    #[schema(
        example = "otpauth://totp/Jiaozi:cus_06f5t2c9wk7v1xq4mz8rhd3bne?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Jiaozi"
    )]
    pub uri: String,
}

/// An authenticator's first code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"code": "492039"}))]
pub struct FirstCode {
    /// The code that it shows now.
    #[schema(pattern = "^[0-9]{6}$")]
    pub code: String,
}

/// Recovery codes.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecoveryCodes {
    /// Ten codes, each good once; shown this once.
    #[schema(example = json!(["x7kq-2m9d-04wz-p3tr"]))]
    pub codes: Vec<String>,
}

/// List factors
#[utoipa::path(get, path = "/v1/me/factors", tag = "customers",
    responses((status = 200, description = "What is set.", body = Factors)))]
pub async fn list(who: AsCustomer) -> Handled<Factors> {
    let found = factors::list(&who.bank, who.customer()).await?;
    let data = found.factors.into_iter().map(|factor| Factor {
        id: factor.id.into(),
        kind: factor.kind,
        created_at: factor.created.into(),
        last_used_at: factor.last_used.map(Moment),
    });
    Ok(Reply::ok(Factors { data: data.collect(), recovery_codes_left: found.recovery_codes_left }))
}

/// Set or change the payment PIN
///
/// A PIN is changed with the password, an authenticator's code or a recovery code, not with the former PIN. Not recorded under a
/// key.
#[utoipa::path(put, path = "/v1/me/factors/pin", tag = "customers", request_body = NewPin,
    responses((status = 200, description = "The PIN is good from now on.", body = Set)))]
pub async fn set_pin(who: AsCustomer, Strict(body): Strict<NewPin>) -> Handled<Set> {
    let proof = body.proof.read("/proof")?;
    let kind = proof.kind();
    let set = factors::set_pin(&who.bank, who.session, Secret::new(body.pin), proof).await?;
    let id = set.map_err(|refusal| refused(&who.bank, kind, refusal))?;
    Ok(Reply::ok(Set { id: Ref(id) }))
}

/// Begin to set up an authenticator
///
/// It counts when it has shown a first code. One that was begun before is forgotten.
#[utoipa::path(post, path = "/v1/me/factors/totp", tag = "customers", request_body = Proved,
    responses((status = 201, description = "The secret for the authenticator.", body = NewAuthenticator)))]
pub async fn begin_totp(who: AsCustomer, Strict(body): Strict<Proved>) -> Handled<NewAuthenticator> {
    let proof = body.proof.read("/proof")?;
    let kind = proof.kind();
    let begun = factors::begin_totp(&who.bank, who.session, proof).await?;
    let begun = begun.map_err(|refusal| refused(&who.bank, kind, refusal))?;
    let (secret, uri) = (begun.secret.expose().clone(), begun.uri.expose().clone());
    Ok(Reply::created(NewAuthenticator { id: begun.id.into(), secret, uri }))
}

/// Send an authenticator's first code
#[utoipa::path(post, path = "/v1/me/factors/totp/confirm", tag = "customers", request_body = FirstCode,
    responses((status = 204, description = "The authenticator counts from now on.")))]
pub async fn confirm_totp(who: AsCustomer, Strict(body): Strict<FirstCode>) -> Result<StatusCode, Problem> {
    let confirmed = factors::confirm_totp(&who.bank, who.session, Secret::new(body.code)).await?;
    confirmed.map_err(|refusal| refused(&who.bank, Kind::Totp, refusal))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make recovery codes
///
/// The codes that were made before are no longer good.
#[utoipa::path(post, path = "/v1/me/factors/recovery-codes", tag = "customers", request_body = Proved,
    responses((status = 201, description = "The codes.", body = RecoveryCodes)))]
pub async fn make_recovery_codes(who: AsCustomer, Strict(body): Strict<Proved>) -> Handled<RecoveryCodes> {
    let proof = body.proof.read("/proof")?;
    let kind = proof.kind();
    let made = factors::make_recovery_codes(&who.bank, who.session, proof).await?;
    let made = made.map_err(|refusal| refused(&who.bank, kind, refusal))?;
    Ok(Reply::created(RecoveryCodes { codes: made.iter().map(|code| code.expose().clone()).collect() }))
}

/// Remove a factor
///
/// With another factor as proof.
#[utoipa::path(post, path = "/v1/me/factors/{factor}/remove", tag = "customers", request_body = Proved,
    responses((status = 204, description = "It is removed.")))]
pub async fn remove(
    who: AsCustomer,
    PathId(id): PathId<kinds::Factor>,
    Strict(body): Strict<Proved>,
) -> Result<StatusCode, Problem> {
    let proof = body.proof.read("/proof")?;
    let kind = proof.kind();
    let removed = factors::remove(&who.bank, who.session, id, proof).await?;
    removed.map_err(|refusal| refused(&who.bank, kind, refusal))?;
    Ok(StatusCode::NO_CONTENT)
}
