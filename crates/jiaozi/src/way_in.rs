//! How the listener is set up from what was chosen: TLS, proxies in front, other origins, rates.
//!
//! Deny by default: without TLS, here or in front, only this machine may connect.

use crate::failure::Failure;
use crate::options::File;
use crate::system::SystemClock;
use edge::{ForwardedBy, Origins, Pair, Proxies, Rate, Tls};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
use vocabulary::Clock;

/// The files of a certificate and its key.
#[derive(Clone, Debug)]
pub struct PairFiles {
    certificate: PathBuf,
    key: PathBuf,
}

impl PairFiles {
    /// Reads both; they must be good now.
    pub fn read(&self) -> Result<Pair, edge::PairError> {
        Pair::read(&self.certificate, &self.key, SystemClock.now())
    }
}

/// How the listener is set up.
pub struct WayIn {
    pub options: edge::Options,
    /// Where its certificate is read again.
    pub files: Option<PairFiles>,
}

impl WayIn {
    /// With these options, and no file that is read again.
    pub fn of(options: edge::Options) -> Self {
        Self { options, files: None }
    }

    /// As a file and the command line say, for this address.
    pub fn chosen(file: &File, address: SocketAddr) -> Result<Self, Failure> {
        let files = pair_files(file)?;
        let tls = match &files {
            None => None,
            Some(files) => Some(encrypted(files.read().map_err(|error| Failure::because(CANNOT, error))?)?),
        };
        let options = options(file, tls)?;
        only_encrypted(address, options.encrypted())?;
        Ok(Self { options, files })
    }

    /// `http` or `https`, as clients must write it.
    pub fn scheme(&self) -> &'static str {
        if self.options.tls.is_some() { "https" } else { "http" }
    }
}

const CANNOT: &str = "the certificate and its key cannot be used";

/// TLS with a pair.
pub fn encrypted(pair: Pair) -> Result<Tls, Failure> {
    Tls::new(pair).map_err(|error| Failure::because(CANNOT, error))
}

/// Refuses an address that others reach, where what they send could be read on the way.
pub fn only_encrypted(address: SocketAddr, encrypted: bool) -> Result<(), Failure> {
    if encrypted || address.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{address} is reached by others, and without TLS they would send passwords for all to read: name --tls-certificate and \
         --tls-key, or say --behind-proxy if TLS ends at a proxy in front; or listen on 127.0.0.1"
    )))
}

fn pair_files(file: &File) -> Result<Option<PairFiles>, Failure> {
    match (&file.tls_certificate, &file.tls_key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Ok(Some(PairFiles { certificate: certificate.clone(), key: key.clone() })),
        _ => Err(Failure::usage("name --tls-certificate and --tls-key together, or neither".to_owned())),
    }
}

fn options(file: &File, tls: Option<Tls>) -> Result<edge::Options, Failure> {
    let usual = edge::Options::default();
    let rate = |chosen: Option<u32>, usual: Option<Rate>| match chosen {
        None => usual,
        Some(0) => None,
        Some(per_second) => Some(Rate { per_second, burst: per_second.saturating_mul(2) }),
    };
    let origins = Origins::new(file.allow_origins.as_deref().unwrap_or_default()).map_err(|text| {
        Failure::usage(format!("{text} is no origin; write it as a browser does, such as https://shop.example"))
    })?;
    Ok(edge::Options {
        tls,
        proxies: proxies(file)?,
        origins,
        caller_rate: rate(file.caller_rate, usual.caller_rate),
        credential_rate: rate(file.credential_rate, usual.credential_rate),
        address_rate: rate(file.address_rate, usual.address_rate),
        fair_share: file.fair_share.map_or(usual.fair_share, |parts| (parts > 0).then_some(parts)),
        notice: Duration::from_secs(u64::from(file.drain_notice.unwrap_or(0))),
        ..usual
    })
}

fn proxies(file: &File) -> Result<Proxies, Failure> {
    let networks = file.trusted_proxies.as_deref().unwrap_or_default().iter().map(|text| {
        let one = || text.parse::<IpAddr>().ok().map(edge::Network::from);
        let wrong = || Failure::usage(format!("{text} is no network; write it like 10.0.0.0/24 or 10.0.0.7"));
        text.parse().ok().or_else(one).ok_or_else(wrong)
    });
    let header = match file.forwarded_header.as_deref() {
        None | Some("x-forwarded-for") => ForwardedBy::XForwardedFor,
        Some("forwarded") => ForwardedBy::Forwarded,
        Some(other) => {
            return Err(Failure::usage(format!("proxies tell addresses by x-forwarded-for or forwarded, not {other}")));
        }
    };
    Ok(Proxies { end_tls: file.behind_proxy.unwrap_or(false), trusted: networks.collect::<Result<_, _>>()?, header })
}
