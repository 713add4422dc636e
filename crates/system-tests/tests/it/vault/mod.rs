//! The card vault from outside, beside a bank: both behind their HTTP servers, as customers meet them.

mod cards;
mod door;
mod secrecy;

use crate::house::{Answer, House, Person};
use bank::testing::{ManualClock, SeededEntropy, TestBank};
use card_vault::{HttpOptions, Options, Vault};
use formats::card_link::LinkSecret;
use formats::jwe;
use formats::jwk::KeySet;
use ports::CardVault;
use rails::{FileVault, HttpCardVault};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use vocabulary::{Clock, Entropy, Timestamp};

/// A card number that stands nowhere else.
const PAN: &str = "4000123412341234";

/// A bank and its card vault.
struct Vaulted {
    house: House,
    vault: Arc<Vault>,
    base: String,
    folder: TempDir,
    entropy: Arc<SeededEntropy>,
    _stop: oneshot::Sender<()>,
}

impl Vaulted {
    async fn open() -> Self {
        Self::with(HttpOptions { address_rate: None, ..HttpOptions::default() }).await
    }

    async fn with(options: HttpOptions) -> Self {
        let start = Timestamp::parse("2026-11-23T02:00:00Z").expect("a moment");
        let clock = Arc::new(ManualClock::at(start));
        let folder = tempfile::tempdir().expect("a folder");
        let entropy = Arc::new(SeededEntropy::new(77));
        let chance = Arc::clone(&entropy) as Arc<dyn Entropy>;
        let time = Arc::clone(&clock) as Arc<dyn Clock>;
        let keys = FileVault::open(folder.path(), Arc::clone(&chance)).expect("a key file");
        let opened = Options {
            directory: folder.path().to_owned(),
            clock: Arc::clone(&time),
            entropy: Arc::clone(&chance),
            keys: Arc::new(keys),
            secret: LinkSecret::new([5; 32]),
            key_days: 30,
        };
        let vault = tokio::task::spawn_blocking(move || Vault::open(opened).expect("it opens"));
        let vault = Arc::new(vault.await.expect("no panic"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(card_vault::serve(Arc::clone(&vault), options, listener, async {
            let _ = stopped.await;
        }));
        let address = base.clone();
        let client = move || {
            let secret = LinkSecret::new([5; 32]);
            let patience = Duration::from_secs(30);
            HttpCardVault::new((&address, &address), &secret, (time, chance), patience).expect("a client")
        };
        let client = tokio::task::spawn_blocking(client).await.expect("no panic");
        let house = House::around(TestBank::with_cards(clock, Arc::new(client) as Arc<dyn CardVault>)).await;
        Self { house, vault, base, folder, entropy, _stop: stop }
    }

    async fn keys(&self) -> KeySet {
        let answer = self.house.send(self.house.client.get(format!("{}/v1/keys", self.base))).await;
        serde_json::from_value(answer.expect(200)).expect("a key set")
    }

    async fn sealed(&self, details: &Value) -> String {
        let key = self.keys().await.keys[0].key().expect("a key");
        jwe::encrypt(&key, details.to_string().as_bytes(), self.entropy.as_ref()).expect("encrypted")
    }

    /// A ticket of the bank's for a customer.
    async fn ticket(&self, person: &Person) -> String {
        let request = self.house.request(Method::POST, "/v1/cards/tickets", &person.token);
        let answer = self.house.send(request.header("idempotency-key", self.house.key())).await.expect(201);
        assert_eq!(answer["vault"], self.base.as_str());
        answer["ticket"].as_str().expect("a ticket").to_owned()
    }

    /// Posts to the vault.
    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.house.send(self.house.client.post(format!("{}{path}", self.base)).json(body)).await
    }

    /// Brings a card with a ticket.
    async fn bring(&self, ticket: &str, number: &str) -> Answer {
        let details = details(ticket, number);
        let card = self.sealed(&details).await;
        self.post("/v1/cards", &json!({"ticket": ticket, "card": card})).await
    }

    /// A card of a customer's in the vault; gives its token.
    async fn token(&self, person: &Person, number: &str) -> String {
        let ticket = self.ticket(person).await;
        let card = self.bring(&ticket, number).await.expect(201);
        card["token"].as_str().expect("a token").to_owned()
    }
}

fn details(ticket: &str, number: &str) -> Value {
    json!({"ticket": ticket, "number": number, "expiry_month": 12, "expiry_year": 2030, "security_code": "987"})
}
