//! Challenges: `jzc_<end>.<chance>.<seal>`, where the seal is a keyed hash of the rest. So none is stored until it was used, and
//! strangers who ask for many fill no table; that it is good once is decided where it is used.

use crate::bank::Bank;
use crate::sealed::Sealing;
use crate::tokens;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use vocabulary::Timestamp;

const PREFIX: &str = "jzc_";
const SEAL: &str = "device.challenge";
const LONGEST: usize = 200;

/// A challenge to be signed by a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The text.
    pub text: String,
    /// Until when it can be used.
    pub expires: Timestamp,
}

/// A fresh challenge.
#[must_use]
pub fn challenge(bank: &Bank) -> Challenge {
    let seconds = i64::from(bank.policies().sessions.challenge_seconds);
    let expires = bank.now().plus_seconds(seconds);
    let body = format!("{}.{}", expires.micros(), tokens::draw("", bank.entropy()).expose());
    let seal = tokens::print(&bank.sealing().hash(SEAL, &body));
    Challenge { text: format!("{PREFIX}{body}.{seal}"), expires }
}

/// Until when a challenge is good; nothing when it is none of ours.
pub(super) fn read(sealing: &Sealing, text: &str) -> Option<Timestamp> {
    if text.len() > LONGEST {
        return None;
    }
    let (body, seal) = text.strip_prefix(PREFIX)?.rsplit_once('.')?;
    verify_slices_are_equal(tokens::print(&sealing.hash(SEAL, body)).as_bytes(), seal.as_bytes()).ok()?;
    Some(Timestamp::from_micros(body.split_once('.')?.0.parse().ok()?))
}
