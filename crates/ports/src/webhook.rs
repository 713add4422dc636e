//! The webhook sender: it brings a signed message to an address that a stranger chose.
//!
//! That address is the danger: it must never lead into our own network. [`is_public`] is the one list of where a message
//! may go; a sender checks the address it really connects to, not the name that was checked before (a name may point
//! elsewhere a moment later).

use std::fmt;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::pin::Pin;

/// A message to be posted.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookRequest {
    /// Where to.
    pub url: String,
    /// The message's headers besides the content type, which is JSON.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl fmt::Debug for WebhookRequest {
    /// Only where it goes: the body is the merchant's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookRequest({})", self.url)
    }
}

/// Why no answer came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebhookSendError {
    /// The address may not be sent to.
    Refused,
    /// The name has no address.
    Unresolved,
    /// No connection, or it broke.
    Unreachable,
    /// No answer in time.
    TimedOut,
}

impl fmt::Display for WebhookSendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "the address may not be sent to",
            Self::Unresolved => "the host name has no address",
            Self::Unreachable => "the receiver could not be reached",
            Self::TimedOut => "the receiver did not answer in time",
        })
    }
}

impl std::error::Error for WebhookSendError {}

/// What sending comes to: the status of the answer.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<u16, WebhookSendError>> + Send + 'a>>;

/// Posts messages. Redirects are not followed, private addresses are never connected to, every attempt ends in time.
pub trait WebhookSender: Send + Sync {
    /// Posts a message once.
    fn send(&self, request: WebhookRequest) -> Sending<'_>;
}

/// Whether an address is out in the public network: not ours, not reserved, not a way around (IANA special-purpose address
/// registries, RFC 6890 and its updates; 6to4, Teredo and NAT64 lead to an address inside).
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => is_public_v4(four),
        IpAddr::V6(six) => is_public_v6(six),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let reserved = match a {
        0 | 10 | 127 | 224..=255 => true,
        100 => (64..128).contains(&b),
        169 => b == 254,
        172 => (16..32).contains(&b),
        192 => b == 168 || (b == 0 && (c == 0 || c == 2)) || (b == 88 && c == 99) || (b == 31 && c == 196),
        198 => b == 18 || b == 19 || (b == 51 && c == 100),
        203 => b == 0 && c == 113,
        _ => false,
    };
    !reserved
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let part = address.segments();
    // Only global unicast is out there; everything else is local, mapped, multicast or reserved.
    let global = part[0] & 0xE000 == 0x2000;
    let tunnel = part[0] == 0x2002 || (part[0] == 0x2001 && part[1] < 0x0200);
    let documentation = (part[0] == 0x2001 && part[1] == 0x0DB8) || part[0] & 0xFFF0 == 0x3FF0;
    global && !tunnel && !documentation
}
