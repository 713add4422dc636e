//! Looking a payee up, and the confirmation that proves it was done.
//!
//! The confirmation is a keyed hash (HMAC-SHA-256, half of it) over payer, payee and expiry: it needs no row, cannot be made by
//! others, and says nothing but "this payer saw this payee lately".

use crate::aliases;
use crate::bank::Bank;
use crate::customers;
use crate::desk::Desk;
use crate::error::BankError;
use crate::refusal::Refusal;
use crate::sealed::KeyedHash;
use crate::wallets;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use formats::alias::Alias;
use serde::{Deserialize, Serialize};
use sql::Reading;
use store::StoreError;
use vocabulary::{ErrorCode, Id, Timestamp, kinds};

/// How a payer names a payee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayeeRef {
    /// By alias, as typed.
    Alias(String),
    /// By wallet.
    Wallet(Id<kinds::Wallet>),
}

/// What a payer sees before sending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payee {
    /// The payee's name, masked; none when nobody holds the alias yet: the money would wait.
    pub masked_name: Option<String>,
    /// Whether the money would wait for somebody to prove that the alias is theirs.
    pub unclaimed: bool,
    /// To be sent with the transfer.
    pub confirmation: String,
    /// Until when it holds.
    pub expires_at: Timestamp,
}

/// Who is meant, as of a snapshot or unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A wallet.
    Wallet(Id<kinds::Wallet>, Id<kinds::Customer>),
    /// An alias that nobody holds.
    Nobody(KeyedHash),
}

/// A payee's name for look-ups: computed once, outside of units.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted {
    /// A phone number or e-mail address: whoever receives its code can prove to be meant, so money may wait for them.
    Alias(KeyedHash),
    /// A handle: it belongs to whoever took it first, so nothing waits for one that nobody holds.
    Handle(KeyedHash),
    Wallet(Id<kinds::Wallet>),
}

const PURPOSE: &str = "transfer.confirmation";

impl PayeeRef {
    /// Reads the alias, if it is one.
    pub(crate) fn wanted(&self, desk: &Desk) -> Result<Wanted, ErrorCode> {
        match self {
            Self::Wallet(id) => Ok(Wanted::Wallet(*id)),
            Self::Alias(text) => match Alias::parse(text) {
                Ok(alias @ Alias::Handle(_)) => Ok(Wanted::Handle(aliases::search_hash(desk.sealing(), &alias))),
                Ok(alias) => Ok(Wanted::Alias(aliases::search_hash(desk.sealing(), &alias))),
                Err(error) => Err(error.code()),
            },
        }
    }
}

/// Who is meant now; none when there is no such wallet, or nobody holds the handle.
pub(crate) fn resolve(reading: Reading<'_>, wanted: Wanted) -> Result<Option<Target>, StoreError> {
    match wanted {
        Wanted::Wallet(wallet) => {
            Ok(wallets::owner_of(reading, wallet)?.map(|customer| Target::Wallet(wallet, customer)))
        }
        Wanted::Alias(hash) => Ok(Some(holder_of(reading, &hash)?.unwrap_or(Target::Nobody(hash)))),
        Wanted::Handle(hash) => holder_of(reading, &hash),
    }
}

fn holder_of(reading: Reading<'_>, alias: &KeyedHash) -> Result<Option<Target>, StoreError> {
    let holder = aliases::resolve(reading, alias)?;
    Ok(holder.map(|holder| Target::Wallet(holder.wallet, holder.customer)))
}

fn mac(desk: &Desk, payer: Id<kinds::Customer>, target: Target, expires: Timestamp) -> String {
    let target = match target {
        Target::Wallet(wallet, customer) => format!("{wallet} of {customer}"),
        Target::Nobody(alias) => format!("nobody at {}", hex(&alias)),
    };
    let text = format!("{payer} to {target} until {}", expires.micros());
    hex(&desk.sealing().hash(PURPOSE, &text)[..16])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Checks a confirmation for a payer and the payee who is meant now.
pub(crate) fn check(
    desk: &Desk,
    (payer, target): (Id<kinds::Customer>, Target),
    confirmation: Option<&str>,
    now: Timestamp,
) -> Result<(), ErrorCode> {
    let parts = confirmation.and_then(|text| text.split_once('.'));
    let parts = parts.and_then(|(expires, mac)| Some((Timestamp::from_micros(expires.parse().ok()?), mac)));
    let Some((expires, given)) = parts.filter(|(expires, _)| *expires > now) else {
        return Err(ErrorCode::ConfirmationRequired);
    };
    let expected = mac(desk, payer, target, expires);
    verify_slices_are_equal(expected.as_bytes(), given.as_bytes()).map_err(|_| ErrorCode::PayeeChanged)
}

/// Looks a payee up for a payer. Refused with `alias_invalid`, `not_found` (a wallet that does not exist, a handle that nobody holds), `payee_is_payer`.
///
/// # Errors
/// Trouble.
pub async fn look_up(
    bank: &Bank,
    payer: Id<kinds::Customer>,
    payee: &PayeeRef,
) -> Result<Result<Payee, Refusal>, BankError> {
    let desk = bank.desk();
    let wanted = match payee.wanted(&desk) {
        Ok(wanted) => wanted,
        Err(code) => return Ok(Err(Refusal::of(code).at("payee"))),
    };
    let expires = bank.now().plus_seconds(i64::from(desk.policies().confirmation_seconds));
    let found = bank
        .store()
        .read(move |snapshot| {
            let reading = snapshot.reading();
            let Some(target) = resolve(reading, wanted)? else { return Ok(Err(Refusal::of(ErrorCode::NotFound))) };
            let (masked_name, unclaimed) = match target {
                Target::Wallet(_, customer) if customer == payer => {
                    return Ok(Err(Refusal::of(ErrorCode::PayeeIsPayer).at("payee")));
                }
                Target::Wallet(_, customer) => (customers::masked_name(desk.sealing(), reading, customer)?, false),
                Target::Nobody(_) => (None, true),
            };
            let confirmation = format!("{}.{}", expires.micros(), mac(&desk, payer, target, expires));
            Ok(Ok(Payee { masked_name, unclaimed, confirmation, expires_at: expires }))
        })
        .await?;
    Ok(found)
}
