//! Making, changing and ending endpoints. The secret is shown when it is made, and never again.

use super::{EndpointView, JOB_FORGET, Owner, address, records, secret};
use crate::bank::Bank;
use crate::error::BankError;
use crate::refusal::Refusal;
use crate::sealed::Sealing;
use crate::wish::{Answer, Wish};
use serde::{Deserialize, Serialize};
use store::Outcome;
use vocabulary::{ErrorCode, Id, kinds};

type WebhookId = Id<kinds::Webhook>;

/// An endpoint to be made.
#[derive(Clone, Debug)]
pub struct NewEndpoint {
    /// Where messages go.
    pub url: String,
    /// Which types of events; all when empty.
    pub kinds: Vec<String>,
}

/// What is to be changed; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Where messages go.
    pub url: Option<String>,
    /// Which types of events.
    pub kinds: Option<Vec<String>>,
    /// Whether messages are sent.
    pub enabled: Option<bool>,
}

/// An endpoint with its new secret, shown this once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WithSecret {
    /// The endpoint.
    pub endpoint: EndpointView,
    /// The secret: `whsec_…`.
    pub secret: String,
}

fn check_kinds(kinds: &[String]) -> Result<(), Refusal> {
    let fits = |kind: &String| {
        let name = kind.strip_suffix('*').unwrap_or(kind);
        let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'.' | b'_'));
        (1..=64).contains(&kind.len()) && plain
    };
    if kinds.len() <= 50 && kinds.iter().all(fits) {
        return Ok(());
    }
    let detail = "an event type is written like payment.captured or payment.*; send at most 50";
    Err(Refusal::new(ErrorCode::InvalidField, detail).at("types"))
}

/// Makes an endpoint. It gets events from now on; `replay` reaches back.
///
/// # Errors
/// Trouble. Refusals: `webhook_url_refused`, `invalid_field`.
pub async fn create(bank: &Bank, wish: Wish, owner: Owner, new: NewEndpoint) -> Result<Answer<WithSecret>, BankError> {
    let (desk, id) = (bank.desk(), bank.new_id());
    let sandbox = bank.is_sandbox();
    let last = bank.store().events();
    bank.once(wish, move |uow| {
        let checked = check_kinds(&new.kinds).and_then(|()| address::vet(&new.url, sandbox));
        let url = match checked {
            Ok(url) => url,
            Err(refusal) => return Ok(Outcome::Refused(refusal)),
        };
        let present = records::all(uow.reading())?.into_iter().filter(|(whose, _)| *whose == owner).count();
        let most = desk.policies().webhook_endpoints;
        if present >= most as usize {
            let detail = format!("there are {most} endpoints already; remove one first");
            return Ok(Outcome::Refused(Refusal::new(ErrorCode::InvalidField, detail)));
        }
        let (cursor, created_at) = (*last.borrow(), uow.now());
        let endpoint = EndpointView {
            id,
            url,
            kinds: new.kinds.clone(),
            enabled: true,
            cursor,
            old_secret_until: None,
            created_at,
        };
        let (secret, sealed) = secret::draw(&desk, uow, id)?;
        records::insert(uow, owner, &endpoint, &sealed)?;
        Ok(Outcome::Done(WithSecret { endpoint, secret }))
    })
    .await
}

/// Changes an endpoint.
///
/// # Errors
/// Trouble. Refusals: `not_found`, `webhook_url_refused`, `invalid_field`.
pub async fn change(
    bank: &Bank,
    wish: Wish,
    (owner, id): (Owner, WebhookId),
    change: Change,
) -> Result<Answer<EndpointView>, BankError> {
    let sandbox = bank.is_sandbox();
    bank.once(wish, move |uow| {
        let Some(mut endpoint) = records::endpoint(uow.reading(), owner, id)? else { return Ok(unknown()) };
        let url = change.url.as_deref().map(|url| address::vet(url, sandbox)).transpose();
        let checked = check_kinds(change.kinds.as_deref().unwrap_or_default()).and(url);
        match checked {
            Ok(Some(url)) => endpoint.url = url,
            Ok(None) => {}
            Err(refusal) => return Ok(Outcome::Refused(refusal)),
        }
        if let Some(kinds) = &change.kinds {
            endpoint.kinds.clone_from(kinds);
        }
        endpoint.enabled = change.enabled.unwrap_or(endpoint.enabled);
        records::change(uow, &endpoint)?;
        Ok(Outcome::Done(endpoint))
    })
    .await
}

fn unknown<T>() -> Outcome<T, Refusal> {
    Outcome::Refused(Refusal::of(ErrorCode::NotFound))
}

/// Draws a new secret. The old one signs beside it for as long as policy says: a day by default.
///
/// # Errors
/// Trouble. Refusal: `not_found`.
pub async fn rotate(bank: &Bank, wish: Wish, (owner, id): (Owner, WebhookId)) -> Result<Answer<WithSecret>, BankError> {
    let desk = bank.desk();
    bank.once(wish, move |uow| {
        let Some(mut endpoint) = records::endpoint(uow.reading(), owner, id)? else { return Ok(unknown()) };
        let until = uow.now().plus_seconds(i64::from(desk.policies().webhook_secret_overlap_seconds));
        let (secret, sealed) = secret::draw(&desk, uow, id)?;
        records::rotate(uow, id, &sealed, until)?;
        endpoint.old_secret_until = Some(until);
        Ok(Outcome::Done(WithSecret { endpoint, secret }))
    })
    .await
}

/// Ends an endpoint: its secrets' key is destroyed, nobody sees its log any more, and a job deletes that bit by bit, since
/// three years of deliveries in one unit would keep everybody waiting.
///
/// # Errors
/// Trouble. Refusal: `not_found`.
pub async fn remove(
    bank: &Bank,
    wish: Wish,
    (owner, id): (Owner, WebhookId),
) -> Result<Answer<EndpointView>, BankError> {
    bank.once_then(
        wish,
        move |uow| {
            let Some(mut endpoint) = records::endpoint(uow.reading(), owner, id)? else { return Ok(unknown()) };
            endpoint.enabled = false;
            records::remove(uow, id)?;
            let now = uow.now();
            uow.schedule(now, JOB_FORGET, id.as_u128())?;
            Sealing::destroy(uow, id.as_u128())?;
            Ok(Outcome::Done(endpoint))
        },
        move |bank| {
            bank.sealing().forget(id.as_u128());
            Ok(())
        },
    )
    .await
}

/// An owner's endpoints, oldest first.
///
/// # Errors
/// Trouble.
pub async fn list(bank: &Bank, owner: Owner) -> Result<Vec<EndpointView>, BankError> {
    let all = bank.store().read(|snapshot| records::all(snapshot.reading())).await?;
    Ok(all.into_iter().filter(|(whose, _)| *whose == owner).map(|(_, view)| view).collect())
}

/// An owner's endpoint.
///
/// # Errors
/// Trouble.
pub async fn endpoint(bank: &Bank, owner: Owner, id: WebhookId) -> Result<Option<EndpointView>, BankError> {
    Ok(bank.store().read(move |snapshot| records::endpoint(snapshot.reading(), owner, id)).await?)
}
