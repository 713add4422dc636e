//! A bank on PostgreSQL: what is refused at the start, each with what to do; two nodes that start together; a stop in order.
//! Each test has a server of its own.

use crate::program::{Run, jiaozi, text};
use crate::serving::{Serving, get};
use sql::testing::cluster::Cluster;
use std::path::Path;
use std::process::Stdio;

/// Tries to serve; what it is told when it is refused.
fn refused(folder: &Path, url: &str, settings: &[(&str, &str)]) -> String {
    let mut command = jiaozi();
    command.args(["serve", "--listen", "127.0.0.1:0", "--sandbox", "--data", text(folder), "--database", url]);
    command.envs(settings.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let done = command.spawn().and_then(std::process::Child::wait_with_output).expect("it ends by itself");
    let run = Run {
        code: done.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&done.stdout).into_owned(),
        err: String::from_utf8_lossy(&done.stderr).into_owned(),
    };
    assert_eq!((run.code, run.out.as_str()), (1, ""), "{}", run.err);
    assert!(!run.err.contains("sesame"), "a password is shown: {}", run.err);
    run.err
}

fn about(told: &str, expected: &str) {
    assert!(told.contains(expected), "not about {expected}: {told}");
}

fn database(cluster: &Cluster, name: &str) -> String {
    cluster.sql("postgres", &format!("CREATE DATABASE {name}")).expect("made");
    cluster.url(name)
}

#[test]
fn a_server_that_does_not_do_is_refused_with_what_to_do() {
    let cluster = Cluster::start(&[]).expect("PostgreSQL is installed");
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("bank");
    about(&refused(&data, "postgres://bank@db.example/bank", &[]), "sslrootcert=FILE");
    about(&refused(&data, "postgres://bank@localhost/bank?sslmod=disable", &[]), "not known");
    about(&refused(&data, "postgres://bank@localhost:1/bank", &[]), "nobody answers at localhost:1");
    about(&refused(&data, &cluster.url("nowhere"), &[]), "CREATE DATABASE nowhere");

    cluster.sql("postgres", "CREATE ROLE bank LOGIN PASSWORD 'open sesame'").expect("made");
    let rules = "local all admin trust\nhost all bank 127.0.0.1/32 scram-sha-256\n";
    cluster.admit(rules).expect("written");
    cluster.sql("postgres", "SELECT pg_reload_conf()").expect("read again");
    database(&cluster, "money");
    let by_name = |more: &str| format!("postgres://bank{more}@127.0.0.1:{}/money", cluster.port());
    about(&refused(&data, &by_name(":wrong"), &[]), "pg_hba.conf");
    about(&refused(&data, &by_name(""), &[]), "--database-password-file");
    about(&refused(&data, &by_name(":open%20sesame"), &[]), "GRANT USAGE, CREATE ON SCHEMA public");
    let file = folder.path().join("password");
    std::fs::write(&file, "open sesame\n").expect("written");
    let open = [("JIAOZI_DATABASE_PASSWORD_FILE", text(&file))];
    about(&refused(&data, &by_name(""), &open), "chmod 600");
    cluster.sql("money", "GRANT ALL ON SCHEMA public TO bank; CREATE TABLE journal()").expect("made");
    about(&refused(&data, &by_name(":open%20sesame"), &[]), "OWNER TO bank");

    cluster.sql("postgres", "CREATE DATABASE latin ENCODING 'SQL_ASCII' TEMPLATE template0").expect("made");
    about(&refused(&data, &cluster.url("latin"), &[]), "ENCODING 'UTF8'");
    assert!(!data.join("vault.key").exists(), "no key was made for a bank that is not there");
    let other = database(&cluster, "shop");
    cluster.sql("shop", "CREATE TABLE basket(id BIGINT)").expect("made");
    about(&refused(&data, &other, &[]), "there is a table basket");
    let flying = database(&cluster, "flying");
    cluster.sql("flying", "CREATE TABLE migration(id BIGINT)").expect("made");
    about(&refused(&data, &flying, &[]), "of another shape");
    database(&cluster, "idle");
    cluster.sql("idle", "ALTER DATABASE idle SET default_transaction_read_only = on").expect("set");
    about(&refused(&data, &cluster.url("idle"), &[]), "it is a standby");
    cluster.stop("fast").expect("stopped");
    cluster.configure(&["full_page_writes=off"]).expect("written");
    cluster.run().expect("started");
    about(&refused(&data, &cluster.url("money"), &[]), "full_page_writes is off");
    cluster.stop("fast").expect("stopped");
    cluster.configure(&["full_page_writes=on", "fsync=off"]).expect("written");
    cluster.run().expect("started");
    about(&refused(&data, &cluster.url("money"), &[]), "fsync is off");
}

fn serve(data: &Path, url: &str) -> Serving {
    Serving::start(&["serve", "--data", text(data), "--database", url, "--listen", "127.0.0.1:0", "--sandbox"])
}

fn address(serving: &mut Serving) -> String {
    serving.line().strip_prefix("listening on http://").expect("the ready line").to_owned()
}

#[test]
fn a_database_with_other_keys_or_another_history_is_refused() {
    let cluster = Cluster::start(&[]).expect("PostgreSQL is installed");
    let folder = tempfile::tempdir().expect("a folder");
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    let (first, second) = (database(&cluster, "first"), database(&cluster, "second"));
    for (data, url) in [(&one, &first), (&two, &second)] {
        let mut serving = serve(data, url);
        address(&mut serving);
        assert_eq!(serving.stop(), Some(0));
    }
    about(&refused(&one, &second, &[]), "other keys");
    about(&refused(&folder.path().join("three"), &first, &[]), "key file");

    let expanded = "INSERT INTO migration(version, name) VALUES (9001, 'room for more')";
    cluster.sql("first", expanded).expect("written");
    let mut serving = serve(&one, &first);
    let at = address(&mut serving);
    about(&get(&at, "/readyz", ""), "200 OK");
    assert_eq!(serving.stop(), Some(0));
    cluster.sql("first", "INSERT INTO migration(version, name) VALUES (9002, 'contract: less room')").expect("written");
    about(&refused(&one, &first, &[]), "start a newer program on it");
    cluster.sql("second", "UPDATE migration SET name = 'baskets' WHERE version = 1").expect("written");
    about(&refused(&two, &second, &[]), "another program uses this database");
}

#[test]
fn nodes_that_start_together_on_an_empty_database_make_one_bank() {
    let cluster = Cluster::start(&[]).expect("PostgreSQL is installed");
    let folder = tempfile::tempdir().expect("a folder");
    for round in 0..4 {
        let url = database(&cluster, &format!("race{round}"));
        let data = |node: u32| folder.path().join(format!("{round}-{node}"));
        // The same keys for all.
        let key = format!("jiaozi-vault-1\n{}\n", "5a".repeat(32));
        for node in 0..3 {
            use std::os::unix::fs::PermissionsExt;
            std::fs::create_dir(data(node)).expect("made");
            std::fs::write(data(node).join("vault.key"), &key).expect("written");
            let closed = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(data(node).join("vault.key"), closed).expect("closed");
        }
        let mut nodes: Vec<Serving> = (0..3).map(|node| serve(&data(node), &url)).collect();
        for node in &mut nodes {
            let at = address(node);
            about(&get(&at, "/readyz", ""), "200 OK");
        }
        for node in nodes {
            assert_eq!(node.stop(), Some(0));
        }
        let name = format!("race{round}");
        assert_eq!(cluster.sql(&name, "SELECT count(*) FROM tenant").expect("read"), "1");
        assert_eq!(cluster.sql(&name, "SELECT count(*) - count(DISTINCT id) FROM account").expect("read"), "0");
        let checked = crate::program::run(&["check", "--database", &url]);
        assert_eq!(checked.code, 0, "{}{}", checked.out, checked.err);
    }
}

#[test]
fn readiness_says_no_while_the_server_is_about_to_stop() {
    let folder = tempfile::tempdir().expect("a folder");
    let words = ["serve", "--data", text(folder.path()), "--listen", "127.0.0.1:0", "--sandbox", "--drain-notice", "2"];
    let mut serving = Serving::start(&words);
    let at = address(&mut serving);
    about(&get(&at, "/readyz", ""), "200 OK");
    serving.ask_to_stop();
    let told = (0..1_000).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(1));
        let answer = get(&at, "/readyz", "");
        (!answer.starts_with("HTTP/1.1 200")).then_some(answer)
    });
    let told = told.expect("it hears of the stop");
    about(&told, "503 Service Unavailable");
    about(&told, "about to stop");
    about(&told.to_ascii_lowercase(), "retry-after: 1");
    about(&get(&at, "/healthz", ""), "200 OK");
    assert_eq!(serving.end(), Some(0));
}
