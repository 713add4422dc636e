//! What ties a bank to its card vault: the address, and the file with the secret that both hold.

use crate::failure::Failure;
use crate::options::File;
use crate::system::{SystemClock, SystemEntropy};
use formats::card_link::LinkSecret;
use ports::CardVault;
use rails::HttpCardVault;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use vocabulary::{Draw, Secret};

/// The secret's file in the card vault's directory.
pub const SECRET_FILE: &str = "bank.secret";

/// How long the vault may take to answer the bank.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where a bank's card vault is.
#[derive(Clone, Debug)]
pub struct CardVaultPlace {
    /// Where the bank asks it.
    pub address: String,
    /// Where customers reach it.
    pub public: String,
    /// The file with the secret.
    pub secret: PathBuf,
}

impl CardVaultPlace {
    /// What the configuration names; nothing when it names no vault.
    pub fn of(file: &File) -> Result<Option<Self>, Failure> {
        let Some(address) = file.card_vault.clone() else { return Ok(None) };
        let Some(secret) = file.card_vault_secret.clone() else {
            let what = format!(
                "name the file with the secret too: --card-vault-secret DIR/{SECRET_FILE}, from the vault's directory"
            );
            return Err(Failure::usage(what));
        };
        let public = file.card_vault_public.clone().unwrap_or_else(|| address.clone());
        Ok(Some(Self { address, public, secret }))
    }

    /// The client. Must not be called on a thread of an async runtime.
    pub fn client(&self) -> Result<Arc<dyn CardVault>, Failure> {
        let secret = read_secret(&self.secret)?;
        let sources: (Arc<dyn vocabulary::Clock>, Arc<dyn vocabulary::Entropy>) =
            (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let client = HttpCardVault::new((&self.address, &self.public), &secret, sources, PATIENCE);
        Ok(Arc::new(client.map_err(|error| Failure::because("the card vault cannot be asked", error))?))
    }
}

/// Reads the secret; refused when others may read it too.
pub fn read_secret(path: &Path) -> Result<LinkSecret, Failure> {
    let cannot = |error| Failure::because(format!("the card vault's secret {} cannot be read", path.display()), error);
    let mode = fs::metadata(path).map_err(cannot)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(Failure::new(format!(
            "the card vault's secret {} may be read by others; run chmod 600 on it and consider it known",
            path.display()
        )));
    }
    let text = Secret::new(fs::read_to_string(path).map_err(cannot)?);
    LinkSecret::parse(text.expose())
        .map_err(|error| Failure::because(format!("{} holds no card vault's secret", path.display()), error))
}

/// The secret of a vault's directory, made when there is none.
pub fn own_secret(directory: &Path) -> Result<LinkSecret, Failure> {
    let path = directory.join(SECRET_FILE);
    if path.exists() {
        return read_secret(&path);
    }
    let cannot = |error| Failure::because(format!("the secret {} cannot be written", path.display()), error);
    let secret = LinkSecret::new(SystemEntropy.bytes());
    let draft = path.with_extension("new");
    // A draft left by a crash was never used.
    let _ = fs::remove_file(&draft);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).map_err(cannot)?;
    file.write_all(secret.print().expose().as_bytes()).and_then(|()| file.sync_all()).map_err(cannot)?;
    fs::rename(&draft, &path).and_then(|()| fs::File::open(directory)?.sync_all()).map_err(cannot)?;
    Ok(secret)
}
