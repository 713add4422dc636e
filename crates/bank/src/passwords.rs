//! Passwords: argon2id (RFC 9106) with the parameters that OWASP recommends (19 MiB, 2 passes, 1 lane), in threads of their
//! own and never in the writer.

use crate::error::BankError;
use crate::policies::Policies;
use crate::refusal::Refusal;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use std::sync::{LazyLock, Mutex, PoisonError};
use tokio::sync::Semaphore;
use vocabulary::{Draw, Entropy, ErrorCode, Secret};

/// The longest, in bytes.
pub const LONGEST: usize = 256;

const SALT: usize = 16;
const HASH: usize = 32;
const FORM: u8 = 1;

/// Hashing takes 19 MiB each; so many at once.
const MOST: usize = 4;
static AT_ONCE: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(MOST));
/// The memory of hashes that have ended, cleared. It is used again: given back to the allocator, each of its arenas would in
/// time keep as much.
static SPARE: Mutex<Vec<Vec<Block>>> = Mutex::new(Vec::new());

/// A stored password hash: `form ‖ salt ‖ hash`.
pub type PasswordHash = Vec<u8>;

/// Checks a new password.
///
/// # Errors
/// `password_too_weak` when it has fewer characters than the policy says, more than 256 bytes, or at most three different
/// characters.
pub fn check_new(policies: &Policies, password: &Secret<String>) -> Result<(), Refusal> {
    let text = password.expose();
    let mut different: Vec<char> = text.chars().collect();
    let length = different.len();
    different.sort_unstable();
    different.dedup();
    let fewest = policies.password_characters;
    if length < fewest as usize || text.len() > LONGEST || different.len() < 4 {
        let detail = format!("a password has {fewest} characters or more, at least four of them different");
        return Err(Refusal::new(ErrorCode::PasswordTooWeak, detail).at("password"));
    }
    Ok(())
}

/// Hashes a password.
///
/// # Errors
/// When the thread could not run.
pub async fn hash(password: Secret<String>, entropy: &dyn Entropy) -> Result<PasswordHash, BankError> {
    let salt: [u8; SALT] = entropy.bytes();
    run(move || Ok([[FORM].as_slice(), &salt, &digest(&password, &salt)?].concat())).await
}

/// Whether the password is the one hashed. With no stored hash it takes as long and says no, so that time does not tell
/// whether a sign-in name exists.
///
/// # Errors
/// When the thread could not run or the stored hash is damaged.
pub async fn verify(password: Secret<String>, stored: Option<PasswordHash>) -> Result<bool, BankError> {
    run(move || {
        let Some(stored) = stored else {
            digest(&password, &[0; SALT])?;
            return Ok(false);
        };
        let damaged = || BankError::Unsealed("customer");
        let rest = stored.strip_prefix(&[FORM]).ok_or_else(damaged)?;
        let (salt, hash) = rest.split_first_chunk::<SALT>().ok_or_else(damaged)?;
        let found = digest(&password, salt)?;
        Ok(aws_lc_rs::constant_time::verify_slices_are_equal(&found, hash).is_ok())
    })
    .await
}

fn digest(password: &Secret<String>, salt: &[u8; SALT]) -> Result<[u8; HASH], BankError> {
    let failed = |error: argon2::Error| BankError::Bug(error.to_string());
    let params = Params::new(19_456, 2, 1, Some(HASH)).map_err(failed)?;
    let spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let mut memory = spare.unwrap_or_else(|| vec![Block::default(); params.block_count()]);
    let mut hash = [0; HASH];
    let hashed = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into_with_memory(
        password.expose().as_bytes(),
        salt,
        &mut hash,
        &mut memory,
    );
    // Nothing of a password stays in it.
    memory.fill(Block::default());
    SPARE.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
    hashed.map_err(failed)?;
    Ok(hash)
}

async fn run<T: Send + 'static>(work: impl FnOnce() -> Result<T, BankError> + Send + 'static) -> Result<T, BankError> {
    let failed = |error: &dyn std::fmt::Display| BankError::Bug(error.to_string());
    let turn = AT_ONCE.acquire().await.map_err(|error| failed(&error))?;
    let work = move || {
        // Held to the end of the work, which a caller who hangs up does not stop.
        let _turn = turn;
        work()
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| failed(&error))?
}

#[cfg(test)]
mod tests {
    use super::{AT_ONCE, Algorithm, Argon2, HASH, MOST, Params, SALT, Version, digest, verify};
    use vocabulary::Secret;

    #[tokio::test]
    async fn who_hangs_up_makes_no_room_before_the_work_has_ended() {
        let work = verify(Secret::new("correct horse battery".to_owned()), None);
        tokio::select! {
            biased;
            _ = work => {}
            () = std::future::ready(()) => {}
        }
        assert!(AT_ONCE.available_permits() < MOST);
    }

    #[test]
    fn memory_that_was_used_changes_no_hash() {
        let [one, other] = ["correct horse battery", "another password"].map(|text| Secret::new(text.to_owned()));
        let salt = [7; SALT];
        let first = digest(&one, &salt).expect("hashed");
        assert_ne!(digest(&other, &salt).expect("hashed"), first);
        assert_eq!(digest(&one, &salt).expect("hashed"), first);
        let fresh =
            Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(19_456, 2, 1, Some(HASH)).expect("sound"));
        let mut hash = [0; HASH];
        fresh.hash_password_into(one.expose().as_bytes(), &salt, &mut hash).expect("hashed");
        assert_eq!(hash, first);
    }
}
