//! Posts webhooks over HTTPS to public addresses only.
//!
//! Names are resolved here, and only vetted addresses reach the connector: what was checked is what is connected to. An
//! address written as a number never meets the resolver, so it is checked when the URL is read. Redirects and proxies
//! are off.

use ports::{Sending, WebhookRequest, WebhookSendError, WebhookSender, is_public};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Url, redirect};
use std::error::Error;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Where messages may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses over https.
    Public,
    /// Also this machine itself, over http too: for sandboxes and tests.
    Loopback,
}

impl Reach {
    fn allows(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address) || (self == Self::Loopback && address.is_loopback())
    }
}

/// The sender.
pub struct HttpWebhookSender {
    client: Client,
    reach: Reach,
}

/// The sender could not be made: no TLS roots, for example.
#[derive(Debug)]
pub struct SenderError(reqwest::Error);

impl fmt::Display for SenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the webhook sender cannot be set up")
    }
}

impl Error for SenderError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

impl HttpWebhookSender {
    /// A sender. An attempt takes at most `patience`.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(reach: Reach, patience: Duration) -> Result<Self, SenderError> {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(patience / 2)
            .timeout(patience)
            .https_only(reach == Reach::Public)
            .user_agent("jiaozi-webhooks/1")
            .dns_resolver(Arc::new(Vetting { reach }))
            .build()
            .map_err(SenderError)?;
        Ok(Self { client, reach })
    }

    async fn post(&self, request: WebhookRequest) -> Result<u16, WebhookSendError> {
        let url = Url::parse(&request.url).map_err(|_| WebhookSendError::Refused)?;
        check(&url, self.reach)?;
        let mut builder = self.client.post(url).header("content-type", "application/json");
        for (name, value) in request.headers {
            builder = builder.header(name, value);
        }
        match builder.body(request.body).send().await {
            // The body of the answer is not read: nobody needs it, and it may be endless.
            Ok(answer) => Ok(answer.status().as_u16()),
            Err(error) => Err(reason(&error)),
        }
    }
}

fn check(url: &Url, reach: Reach) -> Result<(), WebhookSendError> {
    let host = url.host_str().ok_or(WebhookSendError::Refused)?;
    let number: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    let allowed = match (url.scheme(), number) {
        (_, Some(address)) if !reach.allows(address) => false,
        ("https", _) => true,
        ("http", Some(address)) => reach == Reach::Loopback && address.to_canonical().is_loopback(),
        ("http", None) => reach == Reach::Loopback && host == "localhost",
        _ => false,
    };
    if allowed { Ok(()) } else { Err(WebhookSendError::Refused) }
}

impl WebhookSender for HttpWebhookSender {
    fn send(&self, request: WebhookRequest) -> Sending<'_> {
        Box::pin(self.post(request))
    }
}

fn reason(error: &reqwest::Error) -> WebhookSendError {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(cause) = next {
        if let Some(known) = cause.downcast_ref::<WebhookSendError>() {
            return known.clone();
        }
        next = cause.source();
    }
    if error.is_timeout() { WebhookSendError::TimedOut } else { WebhookSendError::Unreachable }
}

/// Resolves names, and gives out addresses only when all of a name's are allowed.
struct Vetting {
    reach: Reach,
}

impl Resolve for Vetting {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.reach;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await;
            let addresses: Vec<SocketAddr> = found.map_err(|_| WebhookSendError::Unresolved)?.collect();
            if addresses.is_empty() {
                return Err(WebhookSendError::Unresolved.into());
            }
            if !addresses.iter().all(|address| reach.allows(address.ip())) {
                return Err(WebhookSendError::Refused.into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_inside_is_never_sent_to_however_it_is_spelled() {
        let inside = [
            "https://127.0.0.1/",
            "https://127.0.0.1./",
            "https://user@127.0.0.1/",
            "https://example.com@127.0.0.1/",
            "https://%31%32%37.0.0.1/",
            "https://127。0。0。1/",
            "https://0xa9fea9fe/",
            "https://0251.0376.0251.0376/",
            "https://0/",
            "https://[::ffff:a9fe:a9fe]/",
            "https://[::ffff:0:127.0.0.1]/",
            "https://[64:ff9b:1::7f00:1]/",
            "https://[2001::1]/",
            "https://[ff02::1]/",
            "https://[fec0::1]/",
            "https://192.0.0.192/",
            "https://198.18.0.1/",
            "https://127.1/",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://0177.0.0.1/",
            "https://10.0.0.1/",
            "https://192.168.1.1/",
            "https://172.16.0.1/",
            "https://169.254.169.254/latest",
            "https://100.64.0.1/",
            "https://0.0.0.0/",
            "https://[::1]/",
            "https://[::]/",
            "https://[fe80::1]/",
            "https://[fd00::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://[::127.0.0.1]/",
            "https://224.0.0.1/",
            "https://255.255.255.255/",
            "http://93.184.216.34/",
            "http://localhost/",
            "ftp://example.com/",
        ];
        for text in inside {
            let url = Url::parse(text).expect(text);
            assert_eq!(check(&url, Reach::Public), Err(WebhookSendError::Refused), "{text}");
        }
        for text in ["https://93.184.216.34/hook", "https://example.com/hook", "https://[2606:2800:220:1::1]/"] {
            assert_eq!(check(&Url::parse(text).expect(text), Reach::Public), Ok(()), "{text}");
        }
    }

    #[test]
    fn a_name_that_leads_inside_is_refused_when_it_is_resolved() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let found = runtime.block_on(Vetting { reach: Reach::Public }.resolve("localhost".parse().expect("a name")));
        let error = found.err().expect("localhost is refused");
        assert_eq!(error.downcast_ref::<WebhookSendError>(), Some(&WebhookSendError::Refused));
    }
}
