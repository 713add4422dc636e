//! Reaching a server: what is read from a URL, what is refused, TLS, and several hosts. Each test has a server of its own.

use crate::server::Server;
use crate::testing::certificates::{Authority, Pair};
use crate::testing::cluster::Cluster;
use crate::{Database, Passwords, SqlError};
use std::path::Path;

fn parse(url: &str) -> Result<Server, SqlError> {
    Server::parse(url, &Passwords::default())
}

fn refusal(url: &str) -> String {
    match parse(url) {
        Err(SqlError::Refused(text)) => text,
        other => panic!("{url} gave {other:?}"),
    }
}

#[test]
fn a_url_that_is_not_safe_or_not_understood_is_refused_with_what_to_do() {
    let cases = [
        ("mysql://a@b/c", "postgres://USER@HOST"),
        ("postgres://bank@/bank", "names no host"),
        ("postgres://localhost/bank", "names no user"),
        ("postgres://bank@localhost:port/bank", "port"),
        ("postgres://bank@localhost/bank?sslmod=disable", "the parameter sslmod, which is not known"),
        ("postgres://bank@localhost/bank?sslmode", "PARAMETER=VALUE"),
        ("postgres://bank@localhost/bank?sslmode=%zz", "hexadecimal"),
        ("postgres://bank@localhost/bank?sslmode=verify", "sslmode is verify-full"),
        ("postgres://bank@localhost/bank?target_session_attrs=any", "read-write"),
        ("postgres://bank@localhost/bank?sslrootcert=ca.pem", "sslmode=verify-full"),
        ("postgres://bank@%2Ftmp/bank?sslmode=verify-full", "a unix socket has no TLS"),
        ("postgres://bank@db.example/bank", "sslrootcert=FILE"),
        ("postgres://bank@localhost,db.example/bank", "sslrootcert=FILE"),
        ("postgres://bank@localhost/bank?hostaddr=192.0.2.1", "sslrootcert=FILE"),
        ("postgres://bank@db.example/bank?sslmode=disable", "would cross the network in the open"),
        ("postgres://bank@db.example/bank?sslmode=require", "does not check"),
        ("postgres://bank@db.example/bank?sslmode=verify-ca", "does not check"),
        ("postgres://bank@localhost/bank?sslmode=prefer", "does not check"),
        ("postgres://bank@db.example/bank?sslrootcert=/no/such.pem", "/no/such.pem cannot be read"),
    ];
    for (url, expected) in cases {
        let told = refusal(url);
        assert!(told.contains(expected), "{url}: {told}");
    }
}

#[test]
fn nothing_shows_a_password() {
    let secret = "hunter%2F2";
    for url in
        ["postgres://bank:hunter%2F2@localhost:no/bank", "postgres://bank:hunter%2F2@db.example/bank?x=hunter%2F2"]
    {
        let told = refusal(url);
        assert!(!told.contains("hunter"), "{told}");
    }
    let server = parse(&format!("postgres://bank:{secret}@localhost/bank")).expect("a URL");
    assert!(!format!("{server:?}").contains("hunter") && !format!("{:?}", server.hosts[0].config).contains("hunter"));
}

/// A server with TLS, who may log in with a password over TLS only, or with a certificate as `certified`.
fn with_tls(folder: &Path, pair: &Pair, authority: &Authority) -> Cluster {
    let cluster = Cluster::make().expect("PostgreSQL is installed");
    let file = |from: &Path, name: &str| {
        let to = cluster.folder().join(name);
        std::fs::copy(from, &to).expect("copied");
        cluster.hand_over(&to).expect("handed over");
        format!("'{}'", to.display())
    };
    let (certificate, key) = (file(&pair.certificate, "server.pem"), file(&pair.key, "server.key"));
    let authorities = file(&authority.file(), "clients.pem");
    let settings =
        [format!("ssl_cert_file={certificate}"), format!("ssl_key_file={key}"), format!("ssl_ca_file={authorities}")];
    let settings: Vec<&str> =
        settings.iter().map(String::as_str).chain(["ssl=on", "password_encryption='scram-sha-256'"]).collect();
    cluster.configure(&settings).expect("configured");
    let rules =
        "local all admin trust\nhostssl all certified 127.0.0.1/32 cert\nhostssl all bank 127.0.0.1/32 scram-sha-256\n";
    cluster.admit(rules).expect("written");
    cluster.run().unwrap_or_else(|error| panic!("{error} in {}", folder.display()));
    cluster.sql("postgres", "CREATE ROLE bank LOGIN PASSWORD 'open sesame'").expect("made");
    cluster.sql("postgres", "CREATE ROLE certified LOGIN").expect("made");
    cluster
}

fn connect(url: &str) -> Result<bool, SqlError> {
    let connection = Database::parse(url, &Passwords::default())?.open_writer(0)?;
    connection
        .number("SELECT count(*) FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl", &[])
        .map(|rows| rows == 1)
}

fn untrusted(url: &str, expected: &str) {
    match connect(url) {
        Err(SqlError::Refused(text)) => assert!(text.contains(expected) && !text.contains("sesame"), "{url}: {text}"),
        other => panic!("{url} gave {other:?}"),
    }
}

#[test]
fn only_a_server_that_proves_its_name_is_talked_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::make(&folder.path().join("ca")).expect("openssl");
    let stranger = Authority::make(&folder.path().join("stranger")).expect("openssl");
    let good = authority.sign("DNS:localhost", true).expect("signed");
    let cluster = with_tls(folder.path(), &good, &authority);
    let url = |host: &str, authority: &Authority, more: &str| {
        let (port, file) = (cluster.port(), authority.file());
        format!(
            "postgres://bank:open%20sesame@{host}:{port}/postgres?sslmode=verify-full&sslrootcert={}{more}",
            file.display()
        )
    };
    assert!(connect(&url("localhost", &authority, "")).expect("the right authority and name"));
    assert!(
        connect(&url("localhost", &authority, "&channel_binding=require"))
            .expect("the password is bound to the channel")
    );
    untrusted(&url("localhost", &stranger, ""), "UnknownIssuer");
    untrusted(&url("127.0.0.1", &authority, ""), "not valid for name");
    untrusted(&url("localhost", &authority, "").replace("sesame", "wrong"), "pg_hba.conf");
    let plain = format!("postgres://bank:open%20sesame@localhost:{}/postgres?sslmode=disable", cluster.port());
    untrusted(&plain, "no encryption");

    let (port, file) = (cluster.port(), authority.file());
    let certified = authority.sign("certified", true).expect("signed");
    let with = |pair: &Pair| {
        format!(
            "postgres://certified@localhost:{port}/postgres?sslmode=verify-full&sslrootcert={}&sslcert={}&sslkey={}",
            file.display(),
            pair.certificate.display(),
            pair.key.display()
        )
    };
    cluster.hand_over(&certified.key).expect("closed");
    assert!(connect(&with(&certified)).expect("a client's certificate is as good as a password"));
    let false_one = Pair { certificate: certified.certificate, key: good.key };
    cluster.hand_over(&false_one.key).expect("closed");
    untrusted(&with(&false_one), "does not fit the certificate");

    let expired = authority.sign("DNS:localhost", false).expect("signed");
    for (from, name) in [(&expired.certificate, "server.pem"), (&expired.key, "server.key")] {
        std::fs::copy(from, cluster.folder().join(name)).expect("copied");
    }
    cluster.sql("postgres", "SELECT pg_reload_conf()").expect("read again");
    // The postmaster reads its files again when it gets to it.
    for _ in 0..500 {
        if connect(&url("localhost", &authority, "")).is_err() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    untrusted(&url("localhost", &authority, ""), "expired");

    cluster.sql("postgres", "ALTER SYSTEM SET ssl = off").expect("set");
    cluster.stop("fast").expect("stopped");
    cluster.admit("host all all 127.0.0.1/32 trust\n").expect("written");
    cluster.run().expect("started");
    untrusted(&url("localhost", &authority, ""), "offers no TLS");
}

#[test]
fn of_several_hosts_the_one_that_takes_writes_is_found() {
    let (standby, primary) = (Cluster::start(&[]).expect("a server"), Cluster::start(&[]).expect("another"));
    standby.sql("postgres", "ALTER SYSTEM SET default_transaction_read_only = on").expect("set");
    standby.sql("postgres", "SELECT pg_reload_conf()").expect("read again");
    let url = |first: u16, second: u16| format!("postgres://admin@127.0.0.1:{first},127.0.0.1:{second}/postgres");
    let database = Database::parse(&url(standby.port(), primary.port()), &Passwords::default()).expect("a URL");
    let port = |connection: &crate::Connection| connection.number("SELECT inet_server_port()", &[]).expect("a port");
    let alone = format!("postgres://admin@127.0.0.1:{}/postgres", standby.port());
    for _ in 0..500 {
        if connect(&alone).is_err() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    untrusted(&alone, "it is a standby");
    assert_eq!(port(&database.open_writer(0).expect("found")), i64::from(primary.port()));

    primary.stop("immediate").expect("stopped");
    let lost = database.open_writer(0).err().expect("nobody takes writes").to_string();
    assert!(lost.contains("nobody answers at") && lost.contains("it is a standby"), "{lost}");
    standby.sql("postgres", "ALTER SYSTEM RESET default_transaction_read_only").expect("promoted");
    standby.sql("postgres", "SELECT pg_reload_conf()").expect("read again");
    let found = (0..500).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        database.open_writer(0).ok()
    });
    assert_eq!(port(&found.expect("the other host is the primary now")), i64::from(standby.port()));
}

/// The machine's time, and so much more.
struct Ahead(i64);

impl vocabulary::Clock for Ahead {
    #[expect(clippy::disallowed_methods, reason = "compared with a server's clock, which is the machine's")]
    fn now(&self) -> vocabulary::Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        vocabulary::Timestamp::from_micros(i64::try_from(since.as_micros()).expect("small") + self.0)
    }
}

#[test]
fn a_far_clock_is_refused_and_so_is_a_server_that_becomes_careless_later() {
    let cluster = Cluster::start(&[]).expect("PostgreSQL is installed");
    let database = Database::parse(&cluster.url("postgres"), &Passwords::default()).expect("a URL");
    for (ahead, expected) in [(4_000_000, "behind ours"), (-4_000_000, "ahead of ours")] {
        let told = database.vet(&Ahead(ahead)).expect_err("too far").to_string();
        assert!(told.contains(expected) && told.contains("NTP"), "{told}");
        let skew = database.clock_skew(&Ahead(ahead)).expect("measured");
        assert!((skew + ahead).abs() < 1_000_000, "{skew}");
    }
    database.vet(&Ahead(0)).expect("this machine's own clock");
    database.open_writer(0).expect("a careful server");
    cluster.sql("postgres", "ALTER SYSTEM SET full_page_writes = off").expect("set");
    cluster.sql("postgres", "SELECT pg_reload_conf()").expect("read again");
    let told = (0..500).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        database.open_writer(0).err()
    });
    let told = told.expect("what is answered done could be lost now").to_string();
    assert!(told.contains("full_page_writes is off"), "{told}");
}
