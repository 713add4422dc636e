//! The card vault as a process: what it prints and logs, its files, the demo's.

use crate::program::{jiaozi, run, text};
use crate::serving::Serving;
use bank::testing::SeededEntropy;
use formats::jwe;
use formats::jwk::KeySet;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

const PAN: &str = "4000123412341234";

/// A request, and the status and JSON of its answer.
fn ask(address: &str, line: &str, token: &str, body: &Value) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    let body = body.to_string();
    let key = body.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let caller = if token.is_empty() { String::new() } else { format!("authorization: Bearer {token}\r\n") };
    let head = format!(
        "{line} HTTP/1.1\r\nhost: {address}\r\n{caller}connection: close\r\ncontent-type: application/json\r\n\
         idempotency-key: k{key}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status, serde_json::from_str(body).unwrap_or_default())
}

fn word<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}"))
}

fn bare(url: &str) -> &str {
    url.trim_start_matches("http://")
}

/// A ticket of the bank's, and the card brought with it; gives the vault's answer.
fn bring(bank: &str, vault: &str, session: &str) -> (u16, Value) {
    let (status, ticket) = ask(bank, "POST /v1/cards/tickets", session, &json!({}));
    assert_eq!(status, 201, "{ticket}");
    assert_eq!(bare(word(&ticket, "vault")), vault);
    let ticket = word(&ticket, "ticket");
    let (_, keys) = ask(vault, "GET /v1/keys", "", &json!({}));
    let keys: KeySet = serde_json::from_value(keys).expect("keys");
    let details =
        json!({"ticket": ticket, "number": PAN, "expiry_month": 12, "expiry_year": 2040, "security_code": "987"});
    let key = keys.keys[0].key().expect("a key");
    let card = jwe::encrypt(&key, details.to_string().as_bytes(), &SeededEntropy::new(9)).expect("encrypted");
    ask(vault, "POST /v1/cards", "", &json!({"ticket": ticket, "card": card}))
}

fn holds(folder: &Path, needle: &[u8]) -> bool {
    std::fs::read_dir(folder).expect("a folder").any(|entry| {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            return holds(&path, needle);
        }
        std::fs::read(&path).expect("readable").windows(needle.len()).any(|window| window == needle)
    })
}

#[test]
fn the_demo_starts_a_vault_of_its_own_process_that_ends_with_it() {
    for killed in [false, true] {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("bank");
        let words = ["demo", "--data", text(&data), "--listen", "127.0.0.1:0", "--days", "1", "--no-traffic", "--json"];
        let mut demo = Serving::start(&words);
        let page: Value = serde_json::from_str(&demo.line()).expect("JSON");
        let (bank, vault) = (bare(word(&page, "listening")), bare(word(&page, "card_vault")));
        let session = word(&page, "session");
        let (status, brought) = bring(bank, vault, session);
        assert_eq!((status, word(&brought, "last4")), (201, "1234"), "{brought}");
        let (status, linked) = ask(bank, "POST /v1/cards", session, &json!({"token": brought["token"]}));
        assert_eq!((status, word(&linked, "masked")), (201, "…1234"), "{linked}");
        assert!(!holds(folder.path(), PAN.as_bytes()), "the number stands in a file");
        // Ends when the process that holds the other end does.
        let mut held = TcpStream::connect(vault).expect("the vault listens");
        held.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").expect("sent");
        let read = held.read(&mut [0; 4_096]).expect("an answer");
        assert!(read > 0);
        if killed {
            demo.kill();
        } else {
            assert_eq!(demo.stop(), Some(0));
        }
        let mut rest = Vec::new();
        let _ = held.read_to_end(&mut rest);
        let process = page["card_vault_process"].as_u64().expect("a number");
        assert!(process > 0 && TcpStream::connect(vault).is_err(), "the vault outlived the demo");
    }
}

#[test]
fn the_vault_logs_no_number_and_keeps_its_files_to_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let (vault_data, bank_data) = (folder.path().join("vault"), folder.path().join("bank"));
    let mut command = jiaozi();
    command.args(["vault", "serve", "--listen", "127.0.0.1:0", "--with-input", "--data", text(&vault_data)]);
    command.env("RUST_LOG", "trace").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
    let vault = line.trim_end().strip_prefix("listening on http://").expect("the ready line").to_owned();
    let mut log = child.stderr.take().expect("piped");
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        log.read_to_string(&mut text).map(|_| text)
    });
    for file in ["bank.secret", "vault.key"] {
        let mode = std::fs::metadata(vault_data.join(file)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let (url, secret) = (format!("http://{vault}"), vault_data.join("bank.secret"));
    let words = ["serve", "--data", text(&bank_data), "--listen", "127.0.0.1:0", "--sandbox", "--card-vault", &url];
    let without = run(&words);
    assert_eq!(without.code, 2, "{}", without.err);
    let mut serving = Serving::start(&[&words[..], &["--card-vault-secret", text(&secret)]].concat());
    let line = serving.line();
    let bank = line.strip_prefix("listening on http://").expect("the ready line").to_owned();
    let session = customer(&bank);
    let (status, brought) = bring(&bank, &vault, &session);
    assert_eq!(status, 201, "{brought}");
    // Somebody puts a number into every place where it does not belong.
    ask(&vault, &format!("GET /v1/cards/{PAN}?number={PAN}"), PAN, &json!({}));
    ask(&vault, "POST /v1/cards", "", &json!({"ticket": PAN, "card": PAN}));
    ask(&vault, "POST /v1/cards", "", &json!({"number": PAN}));
    assert_eq!(serving.stop(), Some(0));
    let second = run(&["vault", "replace-key", "--data", text(&vault_data)]);
    assert!(second.code == 1 && second.err.contains("another process"), "{}", second.err);
    drop(child.stdin.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    let log = reading.join().expect("no panic").expect("UTF-8");
    assert!(log.contains("Intake") && !log.contains(PAN) && !log.contains("4000"), "{log}");
    assert!(!holds(folder.path(), PAN.as_bytes()));
    let replaced = run(&["vault", "replace-key", "--data", text(&vault_data)]);
    assert_eq!(replaced.code, 0, "{}", replaced.err);
}

fn customer(bank: &str) -> String {
    let password = "a long enough password";
    let new = json!({"sign_in": "@li_na", "display_name": "Li", "password": password, "currencies": ["CNY"]});
    assert_eq!(ask(bank, "POST /v1/customers", "", &new).0, 201);
    let (_, session) = ask(bank, "POST /v1/sessions", "", &json!({"sign_in": "@li_na", "password": password}));
    word(&session, "token").to_owned()
}

#[test]
fn a_bank_without_a_vault_offers_no_cards() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut serving = Serving::start(&["serve", "--data", text(folder.path()), "--listen", "127.0.0.1:0", "--sandbox"]);
    let line = serving.line();
    let bank = line.strip_prefix("listening on http://").expect("the ready line").to_owned();
    let session = customer(&bank);
    for (line, body) in
        [("POST /v1/cards/tickets", json!({})), ("POST /v1/cards", json!({"token": "ctk_06f5t2c9wk7v1xq4mz8rhd3bne"}))]
    {
        let (status, problem) = ask(&bank, line, &session, &body);
        assert_eq!((status, word(&problem, "code")), (409, "cards_not_offered"), "{line}");
    }
    assert_eq!(serving.stop(), Some(0));
}

#[test]
fn a_vault_that_would_be_unsafe_is_not_opened() {
    let folder = tempfile::tempdir().expect("a folder");
    let (vault, bank) = (folder.path().join("vault"), folder.path().join("bank"));
    assert_eq!(run(&["staff", "enrol", "Wang Fang", "--data", text(&bank), "--sandbox"]).code, 0);
    let refused = |words: &[&str], why: &str| {
        let refused = run(words);
        assert!(refused.code == 1 && refused.err.contains(why), "{words:?}: {} {}", refused.code, refused.err);
    };
    let serve = ["vault", "serve", "--listen", "127.0.0.1:0", "--with-input", "--data"];
    let (in_bank, in_vault) = ([&serve[..], &[text(&bank)]].concat(), [&serve[..], &[text(&vault)]].concat());
    refused(&in_bank, "holds a bank");
    assert_eq!(run(&in_vault).code, 0, "its input has ended, so it stops at once");
    refused(&["vault", "replace-key", "--data", text(&folder.path().join("nothing"))], "there is no card vault");
    let secret = vault.join("bank.secret");
    std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o644)).expect("changed");
    refused(&in_vault, "may be read by others");
    std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o600)).expect("changed");
    std::fs::rename(vault.join("vault.key"), vault.join("elsewhere")).expect("moved");
    refused(&in_vault, "key file");
    let asking = |address: &'static str| {
        let words = ["serve", "--sandbox", "--listen", "127.0.0.1:0", "--data", text(&bank), "--card-vault", address];
        run(&[&words[..], &["--card-vault-secret", text(&secret)]].concat())
    };
    let far = asking("http://192.0.2.1:8090");
    assert!(far.code == 1 && far.err.contains("https://HOST"), "{}", far.err);
}
