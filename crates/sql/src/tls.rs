//! TLS to the server: its certificate and its name are always checked, and a password is bound to the channel.
//!
//! There is no way to encrypt without checking: whoever sits in between could read and change everything all the same. The
//! authorities that may vouch for the server are those of one file, so that the thousands of public ones cannot.
//!
//! Channel binding (RFC 5929, `tls-server-end-point`): the answer to SCRAM contains a hash of the certificate that was seen,
//! so that a password cannot be spent through another channel, even one whose certificate would be accepted.

use crate::error::SqlError;
use aws_lc_rs::digest;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::future::Future;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The files that a URL names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    /// Who may vouch for the server.
    pub(crate) authorities: Option<PathBuf>,
    /// Our own certificate, with those between it and its authority.
    pub(crate) certificate: Option<PathBuf>,
    /// Its key.
    pub(crate) key: Option<PathBuf>,
}

/// Makes encrypted connections; without a configuration it makes none.
#[derive(Clone, Default)]
pub(crate) struct Tls(Option<Arc<ClientConfig>>);

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// When one cannot be used, with what to do.
    pub(crate) fn read(files: &Files) -> Result<Self, SqlError> {
        let Some(path) = &files.authorities else {
            let what =
                "name the authority that signed the server's certificate: add sslrootcert=FILE to the database's URL";
            return Err(SqlError::Refused(what.to_owned()));
        };
        let mut authorities = RootCertStore::empty();
        for one in certificates("sslrootcert", path)? {
            let unusable = |error| refused("sslrootcert", path, &format!("holds a certificate that is none: {error}"));
            authorities.add(one).map_err(unusable)?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| SqlError::Other(error.to_string()))?.with_root_certificates(authorities);
        let config = match (&files.certificate, &files.key) {
            (None, None) => builder.with_no_client_auth(),
            (Some(certificate), Some(key)) => {
                let unfit = |error| refused("sslkey", key, &format!("does not fit the certificate: {error}"));
                builder.with_client_auth_cert(certificates("sslcert", certificate)?, secret_key(key)?).map_err(unfit)?
            }
            _ => return Err(SqlError::Refused("name sslcert and sslkey together, or neither".to_owned())),
        };
        Ok(Self(Some(Arc::new(config))))
    }
}

fn refused(parameter: &str, path: &Path, what: &str) -> SqlError {
    SqlError::Refused(format!("{parameter}: {} {what}", path.display()))
}

fn certificates(parameter: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, SqlError> {
    let unreadable = |error| refused(parameter, path, &format!("cannot be read as PEM certificates: {error}"));
    let found = CertificateDer::pem_file_iter(path).map_err(unreadable)?.collect::<Result<Vec<_>, _>>();
    let found = found.map_err(unreadable)?;
    if found.is_empty() {
        return Err(refused(parameter, path, "holds no certificate in PEM form"));
    }
    Ok(found)
}

/// The private key, if nobody else may read it. A file of root's may be read by its group, as secrets are handed to containers.
fn secret_key(path: &Path) -> Result<PrivateKeyDer<'static>, SqlError> {
    let meta = std::fs::metadata(path).map_err(|error| refused("sslkey", path, &format!("cannot be read: {error}")))?;
    let closed = if meta.uid() == 0 { 0o037 } else { 0o077 };
    if meta.mode() & closed != 0 {
        return Err(refused("sslkey", path, "may be read by others; run chmod 600 on it and consider the key known"));
    }
    PrivateKeyDer::from_pem_file(path)
        .map_err(|error| refused("sslkey", path, &format!("cannot be read as a PEM private key: {error}")))
}

type AnyError = Box<dyn std::error::Error + Sync + Send>;

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for Tls {
    type Stream = Encrypted<S>;
    type TlsConnect = Handshake;
    type Error = AnyError;

    fn make_tls_connect(&mut self, host: &str) -> Result<Handshake, AnyError> {
        let Some(config) = &self.0 else { return Ok(Handshake(None)) };
        let name =
            ServerName::try_from(host.to_owned()).map_err(|_| "this host's name cannot stand in a certificate")?;
        Ok(Handshake(Some((TlsConnector::from(Arc::clone(config)), name))))
    }
}

/// One handshake to come.
pub(crate) struct Handshake(Option<(TlsConnector, ServerName<'static>)>);

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for Handshake {
    type Stream = Encrypted<S>;
    type Error = AnyError;
    type Future = Pin<Box<dyn Future<Output = Result<Encrypted<S>, AnyError>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            let Some((connector, name)) = self.0 else { return Err("no TLS was asked for".into()) };
            Ok(Encrypted(connector.connect(name, stream).await?))
        })
    }
}

/// An encrypted stream.
pub(crate) struct Encrypted<S>(TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> tokio_postgres::tls::TlsStream for Encrypted<S> {
    fn channel_binding(&self) -> ChannelBinding {
        let seen = self.0.get_ref().1.peer_certificates().and_then(<[_]>::first);
        seen.and_then(|certificate| end_point(certificate))
            .map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Encrypted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Encrypted<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// The hash of a certificate by the hash function of its own signature (RFC 5929, section 4.1), SHA-256 in place of weaker
/// ones. Nothing where the signature has no hash function of its own.
fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    // Certificate ::= SEQUENCE { tbsCertificate SEQUENCE, signatureAlgorithm SEQUENCE { algorithm OID … }, … }
    let (inside, _) = element(certificate, 0x30)?;
    let (_, rest) = element(inside, 0x30)?;
    let (algorithm, _) = element(rest, 0x30)?;
    let (name, _) = element(algorithm, 0x06)?;
    const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    const ECDSA_SHA1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01];
    const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03];
    let hash = match name.split_last()? {
        (4 | 5 | 11, RSA) | (2, ECDSA) => &digest::SHA256,
        _ if name == ECDSA_SHA1 => &digest::SHA256,
        (12, RSA) | (3, ECDSA) => &digest::SHA384,
        (13, RSA) | (4, ECDSA) => &digest::SHA512,
        _ => return None,
    };
    Some(digest::digest(hash, certificate).as_ref().to_vec())
}

/// The first element of DER bytes, if it has this tag, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let (length, rest) = rest.split_first()?;
    if *first != tag {
        return None;
    }
    let (length, rest) = match length {
        0..=0x7f => (usize::from(*length), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_cut_out_and_never_beyond_the_end() {
        assert_eq!(element(&[0x30, 2, 7, 8, 9], 0x30), Some((&[7, 8][..], &[9][..])));
        assert_eq!(element(&[0x30, 0x81, 1, 7], 0x30), Some((&[7][..], &[][..])));
        for broken in [&[0x30][..], &[0x30, 3, 7], &[0x30, 0x82, 1], &[0x30, 0x80, 0], &[0x31, 1, 7]] {
            assert_eq!(element(broken, 0x30), None, "{broken:?}");
        }
    }

    #[test]
    fn a_certificate_is_hashed_as_its_signature_is() {
        let certificate = |name: &[u8]| {
            let algorithm = [&[0x06, u8::try_from(name.len()).expect("short")], name].concat();
            let inside = [&[0x30, 1, 0, 0x30, u8::try_from(algorithm.len()).expect("short")], &algorithm[..]].concat();
            [&[0x30, u8::try_from(inside.len()).expect("short")], &inside[..]].concat()
        };
        let length = |name: &[u8]| end_point(&certificate(name)).map(|hash| hash.len());
        assert_eq!(length(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 11]), Some(32));
        assert_eq!(length(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 12]), Some(48));
        assert_eq!(length(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 4]), Some(64));
        assert_eq!(length(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 1]), Some(32));
        assert_eq!(length(&[0x2b, 0x65, 0x70]), None, "Ed25519 has none");
    }
}
