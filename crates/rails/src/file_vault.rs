//! A key vault in a file: one key-encryption key of 256 bits, readable by its owner only.
//!
//! Data keys are wrapped with AES-256-GCM (NIST SP 800-38D) under a random 96-bit nonce, the context as additional data; a
//! vault wraps one key for each person, far below the 2³² messages that bound random nonces. Purpose keys are HKDF-SHA-256
//! (RFC 5869). The file is text, `jiaozi-vault-1` and 64 hexadecimal digits, so that it can be kept on paper.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use ports::{DataKey, KeyVault, VaultError};
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vocabulary::{Draw, Entropy, Secret};

const HEADER: &str = "jiaozi-vault-1";
const FILE_NAME: &str = "vault.key";

/// Why the vault's file cannot be used.
#[derive(Debug)]
pub enum OpenVaultError {
    /// It cannot be read or written.
    Io(PathBuf, io::Error),
    /// Others may read it.
    Exposed(PathBuf),
    /// It is no vault file.
    Damaged(PathBuf),
}

impl fmt::Display for OpenVaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, _) => write!(f, "the key vault {} cannot be read or written", path.display()),
            Self::Exposed(path) => write!(
                f,
                "the key vault {} may be read by others; run chmod 600 on it and consider its keys known",
                path.display()
            ),
            Self::Damaged(path) => {
                write!(f, "the key vault {} is damaged; restore it from its backup", path.display())
            }
        }
    }
}

impl std::error::Error for OpenVaultError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(_, error) => Some(error),
            Self::Exposed(_) | Self::Damaged(_) => None,
        }
    }
}

/// The vault.
pub struct FileVault {
    key: DataKey,
    wrapping: LessSafeKey,
    entropy: Arc<dyn Entropy>,
}

impl FileVault {
    /// Opens the vault of a data directory; makes one when there is none.
    ///
    /// # Errors
    /// See [`OpenVaultError`].
    pub fn open(directory: &Path, entropy: Arc<dyn Entropy>) -> Result<Self, OpenVaultError> {
        let path = directory.join(FILE_NAME);
        let key = match read(&path)? {
            Some(key) => key,
            None => create(directory, &path, entropy.as_ref())?,
        };
        Ok(Self { wrapping: cipher(&key), key, entropy })
    }
}

fn cipher(key: &DataKey) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.expose()).expect("the key has the cipher's length"))
}

fn read(path: &Path) -> Result<Option<DataKey>, OpenVaultError> {
    let failed = |error| OpenVaultError::Io(path.to_owned(), error);
    let meta = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(failed)?,
    };
    if meta.permissions().mode() & 0o077 != 0 {
        return Err(OpenVaultError::Exposed(path.to_owned()));
    }
    let text = Secret::new(fs::read_to_string(path).map_err(failed)?);
    let damaged = || OpenVaultError::Damaged(path.to_owned());
    let digits = text.expose().trim_end().strip_prefix(HEADER).map(str::trim_start).ok_or_else(damaged)?;
    unhex(digits).map(Some).ok_or_else(damaged)
}

/// Writes the file beside its place, makes it durable, then moves it there: a crash leaves a whole file or none.
fn create(directory: &Path, path: &Path, entropy: &dyn Entropy) -> Result<DataKey, OpenVaultError> {
    let key: DataKey = Secret::new(entropy.bytes());
    let failed = |error| OpenVaultError::Io(path.to_owned(), error);
    fs::create_dir_all(directory).map_err(failed)?;
    let draft = path.with_extension("new");
    // A draft left by a crash was never used.
    let _ = fs::remove_file(&draft);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).map_err(failed)?;
    let text = Secret::new(format!("{HEADER}\n{}\n", hex(key.expose())));
    file.write_all(text.expose().as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&draft, path).and_then(|()| File::open(directory)?.sync_all()).map_err(failed)?;
    Ok(key)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(digits: &str) -> Option<DataKey> {
    let bytes = digits.as_bytes();
    if bytes.len() != 64 {
        return None;
    }
    let mut key = [0; 32];
    for (place, pair) in key.iter_mut().zip(bytes.chunks_exact(2)) {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        *place = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
    }
    Some(Secret::new(key))
}

struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        32
    }
}

impl KeyVault for FileVault {
    fn wrap(&self, context: &[u8], key: &DataKey) -> Result<Vec<u8>, VaultError> {
        let nonce: [u8; NONCE_LEN] = self.entropy.bytes();
        let mut sealed = key.expose().to_vec();
        let tag = self
            .wrapping
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut sealed)
            .map_err(|_| VaultError::Unavailable("the cipher failed".to_owned()))?;
        Ok([nonce.as_slice(), &sealed, tag.as_ref()].concat())
    }

    fn unwrap(&self, context: &[u8], wrapped: &[u8]) -> Result<DataKey, VaultError> {
        let (nonce, sealed) = wrapped.split_first_chunk::<NONCE_LEN>().ok_or(VaultError::Refused)?;
        let mut buffer = sealed.to_vec();
        let plain = self
            .wrapping
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(context), &mut buffer)
            .map_err(|_| VaultError::Refused)?;
        let key = <[u8; 32]>::try_from(&*plain).map_err(|_| VaultError::Refused)?;
        drop(Secret::new(buffer));
        Ok(Secret::new(key))
    }

    fn derive(&self, purpose: &str) -> Result<DataKey, VaultError> {
        let mut key = [0; 32];
        Salt::new(HKDF_SHA256, HEADER.as_bytes())
            .extract(self.key.expose())
            .expand(&[purpose.as_bytes()], Length)
            .and_then(|material| material.fill(&mut key))
            .map_err(|_| VaultError::Unavailable("the derivation failed".to_owned()))?;
        Ok(Secret::new(key))
    }
}
