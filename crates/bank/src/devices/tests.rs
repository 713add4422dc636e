//! Binding, proving and revoking devices.

use super::proof::{refresh_text, sign_in_text};
use super::{Proof, bound_since, challenge, list, revoke};
use crate::bank::Bank;
use crate::sessions::{self, SignedIn, Wanted, authenticate, refresh, sign_in_as};
use crate::testing::TestBank;
use crate::tests::{registered, system};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use store::TRUST;
use vocabulary::Secret;

const NAME: &str = "ann@example.com";

enum Phone {
    Edwards(Ed25519KeyPair),
    Nist(EcdsaKeyPair),
}

impl Phone {
    fn edwards(seed: u8) -> Self {
        Self::Edwards(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a seed"))
    }

    fn nist() -> Self {
        Self::Nist(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
    }

    fn sign(&self, text: &str) -> Vec<u8> {
        match self {
            Self::Edwards(key) => key.sign(text.as_bytes()).as_ref().to_vec(),
            Self::Nist(key) => key.sign(&SystemRandom::new(), text.as_bytes()).expect("signed").as_ref().to_vec(),
        }
    }

    fn proof(&self, bank: &Bank, name: &str) -> Proof {
        let challenge = challenge(bank).text;
        let signature = self.sign(&sign_in_text(&challenge, name));
        let key = match self {
            Self::Edwards(key) => key.public_key().as_ref().to_vec(),
            Self::Nist(key) => key.public_key().as_ref().to_vec(),
        };
        Proof { key, challenge, signature }
    }
}

fn right() -> Secret<String> {
    Secret::new("correct horse battery".to_owned())
}

async fn enter(bank: &Bank, proof: Proof) -> Result<SignedIn, &'static str> {
    let wanted = Wanted { device_name: Some("Phone".to_owned()), refresh: false, device: Some(proof) };
    let signed = sign_in_as(bank, (NAME, right()), wanted).await.expect("no trouble");
    signed.map_err(|refusal| refusal.code.as_str())
}

fn token(signed: &SignedIn) -> &str {
    signed.refresh.as_ref().expect("a device has a refresh token").token.expose()
}

async fn next(bank: &Bank, signed: &SignedIn, signature: Option<&[u8]>) -> Result<SignedIn, &'static str> {
    refresh(bank, token(signed), signature).await.expect("no trouble").map_err(|refusal| refusal.code.as_str())
}

async fn is_in(bank: &Bank, signed: &SignedIn) -> bool {
    let bank = bank.fresh().await.expect("it can be asked");
    authenticate(&bank, signed.token.expose()).await.expect("no trouble").is_some()
}

async fn told(test: &TestBank) -> (usize, usize) {
    test.run_jobs();
    let messages = test.sent.all().iter().filter(|message| message.to == NAME).count();
    let events = test.bank.store().read(|snapshot| snapshot.events_after(0, None, 1_000)).await.expect("reads");
    (messages, events.iter().filter(|event| event.kind == "customer.new_device").count())
}

const NO: Option<&str> = Some("device_proof_invalid");

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_bound_once_and_its_owner_is_told_once() {
    for phone in [Phone::edwards(1), Phone::nist()] {
        let test = TestBank::new();
        let ann = registered(&test.bank, NAME, "Ann").await.customer;
        let first = enter(&test.bank, phone.proof(&test.bank, NAME)).await.expect("signed in");
        let bound = test.bank.now();
        assert_eq!(told(&test).await, (1, 1));
        test.clock.advance(3_600);
        let again = enter(&test.bank, phone.proof(&test.bank, NAME)).await.expect("signed in");
        assert_eq!(told(&test).await, (1, 1), "a device that is known");
        let shown = list(&test.bank, ann).await.expect("no trouble");
        assert_eq!(shown.len(), 1);
        assert_eq!((shown[0].name.as_deref(), shown[0].created), (Some("Phone"), bound));
        assert_eq!(shown[0].seen, test.bank.now());
        let (one, two) = (first.session.id, again.session.id);
        let since = test
            .bank
            .store()
            .read(move |found| Ok((bound_since(found.reading(), one)?, bound_since(found.reading(), two)?)));
        assert_eq!(since.await.expect("reads"), (Some(bound), Some(bound)));
        let found =
            crate::audit::look(&test.bank, crate::audit::Wanted { limit: 10, ..crate::audit::Wanted::default() });
        let found = found.await.expect("no trouble");
        assert_eq!(found.iter().filter(|entry| entry.action == "devices.bind").count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_is_good_once_for_one_name_and_in_time() {
    let test = TestBank::new();
    let ann = registered(&test.bank, NAME, "Ann").await.customer;
    let (phone, bank) = (Phone::edwards(1), &test.bank);
    let proof = phone.proof(bank, NAME);
    assert!(enter(bank, proof.clone()).await.is_ok());
    assert_eq!(enter(bank, proof).await.err(), NO, "used before");
    assert_eq!(enter(bank, phone.proof(bank, "bob@example.com")).await.err(), NO, "signed for another name");
    let late = phone.proof(bank, NAME);
    test.clock.advance(300);
    assert_eq!(enter(bank, late).await.err(), NO, "too late");
    let good = phone.proof(bank, NAME);
    let other = Phone::edwards(2).proof(bank, NAME);
    for bad in [
        Proof { key: other.key.clone(), ..good.clone() },
        Proof { signature: other.signature.clone(), ..good.clone() },
        Proof { signature: Vec::new(), ..good.clone() },
        Proof { challenge: other.challenge.clone(), ..good.clone() },
        Proof { challenge: good.challenge.replacen('.', ".0", 1), ..good.clone() },
        Proof { challenge: "jzc_".to_owned(), ..good.clone() },
        Proof { key: vec![4; 65], ..good.clone() },
        Proof { key: good.key[1..].to_vec(), ..good.clone() },
        Proof { key: Vec::new(), ..good.clone() },
    ] {
        assert_eq!(enter(bank, bad).await.err(), NO);
    }
    assert!(enter(bank, good).await.is_ok(), "what is refused uses no challenge up");
    assert_eq!(list(bank, ann).await.expect("no trouble").len(), 1);
    let wanted = Wanted { device: Some(phone.proof(bank, NAME)), ..Wanted::default() };
    let wrong = Secret::new("wrong horse battery".to_owned());
    let refused = sign_in_as(bank, (NAME, wrong), wanted).await.expect("no trouble").expect_err("a wrong password");
    assert_eq!(refused.code.as_str(), "invalid_credentials", "a device is no password");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_of_a_device_is_worth_nothing_without_it() {
    let test = TestBank::new();
    registered(&test.bank, NAME, "Ann").await;
    let (phone, thief) = (Phone::edwards(1), Phone::edwards(2));
    let first = enter(&test.bank, phone.proof(&test.bank, NAME)).await.expect("signed in");
    test.clock.advance(29 * 86_400);
    let text = refresh_text(token(&first));
    for signature in [None, Some(thief.sign(&text)), Some(phone.sign(token(&first))), Some(Vec::new())] {
        let refused = next(&test.bank, &first, signature.as_deref()).await;
        assert_eq!(refused.err(), Some("refresh_token_invalid"));
    }
    let second = next(&test.bank, &first, Some(&phone.sign(&text))).await.expect("29 of 30 days");
    test.clock.advance(60);
    assert!(next(&test.bank, &first, None).await.is_err());
    assert!(is_in(&test.bank, &second).await, "a copy without a proof does not even end the session");
    assert!(next(&test.bank, &first, Some(&phone.sign(&text))).await.is_err());
    assert!(!is_in(&test.bank, &second).await, "with the proof it was used again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_device_is_out_at_once_and_stays_out() {
    let test = TestBank::new();
    let ann = registered(&test.bank, NAME, "Ann").await.customer;
    registered(&test.bank, "bob@example.com", "Bob").await;
    let bob = sessions::sign_in(&test.bank, "bob@example.com", right()).await.expect("no trouble").expect("signed in");
    let (lost, kept) = (Phone::edwards(1), Phone::edwards(2));
    let one = enter(&test.bank, lost.proof(&test.bank, NAME)).await.expect("signed in");
    test.clock.advance(1);
    let two = enter(&test.bank, kept.proof(&test.bank, NAME)).await.expect("signed in");
    assert!(is_in(&test.bank, &one).await && is_in(&test.bank, &two).await);
    let id = list(&test.bank, ann).await.expect("no trouble")[1].id;
    let stranger = revoke(&test.bank, bob.session, id).await.expect("no trouble").expect_err("not Bob's");
    assert_eq!(stranger.code.as_str(), "not_found");
    assert!(revoke(&test.bank, two.session, id).await.expect("no trouble").is_ok());
    assert!(!is_in(&test.bank, &one).await && is_in(&test.bank, &two).await);
    let signature = lost.sign(&refresh_text(token(&one)));
    assert_eq!(next(&test.bank, &one, Some(&signature)).await.err(), Some("refresh_token_invalid"));
    assert_eq!(enter(&test.bank, lost.proof(&test.bank, NAME)).await.err(), NO);
    assert_eq!(list(&test.bank, ann).await.expect("no trouble").len(), 1);
    let again = revoke(&test.bank, two.session, id).await.expect("no trouble").expect_err("over");
    assert_eq!(again.code.as_str(), "not_found");
    assert_eq!(told(&test).await, (3, 2), "two devices, and the end of one");
    crate::customers::erase(&test.bank, system("customers.erase"), ann)
        .await
        .expect("no trouble")
        .result
        .expect("done");
    assert!(list(&test.bank, ann).await.expect("no trouble").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_without_a_device_is_told_where_it_can_be_refreshed() {
    let test = TestBank::new();
    registered(&test.bank, NAME, "Ann").await;
    let wanted = Wanted { refresh: true, ..Wanted::default() };
    assert!(sign_in_as(&test.bank, (NAME, right()), wanted).await.expect("no trouble").is_ok());
    assert_eq!(told(&test).await, (1, 1));
    assert!(sessions::sign_in(&test.bank, NAME, right()).await.expect("no trouble").is_ok());
    assert_eq!(told(&test).await, (1, 1), "a program that holds a token for a while");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_is_used_up_and_a_device_revoked_on_all_nodes() {
    let test = TestBank::new();
    let Some((other, _folder)) = test.beside(2) else { return };
    let ann = registered(&test.bank, NAME, "Ann").await.customer;
    let phone = Phone::edwards(1);
    let proof = phone.proof(&test.bank, NAME);
    let signed = enter(&other, proof.clone()).await.expect("any node takes it");
    assert_eq!(enter(&test.bank, proof).await.err(), NO);
    let kept = enter(&test.bank, Phone::edwards(2).proof(&other, NAME)).await.expect("signed in");
    tokio::time::sleep(TRUST).await;
    assert!(is_in(&other, &signed).await);
    let id = list(&test.bank, ann).await.expect("no trouble");
    let id = id.iter().find(|device| device.created <= kept.session.expires).expect("there are two").id;
    revoke(&test.bank, kept.session, id).await.expect("no trouble").expect("revoked");
    tokio::time::sleep(TRUST).await;
    let out = [is_in(&other, &signed).await, is_in(&other, &kept).await];
    assert_eq!(out.iter().filter(|is_in| !**is_in).count(), 1);
}
