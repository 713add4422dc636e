//! A card vault as a process of its own that ends with this one, for the demo.

use crate::card_vault::{CardVaultPlace, SECRET_FILE};
use crate::failure::Failure;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// The running vault. It stops when this is dropped, and also when this process dies: it reads our end of a pipe.
pub struct VaultChild {
    child: Child,
    input: Option<ChildStdin>,
    /// Where it is.
    pub place: CardVaultPlace,
}

impl VaultChild {
    /// Starts a vault in a directory, which pages of these origins may ask; returns when it listens.
    pub fn start(directory: &Path, origins: &[String]) -> Result<Self, Failure> {
        let cannot = |error| Failure::because("the card vault cannot be started", error);
        let mut command = Command::new(std::env::current_exe().map_err(cannot)?);
        command.args(["vault", "serve", "--listen", "127.0.0.1:0", "--json", "--with-input", "--data"]).arg(directory);
        for origin in origins {
            command.args(["--origin", origin]);
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(cannot)?;
        let input = child.stdin.take();
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut line).map_err(cannot)?;
        }
        let told: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
        let Some(address) = told["listening"].as_str().map(str::to_owned) else {
            drop(input);
            let _ = child.wait();
            return Err(Failure::new("the card vault ended before it listened; it has said why above"));
        };
        let place = CardVaultPlace { public: address.clone(), address, secret: directory.join(SECRET_FILE) };
        Ok(Self { child, input, place })
    }

    /// Its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for VaultChild {
    fn drop(&mut self) {
        drop(self.input.take());
        // It answers what is open and ends, within its drain's time.
        let _ = self.child.wait();
    }
}
