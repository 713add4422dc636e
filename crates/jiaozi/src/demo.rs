//! `jiaozi demo`: `serve` on a throw-away bank with people, shops, a history and live traffic.

use crate::demo_certificate;
use crate::failure::{Ended, Failure};
use crate::options::Shape;
use crate::output::{self, grouped};
use crate::progress::Progress;
use crate::server::{self, Server};
use crate::system::SystemClock;
use crate::vault_child::VaultChild;
use crate::way_in::{self, WayIn};
use crate::wiring;
use ::bank::Bank;
use ::demo::{DemoError, HistoryClock, PASSWORD, Person, Shop, Tally, World, history, traffic};
use money::Currency;
use serde_json::json;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use vocabulary::Secret;

/// Serve a throw-away bank with people, shops, a history of some weeks and live traffic
///
/// Everything is made through the bank's own use cases, so the books can be checked like any: stop it and run
/// `jiaozi check`. It prints logins, merchants' keys, a staff token, and three commands to paste. The bank is a sandbox:
/// its money is not real, its clock can be moved, and the bank beside it answers as it is told.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  jiaozi demo
  jiaozi demo --listen 127.0.0.1:9000 --data demo-bank --no-traffic
  jiaozi demo --tls

Amounts of 900.01 to 900.12 make the sandbox bank misbehave: reject, be slow, silent, twice, late or wrong. With
the staff token, PUT /v1/sandbox/bank does the same for any amount.")]
pub struct Args {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Keep the bank in this directory, which must be empty; otherwise it is temporary and goes with the program
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Speak TLS with a certificate made for this run, for localhost and the address to listen on; the one browser or client that
    /// is to believe it is given its file
    #[arg(long)]
    tls: bool,
    /// Who does what follows from it
    #[arg(long, default_value_t = 1024)]
    seed: u64,
    /// How many days of history
    #[arg(long, value_name = "N", default_value_t = 28, value_parser = clap::value_parser!(u32).range(0..=365))]
    days: u32,
    /// Acts a second of the live traffic
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rate: u32,
    /// No live traffic
    #[arg(long)]
    no_traffic: bool,
    /// Print one JSON object instead of the page for people
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<Ended, Failure> {
    let temporary = tempfile::Builder::new().prefix("jiaozi-demo-").tempdir();
    let temporary = temporary.map_err(|error| Failure::because("no temporary folder can be made", error))?;
    let directory = args.data.clone().unwrap_or_else(|| temporary.path().join("bank"));
    if directory.join(sql::FILE_NAME).exists() {
        return Err(Failure::new(format!(
            "{} holds a bank already; serve it with `jiaozi serve --sandbox --data {0}`, or choose an empty directory",
            directory.display()
        )));
    }
    crate::telemetry::start(args.json);
    way_in::only_encrypted(args.listen, args.tls)?;
    let certificate = temporary.path().join("certificate.pem");
    let tls = args.tls.then(|| demo_certificate::make(args.listen.ip(), &certificate)).transpose()?;
    let runtime = server::runtime()?;
    // Ends with this function, however it ends.
    let cards = VaultChild::start(&directory.join(CARDS), &[format!("http://{}", args.listen)])?;
    let made = make(args, (&directory, &cards), &runtime)?;
    let (stop, stopped) = watch::channel(false);
    let live = (!args.no_traffic).then(|| start_traffic(&made, args, &runtime, stopped));
    let way_in = WayIn::of(edge::Options { tls, address_rate: None, ..edge::Options::default() });
    let scheme = way_in.scheme();
    let server = Server::of(made.bank.clone(), way_in);
    let served = server.run_on(&runtime, args.listen, |address| {
        let reached = Reached { base: format!("{scheme}://{address}"), certificate: args.tls.then_some(&*certificate) };
        if args.json { output::json(&as_json(&made, &reached)) } else { print(&made, &reached, &directory, args) }
    });
    stop.send_replace(true);
    if let Some(live) = live {
        // Ends after the act it is doing.
        let _ = runtime.block_on(live);
    }
    served?;
    Ok(Ended::Fine)
}

/// The card vault's folder within the demo's directory. A real one has a directory, a user and if it can a machine of its own.
const CARDS: &str = "card-vault";

/// The bank and everything that is printed about it.
struct Made {
    bank: Bank,
    world: Arc<World>,
    tally: Tally,
    /// Two administrators: some acts need a second person.
    staff: [String; 2],
    /// A session of the first person.
    session: String,
    /// Where the card vault listens, and its process.
    cards: (String, u32),
}

/// How it is reached.
struct Reached<'a> {
    base: String,
    /// The file of the certificate to believe.
    certificate: Option<&'a Path>,
}

impl Reached<'_> {
    fn curl(&self) -> String {
        self.certificate.map_or("curl -s".to_owned(), |file| format!("curl -s --cacert {}", file.display()))
    }
}

fn failed(error: DemoError) -> Failure {
    Failure::because("the demo's world could not be made", error)
}

fn make(args: &Args, (directory, cards): (&Path, &VaultChild), runtime: &Runtime) -> Result<Made, Failure> {
    let currency = Currency::iso("CNY").map_err(|error| Failure::because("the demo's currency", error))?;
    let clock = Arc::new(HistoryClock::days_ago(Arc::new(SystemClock), args.days + 1));
    let shape = Shape { sandbox: true, cards: Some(cards.place.clone()), ..Shape::default() };
    let bank = wiring::open_with(directory, &shape, Arc::clone(&clock) as Arc<dyn vocabulary::Clock>)?;
    let mut progress = Progress::new("demo");
    let (world, tally, session) = runtime.block_on(async {
        let world = World::make(&bank, currency).await.map_err(failed)?;
        let days = u64::from(args.days);
        let mut told = |day: u32| progress.at("days of history", u64::from(day), days);
        let tally = history::live(&bank, (&world, &clock), (args.seed, args.days), &mut told).await.map_err(failed)?;
        let session = sign_in(&bank, &world.people[0]).await?;
        Ok::<_, Failure>((Arc::new(world), tally, session))
    })?;
    progress.finish();
    let staff = ::demo::staff_tokens(&bank).map_err(failed)?;
    let cards = (cards.place.public.clone(), cards.process());
    Ok(Made { bank, world, tally, staff, session, cards })
}

async fn sign_in(bank: &Bank, person: &Person) -> Result<String, Failure> {
    let cannot = |error| Failure::because("the demo's first person cannot sign in", error);
    let signed = ::bank::sessions::sign_in(bank, person.phone, Secret::new(PASSWORD.to_owned())).await;
    let signed = signed.map_err(cannot)?.map_err(|refusal| failed(DemoError::Refused(refusal)))?;
    Ok(signed.token.expose().clone())
}

fn start_traffic(
    made: &Made,
    args: &Args,
    runtime: &Runtime,
    stopped: watch::Receiver<bool>,
) -> tokio::task::JoinHandle<Tally> {
    let (bank, world) = (made.bank.clone(), Arc::clone(&made.world));
    let pace = (args.seed ^ 0x5EED, args.rate);
    runtime.spawn(async move { traffic::run(&bank, &world, pace, stopped).await })
}

/// The three commands to paste: read a balance, pay, look at it from the other side.
fn commands(made: &Made, reached: &Reached<'_>) -> [(&'static str, String); 3] {
    let Shop { merchant, key, .. } = &made.world.shops[0];
    let Made { session, .. } = made;
    let (curl, url) = (reached.curl(), format!("{}/v1", reached.base));
    [
        ("what 王芳 has", format!("{curl} {url}/wallet -H 'Authorization: Bearer {session}'")),
        (
            "she pays 12.50 for tea",
            format!(
                "{curl} {url}/payments -H 'Authorization: Bearer {session}' -H \"Idempotency-Key: tea-$(date +%s%N)\" \
                 -H 'Content-Type: application/json' \
                 -d '{{\"merchant\":\"{merchant}\",\"amount\":{{\"amount\":\"12.50\",\"currency\":\"CNY\"}}}}'"
            ),
        ),
        ("the teahouse sees it", format!("{curl} '{url}/merchant/payments?limit=3' -H 'Authorization: Bearer {key}'")),
    ]
}

fn as_json(made: &Made, reached: &Reached<'_>) -> serde_json::Value {
    let people = made.world.people.iter().map(|person| {
        json!({ "name": person.name, "sign_in": person.phone, "password": PASSWORD,
            "customer": person.customer.to_string(), "wallet": person.wallet.to_string() })
    });
    let shops = made.world.shops.iter().map(|shop| {
        json!({ "name": shop.trade.name, "merchant": shop.merchant.to_string(), "key": shop.key,
            "store": shop.store.map(|store| store.to_string()) })
    });
    let commands = commands(made, reached).map(|(what, command)| json!({ "what": what, "command": command }));
    json!({
        "listening": reached.base, "certificate": reached.certificate, "people": people.collect::<Vec<_>>(),
        "shops": shops.collect::<Vec<_>>(), "staff_token": made.staff[0], "second_staff_token": made.staff[1], "session": made.session,
        "card_vault": made.cards.0, "card_vault_process": made.cards.1,
        "history": { "done": made.tally.done, "refused": made.tally.refused }, "commands": commands,
    })
}

fn print(made: &Made, reached: &Reached<'_>, directory: &Path, args: &Args) {
    let base = &reached.base;
    output::line(&format!("listening on {base}\n"));
    if let Some(file) = reached.certificate {
        output::line(&format!("Its certificate, to be believed for this run only: {}\n", file.display()));
    }
    output::line(&format!(
        "Jiaozi 交子, a sandbox bank in {}, with {} acts of history ({} refused){}.\n\
         API documentation: {base}/docs   codes and messages that were sent: {base}/sandbox/outbox\n\
         Card vault, in process {}: {}\n",
        directory.display(),
        grouped(made.tally.done),
        grouped(made.tally.refused),
        if args.no_traffic { String::new() } else { format!(" and {} live acts a second", args.rate) },
        made.cards.1,
        made.cards.0
    ));
    output::line(&format!("People sign in with phone and password {PASSWORD}:"));
    for Person { name, phone, .. } in &made.world.people {
        output::line(&format!("  {phone}  {name}"));
    }
    output::line("\nMerchants and their API keys:");
    for Shop { trade, key, merchant, .. } in &made.world.shops {
        output::line(&format!("  {merchant}  {key}  {}", trade.name));
    }
    let [one, two] = &made.staff;
    output::line(&format!(
        "\nStaff tokens of two administrators (one approves what the other asks for):\n  {one}\n  {two}"
    ));
    output::line("\nTry it:");
    for (what, command) in commands(made, reached) {
        output::line(&format!("\n# {what}\n{command}"));
    }
    output::line("\nStop it with Ctrl-C.");
}
