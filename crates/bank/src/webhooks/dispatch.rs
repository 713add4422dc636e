//! Dispatch: from events to delivery rows, from due rows to attempts.
//!
//! Races closed here: the cursor moves in the unit of work that writes the rows, and only when it is still where it was read
//! (a replay may have moved it back). An attempt is claimed in the database first, so that two dispatchers, or a resend
//! in between, never make it at the same time, on one node or on two; a claim whose maker died ends by itself, by the
//! database's clock where there are several nodes. The attempt's number is its fence: what a node says of an attempt after
//! its claim has ended and a later attempt was claimed changes nothing. A receiver may then have got the message twice, with
//! the same id.

use super::records::{self, Claimed, Ending};
use super::{DeliveryState, DeliveryView, EndpointView, Owner, payload, secret};
use crate::bank::Bank;
use crate::error::BankError;
use formats::standard_webhooks::{HEADER_ID, HEADER_SIGNATURE, HEADER_TIMESTAMP, sign};
use ports::{WebhookRequest, WebhookSendError, WebhookSender};
use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use store::{Event, Outcome, StoreError};
use tokio::task::JoinSet;
use vocabulary::{Id, kinds};

/// Events looked at in one unit of work.
const CHUNK: u32 = 200;
/// Attempts that run at the same time, in all and for one endpoint.
const RUNNING: usize = 64;
const RUNNING_PER_ENDPOINT: usize = 8;
/// Longer than an attempt can take.
const CLAIM_SECONDS: i64 = 120;
/// How often due retries are looked for; events wake the loop at once.
const PAUSE: Duration = Duration::from_millis(500);

type WebhookId = Id<kinds::Webhook>;

/// Brings one bank's events out. One for each bank.
pub struct Dispatcher {
    bank: Bank,
    sender: Arc<dyn WebhookSender>,
    running: JoinSet<WebhookId>,
    by_endpoint: HashMap<WebhookId, usize>,
}

/// One round, to its end: looks for events, makes every attempt that is due. Returns how many attempts were made.
///
/// # Errors
/// Trouble.
pub async fn round(bank: &Bank, sender: &Arc<dyn WebhookSender>) -> Result<usize, BankError> {
    let mut dispatcher = Dispatcher::new(bank.clone(), Arc::clone(sender));
    let mut made = 0;
    loop {
        let begun = dispatcher.begin().await?;
        made += begun;
        if begun == 0 && dispatcher.running.is_empty() {
            return Ok(made);
        }
        dispatcher.wait().await;
    }
}

/// Rounds until `stop` ends. Attempts that run then are left to the next start.
pub async fn run(bank: Bank, sender: Arc<dyn WebhookSender>, stop: impl Future<Output = ()>) {
    let mut events = bank.store().events();
    let mut dispatcher = Dispatcher::new(bank, sender);
    let (mut stop, mut waiting) = (pin!(stop), false);
    loop {
        let begun = dispatcher.begin().await;
        if let (Err(error), false) = (&begun, waiting) {
            tracing::warn!(%error, "webhooks wait");
        }
        waiting = begun.is_err();
        let busy = !dispatcher.running.is_empty();
        tokio::select! {
            () = &mut stop => return,
            () = dispatcher.wait(), if busy => {}
            changed = events.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

impl Dispatcher {
    fn new(bank: Bank, sender: Arc<dyn WebhookSender>) -> Self {
        Self { bank, sender, running: JoinSet::new(), by_endpoint: HashMap::new() }
    }

    /// Writes deliveries for new events and begins attempts as far as there is room; returns how many.
    async fn begin(&mut self) -> Result<usize, BankError> {
        fan_out(&self.bank).await?;
        let due = self.bank.store().read(|snapshot| records::due(snapshot.reading(), snapshot.now(), 512)).await?;
        let mut begun = 0;
        for delivery in due {
            let running = self.by_endpoint.get(&delivery.endpoint).copied().unwrap_or(0);
            if self.running.len() >= RUNNING || running >= RUNNING_PER_ENDPOINT {
                continue;
            }
            let Some(claimed) = claim(&self.bank, delivery.id).await? else { continue };
            *self.by_endpoint.entry(delivery.endpoint).or_default() += 1;
            let (bank, sender, endpoint) = (self.bank.clone(), Arc::clone(&self.sender), delivery.endpoint);
            self.running.spawn(async move {
                if let Err(error) = attempt(&bank, sender.as_ref(), &delivery, claimed).await {
                    // The claim runs out and the attempt is made again.
                    tracing::warn!(%error, delivery = %delivery.id, "a webhook attempt was not recorded");
                }
                endpoint
            });
            begun += 1;
        }
        Ok(begun)
    }

    /// Waits until one attempt has ended.
    async fn wait(&mut self) {
        let Some(ended) = self.running.join_next().await else { return };
        match ended {
            Ok(endpoint) => {
                if let Some(count) = self.by_endpoint.get_mut(&endpoint) {
                    *count = count.saturating_sub(1);
                }
                self.by_endpoint.retain(|_, count| *count > 0);
            }
            Err(error) => {
                tracing::error!(%error, "a webhook attempt died");
                if self.running.is_empty() {
                    self.by_endpoint.clear();
                }
            }
        }
    }
}

async fn claim(bank: &Bank, id: Id<kinds::Delivery>) -> Result<Option<Claimed>, BankError> {
    let outcome = bank.store().write(move |uow| {
        let claimed = records::claim(uow, id, CLAIM_SECONDS)?;
        Ok::<_, StoreError>(Outcome::<Option<Claimed>, Option<Claimed>>::Done(claimed))
    });
    let (Outcome::Done(claimed) | Outcome::Refused(claimed)) = outcome.await?;
    Ok(claimed)
}

/// Writes delivery rows for the events behind every endpoint's cursor.
async fn fan_out(bank: &Bank) -> Result<(), BankError> {
    let last = *bank.store().events().borrow();
    let endpoints = bank.store().read(|snapshot| records::all(snapshot.reading())).await?;
    for (owner, endpoint) in endpoints.into_iter().filter(|(_, endpoint)| endpoint.enabled) {
        let mut endpoint = endpoint;
        while endpoint.cursor < last {
            let Some(cursor) = fan_out_chunk(bank, owner, &endpoint).await? else { break };
            endpoint.cursor = cursor;
        }
    }
    Ok(())
}

/// Looks at one chunk of events; returns the new cursor, or nothing when there was none.
async fn fan_out_chunk(bank: &Bank, owner: Owner, endpoint: &EndpointView) -> Result<Option<u64>, BankError> {
    let from = endpoint.cursor;
    let events = bank.store().read(move |snapshot| snapshot.events_after(from, owner, CHUNK)).await?;
    let Some(cursor) = events.last().map(|event| event.no) else { return Ok(None) };
    let id = endpoint.id;
    let wanted: Vec<(Id<kinds::Delivery>, Event)> =
        events.into_iter().filter(|event| endpoint.wants(&event.kind)).map(|event| (bank.new_id(), event)).collect();
    let outcome = bank.store().write(move |uow| {
        let unmoved = records::endpoint(uow.reading(), owner, id)?.is_some_and(|present| present.cursor == from);
        if unmoved {
            for (delivery, event) in &wanted {
                records::enqueue(uow, *delivery, id, (event.no, &event.kind))?;
            }
            records::set_cursor(uow, id, cursor)?;
        }
        Ok::<_, StoreError>(Outcome::<bool, bool>::Done(unmoved))
    });
    let (Outcome::Done(moved) | Outcome::Refused(moved)) = outcome.await?;
    Ok(moved.then_some(cursor))
}

/// What an attempt sends; nothing when endpoint or event are gone.
async fn message(bank: &Bank, delivery: &DeliveryView) -> Result<Option<WebhookRequest>, BankError> {
    let (desk, delivery) = (bank.desk(), delivery.clone());
    let found = bank.store().read(move |snapshot| {
        let reading = snapshot.reading();
        let endpoints = records::all(reading)?;
        let event = snapshot.events_after(delivery.event - 1, None, 1)?.pop();
        let endpoint = endpoints.into_iter().find(|(_, view)| view.id == delivery.endpoint);
        let (Some((_, endpoint)), Some(event)) = (endpoint, event) else { return Ok(None) };
        let mut secrets = Vec::new();
        for stored in records::secrets(reading, endpoint.id, snapshot.now())? {
            secrets.push(secret::open(&desk, reading, endpoint.id, stored)?);
        }
        let (id, now, body) = (delivery.id.to_string(), snapshot.now(), payload(&event).into_bytes());
        let headers = vec![
            (HEADER_SIGNATURE, sign(&secrets, &id, now, &body)),
            (HEADER_TIMESTAMP, now.micros().div_euclid(1_000_000).to_string()),
            (HEADER_ID, id),
        ];
        Ok(Some(WebhookRequest { url: endpoint.url, headers, body }))
    });
    Ok(found.await?)
}

async fn attempt(
    bank: &Bank,
    sender: &dyn WebhookSender,
    delivery: &DeliveryView,
    Claimed { attempt, tries }: Claimed,
) -> Result<(), BankError> {
    let answer = match message(bank, delivery).await? {
        Some(message) => sender.send(message).await,
        None => Ok(410),
    };
    let (id, endpoint, policies) = (delivery.id, delivery.endpoint, bank.policies());
    bank.store()
        .write(move |uow| {
            let ending = ending(&answer, (tries, &policies.webhook_retry_seconds), uow.now());
            let told = records::end(uow, (id, attempt), &ending)?;
            // 410 Gone: the receiver asks never to be sent to again (Standard Webhooks, "Endpoint deletion").
            if told && answer == Ok(410) {
                records::disable(uow, endpoint)?;
            }
            Ok::<_, StoreError>(Outcome::<(), ()>::Done(()))
        })
        .await?;
    Ok(())
}

/// What becomes of a delivery after an attempt; `tries` were made before it, and `pauses` are those of the policy.
pub(super) fn ending(
    answer: &Result<u16, WebhookSendError>,
    (tries, pauses): (u32, &[u32]),
    now: vocabulary::Timestamp,
) -> Ending {
    let (status, error) = match answer {
        Ok(status) => (Some(*status), None),
        Err(error) => (None, Some(error.to_string())),
    };
    let delay = usize::try_from(tries).ok().and_then(|tries| pauses.get(tries));
    let (state, due) = match (answer, delay) {
        (Ok(200..=299), _) => (DeliveryState::Delivered, None),
        (Ok(410), _) | (_, None) => (DeliveryState::GivenUp, None),
        (_, Some(seconds)) => (DeliveryState::Waiting, Some(now.plus_seconds(i64::from(*seconds)))),
    };
    Ending { state, due, status, error }
}
