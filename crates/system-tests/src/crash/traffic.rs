//! The traffic: clients that wish for everything at once until the server is gone, or until they are told to stop.

use crate::chance::Chance;
use crate::crash::book::{Aim, Call, Told, key_of};
use crate::crash::client::{Exchange, exchange};
use crate::crash::people::{Customer, Merchant};
use crate::crash::round::Trial;
use serde_json::{Value, json};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// A payment on which something more can be done.
#[derive(Clone)]
struct Paid {
    payment: String,
    minor: i64,
    merchant: Merchant,
}

/// Payments by what can be done with them.
#[derive(Default)]
struct Piles {
    held: Vec<Paid>,
    taken: Vec<Paid>,
}

struct Client {
    trial: Trial,
    address: String,
    chance: Chance,
    piles: Arc<Mutex<Piles>>,
    tide: Option<Arc<Shared>>,
}

/// What the clients of a tide share.
struct Shared {
    stop: AtomicBool,
    /// Nodes with a sandbox bank each must not be asked for bank transfers: another node's bank would hear of them.
    top_ups: bool,
    /// So long a client rests after each answer.
    pace: Duration,
    granted: Mutex<Vec<Instant>>,
}

/// Traffic that goes on whatever becomes of the server, until it is told to stop.
pub struct Tide {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<()>>,
}

impl Tide {
    /// Starts clients, with or without wishes that concern the bank beside.
    #[must_use]
    pub fn start(trial: &Trial, address: &str, (clients, top_ups): (u32, bool), chance: &Chance) -> Self {
        Self::begin(trial, address, (clients, top_ups, Duration::ZERO), chance)
    }

    /// Starts clients with every sort of wish, each of which rests so long after an answer.
    #[must_use]
    pub fn paced(trial: &Trial, address: &str, (clients, pace): (u32, Duration), chance: &Chance) -> Self {
        Self::begin(trial, address, (clients, true, pace), chance)
    }

    fn begin(trial: &Trial, address: &str, (clients, top_ups, pace): (u32, bool, Duration), chance: &Chance) -> Self {
        let shared = Arc::new(Shared { stop: AtomicBool::new(false), top_ups, pace, granted: Mutex::default() });
        let clients = spawn(trial, address, clients, chance, Some(&shared));
        Self { shared, clients }
    }

    /// The moments since `from` at which a wish was granted.
    #[must_use]
    pub fn granted_since(&self, from: Instant) -> Vec<Instant> {
        let granted = self.shared.granted.lock().unwrap_or_else(PoisonError::into_inner);
        granted.iter().copied().filter(|moment| *moment >= from).collect()
    }

    /// Waits until a wish is granted that was answered after `from`; how long after. Nothing when none is within `most`.
    pub async fn granted_after(&self, from: Instant, most: Duration) -> Option<Duration> {
        while from.elapsed() < most {
            if let Some(first) = self.granted_since(from).into_iter().min() {
                return Some(first.duration_since(from));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        None
    }

    /// Waits until the last answer is there, or is not waited for any more.
    ///
    /// # Errors
    /// When a client failed.
    pub async fn stop(self) -> io::Result<()> {
        self.shared.stop.store(true, Ordering::SeqCst);
        for client in self.clients {
            client.await.map_err(|error| io::Error::other(format!("a client failed: {error}")))?;
        }
        Ok(())
    }
}

/// How long a client of a tide waits when it was told to come later.
const LATER: Duration = Duration::from_millis(50);

/// Starts clients; each ends by itself when the server does not answer any more.
pub fn start(trial: &Trial, address: &str, clients: u32, chance: &Chance) -> Vec<JoinHandle<()>> {
    spawn(trial, address, clients, chance, None)
}

fn spawn(
    trial: &Trial,
    address: &str,
    clients: u32,
    chance: &Chance,
    tide: Option<&Arc<Shared>>,
) -> Vec<JoinHandle<()>> {
    let piles = Arc::new(Mutex::new(Piles::default()));
    let client = |number: u32| Client {
        trial: trial.clone(),
        address: address.to_owned(),
        chance: chance.branch(u64::from(number)),
        piles: Arc::clone(&piles),
        tide: tide.cloned(),
    };
    (0..clients).map(|number| tokio::spawn(client(number).run())).collect()
}

/// What to do with a payment once it is known to be there.
enum Next {
    Nothing,
    Held(i64, Merchant),
    Taken(i64, Merchant),
}

fn money(minor: i64) -> Value {
    json!({"amount": format!("{}.{:02}", minor / 100, minor % 100), "currency": "CNY"})
}

impl Client {
    async fn run(mut self) {
        while !self.is_told_to_stop() {
            let Some((aim, call, next)) = self.draw().await else {
                if self.tide.is_none() {
                    return;
                }
                tokio::time::sleep(LATER).await;
                continue;
            };
            // The reference of payments and refunds is the wish's key, so that no payment can hide.
            let (number, key, call) = {
                let mut book = self.trial.book.lock().unwrap_or_else(PoisonError::into_inner);
                let mut call = call;
                if let Some(reference) = call.body.get_mut("reference") {
                    *reference = Value::from(key_of(book.wishes.len()));
                }
                let number = book.send(aim, call.clone());
                (number, key_of(number), call)
            };
            let Exchange { told, status, .. } = exchange(&self.trial.client, &self.address, &key, &call).await;
            self.remember(&told, next);
            self.note(&told);
            self.trial.book.lock().unwrap_or_else(PoisonError::into_inner).wishes[number].told = told;
            match &self.tide {
                None if status == 0 => return,
                Some(_) if matches!(status, 0 | 401 | 429 | 500..) => tokio::time::sleep(LATER).await,
                Some(tide) if !tide.pace.is_zero() => tokio::time::sleep(tide.pace).await,
                _ => {}
            }
        }
    }

    fn is_told_to_stop(&self) -> bool {
        self.tide.as_ref().is_some_and(|tide| tide.stop.load(Ordering::SeqCst))
    }

    #[expect(clippy::disallowed_methods, reason = "when an answer came is the machine's time")]
    fn note(&self, told: &Told) {
        if let (Some(tide), Told::Done(_)) = (&self.tide, told) {
            tide.granted.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
        }
    }

    fn remember(&self, told: &Told, next: Next) {
        let Told::Done(answer) = told else { return };
        let Some(id) = answer.get("id").and_then(Value::as_str) else { return };
        let mut piles = self.piles.lock().unwrap_or_else(PoisonError::into_inner);
        let paid = |minor, merchant| Paid { payment: id.to_owned(), minor, merchant };
        match next {
            Next::Nothing => {}
            Next::Held(minor, merchant) => piles.held.push(paid(minor, merchant)),
            Next::Taken(minor, merchant) => piles.taken.push(paid(minor, merchant)),
        }
    }

    fn customer(&mut self) -> Customer {
        let place = self.chance.place(self.trial.world.customers.len());
        self.trial.world.customers[place].clone()
    }

    fn take(&mut self, held: bool) -> Option<Paid> {
        let mut piles = self.piles.lock().unwrap_or_else(PoisonError::into_inner);
        let pile = if held { &mut piles.held } else { &mut piles.taken };
        if pile.is_empty() {
            return None;
        }
        let place = self.chance.place(pile.len());
        Some(pile.swap_remove(place))
    }

    /// The next wish; nothing when the server is gone.
    async fn draw(&mut self) -> Option<(Aim, Call, Next)> {
        let minor = 1 + i64::try_from(self.chance.below(50)).unwrap_or(0);
        match self.chance.below(100) {
            0..30 => self.transfer(minor).await,
            30..34 => self.transfer(900_000_000).await,
            34..60 => Some(self.pay(minor, false)),
            60..78 => Some(self.pay(minor, true)),
            78..88 => Some(match self.take(true) {
                Some(paid) => self.end(paid),
                None => self.pay(minor, true),
            }),
            88..96 => Some(match self.take(false) {
                Some(paid) => refund(&paid),
                None => self.pay(minor, false),
            }),
            _ if self.tide.as_ref().is_some_and(|tide| !tide.top_ups) => Some(self.pay(minor, false)),
            _ => {
                let customer = self.customer();
                let body = json!({"bank_account": customer.bank_account, "amount": money(minor)});
                Some((Aim::TopUp, call("/v1/top-ups", &customer.token, body), Next::Nothing))
            }
        }
    }

    /// Looks the payee up first, as a person does.
    async fn transfer(&mut self, minor: i64) -> Option<(Aim, Call, Next)> {
        let (payer, mut payee) = (self.customer(), self.customer());
        while payee.wallet == payer.wallet {
            payee = self.customer();
        }
        let look_up = call("/v1/payees/lookup", &payer.token, json!({"wallet": payee.wallet}));
        let Told::Done(found) = exchange(&self.trial.client, &self.address, "-", &look_up).await.told else {
            return None;
        };
        let body = json!({"wallet": payee.wallet, "confirmation": found.get("confirmation"), "amount": money(minor)});
        Some((Aim::Transfer, call("/v1/transfers", &payer.token, body), Next::Nothing))
    }

    fn pay(&mut self, minor: i64, hold: bool) -> (Aim, Call, Next) {
        let customer = self.customer();
        let place = self.chance.place(self.trial.world.merchants.len());
        let merchant = self.trial.world.merchants[place].clone();
        let body = json!({"merchant": merchant.id, "amount": money(minor), "reference": "", "hold": hold});
        let (aim, next) =
            if hold { (Aim::Hold, Next::Held(minor, merchant)) } else { (Aim::Pay, Next::Taken(minor, merchant)) };
        (aim, call("/v1/payments", &customer.token, body), next)
    }

    fn end(&mut self, paid: Paid) -> (Aim, Call, Next) {
        let (payment, token) = (paid.payment, &paid.merchant.token);
        if self.chance.percent(60) {
            let path = format!("/v1/payments/{payment}/capture");
            let call = call(&path, token, json!({}));
            return (Aim::Capture { payment, amount: paid.minor }, call, Next::Nothing);
        }
        let call = call(&format!("/v1/payments/{payment}/void"), token, json!({}));
        (Aim::Void { payment }, call, Next::Nothing)
    }
}

fn refund(paid: &Paid) -> (Aim, Call, Next) {
    let body = json!({"amount": money(1 + paid.minor / 2), "reference": "", "reason": "harness"});
    let path = format!("/v1/payments/{}/refunds", paid.payment);
    (Aim::Refund, call(&path, &paid.merchant.token, body), Next::Nothing)
}

fn call(path: &str, token: &str, body: Value) -> Call {
    Call { path: path.to_owned(), token: token.to_owned(), body }
}
