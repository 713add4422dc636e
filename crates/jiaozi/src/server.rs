//! A running server: banks, their job loops, the listener, and an orderly end.

use crate::audit_export::{self, Exporter};
use crate::certificate_watch;
use crate::database_watch::Watch;
use crate::failure::Failure;
use crate::job_loop::JobLoop;
use crate::options::{File, Served};
use crate::system::SystemClock;
use crate::way_in::WayIn;
use crate::wiring;
use ::bank::Bank;
use api::{Api, Metrics};
use edge::{Edge, Routes, Tenants};
use metrics_exporter_prometheus::PrometheusBuilder;
use ports::LogCollector;
use rails::{HttpWebhookSender, Reach};
use rustix::process::{Resource, getrlimit};
use std::future::Future;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Banks that are open, and how they are served.
pub struct Server {
    banks: Vec<Bank>,
    tenants: Tenants,
    way_in: WayIn,
    /// The first bank's database, when it is on a server.
    database: Option<sql::Database>,
    /// Who is told the audit log of the first bank.
    collectors: Vec<Box<dyn LogCollector>>,
}

impl Server {
    /// Opens every bank.
    pub fn open(served: &Served, file: &File, mut way_in: WayIn) -> Result<Self, Failure> {
        let connections = way_in.options.connections.min(places(served.tenants.len() + 1));
        way_in.options.connections = connections;
        let first = wiring::open_bank(&served.data, &served.shape)?;
        let mut banks = vec![first.clone()];
        let mut tenants = Tenants::only(first);
        for tenant in &served.tenants {
            let bank = wiring::open_bank(&tenant.data, &served.shape)?;
            banks.push(bank.clone());
            tenants = tenants.with(&tenant.host, bank);
        }
        let (database, collectors) = (served.shape.server.clone(), audit_export::collectors(file)?);
        Ok(Self { banks, tenants, way_in, database, collectors })
    }

    /// Whether any of the banks is no sandbox.
    pub fn has_live_bank(&self) -> bool {
        self.banks.iter().any(|bank| !bank.is_sandbox())
    }

    /// One bank that is open already.
    pub fn of(bank: Bank, way_in: WayIn) -> Self {
        Self { banks: vec![bank.clone()], tenants: Tenants::only(bank), way_in, database: None, collectors: Vec::new() }
    }

    /// Serves until SIGTERM or SIGINT, then drains and settles. `ready` is told the address.
    pub fn run(self, address: SocketAddr, ready: impl FnOnce(SocketAddr)) -> Result<(), Failure> {
        self.run_on(&runtime()?, address, ready)
    }

    /// As [`Server::run`], on a runtime that is there.
    pub fn run_on(self, runtime: &Runtime, address: SocketAddr, ready: impl FnOnce(SocketAddr)) -> Result<(), Failure> {
        let stop = runtime.block_on(async { stop_signal() })?;
        self.run_until(runtime, address, (ready, stop))
    }

    /// As [`Server::run`], until `stop` ends.
    pub fn run_until(
        self,
        runtime: &Runtime,
        address: SocketAddr,
        (ready, stop): (impl FnOnce(SocketAddr), impl Future<Output = ()>),
    ) -> Result<(), Failure> {
        let Self { banks, tenants, way_in: WayIn { options, files }, database, collectors } = self;
        let loops = start_loops(&banks)?;
        let (stop_hooks, hooks) = start_webhooks(&banks, runtime)?;
        let served = runtime.block_on(async {
            let listener = bind(address).await?;
            let bound =
                listener.local_addr().map_err(|error| Failure::because("the listener has no address", error))?;
            let certificate = files.zip(options.tls.clone());
            let edge = Edge::new(options, tenants, routes(), Arc::new(SystemClock));
            // Here, because the recorder of metrics is there by now.
            let watch = database.map(Watch::start).transpose();
            let _watch =
                watch.map_err(|error| Failure::because("no thread to watch the database can be started", error))?;
            let _exporters = start_exporters(&banks, collectors)?;
            let certificate = certificate.map(|(files, tls)| certificate_watch::Watch::new(files, tls)).transpose()?;
            let certificate = certificate.map(|watch| tokio::spawn(watch.run()));
            ready(bound);
            let served = edge::serve(edge, listener, stop).await;
            if let Some(watch) = certificate {
                watch.abort();
            }
            served.map_err(|error| Failure::because("the listener failed", error))
        });
        stop_hooks.send_replace(true);
        for hook in hooks {
            // Attempts that were on their way are made again at the next start.
            let _ = runtime.block_on(hook);
        }
        for jobs in loops {
            jobs.stop();
        }
        served?;
        for bank in &banks {
            bank.store()
                .settle_blocking()
                .map_err(|error| Failure::because("a bank could not be closed in order; nothing is lost", error))?;
        }
        Ok(())
    }
}

fn routes() -> Routes {
    let metrics = PrometheusBuilder::new().install_recorder();
    if let Err(error) = &metrics {
        tracing::warn!(%error, "no metrics: another recorder is installed");
    }
    Api::new().routes(Metrics(metrics.ok()))
}

fn start_exporters(banks: &[Bank], collectors: Vec<Box<dyn LogCollector>>) -> Result<Vec<Exporter>, Failure> {
    let Some(first) = banks.first() else { return Ok(Vec::new()) };
    let started = collectors.into_iter().map(|collector| Exporter::start(first.clone(), collector));
    let failed = |error| Failure::because("no thread for the audit log can be started", error);
    started.collect::<Result<_, _>>().map_err(failed)
}

/// Descriptors of each bank that connections must leave alone: its files, its readers and what it sends to others.
const DESCRIPTORS_OF_A_BANK: usize = 160;

/// How many connections there is room for beside the banks' own descriptors; a few, however little the process may open.
fn places(banks: usize) -> usize {
    let limit =
        getrlimit(Resource::Nofile).current.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
    limit.saturating_sub(DESCRIPTORS_OF_A_BANK.saturating_mul(banks)).max(16)
}

fn start_loops(banks: &[Bank]) -> Result<Vec<JobLoop>, Failure> {
    let started = banks.iter().map(JobLoop::start);
    started.collect::<Result<_, _>>().map_err(|error| Failure::because("no thread for the jobs can be started", error))
}

/// How long a receiver of webhooks may take.
const HOOK_PATIENCE: Duration = Duration::from_secs(10);

/// One dispatcher of webhooks for each bank. A sandbox also reaches this machine itself, for those who try things out.
fn start_webhooks(banks: &[Bank], runtime: &Runtime) -> Result<(watch::Sender<bool>, Vec<JoinHandle<()>>), Failure> {
    let (stop, stopped) = watch::channel(false);
    let mut hooks = Vec::with_capacity(banks.len());
    for bank in banks {
        let reach = if bank.is_sandbox() { Reach::Loopback } else { Reach::Public };
        let sender = HttpWebhookSender::new(reach, HOOK_PATIENCE)
            .map_err(|error| Failure::because("webhooks cannot be sent", error))?;
        let (bank, mut stopped) = (bank.clone(), stopped.clone());
        let until = async move {
            let _ = stopped.wait_for(|stop| *stop).await;
        };
        hooks.push(runtime.spawn(::bank::webhooks::run(bank, Arc::new(sender), until)));
    }
    Ok((stop, hooks))
}

/// A runtime for everything that waits.
pub fn runtime() -> Result<Runtime, Failure> {
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    built.map_err(|error| Failure::because("no threads can be started", error))
}

/// Says at once when the address cannot be had: before a bank is made that nobody will reach.
pub fn try_address(address: SocketAddr) -> Result<(), Failure> {
    std::net::TcpListener::bind(address).map(drop).map_err(|error| cannot_listen(address, error))
}

pub async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| cannot_listen(address, error))
}

fn cannot_listen(address: SocketAddr, error: std::io::Error) -> Failure {
    let advice = match error.kind() {
        ErrorKind::AddrInUse => "; another program listens there: stop it, or choose another address with --listen",
        ErrorKind::PermissionDenied => "; ports below 1024 need privileges: choose another with --listen",
        ErrorKind::AddrNotAvailable => "; this machine does not have that address",
        _ => "",
    };
    Failure::because(format!("{address} cannot be listened on{advice}"), error)
}

/// Ends at the first SIGTERM or SIGINT. Must be called within a runtime.
pub fn stop_signal() -> Result<impl Future<Output = ()>, Failure> {
    let listen = |kind| signal(kind).map_err(|error| Failure::because("signals cannot be listened to", error));
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
