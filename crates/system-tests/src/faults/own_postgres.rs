//! A PostgreSQL server of the harness's own: on a unix socket in a folder of its own, every commit durable, stopped at the end.
//! It runs as a user who is not root, as PostgreSQL wants it.

use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A running server.
pub struct OwnPostgres {
    programs: PathBuf,
    user: Option<[u32; 2]>,
    place: PathBuf,
}

/// The folder with PostgreSQL's programs, the newest of Debian's.
fn programs() -> io::Result<PathBuf> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|items| items.flatten().map(|item| item.path().join("bin")).collect())
        .unwrap_or_default();
    folders.sort();
    folders
        .into_iter()
        .rev()
        .find(|folder| folder.join("initdb").is_file())
        .ok_or_else(|| io::Error::other("PostgreSQL's programs are missing; run: sudo apt-get install postgresql"))
}

fn number(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).stderr(Stdio::null()).output().ok()?;
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}

/// Who runs the server: somebody else when the harness is root.
fn user() -> Option<[u32; 2]> {
    if number(&["-u"]) != Some(0) {
        return None;
    }
    ["postgres", "nobody"].iter().find_map(|name| Some([number(&["-u", name])?, number(&["-g", name])?]))
}

impl OwnPostgres {
    /// Makes and starts a server below a folder.
    ///
    /// # Errors
    /// When PostgreSQL is missing or refuses.
    pub fn start(below: &Path) -> io::Result<Self> {
        // The server's user must be able to enter.
        std::fs::set_permissions(below, std::fs::Permissions::from_mode(0o711))?;
        let place = below.join("postgres");
        std::fs::create_dir(&place)?;
        let (programs, user) = (programs()?, user());
        if let Some([uid, gid]) = user {
            chown(&place, Some(uid), Some(gid))?;
        }
        let server = Self { programs, user, place };
        let form = ["--username", "bank", "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync"];
        server.call("initdb", &[&["--pgdata", "data"], form.as_slice()].concat())?;
        let settings = format!(
            "-c listen_addresses= -c unix_socket_directories={} -c max_connections=200",
            server.place.display()
        );
        server.call("pg_ctl", &["--pgdata", "data", "--log", "log", "--wait", "--options", &settings, "start"])?;
        Ok(server)
    }

    fn call(&self, program: &str, arguments: &[&str]) -> io::Result<()> {
        let path = self.programs.join(program);
        let mut command = match self.user {
            None => Command::new(path),
            Some([uid, gid]) => {
                let mut command = Command::new("setpriv");
                command.args([format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()]);
                command.arg(path);
                command
            }
        };
        command.args(arguments).current_dir(&self.place).stdin(Stdio::null()).stdout(Stdio::null());
        let status = command.stderr(Stdio::null()).status()?;
        if status.success() { Ok(()) } else { Err(io::Error::other(format!("{program}: {status}"))) }
    }

    /// The URL of its database.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://bank@{}/postgres", self.place.display().to_string().replace('/', "%2F"))
    }
}

impl Drop for OwnPostgres {
    fn drop(&mut self) {
        let _ = self.call("pg_ctl", &["--pgdata", "data", "--mode", "immediate", "stop"]);
    }
}
