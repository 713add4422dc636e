//! What may be chosen about a serving bank: `jiaozi.toml`, overruled by the command line, with a default for everything.

use crate::card_vault::CardVaultPlace;
use crate::failure::Failure;
use money::Currency;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The options of `jiaozi serve` as they stand in the file. Nothing unknown is allowed, so that a typing mistake is told.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The default bank's data directory.
    pub data: Option<PathBuf>,
    /// The address to listen on.
    pub listen: Option<String>,
    /// The zone of new banks.
    pub zone: Option<String>,
    /// Whether new banks are sandboxes.
    pub sandbox: Option<bool>,
    /// Currencies in which accounts are offered.
    pub currencies: Option<Vec<String>>,
    /// The bank's own units of value.
    #[serde(default, rename = "unit")]
    pub units: Vec<Unit>,
    /// Further banks in the same process.
    #[serde(default, rename = "tenant")]
    pub tenants: Vec<Tenant>,
    /// Requests a second that one caller may make on average; 0 for no limit.
    pub caller_rate: Option<u32>,
    /// Requests a second that may come from one network address on average; 0 for no limit.
    pub address_rate: Option<u32>,
    /// Requests a second that one credential may make on average; 0 for no limit.
    pub credential_rate: Option<u32>,
    /// While more than half of connections or of requests at once are taken, one address or caller holds at most one in so many
    /// of them; 0 for no limit.
    pub fair_share: Option<u32>,
    /// The certificate to show, with those between it and its authority, PEM.
    pub tls_certificate: Option<PathBuf>,
    /// Its key, PEM.
    pub tls_key: Option<PathBuf>,
    /// TLS ends at a proxy in front.
    pub behind_proxy: Option<bool>,
    /// Networks of proxies whose word about who asked is believed.
    pub trusted_proxies: Option<Vec<String>>,
    /// The header by which they tell it: `x-forwarded-for` or `forwarded`.
    pub forwarded_header: Option<String>,
    /// Origins whose pages may ask with a token and read the answer.
    pub allow_origins: Option<Vec<String>>,
    /// Seconds between the answer "not ready" at `/readyz` and the end of listening when the server is to stop.
    pub drain_notice: Option<u32>,
    /// The URL of a database on a PostgreSQL server.
    pub database: Option<String>,
    /// The file that holds nothing but that database's password.
    pub database_password_file: Option<PathBuf>,
    /// Where the bank asks its card vault.
    pub card_vault: Option<String>,
    /// Where customers reach the card vault, if elsewhere.
    pub card_vault_public: Option<String>,
    /// The file with the secret that bank and card vault share.
    pub card_vault_secret: Option<PathBuf>,
    /// Memory for the writer's page cache, MiB.
    pub cache_mib: Option<u32>,
    /// A file that the audit log is appended to, as JSON lines.
    pub audit_file: Option<PathBuf>,
    /// The collector that the audit log is sent to by syslog over TLS: `HOST:PORT`.
    pub audit_syslog: Option<String>,
    /// Certificates of the authorities that vouch for that collector.
    pub audit_syslog_ca: Option<PathBuf>,
}

/// A unit of value of the bank's own, such as points.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// Its code, such as `POINTS`.
    pub code: String,
    /// Its number, from 1000 on.
    pub number: u16,
    /// Its decimal digits.
    pub digits: u8,
}

/// A bank that is chosen by host name.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    /// The host name.
    pub host: String,
    /// Its data directory.
    pub data: PathBuf,
}

/// The file that is read when none is named and it is there.
pub const DEFAULT_FILE: &str = "jiaozi.toml";

impl File {
    /// Reads the named file; without a name the default one, if it is there.
    pub fn read(named: Option<&Path>) -> Result<Self, Failure> {
        let path = match named {
            Some(path) => path,
            None if Path::new(DEFAULT_FILE).is_file() => Path::new(DEFAULT_FILE),
            None => return Ok(Self::default()),
        };
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::because(format!("the configuration {} cannot be read", path.display()), error))?;
        toml::from_str(&text).map_err(|error| {
            // Not the error's own text, which quotes the line: a password may stand in it.
            let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            Failure::new(format!(
                "the configuration {} cannot be used: line {line}: {}",
                path.display(),
                error.message()
            ))
        })
    }
}

/// Everything about the banks to serve, with defaults filled in.
#[derive(Clone, Debug)]
pub struct Served {
    /// The default bank's data directory.
    pub data: PathBuf,
    /// Others by host name.
    pub tenants: Vec<Tenant>,
    /// How new banks are made, and sizes.
    pub shape: Shape,
}

/// How banks are opened.
#[derive(Clone, Debug)]
pub struct Shape {
    /// The zone of a new bank.
    pub zone: String,
    /// Whether a new bank is a sandbox.
    pub sandbox: bool,
    /// Currencies in which accounts are offered.
    pub currencies: Vec<Currency>,
    /// The bank's own units.
    pub units: Vec<Currency>,
    /// The writer's page cache, KiB.
    pub cache_kib: u32,
    /// The database on a server; nothing for an embedded one in the data directory.
    pub server: Option<sql::Database>,
    /// The card vault; nothing when the banks keep no cards.
    pub cards: Option<CardVaultPlace>,
}

impl Default for Shape {
    fn default() -> Self {
        let currencies = ["CNY", "USD", "EUR"].iter().filter_map(|code| Currency::iso(code).ok()).collect();
        let zone = "Asia/Shanghai".to_owned();
        Self { zone, sandbox: false, currencies, units: Vec::new(), cache_kib: 64 * 1024, server: None, cards: None }
    }
}

impl Shape {
    /// The shape that a file asks for.
    pub fn of(file: &File) -> Result<Self, Failure> {
        let mut shape = Self::default();
        if let Some(zone) = &file.zone {
            shape.zone.clone_from(zone);
        }
        shape.sandbox = file.sandbox.unwrap_or(false);
        if let Some(codes) = &file.currencies {
            let parsed = codes.iter().map(|code| {
                Currency::iso(code).map_err(|error| Failure::because(format!("`currencies` names {code}"), error))
            });
            shape.currencies = parsed.collect::<Result<_, _>>()?;
        }
        let units = file.units.iter().map(|unit| {
            Currency::unit(&unit.code, unit.number, unit.digits)
                .map_err(|error| Failure::because(format!("the unit {} cannot be used", unit.code), error))
        });
        shape.units = units.collect::<Result<_, _>>()?;
        if let Some(mib) = file.cache_mib {
            shape.cache_kib = mib.saturating_mul(1024);
        }
        let password = file.database_password_file.as_deref();
        shape.cards = CardVaultPlace::of(file)?;
        shape.server = file.database.as_deref().map(|url| server(url, password)).transpose()?;
        Ok(shape)
    }
}

/// The database that a URL names. Its password stands in a file of its own, or in the one that `PGPASSFILE` names, or in the URL.
pub fn server(url: &str, password: Option<&Path>) -> Result<sql::Database, Failure> {
    let lines = std::env::var_os("PGPASSFILE").map(PathBuf::from).filter(|_| password.is_none());
    sql::Passwords::read(password, lines.as_deref())
        .and_then(|passwords| sql::Database::parse(url, &passwords))
        .map_err(|error| Failure::because("the database's URL cannot be used", error))
}

impl Served {
    /// No directory and no host name stands twice, and a database on a server has one bank.
    pub fn check(self) -> Result<Self, Failure> {
        if self.shape.server.is_some() && !self.tenants.is_empty() {
            let what = "a database on a server holds one bank; serve the others from processes of their own";
            return Err(Failure::usage(what.to_owned()));
        }
        let mut hosts = BTreeSet::new();
        let mut directories = BTreeSet::from([self.data.clone()]);
        for tenant in &self.tenants {
            if !hosts.insert(tenant.host.to_ascii_lowercase()) {
                return Err(Failure::usage(format!("the host {} has two data directories; name one", tenant.host)));
            }
            if !directories.insert(tenant.data.clone()) {
                let what = format!("two banks use {}; each needs a directory of its own", tenant.data.display());
                return Err(Failure::usage(what));
            }
        }
        Ok(self)
    }
}

/// Reads `HOST=DIR`.
pub fn tenant(text: &str) -> Result<Tenant, String> {
    match text.split_once('=') {
        Some((host, data)) if !host.is_empty() && !data.is_empty() => {
            Ok(Tenant { host: host.to_owned(), data: PathBuf::from(data) })
        }
        Some(_) | None => Err("write HOST=DIR, such as wallet.example.com=bank-two".to_owned()),
    }
}
