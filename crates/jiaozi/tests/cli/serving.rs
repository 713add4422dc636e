//! Serving, staff, the demo and the replay of card rows.

use crate::program::{jiaozi, run, text};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};
use tempfile::TempDir;

/// A serving process.
pub struct Serving {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Serving {
    pub fn start(words: &[&str]) -> Self {
        let mut command = jiaozi();
        command.args(words).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the program starts");
        let out = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, out }
    }

    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    /// Asks it to stop, as a service manager would; gives the exit code.
    pub fn stop(self) -> Option<i32> {
        self.ask_to_stop();
        self.end()
    }

    pub fn ask_to_stop(&self) {
        let asked = std::process::Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(asked.expect("kill runs").success());
    }

    /// Ends it as a crash would.
    pub fn kill(mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it ends");
    }

    /// Waits until it has ended; gives the exit code.
    pub fn end(mut self) -> Option<i32> {
        self.child.wait().expect("it ends").code()
    }
}

/// GET, and the status line with everything after it.
pub fn get(address: &str, path: &str, token: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    let caller = if token.is_empty() { String::new() } else { format!("authorization: Bearer {token}\r\n") };
    let head = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n{caller}connection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

fn cards(folder: &TempDir, rows: u32) -> String {
    let mut file = "TX_DATETIME,CUSTOMER_ID,TERMINAL_ID,TX_AMOUNT\n".to_owned();
    for row in 0..rows {
        let (customer, terminal, cents) = (row % 7, row % 5, row % 100);
        writeln!(file, "2018-04-01 00:00:31,{customer},{terminal},12.{cents:02}").expect("written");
    }
    file.push_str("2018-04-01 00:00:31,1,1,0.00\nyesterday,1,1,1.00\n2018-04-01 00:00:31,1,1,1.234\n");
    let path = folder.path().join("cards.csv");
    std::fs::write(&path, file).expect("written");
    text(&path).to_owned()
}

#[test]
fn it_says_where_it_listens_refuses_a_second_and_stops_in_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = text(folder.path());
    let mut serving = Serving::start(&["serve", "--data", data, "--listen", "127.0.0.1:0", "--sandbox"]);
    let line = serving.line();
    let address = line.strip_prefix("listening on http://").expect("the ready line").to_owned();
    let answer = get(&address, "/readyz", "");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    for words in [
        &["serve", "--data", data, "--listen", "127.0.0.1:0"][..],
        &["staff", "enrol", "Wang Fang", "--data", data][..],
        &["migrate", "--data", data][..],
    ] {
        let refused = run(words);
        assert_eq!((refused.code, refused.out.as_str()), (1, ""), "{words:?}");
        assert!(refused.err.contains("another process has this data directory open"), "{}", refused.err);
    }
    assert_eq!(run(&["check", "--data", data]).code, 0);
    assert_eq!(serving.stop(), Some(0));
    assert_eq!(run(&["check", "--data", data]).code, 0);
}

#[test]
fn the_audit_log_is_appended_to_a_file_and_a_collector_needs_an_authority() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = text(folder.path()).to_owned() + "/bank";
    let enrolled = run(&["staff", "enrol", "Wang Fang", "--role", "auditor", "--sandbox", "--data", &data]);
    assert_eq!(enrolled.code, 0, "{}", enrolled.err);
    let log = folder.path().join("audit.jsonl");
    let words = ["serve", "--data", &data, "--listen", "127.0.0.1:0", "--sandbox", "--audit-file", text(&log)];
    let mut serving = Serving::start(&words);
    serving.line();
    // What was written before the start is told at the start.
    let told = || std::fs::read_to_string(&log).unwrap_or_default();
    while told().lines().count() < 2 {
        std::thread::yield_now();
    }
    let actions: Vec<String> = told()
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["action"].to_string())
        .collect();
    assert_eq!(actions, ["\"staff.enrol\"", "\"staff.issue_token\""]);
    assert!(!told().contains("Wang"));
    assert_eq!(serving.stop(), Some(0));
    let refused = run(&["serve", "--data", &data, "--sandbox", "--audit-syslog", "localhost:6514"]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("--audit-syslog-ca"), "{}", refused.err);
    let unknown = run(&["staff", "enrol", "X", "--role", "janitor", "--sandbox", "--data", &data]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("there is no role janitor; this bank has administrator, auditor"), "{}", unknown.err);
}

#[test]
fn an_address_that_is_taken_is_named_with_what_to_do() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let folder = tempfile::tempdir().expect("a folder");
    let refused = run(&["serve", "--data", text(folder.path()), "--listen", &address, "--sandbox"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("another program listens there"), "{}", refused.err);
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "no bank was made");
}

#[test]
fn a_configuration_with_a_typing_mistake_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("jiaozi.toml");
    std::fs::write(&file, "lissten = \"127.0.0.1:0\"\n").expect("written");
    let refused = run(&["serve", "--config", text(&file), "--data", text(&folder.path().join("bank"))]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("line 1: unknown field `lissten`"), "{}", refused.err);
    assert!(!folder.path().join("bank").exists());
    let url = "postgres://bank:sesame@db.example/bank";
    for line in [format!("databse = \"{url}\""), format!("database = \"{url}"), format!("database = {url}")] {
        std::fs::write(&file, format!("sandbox = true\n{line}\n")).expect("written");
        let refused = run(&["serve", "--config", text(&file)]);
        assert_eq!(refused.code, 1);
        assert!(refused.err.contains("line 2: "), "{}", refused.err);
        assert!(!refused.err.contains("sesame"), "a password is shown: {}", refused.err);
    }
}

#[test]
fn staff_get_a_token_that_opens_the_staff_api() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = text(folder.path());
    let enrolled =
        run(&["staff", "enrol", "Wang Fang", "--role", "administrator", "--data", data, "--sandbox", "--json"]);
    assert_eq!(enrolled.code, 0, "{}", enrolled.err);
    let token = enrolled.json()["token"].as_str().expect("a token").to_owned();
    let mut serving = Serving::start(&["serve", "--data", data, "--listen", "127.0.0.1:0"]);
    let line = serving.line();
    let address = line.strip_prefix("listening on http://").expect("the ready line").to_owned();
    let answer = get(&address, "/v1/sandbox/outbox", &token);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(get(&address, "/v1/sandbox/outbox", "jzt_wrong").starts_with("HTTP/1.1 401"));
    assert_eq!(serving.stop(), Some(0));
}

#[test]
fn a_bank_without_its_key_file_is_not_opened_with_a_new_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = text(folder.path());
    assert_eq!(run(&["staff", "enrol", "Wang Fang", "--data", data, "--sandbox"]).code, 0);
    let copy = folder.path().join("copy.db");
    assert_eq!(run(&["backup", text(&copy), "--data", data]).code, 0);
    let again = folder.path().join("again");
    assert_eq!(run(&["restore", text(&copy), "--data", text(&again)]).code, 0);
    let refused = run(&["staff", "enrol", "Li Wei", "--data", text(&again), "--sandbox"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("key file"), "{}", refused.err);
    assert!(!again.join("vault.key").exists());
    let whole = folder.path().join("whole");
    let key = folder.path().join("vault.key");
    let restored = run(&["restore", text(&copy), "--data", text(&whole), "--key", text(&key)]);
    assert_eq!(restored.code, 0, "{}", restored.err);
    assert_eq!(run(&["staff", "enrol", "Li Wei", "--data", text(&whole), "--sandbox"]).code, 0);
}

#[test]
fn a_replayed_file_counts_every_row_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, data) = (cards(&folder, 600), folder.path().join("bank"));
    let words = ["replay", &file, "--data", text(&data), "--json"];
    let first = run(&words);
    assert_eq!(first.code, 0, "{}", first.err);
    let report = first.json();
    let count = |name: &str| report[name].as_u64().expect("a number");
    assert_eq!((count("rows"), count("payments"), count("already")), (603, 600, 0));
    assert_eq!((count("bad"), count("refused"), count("customers"), count("merchants")), (2, 1, 7, 5));
    let lines: Vec<u64> =
        report["bad_rows"].as_array().expect("a list").iter().filter_map(|r| r["line"].as_u64()).collect();
    assert_eq!(lines, [602, 603, 604]);
    assert_eq!(report["bad_rows"][0]["code"], "amount_not_positive");
    assert_eq!(report["bad_rows"][1]["code"], "csv_row_invalid");
    assert_eq!(report["total"], "7497.00");
    let second = run(&words).json();
    assert_eq!((second["payments"].as_u64(), second["already"].as_u64()), (Some(0), Some(600)));
    let books = run(&["check", "--data", text(&data), "--json"]).json();
    assert_eq!(books["clean"], true, "{books}");
    // Seven opening balances and six hundred payments, whatever was replayed.
    assert_eq!(books["entries"], 607, "{books}");
}

#[test]
fn a_file_that_is_not_of_card_rows_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("other.csv");
    std::fs::write(&file, "a,b\n1,2\n").expect("written");
    let refused = run(&["replay", text(&file)]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("TX_DATETIME"), "{}", refused.err);
    assert_eq!(run(&["replay", "/nowhere.csv"]).code, 1);
    assert_eq!(run(&["replay", text(&file), "--currency", "XYZ"]).code, 2);
}

#[test]
fn the_demo_has_people_a_history_and_commands_that_work() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("bank");
    let words = ["demo", "--data", text(&data), "--listen", "127.0.0.1:0", "--days", "2", "--no-traffic", "--json"];
    let mut serving = Serving::start(&words);
    let page: serde_json::Value = serde_json::from_str(&serving.line()).expect("JSON");
    assert!(page["history"]["done"].as_u64() > Some(30), "{page}");
    for command in page["commands"].as_array().expect("three commands") {
        let shell = command["command"].as_str().expect("a command");
        let pasted = std::process::Command::new("sh").args(["-c", shell]).output().expect("a shell");
        let answer = String::from_utf8_lossy(&pasted.stdout).into_owned();
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{shell}: {answer}"));
        assert!(answer.get("code").is_none(), "{shell}: {answer}");
    }
    assert_eq!(serving.stop(), Some(0));
    clean(&data);
}

fn clean(data: &Path) {
    let books = run(&["check", "--data", text(data), "--json"]).json();
    assert_eq!(books["clean"], true, "{books}");
}

#[test]
fn two_banks_in_one_process_know_only_their_own_staff() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    let token = |data: &Path| {
        let words =
            ["staff", "enrol", "Wang Fang", "--role", "administrator", "--sandbox", "--json", "--data", text(data)];
        run(&words).json()["token"].as_str().expect("a token").to_owned()
    };
    let (of_one, of_two) = (token(&one), token(&two));
    let tenant = format!("two.example={}", text(&two));
    let words = ["serve", "--data", text(&one), "--tenant", &tenant, "--listen", "127.0.0.1:0", "--sandbox"];
    let mut serving = Serving::start(&words);
    let line = serving.line();
    let address = line.strip_prefix("listening on http://").expect("the ready line").to_owned();
    let status = |host: &str, token: &str| {
        let mut stream = TcpStream::connect(&address).expect("somebody listens");
        let head = format!("GET /v1/sandbox/outbox HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n");
        stream.write_all(format!("{head}connection: close\r\n\r\n").as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer.split(' ').nth(1).map(str::to_owned)
    };
    assert_eq!(status("two.example", &of_two).as_deref(), Some("200"));
    assert_eq!(status("two.example", &of_one).as_deref(), Some("401"));
    assert_eq!(status("elsewhere.example", &of_one).as_deref(), Some("200"));
    assert_eq!(status("elsewhere.example", &of_two).as_deref(), Some("401"));
    assert_eq!(serving.stop(), Some(0));
    let twice = run(&["serve", "--data", text(&one), "--tenant", &format!("a={}", text(&one))]);
    assert_eq!(twice.code, 2, "{}", twice.err);
}
