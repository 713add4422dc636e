//! Sealing: personal data stands in the database only as ciphertext under the person's own key.
//!
//! Each person has a data key of 256 bits, wrapped by the key vault and stored in `person_key`. Values are sealed with
//! AES-256-GCM (NIST SP 800-38D) under a random 96-bit nonce; table, column and row are additional data, so that a value
//! moved elsewhere does not open. Destroying a person's key makes all of it unreadable for ever. Look-ups go by keyed
//! hash (HMAC-SHA-256). Answers to idempotency keys are sealed under a key of the tenant, see [`Responses`].

pub(crate) mod belonging;
mod records;
mod responses;

pub use records::MIGRATIONS;
pub use responses::Responses;

use crate::cache::Cache;
use crate::error::BankError;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use ports::{DataKey, KeyVault};
use sql::Reading;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use store::{StoreError, Uow};
use vocabulary::{Draw, Entropy, Secret};

/// A keyed hash: equal for equal texts of one purpose, useless without the vault.
pub type KeyedHash = [u8; 32];

/// Where a sealed value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// The row's id.
    pub row: u128,
}

impl Place {
    /// A place.
    #[must_use]
    pub const fn new(table: &'static str, column: &'static str, row: u128) -> Self {
        Self { table, column, row }
    }

    fn context(&self) -> Vec<u8> {
        [self.table.as_bytes(), b".", self.column.as_bytes(), b".", &self.row.to_be_bytes()].concat()
    }
}

/// What can be sealed.
pub trait Plain: Sized {
    /// Its bytes.
    fn to_plain(&self) -> Vec<u8>;
    /// Reads its bytes.
    fn from_plain(bytes: Vec<u8>) -> Option<Self>;
}

impl Plain for String {
    fn to_plain(&self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }

    fn from_plain(bytes: Vec<u8>) -> Option<Self> {
        Self::from_utf8(bytes).ok()
    }
}

impl Plain for Vec<u8> {
    fn to_plain(&self) -> Vec<u8> {
        self.clone()
    }

    fn from_plain(bytes: Vec<u8>) -> Option<Self> {
        Some(bytes)
    }
}

/// A sealed value, as it stands in its column.
pub struct Sealed<T> {
    bytes: Vec<u8>,
    plain: PhantomData<fn() -> T>,
}

impl<T> Clone for Sealed<T> {
    fn clone(&self) -> Self {
        Self { bytes: self.bytes.clone(), plain: PhantomData }
    }
}

impl<T> fmt::Debug for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(…)")
    }
}

impl<T: Plain> Sealed<T> {
    /// A value as it was read from its column.
    #[must_use]
    pub const fn from_stored(bytes: Vec<u8>) -> Self {
        Self { bytes, plain: PhantomData }
    }

    /// The bytes for its column.
    #[must_use]
    pub fn stored(&self) -> &[u8] {
        &self.bytes
    }

    /// Opens it.
    ///
    /// # Errors
    /// `Unsealed` when it was damaged, moved, or sealed under another key.
    pub fn open(&self, key: &PersonKey, place: Place) -> Result<T, BankError> {
        let damaged = BankError::Unsealed(place.table);
        let Some((nonce, sealed)) = self.bytes.split_first_chunk::<NONCE_LEN>() else { return Err(damaged) };
        let mut buffer = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let Ok(plain) = key.cipher.open_in_place(nonce, Aad::from(place.context()), &mut buffer) else {
            return Err(damaged);
        };
        let length = plain.len();
        buffer.truncate(length);
        T::from_plain(buffer).ok_or(damaged)
    }
}

/// A person's key, unwrapped and ready.
pub struct PersonKey {
    cipher: LessSafeKey,
}

impl fmt::Debug for PersonKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonKey(…)")
    }
}

impl PersonKey {
    fn new(key: &DataKey) -> Self {
        Self { cipher: cipher(key) }
    }

    /// Seals a value for its place.
    ///
    /// # Errors
    /// Never in practice: the cipher refuses only absurd lengths.
    pub fn seal<T: Plain>(&self, entropy: &dyn Entropy, place: Place, value: &T) -> Result<Sealed<T>, BankError> {
        let nonce: [u8; NONCE_LEN] = entropy.bytes();
        let mut bytes = nonce.to_vec();
        let mut buffer = value.to_plain();
        let tag = self
            .cipher
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place.context()), &mut buffer)
            .map_err(|_| BankError::Bug("a value is too long to be sealed".to_owned()))?;
        bytes.extend_from_slice(&buffer);
        bytes.extend_from_slice(tag.as_ref());
        Ok(Sealed::from_stored(bytes))
    }
}

pub(crate) fn cipher(key: &DataKey) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.expose()).expect("the key has the cipher's length"))
}

/// A new person's key: ready for use, and wrapped for its row.
pub struct NewPersonKey {
    /// Ready for use.
    pub key: Arc<PersonKey>,
    /// Wrapped by the vault.
    pub wrapped: Vec<u8>,
}

/// Everything that seals and opens for one tenant.
pub struct Sealing {
    vault: Arc<dyn KeyVault>,
    entropy: Arc<dyn Entropy>,
    responses: Arc<Responses>,
    hashing: hmac::Key,
    persons: Cache<u128, Arc<PersonKey>>,
}

impl Sealing {
    /// Prepares the tenant's keys.
    ///
    /// # Errors
    /// When the vault cannot be used.
    pub fn open(vault: Arc<dyn KeyVault>, entropy: Arc<dyn Entropy>) -> Result<Self, BankError> {
        let responses = Arc::new(Responses::new("idempotency", vault.derive("recorded answers")?, entropy.as_ref()));
        let hashing = hmac::Key::new(hmac::HMAC_SHA256, vault.derive("keyed hash")?.expose());
        Ok(Self { vault, entropy, responses, hashing, persons: Cache::new(20_000) })
    }

    /// What seals recorded answers.
    #[must_use]
    pub fn responses(&self) -> Arc<Responses> {
        Arc::clone(&self.responses)
    }

    /// The keyed hash of a text for one purpose (a table's column), for look-ups.
    #[must_use]
    pub fn hash(&self, purpose: &str, text: &str) -> KeyedHash {
        let mut context = hmac::Context::with_key(&self.hashing);
        context.update(&(purpose.len() as u64).to_be_bytes());
        context.update(purpose.as_bytes());
        context.update(text.as_bytes());
        let tag = context.sign();
        std::array::from_fn(|place| tag.as_ref()[place])
    }

    /// Makes a key for a person. Write it with [`Sealing::insert`].
    ///
    /// # Errors
    /// When the vault cannot be used.
    pub fn new_person(&self, owner: u128) -> Result<NewPersonKey, BankError> {
        let key: DataKey = Secret::new(self.entropy.bytes());
        let wrapped = self.vault.wrap(&person_context(owner), &key)?;
        Ok(NewPersonKey { key: Arc::new(PersonKey::new(&key)), wrapped })
    }

    /// Writes a new person's key.
    ///
    /// # Errors
    /// When the database fails.
    pub fn insert(uow: &mut Uow<'_, '_>, owner: u128, new: &NewPersonKey) -> Result<(), StoreError> {
        records::insert(uow, owner, &new.wrapped)
    }

    /// The key of a person; none when there is none or it was destroyed.
    ///
    /// # Errors
    /// When database or vault fail.
    pub fn key(&self, reading: Reading<'_>, owner: u128) -> Result<Option<Arc<PersonKey>>, BankError> {
        let ticket = match self.persons.get(&owner) {
            Ok(key) => return Ok(Some(key)),
            Err(ticket) => ticket,
        };
        let Some(wrapped) = records::wrapped(reading, owner)? else { return Ok(None) };
        let key = Arc::new(PersonKey::new(&self.vault.unwrap(&person_context(owner), &wrapped)?));
        self.persons.keep(ticket, owner, Arc::clone(&key));
        Ok(Some(key))
    }

    /// Destroys a person's key: everything sealed under it is unreadable for ever. After the commit call
    /// [`Sealing::forget`]. False when there was none.
    ///
    /// # Errors
    /// When the database fails.
    pub fn destroy(uow: &mut Uow<'_, '_>, owner: u128) -> Result<bool, StoreError> {
        records::destroy(uow, owner)
    }

    /// As [`Sealing::destroy`], and not even that there was a key is kept: for who never became a person here.
    pub(crate) fn remove(uow: &mut Uow<'_, '_>, owner: u128) -> Result<(), StoreError> {
        records::remove(uow, owner)
    }

    /// Forgets every unwrapped key.
    pub(crate) fn forget_all(&self) {
        self.persons.clear();
    }

    /// Forgets an unwrapped key.
    pub fn forget(&self, owner: u128) {
        self.persons.forget(&owner);
    }
}

fn person_context(owner: u128) -> Vec<u8> {
    [b"person_key.wrapped.".as_slice(), &owner.to_be_bytes()].concat()
}
