//! The specification's published example, rotation, tolerance, and forged headers.

use super::*;
use proptest::prelude::*;

/// The example of the specification and of its reference libraries (Apache-2.0 and MIT).
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const SECONDS: i64 = 1_614_265_330;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000 + 999_999)
}

fn secret() -> SigningSecret {
    SigningSecret::parse(SECRET).expect("well-formed")
}

fn check(signature: &str, body: &[u8], now: i64) -> Result<(), VerifyError> {
    let timestamp = SECONDS.to_string();
    let headers = Headers { id: ID, timestamp: &timestamp, signature };
    verify(&[secret()], headers, body, at(now))
}

#[test]
fn the_published_example_signs_and_verifies() {
    assert_eq!(sign(&[secret()], ID, at(SECONDS), BODY), SIGNATURE);
    assert_eq!(check(SIGNATURE, BODY, SECONDS), Ok(()));
}

#[test]
fn any_of_several_signatures_and_secrets_is_enough() {
    let fresh = || SigningSecret::from_bytes(&[7; 32]).expect("32 bytes");
    let both = sign(&[fresh(), secret()], ID, at(SECONDS), BODY);
    assert_eq!(both.split(' ').count(), 2);
    assert_eq!(check(&both, BODY, SECONDS), Ok(()));
    let timestamp = SECONDS.to_string();
    let headers = Headers { id: ID, timestamp: &timestamp, signature: SIGNATURE };
    assert_eq!(verify(&[fresh(), secret()], headers, BODY, at(SECONDS)), Ok(()));
    assert_eq!(verify(&[fresh()], headers, BODY, at(SECONDS)), Err(VerifyError::NoMatch));
    assert_eq!(check(&format!("v1a,xyz v2,abc {SIGNATURE}"), BODY, SECONDS), Ok(()));
}

#[test]
fn what_was_changed_is_not_believed() {
    let other = SIGNATURE.replace("g0hM", "g0hN");
    let no_version = &SIGNATURE[3..];
    let cut = &SIGNATURE[..20];
    for signature in ["", "v1,", other.as_str(), no_version, cut, &SIGNATURE.replace("v1", "v2")] {
        assert_eq!(check(signature, BODY, SECONDS), Err(VerifyError::NoMatch), "{signature}");
    }
    assert_eq!(check(SIGNATURE, b"{}", SECONDS), Err(VerifyError::NoMatch));
    let many = format!("{}{SIGNATURE}", "v1,AAAA ".repeat(16));
    assert_eq!(check(&many, BODY, SECONDS), Err(VerifyError::NoMatch), "only so many are looked at");
    assert_eq!(VerifyError::NoMatch.code().as_str(), "unauthenticated");
}

#[test]
fn the_attempt_must_be_of_now() {
    assert_eq!(check(SIGNATURE, BODY, SECONDS + 300), Ok(()));
    assert_eq!(check(SIGNATURE, BODY, SECONDS - 300), Ok(()));
    assert_eq!(check(SIGNATURE, BODY, SECONDS + 301), Err(VerifyError::TooOld));
    assert_eq!(check(SIGNATURE, BODY, SECONDS - 301), Err(VerifyError::TooNew));
    for timestamp in ["", "-1", "+1614265330", "1614265330.0", "1e9", "99999999999999999999"] {
        let headers = Headers { id: ID, timestamp, signature: SIGNATURE };
        assert_eq!(verify(&[secret()], headers, BODY, at(SECONDS)), Err(VerifyError::TimestampMalformed));
    }
}

#[test]
fn a_secret_has_24_to_64_bytes_and_is_never_shown() {
    for text in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_%%%%", "whsec_MfKQ9r8GKYqrTwjU"] {
        assert_eq!(SigningSecret::parse(text).map(|_| ()), Err(SecretMalformed), "{text}");
    }
    assert_eq!(SecretMalformed.code().as_str(), "invalid_field");
    let printed = SigningSecret::print(&[9; 64]);
    assert!(SigningSecret::parse(&printed).is_ok());
    assert!(SigningSecret::parse(&SigningSecret::print(&[9; 65])).is_err());
    assert_eq!(format!("{:?}", secret()), "SigningSecret(…)");
}

proptest! {
    #[test]
    fn no_header_makes_the_reader_panic(id in "\\PC{0,40}", timestamp in "\\PC{0,20}", signature in "\\PC{0,90}") {
        let headers = Headers { id: &id, timestamp: &timestamp, signature: &signature };
        prop_assert!(verify(&[secret()], headers, BODY, at(SECONDS)).is_err());
    }

    #[test]
    fn what_is_signed_verifies(body in prop::collection::vec(any::<u8>(), 0..200), seconds in 0_i64..4_000_000_000) {
        let signature = sign(&[secret()], ID, at(seconds), &body);
        let timestamp = seconds.to_string();
        let headers = Headers { id: ID, timestamp: &timestamp, signature: &signature };
        prop_assert_eq!(verify(&[secret()], headers, &body, at(seconds)), Ok(()));
    }
}
