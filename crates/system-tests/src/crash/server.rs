//! The server under test: the real executable on a data directory, started, awaited, killed.

use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running server.
pub struct Server {
    child: Child,
    /// Where it listens, such as `http://127.0.0.1:40001`.
    pub address: String,
    /// How long it took from the start to readiness.
    pub ready_after: Duration,
}

/// How to start a server.
#[derive(Clone, Debug)]
pub struct Start {
    /// The executable.
    pub executable: PathBuf,
    /// The data directory.
    pub directory: PathBuf,
    /// The defect built into the executable that is to be switched on.
    pub defect: Option<String>,
    /// Set in its environment.
    pub environment: Vec<(String, String)>,
    /// Further arguments of `jiaozi serve`.
    pub arguments: Vec<String>,
}

/// The executable beside this one, or the one that `JIAOZI_BIN` names.
///
/// # Errors
/// When there is none.
pub fn executable() -> io::Result<PathBuf> {
    let path = match std::env::var_os("JIAOZI_BIN") {
        Some(path) => PathBuf::from(path),
        None => std::env::current_exe()?.with_file_name("jiaozi"),
    };
    if path.is_file() {
        return Ok(path);
    }
    let told = format!("there is no executable at {}; build it (cargo build --package jiaozi)", path.display());
    Err(io::Error::other(told))
}

/// A port of this machine that was free a moment ago.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

#[expect(clippy::disallowed_methods, reason = "how long a start takes is the machine's time")]
fn now() -> Instant {
    Instant::now()
}

impl Server {
    /// Starts a server and waits until it says that it is ready.
    ///
    /// # Errors
    /// When it ends by itself or is not ready in time.
    pub async fn start(how: &Start, client: &reqwest::Client) -> io::Result<Self> {
        let begun = now();
        let listen = format!("127.0.0.1:{}", free_port()?);
        let log = std::fs::File::options().append(true).create(true).open(log_of(&how.directory))?;
        let mut command = Command::new(&how.executable);
        command.arg("serve").arg("--data").arg(&how.directory).args(["--sandbox", "--listen", &listen]);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        command.args(&how.arguments).envs(how.environment.iter().map(|(name, value)| (name, value)));
        if let Some(defect) = &how.defect {
            command.env("JIAOZI_DEFECT", defect);
        }
        let child = command.spawn()?;
        let mut server = Self { child, address: format!("http://{listen}"), ready_after: Duration::ZERO };
        let ready = format!("{}/readyz", server.address);
        loop {
            let answer = client.get(&ready).timeout(Duration::from_secs(2)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                server.ready_after = begun.elapsed();
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                return Err(io::Error::other(format!(
                    "the server ended with {status}; see {:?}",
                    log_of(&how.directory)
                )));
            }
            if begun.elapsed() > Duration::from_secs(30) {
                return Err(io::Error::other(format!("not ready after 30 s; see {:?}", log_of(&how.directory))));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The number of its process.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    ///
    /// # Errors
    /// When the machine does not say.
    pub fn runs(&mut self) -> io::Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Kills it: no signal handler, no destructor runs.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub fn kill(mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already killed in the ordinary case; otherwise the harness failed and must not leave a server behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the server prints goes beside the data directory.
fn log_of(directory: &Path) -> PathBuf {
    directory.with_extension("log")
}
