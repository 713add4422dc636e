//! Tests of the file vault and the memory notifier.

use crate::{FileVault, MemoryNotifier, OpenVaultError};
use ports::{Channel, KeyVault, Message, Notifier, VaultError};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use vocabulary::{Entropy, Id, Secret};

/// Different bytes at every draw.
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let next = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::SeqCst).to_be_bytes();
            chunk.copy_from_slice(&next[..chunk.len()]);
        }
    }
}

fn entropy(seed: u64) -> Arc<dyn Entropy> {
    Arc::new(Counting(AtomicU64::new(seed)))
}

#[test]
fn a_key_is_unwrapped_after_a_restart_and_only_for_its_context() {
    let folder = tempfile::tempdir().unwrap();
    let vault = FileVault::open(folder.path(), entropy(1)).unwrap();
    let wrapped = vault.wrap(b"person 1", &Secret::new([7; 32])).unwrap();
    let derived = *vault.derive("keyed hash").unwrap().expose();
    drop(vault);
    let vault = FileVault::open(folder.path(), entropy(2)).unwrap();
    assert_eq!(vault.unwrap(b"person 1", &wrapped).unwrap().expose(), &[7; 32]);
    assert_eq!(vault.unwrap(b"person 2", &wrapped).unwrap_err(), VaultError::Refused);
    assert_eq!(vault.derive("keyed hash").unwrap().expose(), &derived);
    assert_ne!(vault.derive("other").unwrap().expose(), &derived);
}

#[test]
fn a_changed_or_short_wrapped_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let vault = FileVault::open(folder.path(), entropy(1)).unwrap();
    let wrapped = vault.wrap(b"p", &Secret::new([7; 32])).unwrap();
    for place in 0..wrapped.len() {
        let mut changed = wrapped.clone();
        changed[place] ^= 1;
        assert_eq!(vault.unwrap(b"p", &changed).unwrap_err(), VaultError::Refused, "byte {place}");
    }
    for length in 0..wrapped.len() {
        assert_eq!(vault.unwrap(b"p", &wrapped[..length]).unwrap_err(), VaultError::Refused);
    }
}

#[test]
fn the_file_is_for_its_owner_only_and_an_exposed_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    FileVault::open(folder.path(), entropy(1)).unwrap();
    let path = folder.path().join("vault.key");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(FileVault::open(folder.path(), entropy(1)), Err(OpenVaultError::Exposed(_))));
}

#[test]
fn a_damaged_file_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    FileVault::open(folder.path(), entropy(1)).unwrap();
    let path = folder.path().join("vault.key");
    std::fs::write(&path, "jiaozi-vault-1\nabc\n").unwrap();
    assert!(matches!(FileVault::open(folder.path(), entropy(1)), Err(OpenVaultError::Damaged(_))));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "jiaozi-vault-1\nabc\n");
}

#[test]
fn a_message_handed_over_twice_is_kept_once() {
    let notifier = MemoryNotifier::default();
    let message = |id| Message {
        id: Id::from_u128(id),
        channel: Channel::Phone,
        to: "+8613800000000".to_owned(),
        text: "123456".to_owned(),
    };
    notifier.send(&message(1)).unwrap();
    notifier.send(&message(1)).unwrap();
    notifier.send(&message(2)).unwrap();
    assert_eq!(notifier.messages().len(), 2);
    assert!(!format!("{:?}", message(1)).contains("13800000000"));
}
