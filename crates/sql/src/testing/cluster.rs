//! A PostgreSQL server of a test's own: made, started, stopped and removed by it, from the programs that Debian's package
//! brings. It listens on a unix socket and on a port of the loopback address, and keeps every commit as it comes.

use std::ffi::OsStr;
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The administrator of the cluster, who needs no password on the socket.
pub const ADMINISTRATOR: &str = "admin";

/// A private server.
pub struct Cluster {
    programs: PathBuf,
    /// The user it runs as, when we are root, as whom it refuses to run.
    user: Option<(u32, u32)>,
    port: u16,
    folder: tempfile::TempDir,
}

impl Cluster {
    /// Makes a cluster in the machine's scratch folder, and starts it with these settings (`name=value`) over the defaults.
    ///
    /// # Errors
    /// When PostgreSQL is not installed, or does not start.
    pub fn start(settings: &[&str]) -> io::Result<Self> {
        let cluster = Self::make()?;
        cluster.configure(settings)?;
        cluster.run()?;
        Ok(cluster)
    }

    /// Makes a cluster without starting it.
    ///
    /// # Errors
    /// When PostgreSQL is not installed.
    pub fn make() -> io::Result<Self> {
        let programs = programs()?;
        // Short: the name of a socket has at most a hundred and seven bytes.
        let folder = tempfile::Builder::new().prefix("jzpg").tempdir_in("/var/tmp")?;
        let user = if rustix::process::geteuid().is_root() { Some(unprivileged()?) } else { None };
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
        if let Some((uid, gid)) = user {
            std::os::unix::fs::chown(folder.path(), Some(uid), Some(gid))?;
        }
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let cluster = Self { programs, user, port, folder };
        let words = ["--pgdata=data", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"];
        cluster.call("initdb", words.into_iter().chain(["--username", ADMINISTRATOR]))?;
        Ok(cluster)
    }

    /// The folder of the cluster: its data in `data`, its socket, its log.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Writes settings (`name=value`); they hold from the next start on. Later ones win.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn configure(&self, settings: &[&str]) -> io::Result<()> {
        let file = self.folder().join("data/postgresql.auto.conf");
        let before = std::fs::read_to_string(&file)?;
        let text = settings.iter().fold(before, |text, setting| text + setting + "\n");
        std::fs::write(&file, text)
    }

    /// Replaces the rules of who may log in how.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn admit(&self, rules: &str) -> io::Result<()> {
        std::fs::write(self.folder().join("data/pg_hba.conf"), rules)
    }

    /// Gives a file to the server's user, readable by nobody else.
    ///
    /// # Errors
    /// When it cannot be given away.
    pub fn hand_over(&self, file: &Path) -> io::Result<()> {
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600))?;
        if let Some((uid, gid)) = self.user {
            std::os::unix::fs::chown(file, Some(uid), Some(gid))?;
        }
        Ok(())
    }

    /// Starts the server and waits until it answers.
    ///
    /// # Errors
    /// When it does not start; its log is in the error.
    pub fn run(&self) -> io::Result<()> {
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c port={} -c unix_socket_directories={} -c max_connections=200",
            self.port,
            self.folder().display()
        );
        let words = ["--pgdata=data", "--log=server.log", "--wait", "--timeout=60", "--options", &options, "start"];
        self.call("pg_ctl", words).map(drop).map_err(|error| {
            let log = std::fs::read_to_string(self.folder().join("server.log")).unwrap_or_default();
            io::Error::other(format!("{error}\n{log}"))
        })
    }

    /// Stops the server: `fast` ends sessions in order, `immediate` as a crash does.
    ///
    /// # Errors
    /// When it does not run.
    pub fn stop(&self, mode: &str) -> io::Result<()> {
        self.call("pg_ctl", ["--pgdata=data", "--mode", mode, "--wait", "stop"]).map(drop)
    }

    /// Runs statements as the administrator.
    ///
    /// # Errors
    /// When one fails.
    pub fn sql(&self, database: &str, statements: &str) -> io::Result<String> {
        let (port, folder) = (self.port.to_string(), self.folder().display().to_string());
        let words = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"];
        let place = ["--host", &folder, "--port", &port, "--username", ADMINISTRATOR, "--dbname", database];
        let done = self.call("psql", words.into_iter().chain(place).chain(["--command", statements]))?;
        Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
    }

    /// The URL of a database through the socket, for the administrator.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let folder = self.folder().display().to_string().replace('/', "%2F");
        format!("postgres://{ADMINISTRATOR}@{folder}:{}/{database}", self.port)
    }

    fn call<W: AsRef<OsStr>>(&self, program: &str, words: impl IntoIterator<Item = W>) -> io::Result<Output> {
        let mut command = Command::new(self.programs.join(program));
        command.args(words).current_dir(self.folder()).env("LC_ALL", "C").stdin(Stdio::null());
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        // What stays behind must not hold our pipes open.
        let said = self.folder().join(format!("{program}.said"));
        let file = std::fs::File::create(&said)?;
        if program == "psql" {
            let done = command.output()?;
            return if done.status.success() { Ok(done) } else { Err(failed(program, &done.stderr)) };
        }
        let done = command.stdout(file.try_clone()?).stderr(file).output()?;
        if done.status.success() { Ok(done) } else { Err(failed(program, &std::fs::read(&said)?)) }
    }
}

fn failed(program: &str, said: &[u8]) -> io::Error {
    io::Error::other(format!("{program}: {}", String::from_utf8_lossy(said)))
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // It may have been stopped by the test.
        let _ = self.stop("immediate");
    }
}

/// PostgreSQL's programs: of Debian's folders the newest, or those on the path.
fn programs() -> io::Result<PathBuf> {
    let number = |path: &Path| path.file_name().and_then(OsStr::to_str).and_then(|name| name.parse::<u32>().ok());
    let mut folders: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|items| items.filter_map(|item| Some(item.ok()?.path())).collect())
        .unwrap_or_default();
    folders.sort_by_key(|path| number(path));
    let debian = folders.into_iter().rev().map(|path| path.join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = debian.chain(std::env::split_paths(&path)).find(|path| path.join("initdb").is_file());
    found.ok_or_else(|| io::Error::other("PostgreSQL is missing; run: sudo apt-get install postgresql"))
}

/// The user and group that PostgreSQL runs as when we are root.
fn unprivileged() -> io::Result<(u32, u32)> {
    let users = std::fs::read_to_string("/etc/passwd")?;
    let of = |name: &str| {
        let mut fields = users.lines().find(|line| line.split(':').next() == Some(name))?.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    of("postgres")
        .or_else(|| of("nobody"))
        .ok_or_else(|| io::Error::other("there is no user that PostgreSQL may run as"))
}
