//! `jiaozi serve`: the platform. SIGTERM drains and stops.

use crate::failure::{Ended, Failure};
use crate::options::{self, File, Served, Shape, Tenant};
use crate::output;
use crate::server::Server;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Serve one bank, or several by host name
///
/// The data directory is made when it is empty; a second process on it is refused. When it is ready it prints one line on
/// standard output, `listening on http://ADDRESS`. SIGTERM or SIGINT stop it in order: no new connections, open requests are
/// answered, balances are written down, exit 0. A kill loses nothing that was answered.
///
/// Everything can also stand in jiaozi.toml (see --config); the command line overrules it.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  jiaozi serve --data bank --sandbox
  jiaozi serve --data bank --listen 0.0.0.0:8080 --currency CNY --currency USD
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
    crate::server::try_address(address)?;
    let server = Server::open(&served, &file)?;
    if server.has_live_bank() {
        output::diagnostic(NOT_CONNECTED);
    }
    server.run(address, |address| ready(address, args.json))?;
    Ok(Ended::Fine)
}

/// Said at every start of a live bank, since nothing of it can be chosen yet.
const NOT_CONNECTED: &str = "jiaozi: a live bank is not connected to anything yet: top-ups and payouts are refused, and \
    codes to phones and e-mail addresses reach nobody; to try it out, use --sandbox on an empty directory";

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
    file.zone = args.zone.clone().or(file.zone);
    file.sandbox = if args.sandbox { Some(true) } else { file.sandbox };
    file.tenants.extend(args.tenant.iter().cloned());
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

fn ready(address: SocketAddr, json: bool) {
    if json {
        output::json(&serde_json::json!({ "listening": format!("http://{address}") }));
    } else {
        output::line(&format!("listening on http://{address}"));
    }
}
