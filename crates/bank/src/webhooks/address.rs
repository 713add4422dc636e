//! Where webhooks may go, decided on the text of the address alone; the sender decides again on what it connects to.

use crate::refusal::Refusal;
use ports::is_public;
use std::net::IpAddr;
use url::{Host, Url};
use vocabulary::ErrorCode;

const LONGEST: usize = 1_024;

/// The address in its normal form.
///
/// # Errors
/// `webhook_url_refused`, with the reason.
pub(super) fn vet(text: &str, sandbox: bool) -> Result<String, Refusal> {
    let no = |detail: &str| Refusal::new(ErrorCode::WebhookUrlRefused, detail).at("url");
    if text.len() > LONGEST {
        return Err(no("the address is longer than 1024 bytes; use a shorter one"));
    }
    let url = Url::parse(text).map_err(|_| no("this is not an address; use one like https://example.com/hooks"))?;
    let local = match url.host() {
        Some(Host::Domain(name)) => is_local_name(name),
        Some(Host::Ipv4(address)) => is_inside(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => is_inside(IpAddr::V6(address)),
        None => return Err(no("the address names no host; use one like https://example.com/hooks")),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(no("the address holds a name or password; leave them out, messages are signed"));
    }
    // A sandbox may send to the machine it runs on, so that a developer can watch.
    if sandbox && is_this_machine(&url) && matches!(url.scheme(), "http" | "https") {
        return Ok(url.into());
    }
    if local {
        return Err(no("the address lies in a private network; use a public one"));
    }
    if url.scheme() != "https" {
        return Err(no("the address is not https; use one like https://example.com/hooks"));
    }
    Ok(url.into())
}

fn is_inside(address: IpAddr) -> bool {
    !is_public(address.to_canonical())
}

fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let endings = [".localhost", ".local", ".internal", ".home.arpa", ".lan", ".intranet", ".corp", ".onion"];
    name == "localhost" || !name.contains('.') || endings.iter().any(|ending| name.ends_with(ending))
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::vet;

    #[test]
    fn private_addresses_are_refused_however_they_are_spelled() {
        let inside = [
            "https://127.0.0.1/",
            "https://0x7f000001/",
            "https://127.1/",
            "https://2130706433/",
            "https://10.1.2.3/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://localhost/",
            "https://a.internal/",
            "https://intranet/",
            "https://169.254.169.254/",
            "http://example.com/",
            "ftp://example.com/",
            "https://user:pw@example.com/",
            "x",
            "https://LOCALHOST./",
            "https://１２７.0.0.1/",
        ];
        for text in inside {
            assert_eq!(vet(text, false).unwrap_err().code.as_str(), "webhook_url_refused", "{text}");
        }
        assert_eq!(vet("https://example.com/hooks", false).unwrap(), "https://example.com/hooks");
        assert!(vet("http://127.0.0.1:8080/x", true).is_ok(), "a sandbox may send to its own machine");
        assert!(vet("http://10.0.0.1/x", true).is_err(), "but not to its neighbours");
    }
}
