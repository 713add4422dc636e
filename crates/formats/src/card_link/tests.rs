//! Secrets and tickets, and the primitives beneath: HMAC and HKDF pass their Wycheproof files.

use super::{LIFE_SECONDS, LinkSecret, SecretMalformed, Ticket, TicketError};
use crate::vectors::{bytes, groups, tests, text};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use vocabulary::{Id, Timestamp};

fn now() -> Timestamp {
    Timestamp::parse("2026-11-23T02:00:00Z").expect("a moment")
}

fn ticket() -> Ticket {
    Ticket { id: 7, owner: Id::from_u128(9), expires: now().plus_seconds(LIFE_SECONDS) }
}

#[test]
fn a_ticket_is_read_by_who_shares_the_secret_while_it_lasts() {
    let key = LinkSecret::new([1; 32]).tickets();
    let text = key.print(&ticket());
    assert_eq!(key.read(&text, now()), Ok(ticket()));
    assert_eq!(key.read(&text, now().plus_seconds(LIFE_SECONDS - 1)), Ok(ticket()));
    assert_eq!(key.read(&text, now().plus_seconds(LIFE_SECONDS)), Err(TicketError::Expired));
    assert_eq!(key.read(&text, now().plus_seconds(-31)), Err(TicketError::Expired), "no ticket lasts that long");
    assert_eq!(LinkSecret::new([2; 32]).tickets().read(&text, now()), Err(TicketError::Foreign));
    assert_eq!(TicketError::Foreign.code().as_str(), "card_ticket_invalid");
}

#[test]
fn a_ticket_changed_anywhere_is_refused() {
    let key = LinkSecret::new([1; 32]).tickets();
    let whole = key.print(&ticket());
    let bytes = URL_SAFE_NO_PAD.decode(&whole[4..]).expect("base64url");
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let text = format!("jct_{}", URL_SAFE_NO_PAD.encode(changed));
        assert_eq!(key.read(&text, now()), Err(TicketError::Foreign), "bit {bit}");
    }
    for text in ["", "jct_", "jct_AA", &whole[4..], &whole[..50], &format!("{whole}AA"), &"jct_A".repeat(100)] {
        assert_eq!(key.read(text, now()), Err(TicketError::Foreign), "{text}");
    }
}

#[test]
fn a_secret_is_read_as_it_is_written_and_gives_other_keys_for_other_uses() {
    let secret = LinkSecret::new([0xAB; 32]);
    let again = LinkSecret::parse(secret.print().expose()).expect("its own text");
    let bearer = secret.bearer();
    assert_eq!(bearer.expose(), again.bearer().expose());
    assert!(secret.is_bearer(again.bearer().expose()));
    assert!(!bearer.expose().contains("abab"), "the secret itself is never sent");
    for other in ["", "jzv_", LinkSecret::new([0xAC; 32]).bearer().expose()] {
        assert!(!secret.is_bearer(other));
    }
    for text in ["", "jiaozi-card-vault-1", "jiaozi-card-vault-1\nzz", "jiaozi-vault-1\n00"] {
        assert_eq!(LinkSecret::parse(text).map(drop), Err(SecretMalformed), "{text}");
    }
    let odd = format!("jiaozi-card-vault-1\n{}", "é".repeat(32));
    assert_eq!(LinkSecret::parse(&odd).map(drop), Err(SecretMalformed));
    assert_eq!(format!("{secret:?}"), "LinkSecret(…)");
}

#[test]
fn hmac_passes_its_wycheproof_file() {
    let (mut valid, mut invalid) = (0, 0);
    for group in groups("wycheproof/hmac_sha256_test.json") {
        let length = usize::try_from(group["tagSize"].as_u64().expect("a size")).expect("small") / 8;
        for test in tests(&group) {
            let key = hmac::Key::new(hmac::HMAC_SHA256, &bytes(&test, "key"));
            let (message, tag) = (bytes(&test, "msg"), bytes(&test, "tag"));
            let fits = hmac::sign(&key, &message).as_ref()[..length] == tag[..];
            assert_eq!(fits, text(&test, "result") == "valid", "{test}");
            if length == 32 {
                assert_eq!(hmac::verify(&key, &message, &tag).is_ok(), fits, "{test}");
            }
            if fits { valid += 1 } else { invalid += 1 }
        }
    }
    assert!(valid > 50 && invalid > 50, "{valid} valid, {invalid} invalid");
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

#[test]
fn hkdf_passes_its_wycheproof_file() {
    let mut checked = 0;
    for group in groups("wycheproof/hkdf_sha256_test.json") {
        for test in tests(&group) {
            let size = usize::try_from(test["size"].as_u64().expect("a size")).expect("small");
            let (salt, info) = (bytes(&test, "salt"), bytes(&test, "info"));
            let extracted = Salt::new(HKDF_SHA256, &salt).extract(&bytes(&test, "ikm"));
            let mut key = vec![0; size];
            let info = [info.as_slice()];
            let filled = extracted.expand(&info, Length(size)).and_then(|material| material.fill(&mut key));
            assert_eq!(filled.is_ok(), text(&test, "result") == "valid", "{test}");
            if filled.is_ok() {
                assert_eq!(key, bytes(&test, "okm"), "{test}");
            }
            checked += 1;
        }
    }
    assert!(checked > 50, "{checked}");
}
