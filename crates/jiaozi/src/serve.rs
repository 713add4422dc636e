//! `jiaozi serve`: the platform. SIGTERM drains and stops.

use crate::failure::{Ended, Failure};
use crate::options::{self, File, Served, Shape, Tenant};
use crate::output;
use crate::server::Server;
use crate::way_in::WayIn;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Serve one bank, or several by host name
///
/// The data directory is made when it is empty; a second process on it is refused. When it is ready it prints one line on
/// standard output, `listening on http://ADDRESS` (https with --tls-certificate). Without TLS, here or at a proxy in front, only
/// this machine may connect. SIGTERM or SIGINT stop it in order: no new connections, open requests are
/// answered, balances are written down, exit 0. A kill loses nothing that was answered.
///
/// Everything can also stand in jiaozi.toml (see --config); the command line overrules it.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  jiaozi serve --data bank --sandbox
  jiaozi serve --data bank --listen 0.0.0.0:443 --tls-certificate bank.pem --tls-key bank.key
  jiaozi serve --data bank --listen 10.0.0.31:8080 --behind-proxy --trusted-proxy 10.0.0.0/24
  jiaozi serve --data bank --tenant wallet.example.com=bank-two

A configuration file:
  data = \"bank\"
  listen = \"127.0.0.1:8080\"
  sandbox = true
  currencies = [\"CNY\", \"USD\"]
  [[unit]]
  code = \"POINTS\"
  number = 1001
  digits = 0
  [[tenant]]
  host = \"wallet.example.com\"
  data = \"bank-two\"

RUST_LOG chooses what is logged on standard error, such as RUST_LOG=info,bank=debug")]
pub struct Args {
    /// The default bank's data directory [default: jiaozi-data]
    #[arg(long, value_name = "DIR", env = "JIAOZI_DATA")]
    data: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Another bank in the same process, chosen by host name; may be repeated
    #[arg(long, value_name = "HOST=DIR", value_parser = options::tenant)]
    tenant: Vec<Tenant>,
    /// Keep the bank in this PostgreSQL database instead, such as postgres://bank@localhost/bank, or on another machine with
    /// ?sslrootcert=FILE. Several processes may serve it, each with a data directory of its own and the same vault.key in it; a
    /// sandbox is served by one, since the bank beside it is that one's
    #[arg(long, value_name = "URL", env = "JIAOZI_DATABASE", hide_env_values = true)]
    database: Option<String>,
    /// The file that holds that database's password and nothing else; a password in the URL can be seen by whoever lists processes
    #[arg(long, value_name = "FILE", env = "JIAOZI_DATABASE_PASSWORD_FILE")]
    database_password_file: Option<PathBuf>,
    /// Speak TLS with this certificate and those between it and its authority, in PEM form. It is taken over without a restart when
    /// the files change, and at once on SIGHUP
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// The certificate's key in PEM form, which nobody else may read
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// TLS ends at a proxy in front, so others may connect without it
    #[arg(long)]
    behind_proxy: bool,
    /// Believe proxies in this network when they say who asked; may be repeated. From everybody else such headers change nothing
    #[arg(long, value_name = "CIDR")]
    trusted_proxy: Vec<String>,
    /// The header by which these proxies say it; the other is not read [default: x-forwarded-for]
    #[arg(long, value_name = "NAME", value_parser = ["x-forwarded-for", "forwarded"])]
    forwarded_header: Option<String>,
    /// Let pages of this origin ask with a token and read the answers (CORS); may be repeated, none otherwise
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    /// The card vault that the bank asks (see `jiaozi vault`): http on this machine, https elsewhere [default: the bank keeps no cards]
    #[arg(long, value_name = "URL")]
    card_vault: Option<String>,
    /// Where customers reach the card vault, if elsewhere
    #[arg(long, value_name = "URL")]
    card_vault_public: Option<String>,
    /// The file with the secret that bank and card vault share: a copy of bank.secret in the vault's directory
    #[arg(long, value_name = "FILE")]
    card_vault_secret: Option<PathBuf>,
    /// When told to stop, go on taking requests for so many seconds while /readyz says "not ready", so that whoever spreads the load
    /// sends the next ones elsewhere [default: 0]
    #[arg(long, value_name = "SECONDS")]
    drain_notice: Option<u32>,
    /// New banks are sandboxes: a clock that can be moved, and a bank beside them that answers as it is told
    #[arg(long)]
    sandbox: bool,
    /// The time zone of new banks [default: Asia/Shanghai]
    #[arg(long)]
    zone: Option<String>,
    /// A currency in which accounts are offered; may be repeated [default: CNY, USD, EUR]
    #[arg(long, value_name = "CODE")]
    currency: Vec<String>,
    /// The configuration file [default: jiaozi.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Append the audit log to this file, a JSON object a line
    #[arg(long, value_name = "FILE")]
    audit_file: Option<PathBuf>,
    /// Send the audit log to this collector by syslog over TLS (RFC 5425)
    #[arg(long, value_name = "HOST:PORT", requires = "audit_syslog_ca")]
    audit_syslog: Option<String>,
    /// The certificates, in PEM form, of the authorities that vouch for that collector
    #[arg(long, value_name = "FILE", requires = "audit_syslog")]
    audit_syslog_ca: Option<PathBuf>,
    /// Print one JSON object when ready, and log JSON lines
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<Ended, Failure> {
    let file = merged(args)?;
    let address = listen(&file)?;
    let served = Served {
        data: file.data.clone().unwrap_or_else(|| PathBuf::from("jiaozi-data")),
        tenants: file.tenants.clone(),
        shape: Shape::of(&file)?,
    }
    .check()?;
    crate::telemetry::start(args.json);
    let way_in = WayIn::chosen(&file, address)?;
    if way_in.options.proxies.end_tls && way_in.options.proxies.trusted.is_empty() {
        output::diagnostic(NO_PROXY_NAMED);
    }
    crate::server::try_address(address)?;
    let scheme = way_in.scheme();
    let server = Server::open(&served, &file, way_in)?;
    if server.has_live_bank() {
        output::diagnostic(NOT_CONNECTED);
    }
    server.run(address, |address| ready(&format!("{scheme}://{address}"), args.json))?;
    Ok(Ended::Fine)
}

/// Said at every start of a live bank, since nothing of it can be chosen yet.
const NOT_CONNECTED: &str = "jiaozi: a live bank is not connected to anything yet: top-ups and payouts are refused, and \
    codes to phones and e-mail addresses reach nobody; to try it out, use --sandbox on an empty directory";

/// Said at a start behind a proxy that was not named.
const NO_PROXY_NAMED: &str = "jiaozi: no --trusted-proxy is named: every request counts as its proxy's, in rate limits and in \
    the audit log";

/// The file with the command line over it.
fn merged(args: &Args) -> Result<File, Failure> {
    let mut file = File::read(args.config.as_deref())?;
    file.data = args.data.clone().or(file.data);
    file.listen = args.listen.map(|address| address.to_string()).or(file.listen);
    file.database = args.database.clone().or(file.database);
    file.database_password_file = args.database_password_file.clone().or(file.database_password_file);
    file.card_vault = args.card_vault.clone().or(file.card_vault);
    file.card_vault_public = args.card_vault_public.clone().or(file.card_vault_public);
    file.card_vault_secret = args.card_vault_secret.clone().or(file.card_vault_secret);
    file.drain_notice = args.drain_notice.or(file.drain_notice);
    file.audit_file = args.audit_file.clone().or(file.audit_file);
    file.audit_syslog = args.audit_syslog.clone().or(file.audit_syslog);
    file.audit_syslog_ca = args.audit_syslog_ca.clone().or(file.audit_syslog_ca);
    file.zone = args.zone.clone().or(file.zone);
    file.sandbox = if args.sandbox { Some(true) } else { file.sandbox };
    file.tenants.extend(args.tenant.iter().cloned());
    file.tls_certificate = args.tls_certificate.clone().or(file.tls_certificate);
    file.tls_key = args.tls_key.clone().or(file.tls_key);
    file.behind_proxy = if args.behind_proxy { Some(true) } else { file.behind_proxy };
    file.forwarded_header = args.forwarded_header.clone().or(file.forwarded_header);
    file.trusted_proxies.get_or_insert_default().extend(args.trusted_proxy.iter().cloned());
    file.allow_origins.get_or_insert_default().extend(args.allow_origin.iter().cloned());
    if !args.currency.is_empty() {
        file.currencies = Some(args.currency.clone());
    }
    Ok(file)
}

/// The address to listen on.
fn listen(file: &File) -> Result<SocketAddr, Failure> {
    let text = file.listen.as_deref().unwrap_or("127.0.0.1:8080");
    text.parse()
        .map_err(|_| Failure::usage(format!("listen on an address with a port, such as 127.0.0.1:8080, not {text}")))
}

fn ready(place: &str, json: bool) {
    if json {
        output::json(&serde_json::json!({ "listening": place }));
    } else {
        output::line(&format!("listening on {place}"));
    }
}
