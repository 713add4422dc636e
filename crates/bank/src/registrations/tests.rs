//! Who registers, and what nobody learns by trying.

use super::{Finish, Started, finish, open_register, start};
use crate::customers::{Register, Registered};
use crate::policies::{Change, set};
use crate::sessions::sign_in;
use crate::testing::{TestBank, cny};
use crate::tests::{registered, system};
use vocabulary::Secret;

const PHONE: &str = "+8613800000001";
const KNOWN: &str = "ann@example.com";

fn right() -> Secret<String> {
    Secret::new("correct horse battery".to_owned())
}

fn person(contact: &str) -> Register {
    let (sign_in, display_name) = (contact.to_owned(), "Li Wei".to_owned());
    Register { sign_in, display_name, password: right(), tier: 1, currencies: vec![cny()] }
}

async fn begin(test: &TestBank, contact: &str) -> Result<Started, &'static str> {
    let begun = start(&test.bank, system("registrations.start"), contact).await.expect("no trouble");
    begun.result.map_err(|refusal| refusal.code.as_str())
}

async fn end(test: &TestBank, started: &Started, contact: &str, code: &str) -> Result<Registered, &'static str> {
    let command = Finish { id: started.id, code: code.to_owned(), person: person(contact) };
    let done = finish(&test.bank, system("registrations.finish"), command).await.expect("no trouble");
    done.result.map_err(|refusal| refusal.code.as_str())
}

/// A code that was not sent.
fn other(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

async fn count(test: &TestBank, sql: &'static str) -> i64 {
    test.bank.store().read(move |snapshot| Ok(snapshot.reading().number(sql, &[])?)).await.expect("reads")
}

#[tokio::test(flavor = "multi_thread")]
async fn who_returns_the_code_is_registered_once_and_signs_in() {
    let test = TestBank::new();
    let started = begin(&test, "+86 138 0000 0001").await.expect("begun");
    let code = test.last_code(PHONE).expect("a code was sent");
    let done = end(&test, &started, PHONE, &code).await.expect("registered");
    let signed = sign_in(&test.bank, PHONE, right()).await.expect("no trouble").expect("signed in");
    assert_eq!(signed.session.customer, done.customer);
    assert_eq!(end(&test, &started, PHONE, &code).await, Err("code_expired"), "it is finished");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_fits_its_registration_its_contact_and_its_time_only() {
    let test = TestBank::new();
    let started = begin(&test, PHONE).await.expect("begun");
    let code = test.last_code(PHONE).expect("a code was sent");
    assert_eq!(end(&test, &started, "eve@example.com", &code).await, Err("code_wrong"), "another contact");
    let second = begin(&test, "eve@example.com").await.expect("begun");
    assert_eq!(end(&test, &second, PHONE, &code).await, Err("code_wrong"), "another registration");
    let nobody = Started { id: test.bank.new_id(), ..second };
    assert_eq!(end(&test, &nobody, PHONE, &code).await, Err("code_expired"));
    test.clock.advance(600);
    assert_eq!(end(&test, &started, PHONE, &code).await, Err("code_expired"));
    assert_eq!(begin(&test, "@handle").await.map(drop), Err("alias_invalid"));
    assert_eq!(begin(&test, "nothing").await.map(drop), Err("alias_invalid"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_contact_and_an_unknown_one_answer_alike_and_cost_the_same() {
    let test = TestBank::new();
    registered(&test.bank, KNOWN, "Ann").await;
    test.run_jobs();
    let mut stories = Vec::new();
    for contact in [KNOWN, PHONE] {
        let rows = async || {
            [
                count(&test, "SELECT count(*) FROM registration").await,
                count(&test, "SELECT count(*) FROM notice").await,
                count(&test, "SELECT count(*) FROM person_key").await,
                count(&test, "SELECT count(*) FROM job").await,
            ]
        };
        let before = rows().await;
        let started = begin(&test, contact).await.expect("begun");
        let after = rows().await;
        let written: Vec<i64> = before.iter().zip(after).map(|(before, after)| after - before).collect();
        let sent = test.last_code(contact);
        let wrong = other(sent.as_deref().unwrap_or("123456"));
        let mut answers = Vec::new();
        for _ in 0..7 {
            answers.push(end(&test, &started, contact, wrong).await.map(drop));
        }
        let seconds = started.expires.micros() - test.bank.now().micros();
        stories.push((written, answers, seconds, test.sent.all().iter().filter(|sent| sent.to == contact).count()));
    }
    assert_eq!(stories[0], stories[1], "nothing tells which of them has a wallet");
    assert_eq!(stories[0].0, [1, 1, 1, 1]);
    let all = test.sent.all();
    let told = all.iter().find(|message| message.to == KNOWN).expect("she is told");
    assert!(told.text.contains("has a wallet already") && !told.text.bytes().any(|byte| byte.is_ascii_digit()));
    let wrong = Err("code_wrong");
    let dead = Err("too_many_attempts");
    assert_eq!(stories[0].1, [wrong, wrong, wrong, wrong, wrong, dead, dead]);
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_to_one_contact_are_bounded_known_or_not() {
    let test = TestBank::new();
    registered(&test.bank, KNOWN, "Ann").await;
    for contact in [KNOWN, PHONE] {
        for _ in 0..5 {
            assert!(begin(&test, contact).await.is_ok());
        }
        assert_eq!(begin(&test, contact).await.map(drop), Err("too_many_attempts"));
    }
    test.clock.advance(600);
    assert!(begin(&test, PHONE).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_registrations_of_one_contact_one_comes_about() {
    let test = TestBank::new();
    let one = begin(&test, PHONE).await.expect("begun");
    let first = test.last_code(PHONE).expect("a code");
    test.clock.advance(1);
    let two = begin(&test, PHONE).await.expect("begun");
    let second = test.last_code(PHONE).expect("a code");
    assert!(end(&test, &one, PHONE, &first).await.is_ok());
    assert_eq!(end(&test, &two, PHONE, &second).await.map(drop), Err("customer_exists"), "the code proved it is hers");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_who_never_returned_nothing_is_left() {
    let test = TestBank::new();
    begin(&test, PHONE).await.expect("begun");
    test.run_jobs();
    assert_eq!(count(&test, "SELECT count(*) FROM person_key").await, 1);
    test.clock.advance(2 * 86_400);
    test.run_jobs();
    let left = [
        count(&test, "SELECT count(*) FROM registration").await,
        count(&test, "SELECT count(*) FROM person_key").await,
    ];
    assert_eq!(left, [0, 0], "the message's key is gone, and with it the number");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_decides_whether_a_contact_has_to_be_proved() {
    let test = TestBank::new();
    let open = async |name: &str| {
        let done = open_register(&test.bank, system("customers.register"), person(name)).await.expect("no trouble");
        done.result.map(drop).map_err(|refusal| refusal.code.as_str())
    };
    assert_eq!(open("@one").await, Ok(()), "a sandbox needs none");
    for (value, answer) in [(serde_json::json!(true), Err("contact_required")), (serde_json::json!(false), Ok(()))] {
        let name = "registration_needs_contact".to_owned();
        let change = Change { name, value, from: None, source: "a test".to_owned() };
        set(&test.bank, system("policies.set"), change).await.expect("no trouble").result.expect("it is set");
        test.clock.advance(1);
        assert_eq!(open("@two").await, answer);
    }
}
