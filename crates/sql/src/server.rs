//! Where a database server is and how it is reached: the URL, every host that it names, the password, and TLS.
//!
//! A URL is read strictly: what is not known is refused, and so is everything that would send a bank's rows or its password over
//! a network without a checked certificate. No message of this file contains a password, nor the URL that may hold one.
//!
//! Fail-over: of several hosts the one that last took writes is tried first, then the others in order, each for a bounded time.
//! A server that only reads (a standby) is passed over, so a node finds the new primary by itself.

use crate::error::SqlError;
use crate::password::Passwords;
use crate::tls::{Encrypted, Files, Tls};
use std::error::Error as _;
use std::fmt;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, Connection, Socket};

/// How long one host may take until it is ready for statements.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// How long the network may keep bytes to itself.
const SILENCE: Duration = Duration::from_secs(10);

/// A server's address, with everything that is needed to log in.
#[derive(Clone)]
pub struct Server {
    /// One for each host, in the order of the URL.
    pub(crate) hosts: Vec<Target>,
    tls: Tls,
    /// Which host last took us.
    last: Arc<AtomicUsize>,
    /// Whether every connection must be to a server that keeps what it commits (see `vetting`).
    pub(crate) strict: Arc<AtomicBool>,
}

/// One host.
#[derive(Clone)]
pub(crate) struct Target {
    /// As people write it.
    name: String,
    pub(crate) config: Config,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.hosts.iter().map(|host| &host.name);
        f.debug_list().entries(names).finish()
    }
}

/// Parameters that are passed on as they are.
const PASSED_ON: &[&str] = &[
    "user",
    "password",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "options",
    "application_name",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "tcp_user_timeout",
    "channel_binding",
];
/// Parameters that are read here.
const READ_HERE: &[&str] = &["sslmode", "sslrootcert", "sslcert", "sslkey", "target_session_attrs"];

/// What the URL says and the driver does not know.
#[derive(Default)]
struct Ours {
    mode: Option<String>,
    files: Files,
}

impl Server {
    /// Reads a URL such as `postgres://bank@db1.example,db2.example:5433/bank?sslrootcert=ca.pem`.
    ///
    /// # Errors
    /// `Refused`, with what to do, when it is no such URL or asks for something that is not safe.
    pub fn parse(url: &str, passwords: &Passwords) -> Result<Self, SqlError> {
        let (plain, ours) = split(url)?;
        let config: Config = plain
            .parse()
            .map_err(|error: tokio_postgres::Error| SqlError::Refused(format!("{}; {SHAPE}", told(&error))))?;
        let near = is_near(&config)?;
        let encrypted = is_encrypted(&config, ours.mode.as_deref(), near)?;
        let tls = if encrypted { Tls::read(&ours.files)? } else { Tls::default() };
        if !encrypted && (ours.files.authorities.is_some() || ours.files.certificate.is_some()) {
            return refuse("sslrootcert and sslcert are for sslmode=verify-full; say so, or take them away");
        }
        let count = config.get_hosts().len().max(config.get_hostaddrs().len());
        let hosts = (0..count).map(|place| target(&config, place, encrypted, passwords)).collect::<Result<_, _>>()?;
        Ok(Self { hosts, tls, last: Arc::default(), strict: Arc::default() })
    }

    /// The same server, with further settings for every session and under another name.
    #[cfg(feature = "testing")]
    pub(crate) fn with(&self, options: &str, name: &str) -> Self {
        let mut server = self.clone();
        for host in &mut server.hosts {
            host.config.options(options).application_name(name);
        }
        server
    }

    /// The hosts, as people write them.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.hosts.iter().map(|host| host.name.as_str()).collect()
    }

    /// Connects to the first host that takes writes.
    pub(crate) async fn connect(&self) -> Result<(Client, Connection<Socket, Encrypted<Socket>>), SqlError> {
        let first = self.last.load(Ordering::Relaxed);
        let mut failures = Vec::with_capacity(self.hosts.len());
        for step in 0..self.hosts.len() {
            let place = (first + step) % self.hosts.len();
            let host = &self.hosts[place];
            let answer = tokio::time::timeout(CONNECT_PATIENCE, host.config.connect(self.tls.clone())).await;
            match answer {
                Ok(Ok(connected)) => {
                    self.last.store(place, Ordering::Relaxed);
                    return Ok(connected);
                }
                Ok(Err(error)) => failures.push(advice(&error, host)),
                Err(_) => failures.push(SqlError::Lost(format!("{} does not answer within five seconds", host.name))),
            }
        }
        Err(together(failures))
    }
}

/// What is wrong with all hosts: one failure as it is, several in one sentence, of the kind that no waiting mends if all are.
fn together(mut failures: Vec<SqlError>) -> SqlError {
    if failures.len() == 1 {
        return failures.remove(0);
    }
    let all_refused = failures.iter().all(|failure| matches!(failure, SqlError::Refused(_)));
    let texts: Vec<String> = failures
        .into_iter()
        .map(|failure| match failure {
            SqlError::Refused(text) | SqlError::Lost(text) => text,
            other => other.to_string(),
        })
        .collect();
    let text = format!("no host of the URL can be used: {}", texts.join(" | "));
    if all_refused { SqlError::Refused(text) } else { SqlError::Lost(text) }
}

const SHAPE: &str =
    "write it as postgres://USER@HOST:PORT/DATABASE?PARAMETER=VALUE, with percent signs for what is special";

fn refuse<T>(what: &str) -> Result<T, SqlError> {
    Err(SqlError::Refused(what.to_owned()))
}

/// Takes our own parameters out of a URL.
fn split(url: &str) -> Result<(String, Ours), SqlError> {
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return refuse(SHAPE);
    }
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    if query.contains('@') {
        // What stands before it may be the rest of a password: nothing of it is repeated.
        return refuse("an at sign or a question mark in the database's URL stands for itself only as %40 or %3F");
    }
    let (mut ours, mut passed_on) = (Ours::default(), Vec::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let Some((name, value)) = pair.split_once('=') else {
            return refuse("every parameter of the database's URL has a value: PARAMETER=VALUE");
        };
        if PASSED_ON.contains(&name) {
            passed_on.push(pair);
            continue;
        }
        let value = decoded(value)?;
        match name {
            "sslmode" => ours.mode = Some(value),
            "sslrootcert" => ours.files.authorities = Some(PathBuf::from(value)),
            "sslcert" => ours.files.certificate = Some(PathBuf::from(value)),
            "sslkey" => ours.files.key = Some(PathBuf::from(value)),
            "target_session_attrs" if value == "read-write" => {}
            "target_session_attrs" => return refuse("target_session_attrs can only be read-write: a node writes"),
            "connect_timeout" => return refuse("connect_timeout is not to be chosen: every host has five seconds"),
            unknown => {
                let known = [READ_HERE, PASSED_ON].concat().join(", ");
                // A parameter's name never is a secret; its value may be.
                return refuse(&format!(
                    "the database's URL has the parameter {unknown}, which is not known; known are {known}"
                ));
            }
        }
    }
    let passed_on = passed_on.join("&");
    Ok((if passed_on.is_empty() { address.to_owned() } else { format!("{address}?{passed_on}") }, ours))
}

/// Reads percent signs.
fn decoded(text: &str) -> Result<String, SqlError> {
    let broken = || {
        SqlError::Refused("a percent sign in the database's URL is not followed by two hexadecimal digits".to_owned())
    };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2).ok_or_else(broken)?;
        let digits = std::str::from_utf8(digits).map_err(|_| broken())?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| broken())?);
        rest = after;
    }
    String::from_utf8(bytes).map_err(|_| broken())
}

/// Whether every host is this machine.
fn is_near(config: &Config) -> Result<bool, SqlError> {
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return refuse(&format!("the database's URL names no host; {SHAPE}"));
    }
    if !config.get_hostaddrs().is_empty() {
        return Ok(config.get_hostaddrs().iter().all(IpAddr::is_loopback));
    }
    Ok(config.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
    }))
}

/// Whether connections are to be encrypted; nothing in between unencrypted and checked exists.
fn is_encrypted(config: &Config, mode: Option<&str>, near: bool) -> Result<bool, SqlError> {
    match mode {
        None | Some("verify-full") if !near => Ok(true),
        None => Ok(false),
        Some("verify-full") => {
            if config.get_hosts().iter().any(|host| matches!(host, Host::Unix(_))) {
                return refuse("a unix socket has no TLS and needs none: take sslmode out of the database's URL");
            }
            Ok(true)
        }
        Some("disable") if near => Ok(false),
        Some("disable") => refuse(
            "sslmode=disable is for a database on this machine only: everything a bank stores would cross the network in the \
             open; use sslmode=verify-full with sslrootcert=FILE",
        ),
        Some("allow" | "prefer" | "require" | "verify-ca") => refuse(
            "this sslmode does not check that the server is the one that is meant, so that anybody in between could read and \
             change everything; use sslmode=verify-full with sslrootcert=FILE",
        ),
        Some(_) => refuse("sslmode is verify-full, or disable for a database on this machine"),
    }
}

/// One host of several, with what the URL says for all.
fn target(all: &Config, place: usize, encrypted: bool, passwords: &Passwords) -> Result<Target, SqlError> {
    let mut config = Config::new();
    let port = all.get_ports().get(place).or(all.get_ports().first()).copied().unwrap_or(5432);
    config.port(port);
    let name = match (all.get_hosts().get(place), all.get_hostaddrs().get(place)) {
        (Some(Host::Unix(path)), _) => {
            config.host_path(path);
            path.display().to_string()
        }
        (Some(Host::Tcp(host)), address) => {
            config.host(host);
            address.map(|address| config.hostaddr(*address));
            format!("{host}:{port}")
        }
        (None, Some(address)) => {
            // Its certificate, if it has one, is checked for the address.
            config.host(address.to_string());
            format!("{address}:{port}")
        }
        (None, None) => return refuse("host and hostaddr name different numbers of hosts"),
    };
    let user = all.get_user().map(str::to_owned);
    let database = all.get_dbname().map(str::to_owned).or_else(|| user.clone());
    let (Some(user), Some(database)) = (user, database) else {
        return refuse(&format!("the database's URL names no user; {SHAPE}"));
    };
    let host = name.rsplit_once(':').map_or("localhost", |(host, _)| host);
    if let Some(password) = passwords.find(all.get_password(), &[host, &port.to_string(), &database, &user])? {
        config.password(password);
    }
    config.user(user).dbname(database).connect_timeout(CONNECT_PATIENCE);
    config.application_name(all.get_application_name().unwrap_or("jiaozi"));
    if let Some(options) = all.get_options() {
        config.options(options);
    }
    config.ssl_mode(if encrypted { SslMode::Require } else { SslMode::Disable });
    config.channel_binding(all.get_channel_binding());
    // A host that vanished without a word is noticed by these, whether we wait for an answer or for room to send.
    config.keepalives(all.get_keepalives());
    config.keepalives_idle(all.get_keepalives_idle().min(SILENCE));
    config.keepalives_interval(all.get_keepalives_interval().unwrap_or(Duration::from_secs(3)));
    config.keepalives_retries(all.get_keepalives_retries().unwrap_or(3));
    config.tcp_user_timeout(all.get_tcp_user_timeout().copied().unwrap_or(SILENCE));
    config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    Ok(Target { name, config })
}

/// An error and everything below it in one line.
pub(crate) fn told(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let more = source.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = source.source();
    }
    text
}

/// Why a host cannot be used, and what to do.
fn advice(error: &tokio_postgres::Error, host: &Target) -> SqlError {
    let (name, config) = (&host.name, &host.config);
    let (user, database) = (config.get_user().unwrap_or_default(), config.get_dbname().unwrap_or_default());
    if let Some(found) = error.as_db_error() {
        let said = format!("{name} says: {} ({})", found.message(), found.code().code());
        let code = found.code();
        return match &code.code()[..2] {
            "28" => SqlError::Refused(format!(
                "{said}; check the user {user}, its password (in a file for --database-password-file, or PGPASSFILE) and the \
                 server's pg_hba.conf"
            )),
            _ if *code == SqlState::INVALID_CATALOG_NAME => {
                let make = format!("CREATE DATABASE {database} OWNER {user} ENCODING 'UTF8' TEMPLATE template0");
                SqlError::Refused(format!("{said}; create it ({make}), or correct its name in the URL"))
            }
            "42" => SqlError::Refused(format!("{said}; grant it (GRANT CONNECT ON DATABASE {database} TO {user})")),
            "53" => SqlError::Full(format!("{said}; raise the server's max_connections")),
            _ => SqlError::Lost(said),
        };
    }
    if let Some(trouble) = cause::<rustls::Error>(error) {
        return SqlError::Refused(format!(
            "{name} cannot prove that it is the server that is meant: {trouble}; check that sslrootcert holds the authority of \
             its certificate, that the certificate is valid today and names this host"
        ));
    }
    let text = told(error);
    if text.contains("does not support TLS") {
        let what = "set ssl = on with ssl_cert_file and ssl_key_file there";
        return SqlError::Refused(format!("{name} offers no TLS; {what}"));
    }
    match cause::<std::io::Error>(error).map(std::io::Error::kind) {
        Some(ErrorKind::PermissionDenied) if text.contains("does not allow writes") => SqlError::Refused(format!(
            "{name} only reads: it is a standby, or default_transaction_read_only is on; name the primary, or every host of \
             the cluster (host1,host2)"
        )),
        Some(ErrorKind::ConnectionRefused | ErrorKind::NotFound) => {
            SqlError::Lost(format!("nobody answers at {name}; start the server, or correct host and port in the URL"))
        }
        _ if text.contains("password") => SqlError::Refused(format!(
            "{name} asks for a password and none was given: name its file with --database-password-file, or use PGPASSFILE"
        )),
        _ => SqlError::Lost(format!("{name}: {text}")),
    }
}

/// The first error of a kind among the causes, also where an I/O error hides it.
fn cause<'a, E: std::error::Error + 'static>(error: &'a tokio_postgres::Error) -> Option<&'a E> {
    let mut next: Option<&'a (dyn std::error::Error + 'static)> = error.source();
    while let Some(found) = next {
        if let Some(found) = found.downcast_ref::<E>() {
            return Some(found);
        }
        let wrapped = found.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if let Some(found) = wrapped.and_then(|inner| inner.downcast_ref::<E>()) {
            return Some(found);
        }
        next = found.source();
    }
    None
}
