//! Telling the audit log to the bank's own collectors: a thread for each collector of each bank, which looks once a second.
//!
//! The log itself is never behind: records are written with the acts. A collector that is away is told later; that it is away is
//! said in the log and at `/metrics` (`jiaozi_audit_export_failures_total`), not to whoever acts.

use crate::failure::Failure;
use crate::options::File;
use crate::system;
use bank::{Bank, audit};
use ports::LogCollector;
use rails::{FileCollector, SyslogCollector};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a thread sleeps when everything is told.
const PAUSE: Duration = Duration::from_secs(1);

/// The collectors that the configuration names.
pub fn collectors(file: &File) -> Result<Vec<Box<dyn LogCollector>>, Failure> {
    let mut found: Vec<Box<dyn LogCollector>> = Vec::new();
    if let Some(path) = &file.audit_file {
        found.push(Box::new(FileCollector::new(path.clone())));
    }
    match (&file.audit_syslog, &file.audit_syslog_ca) {
        (None, None) => {}
        (Some(address), Some(authorities)) => {
            let collector = SyslogCollector::new(address, authorities, &system::host_name()).map_err(Failure::usage)?;
            found.push(Box::new(collector));
        }
        _ => {
            let both = "name --audit-syslog and --audit-syslog-ca together: without the authority's certificates anybody could \
                pass for the collector";
            return Err(Failure::usage(both.to_owned()));
        }
    }
    Ok(found)
}

/// A running exporter; it ends when it is dropped.
pub struct Exporter {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Exporter {
    /// Starts telling a collector.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn start(bank: Bank, mut collector: Box<dyn LogCollector>) -> std::io::Result<Self> {
        let (stop, stopped) = mpsc::channel::<()>();
        let run = move || {
            let failures = metrics::counter!("jiaozi_audit_export_failures_total");
            let mut failing = false;
            loop {
                let told = audit::export_blocking(&bank, collector.as_mut());
                if let Err(error) = &told {
                    failures.increment(1);
                    if !failing {
                        tracing::error!(
                            error = error as &dyn std::error::Error,
                            "the audit log is not told to its collector"
                        );
                    }
                }
                failing = told.is_err();
                let pause = if told.is_ok_and(|told| told > 0) { Duration::ZERO } else { PAUSE };
                match stopped.recv_timeout(pause) {
                    Err(RecvTimeoutError::Timeout) => {}
                    _ => return,
                }
            }
        };
        let thread = std::thread::Builder::new().name("audit export".to_owned()).spawn(run)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
