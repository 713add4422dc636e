//! TLS in front of every connection: its versions, the certificate with its key, and how they change while the server runs.
//!
//! Versions 1.2 and 1.3 with the cipher suites of rustls, which has none that is known to be weak; HTTP/1.1 is the only
//! protocol offered; nothing is taken before the handshake is done (no early data: it could be sent again by anybody).
//! A pair that does not do is never taken over. What this file does not know: when the files are looked at again.

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{InconsistentKeys, ServerConfig};
use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use tokio_rustls::TlsAcceptor;
use vocabulary::Timestamp;

/// No certificate with everything between it and its authority is larger, bytes.
const LARGEST_FILE: u64 = 1024 * 1024;

/// A certificate, those between it and its authority, and its key.
#[derive(Clone)]
pub struct Pair {
    key: Arc<CertifiedKey>,
    /// From when on it is good.
    pub begins: Timestamp,
    /// Until when it is good.
    pub ends: Timestamp,
}

/// Why a pair does not do.
#[derive(Debug)]
pub enum PairError {
    /// A file cannot be read.
    Unreadable(PathBuf, io::Error),
    /// The key's file may be read by others.
    Exposed(PathBuf),
    /// There is no certificate in PEM form.
    NoCertificate,
    /// There is no private key in PEM form, or of no kind that is known.
    NoKey,
    /// The key is another certificate's.
    Apart,
    /// The certificate cannot be read.
    Malformed,
    /// It is not good yet.
    Early(Timestamp),
    /// It is good no more.
    Over(Timestamp),
}

impl fmt::Display for PairError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, _) => write!(f, "{} cannot be read", path.display()),
            Self::Exposed(path) => {
                write!(f, "{} may be read by others; run chmod 600 on it and consider the key known", path.display())
            }
            Self::NoCertificate => f.write_str("the certificate's file holds no certificate in PEM form"),
            Self::NoKey => f.write_str("the key's file holds no private key in PEM form that can be used"),
            Self::Apart => f.write_str("certificate and key do not belong together; name the files of one pair"),
            Self::Malformed => f.write_str("the certificate cannot be read"),
            Self::Early(from) => write!(f, "the certificate is good from {from} on and not before"),
            Self::Over(until) => write!(f, "the certificate was good until {until}; put a new one in its place"),
        }
    }
}

impl Error for PairError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unreadable(_, error) => Some(error),
            _ => None,
        }
    }
}

impl Pair {
    /// Reads a pair from two PEM files that is good at `now`. The key's file must be closed to others; a file of root's may be read by
    /// its group, as secrets are handed to containers.
    ///
    /// # Errors
    /// When it does not do, with why.
    pub fn read(certificate: &Path, key: &Path, now: Timestamp) -> Result<Self, PairError> {
        let pair = Self::of_pem(&read(certificate, false)?, &read(key, true)?)?;
        if now < pair.begins {
            return Err(PairError::Early(pair.begins));
        }
        if pair.ends <= now {
            return Err(PairError::Over(pair.ends));
        }
        Ok(pair)
    }

    /// A pair from PEM texts.
    ///
    /// # Errors
    /// When it does not do, with why.
    pub fn of_pem(certificate: &[u8], key: &[u8]) -> Result<Self, PairError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
        let chain = chain.map_err(|_| PairError::NoCertificate)?;
        let first = chain.first().ok_or(PairError::NoCertificate)?;
        let (_, parsed) = x509_parser::parse_x509_certificate(first).map_err(|_| PairError::Malformed)?;
        let moment = |seconds: i64| Timestamp::from_micros(seconds.saturating_mul(1_000_000));
        let validity = parsed.validity();
        let (begins, ends) = (moment(validity.not_before.timestamp()), moment(validity.not_after.timestamp()));
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| PairError::NoKey)?;
        let key = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).map_err(|error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => PairError::Apart,
            rustls::Error::InvalidCertificate(_) => PairError::Malformed,
            _ => PairError::NoKey,
        })?;
        Ok(Self { key: Arc::new(key), begins, ends })
    }

    /// Whether it is the same certificate.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.key.cert == other.key.cert
    }
}

/// A file's bytes; what was looked at is what is read.
fn read(path: &Path, secret: bool) -> Result<Vec<u8>, PairError> {
    let unreadable = |error| PairError::Unreadable(path.to_owned(), error);
    let file = File::open(path).map_err(unreadable)?;
    let meta = file.metadata().map_err(unreadable)?;
    let closed = if meta.uid() == 0 { 0o037 } else { 0o077 };
    if secret && meta.mode() & closed != 0 {
        return Err(PairError::Exposed(path.to_owned()));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST_FILE).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

/// TLS as it is spoken to everybody who connects; clones share the certificate.
#[derive(Clone)]
pub struct Tls(Arc<RwLock<Shown>>);

struct Shown {
    pair: Pair,
    config: Arc<ServerConfig>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls(..)")
    }
}

impl Tls {
    /// TLS with this pair.
    ///
    /// # Errors
    /// When the library has no suites for these versions.
    pub fn new(pair: Pair) -> Result<Self, rustls::Error> {
        let config = config(&pair)?;
        Ok(Self(Arc::new(RwLock::new(Shown { pair, config }))))
    }

    /// Shows this pair from the next handshake on. Connections that are there stay as they are; sessions that were begun under the
    /// former certificate are not resumed.
    ///
    /// # Errors
    /// As for [`Tls::new`]; then nothing changes.
    pub fn show(&self, pair: Pair) -> Result<(), rustls::Error> {
        let config = config(&pair)?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Shown { pair, config };
        Ok(())
    }

    /// The pair that is shown.
    #[must_use]
    pub fn shown(&self) -> Pair {
        self.0.read().unwrap_or_else(PoisonError::into_inner).pair.clone()
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).config))
    }
}

/// One configuration for each pair, so that what is remembered of sessions goes with it.
fn config(pair: &Pair) -> Result<Arc<ServerConfig>, rustls::Error> {
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_protocol_versions(&[&TLS13, &TLS12])?.with_no_client_auth();
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&pair.key))));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
