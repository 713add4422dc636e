//! One request, from its head to its answer.

use super::HttpOptions;
use super::answer::{self, Answer, Problem};
use super::rate::Rate;
use crate::error::{Refused, Trouble};
use crate::vault::Vault;
use bytes::Bytes;
use formats::card_link::{DESCRIBE_PATH, DESTROY_PATH, INTAKE_PATH, KEYS_PATH, Question};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::{HeaderMap, Method, Request, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::Semaphore;
use vocabulary::{ErrorCode, Id, Secret, kinds};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// So many requests are worked on at once; others wait. Each costs a decryption and a write.
const AT_WORK: usize = 8;

/// Everything between the listener and the vault.
pub(super) struct Door {
    pub(super) vault: Arc<Vault>,
    pub(super) options: HttpOptions,
    rate: Option<Rate>,
    work: Arc<Semaphore>,
}

/// What an address is called in logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Health,
    Keys,
    Intake,
    Describe,
    Destroy,
    Nowhere,
}

impl Place {
    fn of(path: &str) -> Self {
        match path {
            "/healthz" => Self::Health,
            KEYS_PATH => Self::Keys,
            INTAKE_PATH => Self::Intake,
            DESCRIBE_PATH => Self::Describe,
            DESTROY_PATH => Self::Destroy,
            _ => Self::Nowhere,
        }
    }

    const fn method(self) -> Method {
        match self {
            Self::Health | Self::Keys | Self::Nowhere => Method::GET,
            Self::Intake | Self::Describe | Self::Destroy => Method::POST,
        }
    }
}

#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct Intake {
    ticket: String,
    card: String,
}

impl Door {
    pub(super) fn new(vault: Arc<Vault>, options: HttpOptions) -> Self {
        let rate = options.address_rate.map(Rate::new);
        Self { vault, options, rate, work: Arc::new(Semaphore::new(AT_WORK)) }
    }

    /// Answers one request; it never fails.
    pub(super) async fn answer(&self, request: Request<Incoming>, address: IpAddr) -> Answer {
        let id = Id::<kinds::Request>::draw(self.vault.clock.now(), self.vault.entropy.as_ref()).to_string();
        let place = Place::of(request.uri().path());
        let origin = self.listed(request.headers());
        let mut answer = match self.route(place, request, address).await {
            Ok(answer) => answer,
            Err(problem) => problem.answer(&id),
        };
        answer::secure(answer.headers_mut(), &id);
        if let (Some(origin), Place::Keys | Place::Intake) = (origin, place) {
            answer::allow(answer.headers_mut(), &origin);
        }
        tracing::info!(request = id, ?place, status = answer.status().as_u16(), "answered");
        answer
    }

    /// The asking page's origin, if it is listed.
    fn listed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(header::ORIGIN)?;
        self.options.origins.iter().any(|listed| listed.as_bytes() == origin.as_bytes()).then(|| origin.clone())
    }

    async fn route(&self, place: Place, request: Request<Incoming>, address: IpAddr) -> Result<Answer, Problem> {
        let from_bank = matches!(place, Place::Describe | Place::Destroy);
        if let (Some(rate), false) = (&self.rate, from_bank || place == Place::Health) {
            rate.take(address, self.vault.clock.now())
                .map_err(|seconds| Problem { retry_after: Some(seconds), ..Problem::new(ErrorCode::RateLimited) })?;
        }
        if place == Place::Nowhere {
            return Err(Problem::because(ErrorCode::NotFound, "There is nothing at this address."));
        }
        if request.method() == Method::OPTIONS && matches!(place, Place::Keys | Place::Intake) {
            return Ok(answer::empty());
        }
        if request.method() != place.method() {
            return Err(Problem::new(ErrorCode::MethodNotAllowed));
        }
        if from_bank && !self.is_bank(request.headers()) {
            return Err(Problem::new(ErrorCode::Unauthenticated));
        }
        match place {
            Place::Health => answer::json(StatusCode::OK, &serde_json::json!({"status": "ok"})),
            Place::Keys => answer::json(StatusCode::OK, &self.vault.published()),
            Place::Intake => self.intake(request).await,
            Place::Describe => self.describe(request).await,
            Place::Destroy => self.destroy(request).await,
            Place::Nowhere => Err(Problem::new(ErrorCode::NotFound)),
        }
    }

    fn is_bank(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        given.and_then(|value| value.strip_prefix("Bearer ")).is_some_and(|token| self.vault.is_bank(token))
    }

    async fn intake(&self, request: Request<Incoming>) -> Result<Answer, Problem> {
        let body: Intake = self.read(request).await?;
        let taken = self.work(move |vault| vault.take_in(&body.ticket, &body.card)).await?;
        let card = taken.map_err(refused)?;
        answer::json(StatusCode::CREATED, &card)
    }

    async fn describe(&self, request: Request<Incoming>) -> Result<Answer, Problem> {
        let question: Question = self.read(request).await?;
        let found = self.work(move |vault| vault.describe(&question)).await?.map_err(|error| trouble(&error))?;
        let card = found.ok_or_else(|| Problem::new(ErrorCode::CardNotFound))?;
        answer::json(StatusCode::OK, &card)
    }

    async fn destroy(&self, request: Request<Incoming>) -> Result<Answer, Problem> {
        let question: Question = self.read(request).await?;
        self.work(move |vault| vault.destroy(&question)).await?.map_err(|error| trouble(&error))?;
        Ok(answer::empty())
    }

    /// Does work that blocks, a bounded number at a time.
    async fn work<T: Send + 'static>(&self, work: impl FnOnce(&Vault) -> T + Send + 'static) -> Result<T, Problem> {
        let busy = |_| Problem::new(ErrorCode::Unavailable);
        let place = Arc::clone(&self.work).acquire_owned().await.map_err(busy)?;
        let vault = Arc::clone(&self.vault);
        let done = tokio::task::spawn_blocking(move || {
            let result = work(&vault);
            drop(place);
            result
        });
        done.await.map_err(|_| Problem::new(ErrorCode::Internal))
    }

    /// Reads a JSON body, bounded in size and time.
    async fn read<T: DeserializeOwned>(&self, request: Request<Incoming>) -> Result<T, Problem> {
        let kind =
            request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
            return Err(Problem::new(ErrorCode::UnsupportedMediaType));
        }
        let body = Limited::new(request.into_body(), self.options.body_bytes).collect();
        let bytes: Bytes = match tokio::time::timeout(self.options.body, body).await {
            Ok(Ok(collected)) => collected.to_bytes(),
            Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(Problem::new(ErrorCode::BodyTooLarge)),
            Ok(Err(_)) | Err(_) => {
                return Err(Problem::because(ErrorCode::MalformedJson, "The body did not come whole and in time."));
            }
        };
        let bytes = Secret::new(Vec::from(bytes));
        // The parser's words are not passed on: they may quote what was sent.
        serde_json::from_slice(bytes.expose()).map_err(|_| Problem::new(ErrorCode::MalformedJson))
    }
}

fn refused(refused: Refused) -> Problem {
    match refused {
        Refused::Trouble(error) => trouble(&error),
        other => Problem::because(other.code(), other.to_string()),
    }
}

/// Logged here once, with its causes; the caller is told nothing of it.
fn trouble(error: &Trouble) -> Problem {
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    tracing::error!(%error, cause, "the vault could not do it");
    match error {
        Trouble::Store(_) | Trouble::Keys(ports::VaultError::Unavailable(_)) => Problem::new(ErrorCode::Unavailable),
        _ => Problem::new(ErrorCode::Internal),
    }
}
