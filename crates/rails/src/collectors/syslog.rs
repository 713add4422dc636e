//! Syslog over TLS: messages after RFC 5424, framed by octet counting as RFC 5425, section 4.3, asks.
//!
//! The collector's certificate and name are always checked, against the authorities of one file. Syslog acknowledges nothing;
//! so each batch has a connection of its own, which is closed by both sides: when the collector's own end was read, everything
//! before it has arrived in its process. A collector that hangs up early gets the batch again.

use ports::{CollectorError, LogCollector, LogLine};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Facility 13 (log audit), severity 6 (informational): RFC 5424, section 6.2.1.
const PRIORITY: u8 = 13 * 8 + 6;
/// How long each step of the exchange may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends to a collector.
pub struct SyslogCollector {
    host: String,
    port: u16,
    name: ServerName<'static>,
    config: Arc<ClientConfig>,
    /// How this machine calls itself.
    own_name: String,
}

impl SyslogCollector {
    /// A collector at `host:port`, vouched for by the certificates in a PEM file. `own_name` names this machine in messages; `-` when
    /// it is not printable.
    ///
    /// # Errors
    /// What is wrong with address or file.
    pub fn new(address: &str, authorities: &Path, own_name: &str) -> Result<Self, String> {
        let form = || format!("{address} is no collector's address; write HOST:PORT, such as logs.example.com:6514");
        let (host, port) = address.rsplit_once(':').ok_or_else(form)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = port.parse().map_err(|_| form())?;
        let name = ServerName::try_from(host.clone()).map_err(|_| form())?;
        let unusable = |error: &dyn std::fmt::Display| format!("{}: {error}", authorities.display());
        let mut roots = RootCertStore::empty();
        for one in CertificateDer::pem_file_iter(authorities).map_err(|error| unusable(&error))? {
            roots.add(one.map_err(|error| unusable(&error))?).map_err(|error| unusable(&error))?;
        }
        if roots.is_empty() {
            return Err(unusable(&"holds no certificate in PEM form"));
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(&error))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let printable = (1..=255).contains(&own_name.len()) && own_name.bytes().all(|byte| byte.is_ascii_graphic());
        let own_name = if printable { own_name.to_owned() } else { "-".to_owned() };
        Ok(Self { host, port, name, config: Arc::new(config), own_name })
    }

    fn send(&self, lines: &[LogLine]) -> io::Result<()> {
        let mut stream = self.connect()?;
        for line in lines {
            let message = format!(
                "<{PRIORITY}>1 {} {} jiaozi {} audit - {}",
                line.at,
                self.own_name,
                std::process::id(),
                line.json
            );
            stream.write_all(format!("{} {message}", message.len()).as_bytes())?;
        }
        stream.conn.send_close_notify();
        stream.flush()?;
        match stream.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(io::Error::other("the collector talks, which syslog does not")),
            Err(error) => Err(error),
        }
    }

    fn connect(&self) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let mut last = io::Error::other("its name has no address");
        for address in (self.host.as_str(), self.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(PATIENCE))?;
                    stream.set_write_timeout(Some(PATIENCE))?;
                    let session = ClientConnection::new(Arc::clone(&self.config), self.name.clone());
                    return Ok(StreamOwned::new(session.map_err(io::Error::other)?, stream));
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

impl LogCollector for SyslogCollector {
    fn name(&self) -> String {
        format!("syslog {}:{}", self.host, self.port)
    }

    fn take(&mut self, lines: &[LogLine]) -> Result<(), CollectorError> {
        self.send(lines).map_err(|error| CollectorError(format!("{}:{}: {error}", self.host, self.port)))
    }
}
