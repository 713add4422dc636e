//! Private PostgreSQL servers: made, started, copied, promoted, killed, and removed at the end.
//!
//! Each listens on a unix socket in a folder of its own. They run as a user who is not root, as PostgreSQL wants it: as
//! `postgres` or `nobody` when the harness itself is root.

use crate::faults::now;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// The user and the database of the bank.
const BANK: &str = "bank";
/// Within so long a server starts, and a standby follows.
const PATIENCE: Duration = Duration::from_secs(20);

/// PostgreSQL's programs, and who runs them.
#[derive(Clone, Debug)]
struct Programs {
    folder: PathBuf,
    /// Nobody when the harness may run them itself.
    user: Option<(u32, u32)>,
}

impl Programs {
    fn find() -> io::Result<Self> {
        let mut folders: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
            .map(|items| items.flatten().map(|item| item.path().join("bin")).collect())
            .unwrap_or_default();
        folders.sort_by(|one, other| other.cmp(one));
        folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        let has_all = |folder: &PathBuf| ["initdb", "postgres", "psql"].iter().all(|name| folder.join(name).is_file());
        let found = folders.into_iter().find(has_all);
        let folder = found.ok_or_else(|| {
            io::Error::other("PostgreSQL's programs are missing; run: sudo apt-get install postgresql")
        })?;
        Ok(Self { folder, user: user()? })
    }

    fn command(&self, program: &str) -> Command {
        let path = self.folder.join(program);
        let Some((user, group)) = self.user else { return Command::new(path) };
        let mut command = Command::new("setpriv");
        command.args(["--reuid", &user.to_string(), "--regid", &group.to_string(), "--clear-groups"]).arg(path);
        command
    }

    fn run(&self, program: &str, arguments: &[&str], at: &Path) -> io::Result<String> {
        checked(program, self.command(program).args(arguments).current_dir(at).stdin(Stdio::null()).output()?)
    }

    /// A folder that they may write to.
    fn folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)?;
        match self.user {
            Some((user, group)) => chown(path, Some(user), Some(group)),
            None => Ok(()),
        }
    }
}

fn checked(what: &str, output: Output) -> io::Result<String> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    Err(io::Error::other(format!("{what}: {} {}", output.status, String::from_utf8_lossy(&output.stderr).trim())))
}

fn number_of(program: &str, arguments: &[&str]) -> Option<u32> {
    let output = Command::new(program).args(arguments).stderr(Stdio::null()).output().ok()?;
    String::from_utf8_lossy(&output.stdout).trim().parse().ok().filter(|_| output.status.success())
}

/// Who is to run the servers: nobody else when the harness is not root.
fn user() -> io::Result<Option<(u32, u32)>> {
    if number_of("id", &["-u"]) != Some(0) {
        return Ok(None);
    }
    let found = ["postgres", "nobody"]
        .iter()
        .find_map(|name| Some((number_of("id", &["-u", name])?, number_of("id", &["-g", name])?)));
    found.map(Some).ok_or_else(|| io::Error::other("there is no user postgres or nobody to run a server"))
}

/// A server.
pub struct Server {
    programs: Programs,
    /// Its name, by which others know it as their standby.
    pub name: String,
    place: PathBuf,
    child: Option<Child>,
}

/// What every server is told. Those that follow look for a new primary ten times a second.
const SETTINGS: &str = "
listen_addresses = ''
max_connections = 60
shared_buffers = 32MB
max_wal_size = 512MB
wal_keep_size = 256MB
wal_retrieve_retry_interval = 100ms
wal_receiver_timeout = 10s
log_min_messages = warning
";

impl Server {
    /// Makes a server in a folder below `place`, and starts it, as a primary that waits for nobody.
    ///
    /// # Errors
    /// When PostgreSQL is missing or refuses.
    pub fn create(place: &Path, name: &str) -> io::Result<Self> {
        let programs = Programs::find()?;
        fs::set_permissions(place, fs::Permissions::from_mode(0o711))?;
        let mut server = Self { place: place.join(name), programs, name: name.to_owned(), child: None };
        server.programs.folder(&server.place)?;
        let arguments =
            ["--pgdata", "data", "--username", BANK, "--auth", "trust", "--encoding", "UTF8", "--locale", "C"];
        server.programs.run("initdb", &arguments, &server.place)?;
        server.tell(SETTINGS)?;
        server.start()?;
        let socket = server.socket().display().to_string();
        server.programs.run("createdb", &["--host", &socket, "--username", BANK, BANK], &server.place)?;
        Ok(server)
    }

    /// A copy of this server that follows it, started.
    ///
    /// # Errors
    /// When PostgreSQL refuses.
    pub fn standby(&self, name: &str) -> io::Result<Self> {
        let place = self.place.with_file_name(name);
        if place.exists() {
            fs::remove_dir_all(&place)?;
        }
        let mut standby = Self { programs: self.programs.clone(), name: name.to_owned(), place, child: None };
        standby.programs.folder(&standby.place)?;
        let from = self.socket().display().to_string();
        let arguments = ["--pgdata", "data", "--host", &from, "--username", BANK, "--checkpoint", "fast", "--no-sync"];
        standby.programs.run("pg_basebackup", &arguments, &standby.place)?;
        File::create(standby.place.join("data/standby.signal"))?;
        standby.tell(&format!("primary_conninfo = '{}'", standby.way_to(self)))?;
        standby.start()?;
        Ok(standby)
    }

    fn way_to(&self, primary: &Self) -> String {
        format!("host={} user={BANK} application_name={}", primary.socket().display(), self.name)
    }

    /// Adds to its settings; what is said last counts, once it is started or has read them again.
    fn tell(&self, settings: &str) -> io::Result<()> {
        let mut file = fs::OpenOptions::new().append(true).open(self.place.join("data/postgresql.conf"))?;
        writeln!(file, "{settings}")
    }

    /// Adds to its settings while it runs.
    ///
    /// # Errors
    /// When it does not take them.
    pub fn change(&self, settings: &str) -> io::Result<()> {
        self.tell(settings)?;
        self.ask("SELECT pg_reload_conf()").map(drop)
    }

    /// Follows another primary, or nobody.
    ///
    /// # Errors
    /// When it does not take the order.
    pub fn follow(&self, primary: Option<&Self>) -> io::Result<()> {
        let way = primary.map(|primary| self.way_to(primary)).unwrap_or_default();
        self.change(&format!("primary_conninfo = '{way}'"))?;
        let receiving = if primary.is_some() { "1" } else { "0" };
        let question = "SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'";
        self.until(question, receiving).map_err(|error| io::Error::other(format!("{} follows: {error}", self.name)))
    }

    /// Starts it as it lies there and waits until it can be asked.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(&mut self) -> io::Result<()> {
        // What a killed server leaves behind names a process that is gone.
        let _ = fs::remove_file(self.place.join("data/postmaster.pid"));
        let log = File::options().create(true).append(true).open(self.place.join("server.log"))?;
        let mut command = self.programs.command("postgres");
        command.args(["-D", "data", "-k"]).arg(&self.place).current_dir(&self.place);
        self.child = Some(command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?);
        let begun = now();
        while let Err(error) = self.ask_of("postgres", "SELECT 1") {
            if begun.elapsed() > PATIENCE {
                let log = fs::read_to_string(self.place.join("server.log")).unwrap_or_default();
                return Err(io::Error::other(format!("{} does not start: {error}; {log}", self.name)));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// The folder of its socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.place
    }

    /// The URL of the bank's database there, past every proxy.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://{BANK}@{}/{BANK}", self.place.display().to_string().replace('/', "%2F"))
    }

    /// Asks it something in the bank's database.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn ask(&self, sql: &str) -> io::Result<String> {
        self.ask_of(BANK, sql)
    }

    fn ask_of(&self, database: &str, sql: &str) -> io::Result<String> {
        checked(sql, self.asking(database, sql).output()?)
    }

    fn asking(&self, database: &str, sql: &str) -> Command {
        let mut command = Command::new(self.programs.folder.join("psql"));
        command.args(["--no-psqlrc", "--tuples-only", "--no-align", "--quiet", "--username", BANK, "--host"]);
        command.arg(&self.place).args(["--dbname", database, "--command", sql]).stdin(Stdio::null());
        command
    }

    /// Waits until a question has this answer.
    ///
    /// # Errors
    /// When it has not in time.
    pub fn until(&self, sql: &str, answer: &str) -> io::Result<()> {
        let begun = now();
        loop {
            let found = self.ask(sql);
            if found.as_deref().is_ok_and(|found| found == answer) {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                return Err(io::Error::other(format!("{sql} stays {found:?} and is not {answer}")));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// How far the log is that it has received and flushed.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn received(&self) -> io::Result<u64> {
        let answer = self.ask("SELECT coalesce(pg_last_wal_receive_lsn(), '0/0') - '0/0'")?;
        answer.parse().map_err(|_| io::Error::other(format!("{answer} is no place in a log")))
    }

    /// Asks somebody to tell when it leaves recovery: in microseconds since 1970, by the machine's clock.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub fn watch_recovery(&self) -> io::Result<Child> {
        let question = "DO $$ BEGIN WHILE pg_is_in_recovery() LOOP PERFORM pg_sleep(0.002); END LOOP; END $$; \
            SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
        self.asking(BANK, question).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
    }

    /// Makes it the primary; does not wait for it.
    ///
    /// # Errors
    /// When it refuses.
    pub fn promote(&self) -> io::Result<()> {
        self.ask("SELECT pg_promote(false)").map(drop)
    }

    /// Kills it with all its processes (SIGKILL).
    ///
    /// # Errors
    /// When it cannot be killed.
    pub fn kill(&mut self) -> io::Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        let mut all = children_of(child.id())?;
        all.insert(0, child.id());
        signal("KILL", &all)?;
        child.wait().map(drop)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            eprintln!("faults: {} could not be stopped: {error}", self.name);
        }
    }
}

fn children_of(parent: u32) -> io::Result<Vec<u32>> {
    let mut found = Vec::new();
    for item in fs::read_dir("/proc")? {
        let name = item?.file_name();
        let Ok(pid) = name.to_string_lossy().parse::<u32>() else { continue };
        let Ok(status) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        // After the name, which is in brackets and may hold anything: state, parent.
        let fields = status.rsplit(") ").next().unwrap_or_default();
        if fields.split(' ').nth(1).is_some_and(|field| field == parent.to_string()) {
            found.push(pid);
        }
    }
    Ok(found)
}

/// Sends a signal to processes; those that have ended meanwhile are passed over.
///
/// # Errors
/// When there is no program `kill`.
pub fn signal(name: &str, processes: &[u32]) -> io::Result<()> {
    let mut command = Command::new("kill");
    command.arg(format!("-{name}")).args(processes.iter().map(u32::to_string));
    command.stderr(Stdio::null()).status().map(drop)
}

/// A primary and two standbys.
pub struct Cluster {
    /// The primary.
    pub primary: Server,
    /// Those that follow it.
    pub standbys: Vec<Server>,
}

/// One of those that follow must have a commit on disk before it is done.
const QUORUM: &str = "synchronous_standby_names = 'ANY 1 (a, b, c)'";

impl Cluster {
    /// Makes the three below a folder. With `quorum` no commit is done before a standby has it.
    ///
    /// # Errors
    /// When PostgreSQL is missing or refuses.
    pub fn create(place: &Path, quorum: bool) -> io::Result<Self> {
        let primary = Server::create(place, "a")?;
        let standbys = vec![primary.standby("b")?, primary.standby("c")?];
        let cluster = Self { primary, standbys };
        if quorum {
            for server in cluster.standbys.iter().chain([&cluster.primary]) {
                server.change(QUORUM)?;
            }
            let question =
                "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'quorum' AND state = 'streaming'";
            cluster.primary.until(question, "2")?;
        }
        Ok(cluster)
    }

    /// Lets nobody follow anybody: from here on the primary acknowledges nothing, so that one of the others can be chosen.
    ///
    /// # Errors
    /// When a standby does not take the order.
    pub fn detach(&self) -> io::Result<()> {
        self.standbys.iter().try_for_each(|standby| standby.follow(None))
    }

    /// Of the standbys the one that has most becomes the primary; the other follows it from just before, and `ready` is called
    /// with it then. Returns when it left recovery, in microseconds since 1970, and the old primary.
    ///
    /// # Errors
    /// When it does not.
    pub fn promote(&mut self, ready: impl FnOnce(&Server)) -> io::Result<(i64, Server)> {
        let mut most = (0, 0);
        for (place, standby) in self.standbys.iter().enumerate() {
            most = most.max((standby.received()?, place));
        }
        let chosen = self.standbys.swap_remove(most.1);
        for standby in &self.standbys {
            standby.tell(&format!("primary_conninfo = '{}'", standby.way_to(&chosen)))?;
            standby.ask("SELECT pg_reload_conf()")?;
        }
        let watch = chosen.watch_recovery()?;
        ready(&chosen);
        chosen.promote()?;
        let told = checked("waiting for the end of recovery", watch.wait_with_output()?)?;
        let left = told.lines().last().and_then(|line| line.parse().ok());
        let left = left.ok_or_else(|| io::Error::other(format!("no moment of promotion: {told}")))?;
        Ok((left, std::mem::replace(&mut self.primary, chosen)))
    }

    /// The old primary, killed by now, becomes a standby: its folder is copied anew.
    ///
    /// # Errors
    /// When it does not follow.
    pub fn take_back(&mut self, mut old: Server) -> io::Result<()> {
        old.kill()?;
        let standby = self.primary.standby(&old.name)?;
        standby.change(QUORUM)?;
        self.standbys.push(standby);
        self.primary.until("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'", "2")
    }
}
