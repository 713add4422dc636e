//! Whose address a request has, when proxies stand in front.
//!
//! A header that tells an address is believed only when the connection comes from a proxy that was named; then the hops are read
//! from the right, and the first that is no proxy of ours is who asked. Only the one header that the proxies write is read: a
//! client can send the other kind, and a proxy that does not know it would pass it on.

use axum::http::{HeaderMap, HeaderName, header};
pub use ipnet::IpNet as Network;
use std::net::{IpAddr, SocketAddr};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// More hops are not followed.
const MOST_HOPS: usize = 32;

/// The header in which proxies tell who asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedBy {
    /// `X-Forwarded-For`: addresses, separated by commas.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239): the parameter `for` of each element.
    Forwarded,
}

/// The proxies in front.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// TLS ends in front: what comes in came encrypted.
    pub end_tls: bool,
    /// The networks of our own proxies.
    pub trusted: Vec<Network>,
    /// What they write.
    pub header: ForwardedBy,
}

impl Proxies {
    /// Whether an address is one of our proxies'.
    #[must_use]
    pub fn are(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted.iter().any(|network| network.contains(&address))
    }

    /// Who asked: the connection's own address unless a proxy of ours says another.
    #[must_use]
    pub fn origin(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut found = peer.to_canonical();
        if !self.are(found) {
            return found;
        }
        let name = match self.header {
            ForwardedBy::XForwardedFor => X_FORWARDED_FOR,
            ForwardedBy::Forwarded => header::FORWARDED,
        };
        let lines: Vec<&str> = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or("?")).collect();
        let hops = lines.iter().rev().flat_map(|line| line.rsplit(',')).take(MOST_HOPS);
        for hop in hops {
            // What cannot be read was not written by a proxy of ours: nothing left of it is believed either.
            let Some(address) = self.hop(hop) else { break };
            found = address;
            if !self.are(address) {
                break;
            }
        }
        found
    }

    fn hop(&self, text: &str) -> Option<IpAddr> {
        let text = match self.header {
            ForwardedBy::XForwardedFor => text,
            ForwardedBy::Forwarded => text.split(';').find_map(|pair| {
                let (name, value) = pair.split_once('=')?;
                name.trim_ascii().eq_ignore_ascii_case("for").then_some(value)
            })?,
        };
        let text = text.trim_ascii().trim_matches('"');
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|with_port| with_port.ip()));
        address.map(|address: IpAddr| address.to_canonical())
    }
}
