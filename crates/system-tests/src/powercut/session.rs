//! A session: a prepared bank, loaded under the shim in a process of its own; its trace serves many cuts.

use crate::powercut::disk::Files;
use crate::powercut::loader::{self, Load};
use crate::powercut::trace::Trace;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a session leaves.
pub struct Session {
    /// The bank before the load, flushed.
    pub base: Files,
    /// What happened to its files.
    pub trace: Trace,
}

const SOURCE: &str = include_str!("../../shim/powercut.c");

/// Compiles the shim into a directory and returns the library's path.
///
/// # Errors
/// As [`compile`].
pub fn build_shim(directory: &Path) -> io::Result<PathBuf> {
    compile(directory, "powercut", SOURCE)
}

/// Compiles a library to be loaded before a program into a directory and returns its path.
///
/// # Errors
/// When there is no C compiler or it refuses.
pub fn compile(directory: &Path, name: &str, text: &str) -> io::Result<PathBuf> {
    let (source, library) = (directory.join(format!("{name}.c")), directory.join(format!("{name}.so")));
    std::fs::write(&source, text)?;
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let mut command = Command::new(&compiler);
    command.args(["-O2", "-shared", "-fPIC", "-o"]).arg(&library).arg(&source).args(["-ldl", "-lpthread"]);
    let status = command.status().map_err(|error| {
        io::Error::other(format!("no C compiler ({}): {error}; install gcc", compiler.to_string_lossy()))
    })?;
    if status.success() { Ok(library) } else { Err(io::Error::other("the C compiler refused the shim")) }
}

/// All files of a directory that a power cut concerns.
pub(crate) fn files_of(directory: &Path) -> io::Result<Files> {
    let mut files = Files::new();
    for item in std::fs::read_dir(directory)? {
        let item = item?;
        let name = item.file_name().to_string_lossy().into_owned();
        if item.file_type()?.is_file() && !name.ends_with("-shm") {
            files.insert(name, std::fs::read(item.path())?);
        }
    }
    Ok(files)
}

/// Prepares a bank in `directory` and loads it in a child process under the shim: this executable with `--load`, and with
/// the defect when one is named.
///
/// # Errors
/// When the child fails or leaves no trace.
pub fn record(directory: &Path, shim: &Path, load: &Load, defect: Option<&str>) -> io::Result<Session> {
    let data = directory.join("data");
    loader::prepare(&data)?;
    let base = files_of(&data)?;
    let trace = directory.join("trace");
    let mut child = Command::new(std::env::current_exe()?);
    child.arg("--load").arg(&data).args(["--seed", &load.seed.to_string()]);
    child.args(["--seconds", &load.time.as_secs().to_string(), "--clients", &load.clients.to_string()]);
    child.args(["--wishes", &load.wishes.to_string()]);
    child.env("LD_PRELOAD", shim).env("POWERCUT_DIR", &data).env("POWERCUT_TRACE", &trace);
    if let Some(defect) = defect {
        child.env("JIAOZI_DEFECT", defect);
    }
    let status = child.stdin(Stdio::null()).status()?;
    if !status.success() {
        return Err(io::Error::other(format!("the loaded bank ended with {status}")));
    }
    let trace = Trace::read(&trace)?;
    if trace.events.is_empty() {
        return Err(io::Error::other("the shim saw nothing: is the executable linked dynamically?"));
    }
    Ok(Session { base, trace })
}
