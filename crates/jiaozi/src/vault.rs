//! `jiaozi vault`: the card vault, a process of its own with a store of its own. Nothing else is in the scope of card data.

use crate::card_vault::own_secret;
use crate::failure::{Ended, Failure};
use crate::output;
use crate::restore::KEY_FILE;
use crate::server;
use crate::system::{SystemClock, SystemEntropy};
use card_vault::{HttpOptions, Options, Vault};
use clap::Subcommand;
use rails::FileVault;
use serde_json::json;
use sql::DirectoryLock;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::oneshot;
use vocabulary::Entropy;

/// Keep card numbers apart from the bank, in a process of their own
///
/// It takes card details encrypted for its own key, and gives tokens. Run it as a user of its own, on a machine of its own if you
/// can, with TLS in front; of its addresses only /v1/ is for customers. The bank needs its address and a copy of
/// the file bank.secret in its directory.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  jiaozi vault serve --data card-vault --origin https://wallet.example.com
  jiaozi vault replace-key --data card-vault")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the vault; SIGTERM drains and stops
    #[command(
        after_help = "Example:\n  jiaozi vault serve --data card-vault --listen 127.0.0.1:8090 --origin https://wallet.example.com"
    )]
    Serve(Serve),
    /// Replace the key that card details are encrypted for (while the vault is stopped); the old one decrypts for a day more
    #[command(after_help = "Example:\n  jiaozi vault replace-key --data card-vault")]
    ReplaceKey {
        /// The vault's directory
        #[arg(long, value_name = "DIR", default_value = "jiaozi-card-vault")]
        data: PathBuf,
    },
}

#[derive(clap::Args)]
struct Serve {
    /// The vault's directory; never the bank's
    #[arg(long, value_name = "DIR", default_value = "jiaozi-card-vault")]
    data: PathBuf,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// An origin whose pages may ask, such as https://wallet.example.com; may be repeated
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    origin: Vec<String>,
    /// The age in days at which the key for card details is replaced
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=365))]
    key_days: u32,
    /// Requests a second of one network address on average; 0 for no limit
    #[arg(long, value_name = "N", default_value_t = 5)]
    address_rate: u32,
    /// Stop when standard input ends, so that the vault does not outlive whoever started it
    #[arg(long, hide = true)]
    with_input: bool,
    /// Print one JSON object when ready, and log JSON lines
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<Ended, Failure> {
    match &args.command {
        Command::Serve(args) => serve(args),
        Command::ReplaceKey { data } => replace_key(data),
    }
}

/// Scheme and host, and a port if it likes: what browsers send.
fn origin(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match rest {
        Some(host) if !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b)) => {
            Ok(text.to_owned())
        }
        Some(_) | None => Err("write an origin such as https://wallet.example.com, without a path".to_owned()),
    }
}

fn open(directory: &Path, key_days: u32) -> Result<Vault, Failure> {
    let cannot = || format!("the card vault in {} cannot be opened", directory.display());
    if directory.join(sql::FILE_NAME).exists() {
        let what = format!("{} holds a bank; give the card vault a directory of its own", directory.display());
        return Err(Failure::new(what));
    }
    if directory.join(card_vault::FILE_NAME).exists() && !directory.join(KEY_FILE).exists() {
        let what = format!("{}, because its key file {KEY_FILE} is missing; put it back from its copy", cannot());
        return Err(Failure::new(what));
    }
    // Said first and plainly; the vault takes the lock for good.
    drop(DirectoryLock::take(directory).map_err(|error| Failure::because(cannot(), error))?);
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let keys = FileVault::open(directory, Arc::clone(&entropy)).map_err(|error| Failure::because(cannot(), error))?;
    let options = Options {
        directory: directory.to_owned(),
        clock: Arc::new(SystemClock),
        entropy,
        keys: Arc::new(keys),
        secret: own_secret(directory)?,
        key_days,
    };
    Vault::open(options).map_err(|error| Failure::because(cannot(), error))
}

fn replace_key(directory: &Path) -> Result<Ended, Failure> {
    if !directory.join(card_vault::FILE_NAME).exists() {
        return Err(Failure::new(format!(
            "there is no card vault in {}; name its directory with --data DIR",
            directory.display()
        )));
    }
    // Of any age: it is replaced below.
    let vault = open(directory, u32::MAX)?;
    vault.replace_key().map_err(|error| Failure::because("the key could not be replaced", error))?;
    for key in vault.published().keys {
        output::line(&format!("card details are now encrypted for {}", key.kid));
    }
    Ok(Ended::Fine)
}

fn serve(args: &Serve) -> Result<Ended, Failure> {
    crate::telemetry::start(args.json);
    server::try_address(args.listen)?;
    let vault = Arc::new(open(&args.data, args.key_days)?);
    let rate = (args.address_rate > 0).then_some(args.address_rate);
    let options = HttpOptions { origins: args.origin.clone(), address_rate: rate, ..HttpOptions::default() };
    let runtime = server::runtime()?;
    let input = args.with_input.then(end_of_input);
    runtime.block_on(async {
        let signal = server::stop_signal()?;
        let listener = server::bind(args.listen).await?;
        let bound = listener.local_addr().map_err(|error| Failure::because("the listener has no address", error))?;
        ready(bound, args.json);
        let stop = async move {
            let input = async move {
                match input {
                    Some(ended) => drop(ended.await),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = signal => {}
                () = input => {}
            }
        };
        let served = card_vault::serve(vault, options, listener, stop).await;
        served.map_err(|error| Failure::because("the listener failed", error))
    })?;
    Ok(Ended::Fine)
}

/// Ends with standard input: whoever started us holds the other end, and lets go of it at the latest when it dies.
fn end_of_input() -> oneshot::Receiver<()> {
    let (ended, input) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        drop(ended);
    });
    input
}

fn ready(address: SocketAddr, json: bool) {
    if json {
        output::json(&json!({ "listening": format!("http://{address}") }));
    } else {
        output::line(&format!("listening on http://{address}"));
    }
}
