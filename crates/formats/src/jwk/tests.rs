//! The example of RFC 7638, and keys that are refused.

use super::{KeyMalformed, PublishedKey, RsaKey};

/// RFC 7638, section 3.1.
const N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
const THUMBPRINT: &str = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";

fn example() -> PublishedKey {
    let text = |text: &str| text.to_owned();
    PublishedKey { kty: text("RSA"), purpose: text("enc"), alg: text("x"), kid: text("y"), n: text(N), e: text("AQAB") }
}

#[test]
fn the_thumbprint_of_the_standards_example_is_its_own() {
    let key = example().key().expect("a key");
    assert_eq!(key.thumbprint(), THUMBPRINT);
    let again = key.published("enc", "RSA-OAEP-256");
    assert_eq!((again.n.as_str(), again.kid.as_str()), (N, THUMBPRINT));
    assert_eq!(again.key(), Ok(key.clone()));
    let padded = [&[0, 0], key.modulus()].concat();
    assert_eq!(RsaKey::new(&padded, &[0, 1, 0, 1]), Ok(key));
}

#[test]
fn other_keys_are_refused() {
    let with = |change: fn(&mut PublishedKey)| {
        let mut key = example();
        change(&mut key);
        key.key()
    };
    for refused in [
        with(|key| "EC".clone_into(&mut key.kty)),
        with(|key| key.n.truncate(100)),
        with(|key| key.n = key.n.repeat(4)),
        with(|key| key.n.push('=')),
        with(|key| "AQ".clone_into(&mut key.e)),
        with(|key| "AQAA".clone_into(&mut key.e)),
        with(|key| key.e.clear()),
        with(|key| "AQABAQABAQABAQAB".clone_into(&mut key.e)),
    ] {
        assert_eq!(refused, Err(KeyMalformed));
    }
}
