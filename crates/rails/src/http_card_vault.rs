//! The client of a card vault: `jiaozi vault` asked over HTTP, or HTTPS where it stands behind TLS.
//!
//! Both hold one secret (`formats::card_link`): tickets are made here, and questions carry a token derived from it. The
//! connection is to one address that the operator names; redirects and proxies are off, so the token goes nowhere else. A
//! ticket's time is the machine's: a sandbox's moved clock does not move the vault.

use formats::card_link::{
    DESCRIBE_PATH, DESTROY_PATH, Described, LIFE_SECONDS, LinkSecret, Question, Ticket, TicketKey,
};
use ports::{CardDescription, CardTicket, CardVault, CardVaultError};
use reqwest::blocking::{Client, Response};
use reqwest::{StatusCode, redirect};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use vocabulary::{Clock, Draw, Entropy, Id, Secret, kinds};

/// The longest answer that is read, bytes.
const MOST_BYTES: u64 = 4_096;

/// The client.
pub struct HttpCardVault {
    client: Client,
    /// Where we ask.
    asked_at: String,
    /// Where customers reach it.
    address: String,
    bearer: Secret<String>,
    tickets: TicketKey,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// The client could not be made.
#[derive(Debug)]
pub enum CardVaultSetupError {
    /// The address is not one of http on this machine or of https.
    Address(String),
    /// TLS cannot be set up.
    Client(reqwest::Error),
}

impl fmt::Display for CardVaultSetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(
                f,
                "{address} is no card vault's address: name http://127.0.0.1:PORT on this machine, or https://HOST elsewhere"
            ),
            Self::Client(_) => f.write_str("the card vault's client cannot be set up"),
        }
    }
}

impl std::error::Error for CardVaultSetupError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Address(_) => None,
            Self::Client(error) => Some(error),
        }
    }
}

/// Whether questions may go to an address: encrypted, or to this machine itself.
fn is_sound(address: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(address) else { return false };
    let loopback = url.host_str().is_some_and(|host| {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    });
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    bare && (url.scheme() == "https" || (url.scheme() == "http" && loopback))
}

impl HttpCardVault {
    /// A client of the vault at `address`, which customers reach at `public`. A question takes at most `patience`. Must not be
    /// called, and the client not be used, on a thread of an async runtime.
    ///
    /// # Errors
    /// See [`CardVaultSetupError`].
    pub fn new(
        (address, public): (&str, &str),
        secret: &LinkSecret,
        (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>),
        patience: Duration,
    ) -> Result<Self, CardVaultSetupError> {
        let address = address.trim_end_matches('/').to_owned();
        if !is_sound(&address) {
            return Err(CardVaultSetupError::Address(address));
        }
        let client = Client::builder().no_proxy().redirect(redirect::Policy::none()).timeout(patience).build();
        Ok(Self {
            client: client.map_err(CardVaultSetupError::Client)?,
            asked_at: address,
            address: public.trim_end_matches('/').to_owned(),
            bearer: secret.bearer(),
            tickets: secret.tickets(),
            clock,
            entropy,
        })
    }

    fn ask(&self, path: &str, question: Question) -> Result<Response, CardVaultError> {
        let request = self.client.post(format!("{}{path}", self.asked_at)).bearer_auth(self.bearer.expose());
        request.json(&question).send().map_err(|error| CardVaultError::Unavailable(error.without_url().to_string()))
    }
}

/// What an answer that is none comes to.
fn unusable(status: StatusCode) -> CardVaultError {
    if status.is_server_error() {
        CardVaultError::Unavailable(format!("status {status}"))
    } else {
        CardVaultError::Refused(format!("status {status}; do bank and vault hold the same secret?"))
    }
}

fn read(answer: Response) -> Result<CardDescription, CardVaultError> {
    use std::io::Read;
    let mut text = Vec::new();
    let failed = |error: std::io::Error| CardVaultError::Unavailable(error.to_string());
    answer.take(MOST_BYTES).read_to_end(&mut text).map_err(failed)?;
    let other = |_| CardVaultError::Refused("the answer is not a card's description".to_owned());
    let Described { brand, last4, expiry_month, expiry_year, .. } = serde_json::from_slice(&text).map_err(other)?;
    Ok(CardDescription { brand, last4, expiry_month, expiry_year })
}

impl CardVault for HttpCardVault {
    fn address(&self) -> &str {
        &self.address
    }

    fn ticket(&self, owner: Id<kinds::Customer>) -> CardTicket {
        let expires = self.clock.now().plus_seconds(LIFE_SECONDS);
        let ticket = Ticket { id: u128::from_be_bytes(self.entropy.bytes()), owner, expires };
        CardTicket { text: Secret::new(self.tickets.print(&ticket)), expires }
    }

    fn describe(
        &self,
        token: Id<kinds::CardToken>,
        owner: Id<kinds::Customer>,
    ) -> Result<Option<CardDescription>, CardVaultError> {
        let answer = self.ask(DESCRIBE_PATH, Question { token, owner })?;
        match answer.status() {
            StatusCode::OK => read(answer).map(Some),
            StatusCode::NOT_FOUND => Ok(None),
            status => Err(unusable(status)),
        }
    }

    fn destroy(&self, token: Id<kinds::CardToken>, owner: Id<kinds::Customer>) -> Result<(), CardVaultError> {
        match self.ask(DESTROY_PATH, Question { token, owner })?.status() {
            StatusCode::NO_CONTENT => Ok(()),
            status => Err(unusable(status)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_sound;

    #[test]
    fn questions_go_encrypted_or_to_this_machine() {
        for address in ["http://127.0.0.1:8090", "http://[::1]:8090", "https://vault.example.com", "https://10.0.0.7:1"]
        {
            assert!(is_sound(address), "{address}");
        }
        for address in [
            "http://vault.example.com",
            "http://10.0.0.7:8090",
            "http://localhost:8090",
            "https://u@vault.example.com",
            "https://vault.example.com/path",
            "https://vault.example.com?x",
            "ftp://127.0.0.1",
            "127.0.0.1:8090",
            "",
        ] {
            assert!(!is_sound(address), "{address}");
        }
    }
}
