//! Signing in, its throttle, staff tokens and API keys.

use super::{registered, system};
use crate::merchants::{self, Scope, create_key, list_keys, revoke_key, rotate_key};
use crate::sessions::{authenticate, change_password, sign_in, sign_out};
use crate::staff::{self, Permission, Role};
use crate::testing::TestBank;
use vocabulary::Secret;

fn right() -> Secret<String> {
    Secret::new("correct horse battery".to_owned())
}

fn wrong() -> Secret<String> {
    Secret::new("wrong horse battery".to_owned())
}

#[tokio::test]
async fn a_session_is_good_until_sign_out() {
    let test = TestBank::new();
    let done = registered(&test.bank, "ann@example.com", "Ann").await;
    let signed = sign_in(&test.bank, "Ann@Example.com", right()).await.unwrap().unwrap();
    for _ in 0..2 {
        let found = authenticate(&test.bank, signed.token.expose()).await.unwrap().unwrap();
        assert_eq!(found.customer, done.customer);
    }
    sign_out(&test.bank, signed.session).await.unwrap();
    assert_eq!(authenticate(&test.bank, signed.token.expose()).await.unwrap(), None);
    assert_eq!(authenticate(&test.bank, "jzs_unknown").await.unwrap(), None);
}

#[tokio::test]
async fn a_session_ends_by_itself() {
    let test = TestBank::new();
    registered(&test.bank, "ann@example.com", "Ann").await;
    let signed = sign_in(&test.bank, "ann@example.com", right()).await.unwrap().unwrap();
    test.clock.advance(12 * 3600 - 1);
    assert!(authenticate(&test.bank, signed.token.expose()).await.unwrap().is_some());
    test.clock.advance(1);
    assert_eq!(authenticate(&test.bank, signed.token.expose()).await.unwrap(), None);
}

#[tokio::test]
async fn after_five_failures_even_the_right_password_is_refused_for_a_while() {
    let test = TestBank::new();
    registered(&test.bank, "ann@example.com", "Ann").await;
    for _ in 0..5 {
        let refusal = sign_in(&test.bank, "ann@example.com", wrong()).await.unwrap().unwrap_err();
        assert_eq!(refusal.code.as_str(), "invalid_credentials");
    }
    let refusal = sign_in(&test.bank, "ann@example.com", right()).await.unwrap().unwrap_err();
    assert_eq!(refusal.code.as_str(), "too_many_attempts");
    test.clock.advance(15 * 60);
    assert!(sign_in(&test.bank, "ann@example.com", right()).await.unwrap().is_ok());
}

#[tokio::test]
async fn unknown_names_are_refused_and_throttled_like_known_ones() {
    let test = TestBank::new();
    for round in 0..6 {
        let refusal = sign_in(&test.bank, "nobody@example.com", wrong()).await.unwrap().unwrap_err();
        let code = if round < 5 { "invalid_credentials" } else { "too_many_attempts" };
        assert_eq!(refusal.code.as_str(), code);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guesses_sent_at_the_same_time_count_as_much_as_one_after_another() {
    let test = TestBank::new();
    registered(&test.bank, "ann@example.com", "Ann").await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let bank = test.bank.clone();
        tasks.spawn(async move { sign_in(&bank, "ann@example.com", wrong()).await.unwrap().unwrap_err().code });
    }
    let codes = tasks.join_all().await;
    assert_eq!(codes.iter().filter(|code| code.as_str() == "invalid_credentials").count(), 5);
}

#[tokio::test]
async fn staff_tokens_carry_the_role_and_can_be_revoked() {
    let test = TestBank::new();
    let bank = test.bank.clone();
    let enrolled =
        tokio::task::spawn_blocking(move || staff::enrol_blocking(&bank, "Li Lei", Role::OPERATIONS)).await.unwrap();
    let enrolled = enrolled.unwrap();
    let found = staff::authenticate(&test.bank, enrolled.token.expose()).await.unwrap().unwrap();
    assert_eq!((found.staff, found.role), (enrolled.staff, Role::OPERATIONS));
    let policies = test.bank.policies();
    assert!(policies.may(found.role, Permission::WorkCases) && !policies.may(found.role, Permission::SetPolicies));
    let bank = test.bank.clone();
    let revoked = tokio::task::spawn_blocking(move || staff::revoke_blocking(&bank, enrolled.staff)).await.unwrap();
    assert_eq!(revoked.unwrap(), 1);
    assert_eq!(staff::authenticate(&test.bank, enrolled.token.expose()).await.unwrap(), None);
}

#[tokio::test]
async fn a_rotated_key_works_on_for_the_overlap_and_a_revoked_one_not_at_all() {
    let test = TestBank::new();
    let merchant = test.merchant("Tea House").await.merchant;
    let scopes = vec![Scope::PaymentsRead, Scope::RefundsWrite];
    let wish = system("keys.create");
    let old = create_key(&test.bank, wish, merchant, ("till".to_owned(), scopes)).await.unwrap().result.unwrap();
    assert!(old.key.starts_with("jz_test_"));
    let found = merchants::authenticate(&test.bank, &old.key).await.unwrap().unwrap();
    assert!(found.allows(Scope::RefundsWrite) && !found.allows(Scope::PaymentsWrite));
    let new = rotate_key(&test.bank, system("keys.rotate"), (merchant, old.id), 24).await.unwrap().result.unwrap();
    assert!(merchants::authenticate(&test.bank, &old.key).await.unwrap().is_some());
    test.clock.advance(24 * 3600);
    assert_eq!(merchants::authenticate(&test.bank, &old.key).await.unwrap(), None);
    let found = merchants::authenticate(&test.bank, &new.key).await.unwrap().unwrap();
    assert!(found.merchant == merchant && found.allows(Scope::RefundsWrite));
    assert_eq!(list_keys(&test.bank, merchant).await.unwrap().len(), 2);
    revoke_key(&test.bank, system("keys.revoke"), (merchant, new.id)).await.unwrap().result.unwrap();
    assert_eq!(merchants::authenticate(&test.bank, &new.key).await.unwrap(), None);
    let again = revoke_key(&test.bank, system("keys.revoke"), (merchant, new.id)).await.unwrap();
    assert_eq!(again.result.unwrap_err().code.as_str(), "not_found");
}

/// Begins a piece of work and goes away before it is answered, as a client does that hangs up.
async fn hang_up(work: impl Future) {
    tokio::select! {
        biased;
        _ = work => {}
        () = std::future::ready(()) => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_revoked_stays_revoked_when_the_caller_hangs_up() {
    let test = TestBank::new();
    registered(&test.bank, "ann@example.com", "Ann").await;
    let signed = sign_in(&test.bank, "ann@example.com", right()).await.unwrap().unwrap();
    let shop = test.merchant("Corner Shop").await.merchant;
    let wanted = ("till".to_owned(), vec![Scope::PaymentsRead]);
    let key = create_key(&test.bank, system("k"), shop, wanted).await.unwrap().result.unwrap();
    assert!(authenticate(&test.bank, signed.token.expose()).await.unwrap().is_some());
    assert!(merchants::authenticate(&test.bank, &key.key).await.unwrap().is_some());
    hang_up(sign_out(&test.bank, signed.session)).await;
    hang_up(revoke_key(&test.bank, system("r"), (shop, key.id))).await;
    // Whoever comes after them in the writer's queue finds them committed.
    test.bank.store().write(|_| Ok(store::Outcome::<(), ()>::Done(()))).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert_eq!(authenticate(&test.bank, signed.token.expose()).await.unwrap(), None);
    assert_eq!(merchants::authenticate(&test.bank, &key.key).await.unwrap(), None);
}

fn fresh() -> Secret<String> {
    Secret::new("a better horse battery".to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_changed_by_who_knows_it_and_every_other_session_ends() {
    let test = TestBank::new();
    registered(&test.bank, "ann@example.com", "Ann").await;
    registered(&test.bank, "bob@example.com", "Bob").await;
    let kept = sign_in(&test.bank, "ann@example.com", right()).await.unwrap().unwrap();
    let other = sign_in(&test.bank, "ann@example.com", right()).await.unwrap().unwrap();
    let bob = sign_in(&test.bank, "bob@example.com", right()).await.unwrap().unwrap();
    for signed in [&kept, &other, &bob] {
        assert!(authenticate(&test.bank, signed.token.expose()).await.unwrap().is_some(), "now they are in memory");
    }
    let change = async |current, new| {
        let answer = change_password(&test.bank, kept.session, current, new).await.expect("no trouble");
        answer.map_err(|refusal| (refusal.code.as_str(), refusal.field))
    };
    let weak = change(right(), Secret::new("short".to_owned())).await;
    assert_eq!(weak, Err(("password_too_weak", Some("new_password".to_owned()))));
    assert_eq!(change(wrong(), fresh()).await, Err(("invalid_credentials", None)));
    assert!(authenticate(&test.bank, other.token.expose()).await.unwrap().is_some(), "a refusal ends nothing");
    assert_eq!(change(right(), fresh()).await, Ok(()));
    assert!(authenticate(&test.bank, kept.token.expose()).await.unwrap().is_some());
    assert!(authenticate(&test.bank, bob.token.expose()).await.unwrap().is_some());
    assert_eq!(authenticate(&test.bank, other.token.expose()).await.unwrap(), None);
    assert!(sign_in(&test.bank, "ann@example.com", right()).await.unwrap().is_err());
    assert!(sign_in(&test.bank, "ann@example.com", fresh()).await.unwrap().is_ok());
    test.run_jobs();
    let told = test.sent.all().into_iter().filter(|message| message.to == "ann@example.com").count();
    let events = test.bank.store().read(|snapshot| snapshot.events_after(0, None, 1_000)).await.unwrap();
    let kinds = events.iter().filter(|event| event.kind == "customer.password_changed").count();
    assert_eq!((told, kinds), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_at_a_change_count_with_those_at_signing_in() {
    let test = TestBank::new();
    registered(&test.bank, "ann@example.com", "Ann").await;
    let signed = sign_in(&test.bank, "ann@example.com", right()).await.unwrap().unwrap();
    for round in 0..5 {
        let refused = if round % 2 == 0 {
            change_password(&test.bank, signed.session, wrong(), fresh()).await.unwrap().unwrap_err()
        } else {
            sign_in(&test.bank, "ann@example.com", wrong()).await.unwrap().unwrap_err()
        };
        assert_eq!(refused.code.as_str(), "invalid_credentials");
    }
    let refused = change_password(&test.bank, signed.session, right(), fresh()).await.unwrap().unwrap_err();
    assert_eq!(refused.code.as_str(), "too_many_attempts");
    assert_eq!(sign_in(&test.bank, "ann@example.com", right()).await.unwrap().unwrap_err().code, refused.code);
    test.clock.advance(15 * 60);
    assert!(change_password(&test.bank, signed.session, right(), fresh()).await.unwrap().is_ok());
}
