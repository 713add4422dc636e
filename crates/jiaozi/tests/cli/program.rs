//! Runs the program.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What a run came to.
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    /// The JSON of one line of output.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(self.out.trim()).unwrap_or_else(|error| panic!("{error} in: {}{}", self.out, self.err))
    }
}

fn finished(output: Output) -> Run {
    Run {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// The program, in an empty environment as far as it reads one.
pub fn jiaozi() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jiaozi"));
    command.env_remove("JIAOZI_DATA").env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

/// Runs it with these words.
pub fn run(words: &[&str]) -> Run {
    finished(jiaozi().args(words).output().expect("the program starts"))
}

/// Runs it with text on standard input.
pub fn run_with(words: &[&str], input: &str) -> Run {
    let mut command = jiaozi();
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("the program reads");
    finished(child.wait_with_output().expect("the program ends"))
}

/// A path as text.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// A file of the shared data.
pub fn shared(file: &str) -> String {
    let path = format!("{}/../../../shared/data/{file}", env!("CARGO_MANIFEST_DIR"));
    assert!(Path::new(&path).exists(), "{path} is missing: the shared data lies beside the checkout");
    path
}
