//! What a self-audit wants to know of a bank: read from one snapshot beside a serving bank, changing nothing.
//!
//! It judges nothing; what is good enough is the auditor's table (`jiaozi audit`). It gives away no personal data but to whoever has
//! the vault: the samples by which the auditor looks for personal data outside its seals.

use crate::approvals;
use crate::audit::{Finding, Keeper, verify_in};
use crate::customers;
use crate::error::BankError;
use crate::merchants;
use crate::policies::{Policies, PolicyBook};
use crate::sealed::Sealing;
use crate::staff::{self, Permission};
use ports::KeyVault;
use sql::Reading;
use std::sync::Arc;
use vocabulary::{Entropy, Secret, Timestamp};

/// What is so.
#[derive(Debug)]
pub struct Facts {
    /// The policies in force.
    pub policies: Policies,
    /// Acts that a new bank has under four eyes and this one has not.
    pub one_pair_of_eyes: Vec<&'static str>,
    /// How many members of staff have a role with everything.
    pub administrators: u64,
    /// How many members of staff have a good token.
    pub members: u64,
    /// The farthest end of a good staff token.
    pub last_token_ends: Option<Timestamp>,
    /// How many API keys are good and older than a year.
    pub old_keys: u64,
    /// What the check of the audit log found.
    pub audit_log: Finding,
    /// Names and sign-in names of the newest customers.
    pub samples: Vec<Secret<String>>,
}

/// How many customers are looked at for samples.
const SAMPLES: u32 = 20;
/// Shorter texts are found by chance.
const SHORTEST: usize = 6;
const YEAR: i64 = 365 * 86_400;

/// Looks.
///
/// # Errors
/// When the database or the vault cannot be read.
pub fn look(
    reading: Reading<'_>,
    vault: Arc<dyn KeyVault>,
    entropy: Arc<dyn Entropy>,
    now: Timestamp,
) -> Result<Facts, BankError> {
    let policies = PolicyBook::read(reading)?.resolve(now)?;
    let missing = |act: &&&'static str| !policies.four_eyes.contains(**act);
    let one_pair_of_eyes = approvals::FIRST.iter().filter(missing).copied().collect();
    let tokens = staff::records::good_tokens(reading, now)?;
    let all = |role| Permission::ALL.iter().all(|permission| policies.may(role, *permission));
    let count = |counted: usize| u64::try_from(counted).unwrap_or(u64::MAX);
    let mut members: Vec<_> = tokens.iter().map(|token| (token.0, token.1)).collect();
    members.sort_unstable_by_key(|member| member.0.as_u128());
    members.dedup_by_key(|member| member.0);
    let keeper = Keeper::open(vault.as_ref(), entropy.as_ref())?;
    let audit_log = verify_in(&keeper, reading)?;
    let mut samples = customers::texts_of_newest(reading, &Sealing::open(vault, entropy)?, SAMPLES)?;
    samples.retain(|text| text.expose().len() >= SHORTEST);
    Ok(Facts {
        one_pair_of_eyes,
        administrators: count(members.iter().filter(|member| all(member.1)).count()),
        members: count(members.len()),
        last_token_ends: tokens.iter().map(|token| token.2).max(),
        old_keys: merchants::records::keys_older_than(reading, now.plus_seconds(-YEAR), now)?,
        audit_log,
        samples,
        policies,
    })
}
