//! An embedded bank moves to PostgreSQL: it goes on where it stopped, what cannot be moved is refused, and what ends the move in
//! the middle leaves nothing behind. Each test has a server of its own.

use crate::program::{Run, jiaozi, run, text};
use crate::serving::{Serving, get};
use crate::talking::{json, post, word};
use serde_json::Value;
use sql::testing::cluster::Cluster;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

fn database(cluster: &Cluster, name: &str, more: &str) -> String {
    let make = format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0 {more}");
    cluster.sql("postgres", &make).expect("made");
    cluster.url(name)
}

fn migrate(from: &Path, to: &str) -> Run {
    run(&["migrate", "--from", text(from), "--to", to])
}

fn refused(from: &Path, to: &str, about: &str) {
    let run = migrate(from, to);
    assert_eq!((run.code, run.out.as_str()), (1, ""), "{}", run.err);
    assert!(run.err.contains(about), "not about {about}: {}", run.err);
}

/// Reads all events, which are numbered without gaps; gives the last number.
fn events(address: &str, staff: &str) -> u64 {
    let mut last = 0;
    loop {
        let page = json(&get(address, &format!("/v1/events?after={last}&limit=500"), staff));
        let data = page["data"].as_array().unwrap_or_else(|| panic!("{page}")).clone();
        if data.is_empty() {
            return last;
        }
        for event in data {
            last += 1;
            assert_eq!(event["number"].as_u64(), Some(last), "{event}");
        }
    }
}

/// A node's directory with what the move said to copy.
fn node(folder: &Path, source: &Path) -> std::path::PathBuf {
    let data = folder.join("node");
    std::fs::create_dir(&data).expect("made");
    for name in ["vault.key", "sandbox-bank"] {
        let copied = std::process::Command::new("cp").arg("-a").arg(source.join(name)).arg(&data).status();
        assert!(copied.expect("cp runs").success());
    }
    data
}

#[test]
fn a_moved_bank_goes_on_where_it_stopped() {
    let cluster = Cluster::start(&[]).expect("PostgreSQL is installed");
    // A server that sorts texts as people do, not by their bytes.
    let url = database(&cluster, "bank", "LOCALE_PROVIDER icu ICU_LOCALE 'en-US'");
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("bank");
    let words = ["demo", "--data", text(&data), "--listen", "127.0.0.1:0", "--days", "1", "--no-traffic", "--json"];
    let mut serving = Serving::start(&words);
    let page: Value = serde_json::from_str(&serving.line()).expect("JSON");
    let address = word(&page, "/listening").trim_start_matches("http://").to_owned();
    let (session, staff) = (word(&page, "/session"), word(&page, "/staff_token"));
    let tea = serde_json::json!({ "merchant": word(&page, "/shops/0/merchant"),
        "amount": { "amount": "12.50", "currency": "CNY" } });
    let (status, paid) = post(&address, "/v1/payments", (session, "tea-1"), &tea);
    assert!(status.contains(" 201 "), "{status} {paid}");
    let told = events(&address, staff);
    let has = json(&get(&address, "/v1/wallet", session));
    refused(&data, &url, "another process has this data directory open");
    assert_eq!(serving.stop(), Some(0));

    let moved = run(&["migrate", "--from", text(&data), "--to", &url, "--json"]);
    assert_eq!(moved.code, 0, "{}{}", moved.out, moved.err);
    let report = moved.json();
    assert_eq!((&report["same"], &report["checked"]), (&Value::Bool(true), &Value::Bool(true)), "{report}");
    let rows = |name: &str| {
        let table = report["tables"].as_array().expect("tables").iter().find(|table| table["table"] == name);
        table.and_then(|table| table["target"]["rows"].as_u64()).expect("a number")
    };
    assert!(rows("journal") > 50 && rows("idempotency") > 50 && rows("event") == told, "{report}");
    let left = run(&["serve", "--data", text(&data), "--listen", "127.0.0.1:0"]);
    assert!(left.code == 1 && left.err.contains("has moved to"), "{}", left.err);
    refused(&data, &url, "has moved to");

    let again = node(folder.path(), &data);
    let mut serving = Serving::start(&["serve", "--data", text(&again), "--database", &url, "--listen", "127.0.0.1:0"]);
    let line = serving.line();
    let address = line.strip_prefix("listening on http://").expect("the ready line").to_owned();
    assert_eq!(json(&get(&address, "/v1/wallet", session)), has, "her session and her money");
    let sign_in = serde_json::json!({ "sign_in": word(&page, "/people/0/sign_in"),
        "password": word(&page, "/people/0/password") });
    let (status, signed) = post(&address, "/v1/sessions", ("", ""), &sign_in);
    assert!(status.contains(" 201 "), "{status} {signed}");
    let token = word(&signed, "/token");
    assert_eq!(post(&address, "/v1/payments", (token, "tea-1"), &tea).1, paid, "the stored answer");
    assert_eq!(events(&address, staff), told, "and nothing was done for it");
    let (status, more) = post(&address, "/v1/payments", (token, "tea-2"), &tea);
    assert!(status.contains(" 201 ") && more["id"] != paid["id"], "{status} {more}");
    assert!(events(&address, staff) > told);
    assert_eq!(serving.stop(), Some(0));
    let checked = run(&["check", "--database", &url]);
    assert_eq!(checked.code, 0, "{}{}", checked.out, checked.err);
    let behind = "SELECT nextval('job_no_seq') > (SELECT max(no) FROM job)";
    assert_eq!(cluster.sql("bank", behind).expect("read"), "t");
}

/// A small sandbox.
fn bank(data: &Path) {
    let made = run(&["staff", "enrol", "Wang Fang", "--data", text(data), "--sandbox"]);
    assert_eq!(made.code, 0, "{}", made.err);
}

fn change(data: &Path, statement: &str) {
    let connection = sql::Connection::open_writer(&data.join(sql::FILE_NAME), 4096).expect("opens");
    assert_eq!(connection.execute(statement, &[]).expect("changed"), 1);
}

/// Makes the schema, and a bank of somebody else in it.
fn other_bank(folder: &Path, url: &str) {
    let other = folder.join("other");
    let words = ["serve", "--data", text(&other), "--database", url, "--listen", "127.0.0.1:0", "--sandbox"];
    let mut serving = Serving::start(&words);
    assert!(serving.line().starts_with("listening"));
    assert_eq!(serving.stop(), Some(0));
}

#[test]
fn what_cannot_be_moved_is_refused_with_what_to_do() {
    let cluster = Cluster::start(&[]).expect("PostgreSQL is installed");
    let url = database(&cluster, "bank", "");
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("bank");
    refused(&data, &url, "there is no bank in");
    bank(&data);
    assert_eq!(run(&["migrate", "--from", text(&data)]).code, 2);
    refused(&data, "mysql://x@localhost/y", "postgres://USER@HOST");
    let shop = database(&cluster, "shop", "");
    cluster.sql("shop", "CREATE TABLE basket(id BIGINT)").expect("made");
    refused(&data, &shop, "there is a table basket");
    let taken = database(&cluster, "taken", "");
    other_bank(folder.path(), &taken);
    refused(&data, &taken, "holds a bank already");
    cluster.sql("taken", "DELETE FROM tenant").expect("deleted");
    refused(&data, &taken, "holds a bank already");
    let newer = database(&cluster, "newer", "");
    cluster.sql("newer", "CREATE TABLE migration(version BIGINT PRIMARY KEY, name TEXT NOT NULL)").expect("made");
    cluster.sql("newer", "INSERT INTO migration VALUES (9001, 'room for more')").expect("written");
    refused(&data, &newer, "the step 9001");
    std::fs::rename(data.join("vault.key"), folder.path().join("key")).expect("taken away");
    refused(&data, &url, "put it back");
    std::fs::rename(folder.path().join("key"), data.join("vault.key")).expect("put back");
    change(&data, "UPDATE migration SET version = -60 WHERE version = 60");
    refused(&data, &url, "older than this program");
    change(&data, "UPDATE migration SET version = 60 WHERE version = -60");
    let gap = "INSERT INTO event(no, at, kind, version, subject, body) \
        SELECT COALESCE(max(no), 0) + 2, 1, 'x', 1, x'00', '{}' FROM event";
    change(&data, gap);
    refused(&data, &url, "is damaged");
    let mut serving = Serving::start(&["serve", "--data", text(&data), "--listen", "127.0.0.1:0"]);
    assert!(serving.line().starts_with("listening"), "a refused move closes nothing");
    serving.stop();
}

const ROWS: &str = "SELECT sum((xpath('/row/c/text()', query_to_xml(format('SELECT count(*) AS c FROM %I', tablename), \
    false, true, '')))[1]::text::bigint) FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'migration'";
const EMPTY: &str = "DO $$ DECLARE t text; BEGIN FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' \
    AND tablename <> 'migration' LOOP EXECUTE format('TRUNCATE %I', t); END LOOP; END $$";
const SLEEPING: &str = "FROM pg_stat_activity WHERE wait_event = 'PgSleep'";

/// A move that has got as far as the late table whose rows are waited for.
fn halfway(cluster: &Cluster, data: &Path, url: &str) -> Child {
    let mut command = jiaozi();
    command.args(["migrate", "--from", text(data), "--to", url]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let sleeps = || cluster.sql("postgres", &format!("SELECT count(*) {SLEEPING}")).expect("read") == "1";
    let there = (0..600).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        sleeps()
    });
    if !there {
        child.kill().expect("killed");
        child.wait().expect("ended");
        panic!("the move does not get to the last tables");
    }
    child
}

#[test]
fn a_move_that_is_ended_in_the_middle_leaves_nothing_and_a_changed_row_is_noticed() {
    let cluster = Cluster::start(&[]).expect("PostgreSQL is installed");
    let url = database(&cluster, "bank", "");
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("bank");
    bank(&data);
    other_bank(folder.path(), &url);
    let sql = |statement: &str| cluster.sql("bank", statement).expect("done");
    sql(EMPTY);
    sql("CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(300); RETURN NULL; END'");
    sql("CREATE TRIGGER wait BEFORE INSERT ON vault_check EXECUTE FUNCTION wait()");
    let end = format!("SELECT pg_terminate_backend(pid) {SLEEPING}");

    let cut = halfway(&cluster, &data, &url);
    assert_eq!(sql(&end), "t");
    let cut = cut.wait_with_output().expect("it ends");
    let told = String::from_utf8_lossy(&cut.stderr).into_owned();
    assert!(cut.status.code() == Some(1) && told.contains("nothing was moved"), "{told}");
    assert_eq!(sql(ROWS), "0");

    let mut killed = halfway(&cluster, &data, &url);
    killed.kill().expect("killed");
    killed.wait().expect("ended");
    assert_eq!(sql(&end), "t");
    // The session's end is what gives its locks back.
    assert_eq!(sql(&format!("LOCK TABLE tenant; {ROWS}")), "0");
    assert!(!data.join("moved").exists(), "the source is still served");

    sql("DROP TRIGGER wait ON vault_check");
    sql("CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.due := NEW.due + 1; RETURN NEW; END'");
    sql("CREATE TRIGGER change BEFORE INSERT ON job FOR EACH ROW EXECUTE FUNCTION change()");
    let changed = migrate(&data, &url);
    assert_eq!(changed.code, 1, "{}", changed.err);
    let different: Vec<&str> = changed.out.lines().filter(|line| line.contains("DIFFERENT")).collect();
    assert!(different.len() == 1 && different[0].contains("  job  "), "{}", changed.out);
    assert!(changed.err.contains("do not serve it"), "{}", changed.err);

    sql(EMPTY);
    sql("DROP TRIGGER change ON job");
    std::fs::remove_file(data.join("moved")).expect("closed before COMMIT");
    let moved = migrate(&data, &url);
    assert_eq!(moved.code, 0, "{}{}", moved.out, moved.err);
    assert!(moved.out.contains("the same on both sides") && moved.err.contains("vault.key"), "{}", moved.err);
}
