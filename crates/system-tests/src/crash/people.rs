//! Who uses the bank under test: customers with money, merchants with keys. Made over HTTP before the first kill.

use crate::crash::book::{Aim, Book, Call, Told};
use crate::crash::server::{Server, Start};
use serde_json::{Value, json};
use std::io;
use std::process::Command;
use std::time::Duration;

/// A customer.
#[derive(Clone, Debug)]
pub struct Customer {
    /// The session's token.
    pub token: String,
    /// The wallet's id.
    pub wallet: String,
    /// The linked bank account's id.
    pub bank_account: String,
}

/// A merchant.
#[derive(Clone, Debug)]
pub struct Merchant {
    /// The merchant's id.
    pub id: String,
    /// The API key.
    pub token: String,
}

/// Everybody.
#[derive(Clone, Debug)]
pub struct World {
    /// The customers.
    pub customers: Vec<Customer>,
    /// The merchants.
    pub merchants: Vec<Merchant>,
}

const CUSTOMERS: usize = 12;
const MERCHANTS: usize = 3;
/// How often each customer tops up before the first kill: within what the lowest tier may hold.
const FUNDINGS: usize = 4;
const PASSWORD: &str = "a password for the crash harness";

struct Setup<'a> {
    client: &'a reqwest::Client,
    address: &'a str,
    /// What moves money is noted there from the first.
    book: Book,
}

impl Setup<'_> {
    async fn post(&self, path: &str, token: Option<&str>, key: &str, body: Value) -> io::Result<Value> {
        let mut request =
            self.client.post(format!("{}{path}", self.address)).header("idempotency-key", key).json(&body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.map_err(io::Error::other)?;
        let status = response.status();
        let answer = response.json::<Value>().await.map_err(io::Error::other)?;
        if status.is_success() {
            Ok(answer)
        } else {
            Err(io::Error::other(format!("{path} {body}: {status} {answer}")))
        }
    }

    async fn customer(&mut self, number: usize) -> io::Result<Customer> {
        let sign_in = format!("+86138{number:08}");
        let new = json!({"sign_in": sign_in, "display_name": format!("Person {number}"), "password": PASSWORD,
            "currencies": ["CNY"]});
        let made = self.post("/v1/customers", None, &format!("customer-{number}"), new).await?;
        let session = json!({"sign_in": sign_in, "password": PASSWORD});
        let session = self.post("/v1/sessions", None, "-", session).await?;
        let token = text(&session, "token")?;
        let number = json!({"number": iban(number)});
        let linked = self.post("/v1/bank-accounts", Some(&token), "link", number).await?;
        let customer = Customer { wallet: text(&made, "wallet")?, bank_account: text(&linked, "id")?, token };
        for _ in 0..FUNDINGS {
            let body =
                json!({"bank_account": customer.bank_account, "amount": {"amount": "200.00", "currency": "CNY"}});
            let call = Call { path: "/v1/top-ups".to_owned(), token: customer.token.clone(), body: body.clone() };
            let number = self.book.send(Aim::TopUp, call);
            let key = self.book.wishes[number].key.clone();
            let answer = self.post("/v1/top-ups", Some(&customer.token), &key, body).await?;
            self.book.wishes[number].told = Told::Done(answer);
        }
        Ok(customer)
    }

    /// Waits until the customer's first money has come.
    async fn funded(&self, customer: &Customer) -> io::Result<()> {
        for _ in 0..600 {
            let request = self.client.get(format!("{}/v1/wallet", self.address)).bearer_auth(&customer.token);
            let wallet: Value =
                request.send().await.map_err(io::Error::other)?.json().await.map_err(io::Error::other)?;
            let amount = wallet.pointer("/accounts/0/posted/amount").and_then(Value::as_str).unwrap_or("0");
            if !amount.trim_start_matches(['0', '.']).is_empty() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(io::Error::other("the sandbox bank sent no money within 30 s"))
    }

    async fn merchant(&self, number: usize, staff: &str) -> io::Result<Merchant> {
        let new = json!({"name": format!("Shop {number}"), "category": "5411", "country": "CN", "city": "Chengdu",
            "fee_plan": "payment.standard", "settlement_plan": "standard", "currencies": ["CNY"]});
        let made = self.post("/v1/staff/merchants", Some(staff), &format!("merchant-{number}"), new).await?;
        let id = text(&made, "id")?;
        let key = json!({"label": "harness", "scopes": ["payments:read", "payments:write", "refunds:write"]});
        let path = format!("/v1/staff/merchants/{id}/keys");
        let key = self.post(&path, Some(staff), &format!("key-{number}"), key).await?;
        Ok(Merchant { id, token: text(&key, "key")? })
    }
}

fn text(answer: &Value, member: &str) -> io::Result<String> {
    let found = answer.get(member).and_then(Value::as_str);
    found.map(str::to_owned).ok_or_else(|| io::Error::other(format!("no {member} in {answer}")))
}

/// A German IBAN with right check digits (ISO 13616: the number modulo 97 is 1).
fn iban(number: usize) -> String {
    let account = 370_400_440_000_000_000_u128 + number as u128;
    // "DE00" moved to the end: D is 13, E is 14.
    let rest = (account * 1_000_000 + 131_400) % 97;
    format!("DE{:02}{account:018}", 98 - rest)
}

/// Makes everybody on a running server, and the book with what they have done so far. The staff token comes from the command
/// line.
///
/// # Errors
/// When the server refuses or is not what is expected.
pub async fn settle(server: &Server, client: &reqwest::Client, staff: &str) -> io::Result<(World, Book)> {
    let mut setup = Setup { client, address: &server.address, book: Book::default() };
    let (mut customers, mut merchants) = (Vec::new(), Vec::new());
    for number in 0..CUSTOMERS {
        customers.push(setup.customer(number).await?);
    }
    for number in 0..MERCHANTS {
        merchants.push(setup.merchant(number, staff).await?);
    }
    for customer in &customers {
        setup.funded(customer).await?;
    }
    Ok((World { customers, merchants }, setup.book))
}

/// Makes a staff member with the command line, before the server starts, and returns the token.
///
/// # Errors
/// When the command line refuses.
pub fn staff_token(start: &Start) -> io::Result<String> {
    let mut command = Command::new(&start.executable);
    command
        .args(["staff", "enrol", "harness", "--role", "administrator", "--sandbox", "--json", "--data"])
        .arg(&start.directory)
        .envs(start.environment.iter().map(|(name, value)| (name, value)));
    let output = command.output()?;
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    text(&answer, "token")
        .map_err(|error| io::Error::other(format!("{error}: {}", String::from_utf8_lossy(&output.stderr))))
}
