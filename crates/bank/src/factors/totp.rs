//! Codes of an authenticator: TOTP (RFC 6238) over HMAC-SHA-1 with steps of 30 seconds and six digits, which is what all
//! authenticators offer. SHA-1's collisions do not touch HMAC.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use vocabulary::{Secret, Timestamp};

/// The length of a secret: that of the hash (RFC 4226, section 4, R6).
pub const SECRET: usize = 20;
const DIGITS: u32 = 6;
const STEP_SECONDS: i64 = 30;
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The code of a step (RFC 4226, section 5.3; RFC 6238, section 4.2), with so many digits, 1 to 9.
fn code(algorithm: hmac::Algorithm, secret: &[u8], step: i64, digits: u32) -> String {
    let tag = hmac::sign(&hmac::Key::new(algorithm, secret), &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag.last().copied().unwrap_or(0) & 0xF);
    let four: [u8; 4] = std::array::from_fn(|place| tag[offset + place]);
    let number = (u32::from_be_bytes(four) & 0x7FFF_FFFF) % 10_u32.pow(digits);
    format!("{number:0width$}", width = digits as usize)
}

/// The step of a moment.
#[must_use]
pub const fn step_of(now: Timestamp) -> i64 {
    now.micros().div_euclid(STEP_SECONDS * 1_000_000)
}

/// The code of a step.
#[must_use]
pub fn code_at(secret: &[u8], step: i64) -> String {
    code(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret, step, DIGITS)
}

/// The newest step around now (one before to one after, RFC 6238, section 5.2) and after `last` of which it is the code. All
/// steps are looked at, so that time does not tell which one it was.
pub(super) fn matching(secret: &[u8], given: &Secret<String>, (now, last): (Timestamp, i64)) -> Option<i64> {
    let middle = step_of(now);
    let mut found = None;
    for step in middle - 1..=middle + 1 {
        let right = verify_slices_are_equal(code_at(secret, step).as_bytes(), given.expose().as_bytes()).is_ok();
        if right && step > last {
            found = Some(step);
        }
    }
    found
}

/// A secret as it is typed into an authenticator (RFC 4648, section 6, without padding).
pub(super) fn in_base32(secret: &[u8; SECRET]) -> Secret<String> {
    let mut text = String::with_capacity(32);
    for five in secret.chunks(5) {
        let bits = five.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        text.extend((0..8).rev().map(|place| char::from(BASE32[(bits >> (place * 5) & 31) as usize])));
    }
    Secret::new(text)
}

#[cfg(test)]
mod tests {
    use super::{SECRET, code, in_base32, matching, step_of};
    use aws_lc_rs::hmac;
    use vocabulary::{Secret, Timestamp};

    /// RFC 6238, appendix B, as it was corrected: the secret is as long as the hash.
    const VECTORS: &[(i64, [&str; 3])] = &[
        (59, ["94287082", "46119246", "90693936"]),
        (1_111_111_109, ["07081804", "68084774", "25091201"]),
        (1_111_111_111, ["14050471", "67062674", "99943326"]),
        (1_234_567_890, ["89005924", "91819424", "93441116"]),
        (2_000_000_000, ["69279037", "90698825", "38618901"]),
        (20_000_000_000, ["65353130", "77737706", "47863826"]),
    ];

    #[test]
    fn the_codes_are_those_of_rfc_6238() {
        let digits = b"1234567890".repeat(7);
        let algorithms = [(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, 20), (hmac::HMAC_SHA256, 32), (hmac::HMAC_SHA512, 64)];
        for (seconds, codes) in VECTORS {
            let step = step_of(Timestamp::from_micros(seconds * 1_000_000));
            for ((algorithm, length), expected) in algorithms.iter().zip(codes) {
                assert_eq!(code(*algorithm, &digits[..*length], step, 8), *expected, "{seconds}");
            }
        }
    }

    #[test]
    fn a_code_is_good_one_step_around_its_own_and_only_after_the_last_that_was_taken() {
        let secret = [7; SECRET];
        let given = Secret::new(super::code_at(&secret, 100));
        let at = |step: i64| Timestamp::from_micros(step * 30_000_000);
        let found = |step, last| matching(&secret, &given, (at(step), last));
        assert_eq!([98, 99, 100, 101, 102].map(|step| found(step, 0)), [None, Some(100), Some(100), Some(100), None]);
        assert_eq!((found(100, 99), found(100, 100)), (Some(100), None));
    }

    #[test]
    fn a_secret_is_typed_in_base_32() {
        let secret: [u8; SECRET] = std::array::from_fn(|place| b"12345678901234567890"[place]);
        assert_eq!(in_base32(&secret).expose(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }
}
