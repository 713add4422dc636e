//! Vectors of Wycheproof and RFC 7520, and messages that were tampered with.

use super::{JweError, Message, RecipientKey, encrypt, encrypt_under};
use crate::vectors::{self, bytes, groups, read, text};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{
    KeyPair, KeyPairComponents, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey,
    PublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use std::sync::LazyLock;
use vocabulary::{Entropy, Secret};

/// The 2048-bit key of Wycheproof's file for the primitive: known to the world, and quick to load.
static KNOWN: LazyLock<RecipientKey> = LazyLock::new(|| {
    let group = &groups("wycheproof/rsa_oaep_2048_sha256_mgf1sha256_test.json")[0];
    RecipientKey::from_pkcs8(&Secret::new(bytes(group, "privateKeyPkcs8"))).expect("a key")
});

struct Counting;

impl Entropy for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        for (place, byte) in buffer.iter_mut().enumerate() {
            *byte = u8::try_from(place % 251).expect("small");
        }
    }
}

fn seen(compact: &str) -> Result<Vec<u8>, JweError> {
    Message::parse(compact)?.decrypt(&KNOWN).map(|plain| plain.expose().clone())
}

fn opened_well(test: &Value) -> bool {
    text(test, "result") != "invalid"
}

fn kinds_of(message: &str) -> (String, String) {
    let header = message.split('.').next().and_then(|part| URL_SAFE_NO_PAD.decode(part).ok()).unwrap_or_default();
    let header: Value = serde_json::from_slice(&header).unwrap_or_default();
    let word = |name: &str| header[name].as_str().unwrap_or_default().to_owned();
    (word("alg"), word("enc"))
}

#[test]
fn the_primitive_passes_its_wycheproof_file() {
    let mut counted = (0, 0);
    for group in groups("wycheproof/rsa_oaep_2048_sha256_mgf1sha256_test.json") {
        let pkcs8 = bytes(&group, "privateKeyPkcs8");
        let key = RecipientKey::from_pkcs8(&Secret::new(pkcs8.clone())).expect("a key");
        let published = key.published();
        assert_eq!(published.n, text(&group["privateKeyJwk"], "n"), "the public half is read from the private one");
        assert_eq!(published.e, text(&group["privateKeyJwk"], "e"));
        let primitive = OaepPrivateDecryptingKey::new(PrivateDecryptingKey::from_pkcs8(&pkcs8).expect("a key"));
        let primitive = primitive.expect("a key");
        for test in vectors::tests(&group) {
            let (sealed, label) = (bytes(&test, "ct"), bytes(&test, "label"));
            let mut output = vec![0; primitive.min_output_size()];
            let opened = primitive.decrypt(&OAEP_SHA256_MGF1SHA256, &sealed, &mut output, Some(&label));
            let expected = opened_well(&test).then(|| bytes(&test, "msg"));
            assert_eq!(opened.ok().map(|plain| plain.to_vec()), expected, "{test}");
            let content_key = expected.filter(|_| label.is_empty()).and_then(|plain| <[u8; 32]>::try_from(plain).ok());
            assert_eq!(key.unwrap(&sealed).map(|key| *key.expose()), content_key, "only 32 bytes are a key: {test}");
            if opened_well(&test) { counted.0 += 1 } else { counted.1 += 1 }
        }
    }
    assert!(counted.0 > 10 && counted.1 > 10, "{counted:?}");
}

#[test]
fn the_content_cipher_passes_its_wycheproof_file() {
    let (mut valid, mut invalid) = (0, 0);
    let ours = |group: &Value| group["keySize"] == 256 && group["ivSize"] == 96 && group["tagSize"] == 128;
    for group in groups("wycheproof/aes_gcm_test.json").iter().filter(|group| ours(group)) {
        for test in vectors::tests(group) {
            let key = || LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &bytes(&test, "key")).expect("a key"));
            let nonce = || Nonce::try_assume_unique_for_key(&bytes(&test, "iv")).expect("a nonce");
            let (plain, sealed) = (bytes(&test, "msg"), [bytes(&test, "ct"), bytes(&test, "tag")].concat());
            let mut buffer = sealed.clone();
            let opened = key().open_in_place(nonce(), Aad::from(bytes(&test, "aad")), &mut buffer);
            let good = text(&test, "result") == "valid";
            assert_eq!(opened.ok().map(|plain| plain.to_vec()), good.then(|| plain.clone()), "{test}");
            if good {
                let mut again = plain;
                key().seal_in_place_append_tag(nonce(), Aad::from(bytes(&test, "aad")), &mut again).expect("sealed");
                assert_eq!(again, sealed, "{test}");
                valid += 1;
            } else {
                invalid += 1;
            }
        }
    }
    assert!(valid > 20 && invalid > 10, "{valid} valid, {invalid} invalid");
}

#[test]
fn messages_of_our_profile_in_wycheproof_are_read_and_all_others_refused() {
    let (mut read_well, mut refused) = (0, 0);
    for group in groups("wycheproof/json_web_encryption_test.json") {
        let key = private(&group["private"]);
        for test in vectors::tests(&group) {
            let message = text(&test, "jwe");
            let ours = kinds_of(message) == ("RSA-OAEP-256".to_owned(), "A256GCM".to_owned());
            match (Message::parse(message), &key) {
                (Ok(message), Some(key)) if ours && text(&test, "result") == "valid" => {
                    assert_eq!(*message.decrypt(key).expect("it is valid").expose(), bytes(&test, "pt"), "{test}");
                    read_well += 1;
                }
                (Ok(message), Some(key)) => {
                    assert!(message.decrypt(key).is_err(), "{test}");
                    refused += 1;
                }
                (Ok(_), None) => panic!("a message for another kind of key was parsed: {test}"),
                (Err(_), _) => {
                    assert!(!ours || text(&test, "result") == "invalid", "{test}");
                    refused += 1;
                }
            }
        }
    }
    assert!(read_well == 1 && refused > 100, "{read_well} read, {refused} refused");
}

/// The private key of a JWK, built from its numbers; none for other kinds.
fn private(jwk: &Value) -> Option<RecipientKey> {
    let number = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str()?).ok();
    let [n, e, d, p, q, dp, dq, qi] = ["n", "e", "d", "p", "q", "dp", "dq", "qi"].map(number);
    let public_key = PublicKeyComponents { n: n?, e: e? };
    let (d, p, q, d_p, d_q, q_inv) = (d?, p?, q?, dp?, dq?, qi?);
    let pair =
        KeyPair::from_components(&KeyPairComponents { public_key, d, p, q, dP: d_p, dQ: d_q, qInv: q_inv }).ok()?;
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).ok()?;
    RecipientKey::from_pkcs8(&Secret::new(der.as_ref().to_vec())).ok()
}

#[test]
fn the_cookbooks_messages_are_of_other_profiles_and_refused() {
    let mut checked = 0;
    for name in vectors::files("jose_cookbook/jwe") {
        let file = read(&name);
        if let Some(compact) = file["output"]["compact"].as_str() {
            let refused = Message::parse(compact).map(|_| ()).expect_err("it is another profile");
            let other = matches!(refused, JweError::AlgorithmRefused | JweError::HeaderRefused);
            assert!(other, "{name}: {refused:?}");
            checked += 1;
        }
    }
    assert!(checked >= 8, "{checked}");
}

/// RFC 7520, section 5.2 uses RSA-OAEP, which we refuse, but our content encryption: that half must be right.
#[test]
fn the_content_encryption_is_that_of_the_cookbook() {
    let file = read("jose_cookbook/jwe/5_2.key_encryption_using_rsa-oaep_with_aes-gcm.json");
    let part = |pointer: &str| {
        let text = file.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer}"));
        (text.to_owned(), URL_SAFE_NO_PAD.decode(text).expect("base64url"))
    };
    let key: [u8; 32] = part("/generated/cek").1.try_into().expect("a key");
    let nonce: [u8; NONCE_LEN] = part("/generated/iv").1.try_into().expect("a nonce");
    let mut sealed = [part("/encrypting_content/ciphertext").1, part("/encrypting_content/tag").1].concat();
    let protected = part("/encrypting_content/protected_b64u").0;
    let length = super::open(&Secret::new(key), nonce, &protected, &mut sealed).expect("it opens");
    assert_eq!(std::str::from_utf8(&sealed[..length]).ok(), file["input"]["plaintext"].as_str());
}

#[test]
fn what_is_encrypted_is_read_again_by_its_key_alone() {
    let compact = encrypt(KNOWN.public(), b"4111111111111111", &Counting).expect("encrypted");
    assert_eq!(Message::parse(&compact).expect("well formed").kid(), Some(KNOWN.kid()));
    assert_eq!(seen(&compact), Ok(b"4111111111111111".to_vec()));
    let other = RecipientKey::from_pkcs8(&RecipientKey::generate().expect("a key")).expect("a key");
    assert_eq!(other.public().modulus().len(), 384);
    let message = Message::parse(&compact).expect("well formed");
    assert_eq!(message.decrypt(&other).map(|_| ()), Err(JweError::Undecryptable));
    assert_eq!(encrypt(KNOWN.public(), &[7; 9_000], &Counting), Err(JweError::TooLong));
}

#[test]
fn a_message_changed_anywhere_is_not_read() {
    let compact = encrypt(KNOWN.public(), b"a secret", &Counting).expect("encrypted");
    let key = compact.find('.').expect("parts")..compact.rfind('.').expect("parts") - 60;
    // Of the encrypted key every seventh place: each costs a decryption, and it is one block.
    for place in (0..compact.len()).filter(|place| !key.contains(place) || place % 7 == 0) {
        // Each place gets another character of the alphabet; most others of a place are tried somewhere.
        let mut changed = compact.clone().into_bytes();
        changed[place] = if changed[place] == b'.' {
            b'A'
        } else if changed[place] == b'Q' {
            b'g'
        } else {
            b'Q'
        };
        let changed = String::from_utf8(changed).expect("ASCII");
        if changed != compact {
            assert!(seen(&changed).is_err(), "place {place}");
        }
    }
    for cut in [0, 1, 100, compact.len() - 1] {
        assert!(seen(&compact[..cut]).is_err(), "cut at {cut}");
    }
}

#[test]
fn headers_beyond_the_profile_are_refused() {
    let under = |header: &str| seen(&encrypt_under(header, KNOWN.public(), b"x", &Counting).expect("encrypted"));
    assert_eq!(
        under(r#"{"enc":"A256GCM","alg":"RSA-OAEP-256","typ":"JOSE","cty":"application/json"}"#),
        Ok(b"x".to_vec())
    );
    for (header, error) in [
        (r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#, JweError::AlgorithmRefused),
        (r#"{"alg":"RSA1_5","enc":"A256GCM"}"#, JweError::AlgorithmRefused),
        (r#"{"alg":"dir","enc":"A256GCM"}"#, JweError::AlgorithmRefused),
        (r#"{"alg":"none","enc":"A256GCM"}"#, JweError::AlgorithmRefused),
        (r#"{"alg":"rsa-oaep-256","enc":"A256GCM"}"#, JweError::AlgorithmRefused),
        (r#"{"alg":"RSA-OAEP-256","enc":"A128GCM"}"#, JweError::AlgorithmRefused),
        (r#"{"alg":"RSA-OAEP-256","enc":"A256CBC-HS512"}"#, JweError::AlgorithmRefused),
        (r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","zip":"DEF"}"#, JweError::HeaderRefused),
        (r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","crit":["exp"],"exp":1}"#, JweError::HeaderRefused),
        (r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","jwk":{}}"#, JweError::HeaderRefused),
        (r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","jku":"https://example.com"}"#, JweError::HeaderRefused),
        (r#"{"alg":"none","alg":"RSA-OAEP-256","enc":"A256GCM"}"#, JweError::HeaderRefused),
        (r#"{"alg":["RSA-OAEP-256"],"enc":"A256GCM"}"#, JweError::HeaderRefused),
        (r#"{"alg":"RSA-OAEP-256"}"#, JweError::HeaderRefused),
        (r#"["RSA-OAEP-256","A256GCM"]"#, JweError::HeaderRefused),
        ("", JweError::HeaderRefused),
    ] {
        assert_eq!(under(header), Err(error), "{header}");
    }
}

#[test]
fn forms_that_are_no_message_are_refused() {
    let whole = encrypt(KNOWN.public(), b"x", &Counting).expect("encrypted");
    for form in
        ["", ".", "....", "a.b.c.d.e", "{}", &format!("{whole}."), &whole.replace('.', "=."), &format!(" {whole}")]
    {
        assert!(matches!(seen(form), Err(JweError::Malformed | JweError::HeaderRefused)), "{form}");
    }
    assert_eq!(seen(&"a".repeat(8_193)), Err(JweError::TooLong));
    assert_eq!(JweError::TooLong.code().as_str(), "card_details_unreadable");
}
