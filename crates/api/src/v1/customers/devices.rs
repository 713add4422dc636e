//! A person's devices: what they sign, which there are, revoking one.

use crate::dto::{Moment, Page, ids};
use axum::http::StatusCode;
use bank::devices::{self, DeviceView, Proof};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use edge::caller::AsCustomer;
use edge::reply::{Handled, Reply};
use edge::{Context, PathId, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocabulary::{ErrorCode, kinds};

/// The proof of a device at signing in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceProof {
    /// The public key, base64url without padding: 32 bytes of Ed25519, or the uncompressed point of 65 bytes of P-256.
    #[schema(min_length = 1, max_length = 128)]
    pub public_key: String,
    /// The challenge, as `POST /v1/devices/challenge` gave it.
    #[schema(min_length = 1, max_length = 256)]
    pub challenge: String,
    /// The signature of 64 bytes (Ed25519, or ECDSA with SHA-256 as r and s) over `jiaozi sign-in`, the challenge and the sign-in
    /// name as it is sent, with a line feed between each; base64url without padding.
    #[schema(min_length = 1, max_length = 128)]
    pub signature: String,
}

impl DeviceProof {
    pub(super) fn read(&self) -> Result<Proof, Problem> {
        let key = bytes(&self.public_key, "/device/public_key")?;
        let signature = bytes(&self.signature, "/device/signature")?;
        Ok(Proof { key, challenge: self.challenge.clone(), signature })
    }
}

/// The bytes of a base64url text.
pub(super) fn bytes(text: &str, at: &str) -> Result<Vec<u8>, Problem> {
    let plain = URL_SAFE_NO_PAD.decode(text);
    plain.map_err(|_| Problem::because(ErrorCode::InvalidField, "Send base64url without padding.").at(at))
}

/// A challenge.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeviceChallenge {
    /// What the device signs.
    pub challenge: String,
    /// Until when it can be used, once.
    pub expires_at: Moment,
}

/// Ask for a challenge
///
/// A device signs it to prove its key at signing in.
#[utoipa::path(post, path = "/v1/devices/challenge", tag = "customers",
    responses((status = 200, description = "A challenge that is good once.", body = DeviceChallenge)))]
pub async fn challenge(context: Context) -> Handled<DeviceChallenge> {
    let made = devices::challenge(&context.bank);
    Ok(Reply::ok(DeviceChallenge { challenge: made.text, expires_at: made.expires.into() }))
}

/// A device.
#[derive(Debug, Serialize, ToSchema)]
pub struct Device {
    /// Its id.
    pub id: ids::Device,
    /// What the person calls it.
    #[schema(example = "My phone")]
    pub name: Option<String>,
    /// `ed25519` or `p256`.
    #[schema(example = "ed25519")]
    pub algorithm: String,
    /// When it was bound.
    pub bound_at: Moment,
    /// When it last signed in or refreshed.
    pub last_seen_at: Moment,
}

fn show(view: DeviceView) -> Device {
    Device {
        id: view.id.into(),
        name: view.name,
        algorithm: view.algorithm.name().to_owned(),
        bound_at: view.created.into(),
        last_seen_at: view.seen.into(),
    }
}

/// List devices
#[utoipa::path(get, path = "/v1/devices", tag = "customers",
    responses((status = 200, description = "One's own devices, newest first, at most 200.", body = Page<Device>)))]
pub async fn list(who: AsCustomer) -> Handled<Page<Device>> {
    let all = devices::list(&who.bank, who.customer()).await?;
    Ok(Reply::ok(Page { data: all.into_iter().map(show).collect(), next_cursor: None }))
}

/// Revoke a device
///
/// Ends its sessions; its key is never bound to the same person again.
#[utoipa::path(delete, path = "/v1/devices/{device}", tag = "customers",
    responses((status = 204, description = "The device is out, on every node.")))]
pub async fn revoke(who: AsCustomer, PathId(id): PathId<kinds::Device>) -> Result<StatusCode, Problem> {
    let revoked = devices::revoke(&who.bank, who.session, id).await?;
    revoked.map_err(|refusal| Problem::refused(&who.bank, refusal))?;
    Ok(StatusCode::NO_CONTENT)
}
