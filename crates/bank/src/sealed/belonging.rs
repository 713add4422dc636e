//! Whether the vault's keys are those of this database: asked at every start, before anything is sealed or opened.
//!
//! When a bank is made, a random key that is used for nothing is wrapped by its vault and kept. A vault that cannot unwrap it is
//! another bank's: with it, nothing that was sealed would open, look-ups by keyed hash would find nobody, and what is sealed anew
//! nobody else could open. The race closed here: nodes that start together on a new database; all unwrap what the first has kept.

use super::{person_context, records};
use crate::error::BankError;
use ports::{DataKey, KeyVault, VaultError};
use store::{Outcome, Store, StoreError};
use vocabulary::{Draw, Entropy, Secret};

/// Whether the vault fits; on a new database it does from now on.
///
/// # Errors
/// When database or vault cannot be used.
pub(crate) fn fits(store: &Store, vault: &dyn KeyVault, entropy: &dyn Entropy) -> Result<bool, BankError> {
    let context = [b"vault_check.wrapped.".as_slice(), &store.tenant().settings.id.to_be_bytes()].concat();
    let kept = || store.read_blocking(|snapshot| records::kept(snapshot.reading()));
    if let Some(wrapped) = kept()? {
        return opens(vault, &context, &wrapped);
    }
    // A bank that is older than the check: the key of any person tells as well.
    if let Some((owner, wrapped)) = store.read_blocking(|snapshot| records::some_person(snapshot.reading()))?
        && !opens(vault, &person_context(owner), &wrapped)?
    {
        return Ok(false);
    }
    let key: DataKey = Secret::new(entropy.bytes());
    let wrapped = vault.wrap(&context, &key)?;
    store.write_blocking(move |uow| {
        records::keep(uow, &wrapped)?;
        Ok::<_, StoreError>(Outcome::<(), ()>::Done(()))
    })?;
    match kept()? {
        Some(wrapped) => opens(vault, &context, &wrapped),
        None => Err(BankError::Bug("what was just kept is not there".to_owned())),
    }
}

fn opens(vault: &dyn KeyVault, context: &[u8], wrapped: &[u8]) -> Result<bool, BankError> {
    match vault.unwrap(context, wrapped) {
        Ok(_) => Ok(true),
        Err(VaultError::Refused) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
