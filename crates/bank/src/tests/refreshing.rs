//! Sessions that are refreshed, shown and ended.

use super::registered;
use crate::bank::Bank;
use crate::sessions::{self, SignedIn, Wanted, authenticate, refresh, sign_in, sign_in_as};
use crate::testing::TestBank;
use store::TRUST;
use vocabulary::Secret;

const NAME: &str = "ann@example.com";

fn right() -> Secret<String> {
    Secret::new("correct horse battery".to_owned())
}

async fn begin(bank: &Bank, device: &str) -> SignedIn {
    let wanted = Wanted { device_name: Some(device.to_owned()), refresh: true, device: None };
    sign_in_as(bank, (NAME, right()), wanted).await.expect("no trouble").expect("signed in")
}

fn text(signed: &SignedIn) -> &str {
    signed.refresh.as_ref().expect("it has a refresh token").token.expose()
}

async fn next(bank: &Bank, token: &str) -> Result<SignedIn, &'static str> {
    refresh(bank, token, None).await.expect("no trouble").map_err(|refusal| refusal.code.as_str())
}

async fn is_in(bank: &Bank, signed: &SignedIn) -> bool {
    let bank = bank.fresh().await.expect("it can be asked");
    authenticate(&bank, signed.token.expose()).await.expect("no trouble").is_some()
}

async fn events(test: &TestBank, kind: &str) -> usize {
    let events = test.bank.store().read(|snapshot| snapshot.events_after(0, None, 1_000)).await.expect("reads");
    events.iter().filter(|event| event.kind == kind).count()
}

fn messages(test: &TestBank) -> usize {
    test.run_jobs();
    test.sent.all().iter().filter(|message| message.to == NAME).count()
}

const OVER: Result<(), &str> = Err("refresh_token_invalid");

#[tokio::test(flavor = "multi_thread")]
async fn each_refresh_gives_other_tokens_and_the_old_access_token_ends() {
    let test = TestBank::new();
    registered(&test.bank, NAME, "Ann").await;
    let first = begin(&test.bank, "Phone").await;
    assert_eq!(first.session.expires, test.bank.now().plus_seconds(600));
    assert!(is_in(&test.bank, &first).await);
    test.clock.advance(600);
    assert!(!is_in(&test.bank, &first).await, "an access token is short");
    let second = next(&test.bank, text(&first)).await.expect("refreshed");
    assert!(is_in(&test.bank, &second).await && second.session.id == first.session.id);
    assert_ne!((text(&second), second.token.expose()), (text(&first), first.token.expose()));
    let third = next(&test.bank, text(&second)).await.expect("refreshed");
    assert!(is_in(&test.bank, &third).await && !is_in(&test.bank, &second).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_given_again_and_the_same() {
    let test = TestBank::new();
    registered(&test.bank, NAME, "Ann").await;
    let first = begin(&test.bank, "Phone").await;
    let (one, two) = tokio::join!(next(&test.bank, text(&first)), next(&test.bank, text(&first)));
    let (one, two) = (one.expect("refreshed"), two.expect("refreshed"));
    assert_eq!((one.token.expose(), text(&one)), (two.token.expose(), text(&two)));
    test.clock.advance(29);
    let late = next(&test.bank, text(&first)).await.expect("within the grace");
    assert_eq!((late.token.expose(), text(&late), late.session), (one.token.expose(), text(&one), one.session));
    assert!(is_in(&test.bank, &late).await);
    assert!(next(&test.bank, text(&late)).await.is_ok());
    assert_eq!((messages(&test), events(&test, "customer.refresh_reused").await), (1, 0), "only of the sign-in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_used_again_ends_its_session_and_the_person_is_told() {
    for old in [false, true] {
        let test = TestBank::new();
        registered(&test.bank, NAME, "Ann").await;
        let (first, other) = (begin(&test.bank, "Phone").await, begin(&test.bank, "Tablet").await);
        let mut last = next(&test.bank, text(&first)).await.expect("refreshed");
        if old {
            // Replaced before the last: there is no grace for it.
            last = next(&test.bank, text(&last)).await.expect("refreshed");
        } else {
            test.clock.advance(30);
        }
        assert!(is_in(&test.bank, &last).await, "now it is in memory");
        assert_eq!(next(&test.bank, text(&first)).await.map(drop), OVER);
        assert!(!is_in(&test.bank, &last).await);
        assert_eq!(next(&test.bank, text(&last)).await.map(drop), OVER, "the whole family ended");
        assert_eq!(next(&test.bank, text(&first)).await.map(drop), OVER);
        assert!(is_in(&test.bank, &other).await, "another sign-in is not concerned");
        assert_eq!((messages(&test), events(&test, "customer.refresh_reused").await), (3, 1), "two of sign-ins");
        let wanted = crate::audit::Wanted { limit: 100, ..crate::audit::Wanted::default() };
        let found = crate::audit::look(&test.bank, wanted).await.expect("no trouble").remove(0);
        let recorded = (found.action.as_str(), found.outcome.as_str());
        assert_eq!(recorded, ("sessions.end_reused", "refresh_token_invalid"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_when_it_is_idle_and_at_its_longest() {
    let test = TestBank::new();
    registered(&test.bank, NAME, "Ann").await;
    let idle = begin(&test.bank, "Phone").await;
    let mut used = begin(&test.bank, "Tablet").await;
    test.clock.advance(30 * 60);
    assert_eq!(next(&test.bank, text(&idle)).await.map(drop), OVER);
    assert_eq!(next(&test.bank, text(&used)).await.map(drop), OVER, "half an hour is over for both");
    used = begin(&test.bank, "Tablet").await;
    for _ in 0..24 {
        test.clock.advance(29 * 60);
        used = next(&test.bank, text(&used)).await.expect("it is used");
    }
    test.clock.advance(24 * 60 - 1);
    let last = next(&test.bank, text(&used)).await.expect("a second before twelve hours");
    assert_eq!(last.session.expires, test.bank.now().plus_seconds(1));
    test.clock.advance(1);
    assert!(!is_in(&test.bank, &last).await);
    assert_eq!(next(&test.bank, text(&last)).await.map(drop), OVER);
    assert_eq!(events(&test, "customer.refresh_reused").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_tokens_end_nothing() {
    let test = TestBank::new();
    registered(&test.bank, NAME, "Ann").await;
    let signed = begin(&test.bank, "Phone").await;
    let last = next(&test.bank, text(&signed)).await.expect("refreshed");
    let own = text(&signed).to_owned();
    let id = own.split('.').next().expect("a part");
    let forged = [
        format!("{id}.0.{}.{}", "0".repeat(52), "0".repeat(52)),
        own.replace(".0.", ".1."),
        own.replace(".0.", ".00."),
        own.replace(".0.", ".+0."),
        own.to_uppercase(),
        format!("{own} "),
        last.token.expose().clone(),
        "jzr_".to_owned(),
    ];
    for forged in forged {
        assert_eq!(next(&test.bank, &forged).await.map(drop), OVER, "{forged}");
    }
    assert!(authenticate(&test.bank, text(&last)).await.expect("no trouble").is_none(), "it lets nobody in by itself");
    assert!(is_in(&test.bank, &last).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sees_her_sessions_and_ends_them() {
    let test = TestBank::new();
    let ann = registered(&test.bank, NAME, "Ann").await.customer;
    registered(&test.bank, "bob@example.com", "Bob").await;
    let bob = sign_in(&test.bank, "bob@example.com", right()).await.expect("no trouble").expect("signed in");
    let phone = begin(&test.bank, "  Ann's phone ").await;
    test.clock.advance(1);
    let plain = sign_in(&test.bank, NAME, right()).await.expect("no trouble").expect("signed in");
    test.clock.advance(100);
    assert!(is_in(&test.bank, &phone).await && is_in(&test.bank, &plain).await);
    let shown = sessions::list(&test.bank, phone.session).await.expect("no trouble");
    let view = |id| shown.iter().find(|view| view.id == id).expect("it is listed").clone();
    assert_eq!(shown.len(), 2, "Bob's is not among them");
    let (its, other) = (view(phone.session.id), view(plain.session.id));
    assert_eq!(its.device_name.as_deref(), Some("Ann's phone"));
    assert!(its.current && its.refreshable && !other.current && !other.refreshable);
    assert_eq!((its.seen, its.created), (test.bank.now(), test.bank.now().plus_seconds(-101)));

    let end = async |id| sessions::end(&test.bank, phone.session, id).await.expect("no trouble");
    assert_eq!(end(bob.session.id).await.expect_err("not hers").code.as_str(), "not_found");
    assert!(is_in(&test.bank, &bob).await);
    assert!(end(plain.session.id).await.is_ok() && !is_in(&test.bank, &plain).await);
    assert_eq!(end(plain.session.id).await.expect_err("over").code.as_str(), "not_found");

    let (one, two) = (begin(&test.bank, "One").await, begin(&test.bank, "Two").await);
    assert!(is_in(&test.bank, &one).await && is_in(&test.bank, &two).await);
    assert_eq!(sessions::end_others(&test.bank, phone.session).await.expect("no trouble"), 2);
    assert!(!is_in(&test.bank, &one).await && !is_in(&test.bank, &two).await);
    assert_eq!(next(&test.bank, text(&two)).await.map(drop), OVER);
    assert!(is_in(&test.bank, &phone).await && is_in(&test.bank, &bob).await);
    assert_eq!(sessions::list(&test.bank, phone.session).await.expect("no trouble").len(), 1);
    assert_eq!((messages(&test), events(&test, "customer.sessions_ended").await), (4, 2), "three of sign-ins");
    let found = crate::audit::look(&test.bank, crate::audit::Wanted { limit: 100, ..crate::audit::Wanted::default() })
        .await
        .expect("no trouble");
    let told = |action: &str| found.iter().filter(|entry| entry.action == action).count();
    assert_eq!((told("sessions.end"), told("sessions.end_others")), (3, 1));
    assert!(found.iter().all(|entry| !entry.action.starts_with("sessions") || entry.actor == ann.to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_has_a_plain_name() {
    let test = TestBank::new();
    registered(&test.bank, NAME, "Ann").await;
    for name in ["", "  ", "a\nb", &"x".repeat(101)] {
        let wanted = Wanted { device_name: Some(name.to_owned()), refresh: false, device: None };
        let refused = sign_in_as(&test.bank, (NAME, right()), wanted).await.expect("no trouble").expect_err("refused");
        assert_eq!((refused.code.as_str(), refused.field.as_deref()), ("invalid_field", Some("device_name")));
    }
}

async fn written(test: &TestBank, signed: &SignedIn) -> i64 {
    let id = signed.session.id;
    let read = move |snapshot: &store::Snapshot<'_>| {
        Ok(snapshot.reading().number("SELECT seen FROM session WHERE id = ?1", sql::params![id])?)
    };
    test.bank.store().read(read).await.expect("reads")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_use_is_written_by_a_lane_of_jobs_and_at_most_once_a_minute() {
    let test = TestBank::new();
    registered(&test.bank, NAME, "Ann").await;
    let signed = sign_in(&test.bank, NAME, right()).await.expect("no trouble").expect("signed in");
    let begun = written(&test, &signed).await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        test.clock.advance(30);
        assert!(is_in(&test.bank, &signed).await);
        assert_eq!(written(&test, &signed).await - begun, *seen.last().unwrap_or(&0), "no request writes it");
        test.run_jobs();
        seen.push(written(&test, &signed).await - begun);
    }
    assert_eq!(seen, [30, 30, 90, 90].map(|seconds| seconds * 1_000_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_refreshes_or_ends_is_so_on_the_other() {
    let test = TestBank::new();
    let Some((other, _folder)) = test.beside(2) else { return };
    registered(&test.bank, NAME, "Ann").await;
    let first = begin(&test.bank, "Phone").await;
    tokio::time::sleep(TRUST).await;
    assert!(is_in(&other, &first).await);
    let second = next(&other, text(&first)).await.expect("refreshed on the other node");
    let again = next(&test.bank, text(&first)).await.expect("asked again, on the first node");
    assert_eq!((again.token.expose(), text(&again)), (second.token.expose(), text(&second)));
    tokio::time::sleep(TRUST).await;
    assert!(!is_in(&test.bank, &first).await && is_in(&test.bank, &second).await);
    test.clock.advance(30);
    assert_eq!(next(&test.bank, text(&first)).await.map(drop), OVER);
    tokio::time::sleep(TRUST).await;
    assert!(!is_in(&other, &second).await, "used again on one node, it ended on both");
    let (one, two) = (begin(&test.bank, "One").await, begin(&other, "Two").await);
    assert!(is_in(&other, &two).await);
    sessions::end_others(&test.bank, one.session).await.expect("no trouble");
    tokio::time::sleep(TRUST).await;
    assert!(!is_in(&other, &two).await);
}
