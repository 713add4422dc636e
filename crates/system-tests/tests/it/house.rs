//! A bank behind its HTTP server, and people who use it.

use api::{Api, Metrics};
use bank::testing::{TestBank, cny};
use bank::{Principal, Wish, merchants, wallets};
use edge::{Edge, Options, Tenants};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use vocabulary::{Clock, Id, kinds};

/// The password of everybody here.
pub const PASSWORD: &str = "a long enough password";

/// A running bank.
pub struct House {
    pub world: TestBank,
    pub base: String,
    pub client: reqwest::Client,
    keys: AtomicU64,
    _stop: oneshot::Sender<()>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
    pub body: Value,
}

impl Answer {
    /// The problem's code.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// Asserts the status and gives the body.
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.body
    }

    /// Asserts that it is a well-formed problem with this code.
    pub fn refused(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.code()), (status, code), "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["request_id"], self.header("x-request-id"));
        assert_eq!(self.body["type"], format!("/docs/errors#{code}"));
        assert!(self.body["detail"].as_str().is_some_and(|detail| detail.len() > 10), "{}", self.text);
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// A pointer's text.
    pub fn at(&self, pointer: &str) -> &str {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }
}

/// A customer with a session.
#[derive(Clone)]
pub struct Person {
    pub token: String,
    pub customer: String,
    pub wallet: String,
}

/// A merchant with an API key for everything.
#[derive(Clone)]
pub struct Shop {
    pub token: String,
    pub id: String,
    pub store: String,
}

impl House {
    /// A bank with the default way in, without rate limits.
    pub async fn open() -> Self {
        Self::with(unlimited()).await
    }

    /// A bank with a way in of one's own.
    pub async fn with(options: Options) -> Self {
        Self::of(TestBank::new(), options).await
    }

    /// A bank with the sandbox bank beside it, in a directory of the caller's; without rate limits.
    pub async fn beside(directory: &std::path::Path) -> Self {
        let rail = Arc::new(rails::sandbox_bank::SandboxBank::open(directory).expect("a sandbox bank"));
        Self::of(TestBank::on(rail), unlimited()).await
    }

    /// A bank in which acts of staff need a second person, as in a new one; in all others they need none.
    pub async fn strict() -> Self {
        let options = unlimited();
        Self::serving(TestBank::new(), options).await
    }

    /// A bank with this world around it, without rate limits.
    pub async fn around(world: TestBank) -> Self {
        Self::of(world, Options { caller_rate: None, address_rate: None, ..Options::default() }).await
    }

    async fn of(world: TestBank, options: Options) -> Self {
        world.one_pair_of_eyes().await;
        Self::serving(world, options).await
    }

    async fn serving(world: TestBank, options: Options) -> Self {
        let clock = Arc::clone(&world.clock) as Arc<dyn Clock>;
        let routes = Api::new().routes(Metrics::default());
        let scheme = if options.tls.is_some() { "https" } else { "http" };
        let edge = Edge::new(options, Tenants::only(world.bank.clone()), routes, clock);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("{scheme}://{}", listener.local_addr().expect("an address"));
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(edge::serve(edge, listener, async {
            let _ = stopped.await;
        }));
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let client = client.build().expect("a client");
        Self { world, base, client, keys: AtomicU64::new(0), _stop: stop }
    }

    /// A fresh idempotency key.
    pub fn key(&self) -> String {
        format!("key-{}", self.keys.fetch_add(1, Ordering::SeqCst))
    }

    /// Sends a request.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let answer = request.send().await.expect("an answer");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.expect("a body");
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status, headers, text, body }
    }

    /// A request without a body.
    pub fn request(&self, method: Method, path: &str, token: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        if token.is_empty() { request } else { request.bearer_auth(token) }
    }

    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.send(self.request(Method::GET, path, token)).await
    }

    pub async fn delete(&self, path: &str, token: &str) -> Answer {
        self.send(self.request(Method::DELETE, path, token)).await
    }

    /// A POST under a fresh key.
    pub async fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        self.post_under(&self.key(), path, token, body).await
    }

    /// A POST under a key.
    pub async fn post_under(&self, key: &str, path: &str, token: &str, body: &Value) -> Answer {
        let request = self.request(Method::POST, path, token).header("idempotency-key", key);
        self.send(request.json(body)).await
    }

    /// A POST of bytes as they are.
    pub async fn post_raw(&self, path: &str, token: &str, body: impl Into<reqwest::Body>) -> Answer {
        let request = self.request(Method::POST, path, token).header("idempotency-key", self.key());
        self.send(request.header("content-type", "application/json").body(body)).await
    }

    /// Another method with a body.
    pub async fn put(&self, method: Method, path: &str, token: &str, body: &Value) -> Answer {
        self.send(self.request(method, path, token).json(body)).await
    }

    /// A registered customer who is signed in and has so many minor units of CNY.
    pub async fn person(&self, sign_in: &str, minor: i64) -> Person {
        let new = json!({"sign_in": sign_in, "display_name": format!("Person {sign_in}"), "password": PASSWORD,
            "currencies": ["CNY"]});
        let made = self.post("/v1/customers", "", &new).await.expect(201);
        let sign_in = json!({"sign_in": sign_in, "password": PASSWORD});
        let session = self.put(Method::POST, "/v1/sessions", "", &sign_in).await.expect(201);
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let wallet = text(&made["wallet"]);
        let person = Person { token: text(&session["token"]), customer: text(&made["customer"]), wallet };
        if minor > 0 {
            self.fund(&person, minor);
        }
        person
    }

    /// The same person, signed in again.
    pub async fn again(&self, person: &Person, sign_in: &str) -> Person {
        let body = json!({"sign_in": sign_in, "password": PASSWORD});
        let session = self.put(Method::POST, "/v1/sessions", "", &body).await.expect(201);
        Person { token: session["token"].as_str().expect("a token").to_owned(), ..person.clone() }
    }

    /// Brings minor units of CNY into a wallet.
    pub fn fund(&self, person: &Person, minor: i64) {
        let wallet: Id<kinds::Wallet> = Id::parse(&person.wallet).expect("an id");
        let read =
            self.world.bank.store().read_blocking(|snapshot| wallets::account(snapshot.reading(), wallet, cny()));
        self.world.fund(&read.expect("no trouble").expect("an account"), minor);
    }

    /// A merchant with a key that has every scope.
    pub async fn shop(&self, name: &str) -> Shop {
        let merchant = self.world.merchant(name).await.merchant;
        let bank = &self.world.bank;
        let wish = Wish::internal(Principal::System, "tests");
        let scopes = merchants::Scope::ALL.to_vec();
        let made = merchants::create_key(bank, wish, merchant, ("tests".to_owned(), scopes)).await;
        let key = made.expect("no trouble").result.expect("a key").key;
        let view = merchants::view(bank, merchant).await.expect("no trouble").expect("a merchant");
        Shop { token: key, id: merchant.to_string(), store: view.stores[0].id.to_string() }
    }

    /// A token of a member of staff with this role.
    pub async fn staff(&self, role: bank::staff::Role) -> String {
        let bank = self.world.bank.clone();
        let work = move || bank::staff::enrol_blocking(&bank, "Somebody", role).expect("enrolled");
        let enrolled = tokio::task::spawn_blocking(work).await.expect("no panic");
        enrolled.token.expose().clone()
    }

    /// The posted balance of a person, in minor units as text.
    pub async fn posted(&self, person: &Person) -> String {
        let wallet = self.get("/v1/wallet", &person.token).await.expect(200);
        wallet["accounts"][0]["posted"]["amount"].as_str().expect("an amount").to_owned()
    }
}

/// The default way in, without rate limits.
pub fn unlimited() -> Options {
    Options { caller_rate: None, credential_rate: None, address_rate: None, ..Options::default() }
}

/// So much CNY.
pub fn yuan(amount: &str) -> Value {
    json!({"amount": amount, "currency": "CNY"})
}
