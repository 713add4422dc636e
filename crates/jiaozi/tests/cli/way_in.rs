//! The way in as an operator chooses it: certificates and their change, what is refused at the start, and the log.

use crate::program::{jiaozi, run, text};
use crate::serving::{Serving, get};
use reqwest::{Certificate, Client};
use sql::testing::certificates::{Authority, Pair};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use tempfile::TempDir;

const NAMES: &str = "IP:127.0.0.1";

fn authority(folder: &TempDir, name: &str) -> Authority {
    Authority::make(&folder.path().join(name)).expect("openssl makes an authority")
}

/// A client that believes one file's certificate only, over connections of one request each.
fn believing(file: &Path) -> Client {
    let root = Certificate::from_pem(&std::fs::read(file).expect("a file")).expect("a certificate");
    Client::builder().no_proxy().tls_certs_only([root]).pool_max_idle_per_host(0).build().expect("a client")
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// The body of what is there, when the certificate is believed.
fn fetch(client: &Client, url: &str) -> Option<String> {
    runtime().block_on(async { client.get(url).send().await.ok()?.text().await.ok() })
}

fn put(pair: &Pair, certificate: &Path, key: &Path) {
    // As an operator does it: a new file takes the old one's place.
    for (from, to) in [(&pair.certificate, certificate), (&pair.key, key)] {
        let beside = to.with_extension("new");
        std::fs::copy(from, &beside).expect("copied");
        std::fs::rename(&beside, to).expect("in place");
    }
}

/// A serving process whose log is kept in a file.
struct Logged {
    child: Child,
    address: String,
    log: std::path::PathBuf,
}

impl Logged {
    fn start(folder: &TempDir, words: &[&str], level: &str) -> Self {
        let log = folder.path().join("log");
        let file = std::fs::File::create(&log).expect("a file");
        let mut command = jiaozi();
        command.args(["serve", "--listen", "127.0.0.1:0", "--sandbox"]).args(words).env("RUST_LOG", level);
        let mut child = command.stdout(Stdio::piped()).stderr(file).spawn().expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        let address = line.trim_end().rsplit("://").next().unwrap_or_default();
        let address = address.trim_end_matches("\"}").to_owned();
        Self { child, address, log }
    }

    fn signal(&self, name: &str) {
        let told = std::process::Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(told.expect("kill runs").success());
    }

    /// Everything it has said, once it has stopped in order.
    fn end(mut self) -> String {
        self.signal("-TERM");
        assert_eq!(self.child.wait().expect("it ends").code(), Some(0));
        String::from_utf8(std::fs::read(&self.log).expect("a log")).expect("UTF-8")
    }
}

#[test]
fn a_new_certificate_is_taken_over_without_a_restart_and_a_bad_one_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (authority(&folder, "first"), authority(&folder, "second"));
    let (certificate, key) = (folder.path().join("bank.pem"), folder.path().join("bank.key"));
    put(&first.sign(NAMES, true).expect("signed"), &certificate, &key);
    let data = folder.path().join("bank");
    let words = ["--data", text(&data), "--tls-certificate", text(&certificate), "--tls-key", text(&key)];
    let server = Logged::start(&folder, &words, "warn");
    let url = format!("https://{}/metrics", server.address);
    let (old, new) = (believing(&first.file()), believing(&second.file()));
    assert!(fetch(&old, &url).is_some_and(|text| text.contains("jiaozi_http_responses_total")));
    assert!(fetch(&new, &url).is_none());

    put(&second.sign(NAMES, true).expect("signed"), &certificate, &key);
    server.signal("-HUP");
    // The signal is heard a moment later.
    let shown = (0..2_000).find_map(|_| fetch(&new, &url)).expect("the new certificate is shown");
    assert!(shown.contains("jiaozi_tls_certificate_ends_timestamp_seconds"), "{shown}");
    assert!(fetch(&old, &url).is_none());

    std::fs::copy(first.sign("DNS:x.example", true).expect("signed").key, &key).expect("another key");
    server.signal("-HUP");
    let failed = |text: String| text.contains("jiaozi_tls_reload_failed 1").then_some(());
    assert!((0..2_000).find_map(|_| fetch(&new, &url).and_then(failed)).is_some(), "it is told, and the old one shown");
    let log = server.end();
    assert!(log.contains("a new certificate is shown"), "{log}");
    assert!(log.contains("do not belong together") && log.contains("the old one is still shown"), "{log}");
    assert!(!log.contains("PRIVATE KEY"), "{log}");
}

#[test]
fn what_would_be_unsafe_is_refused_before_a_bank_is_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = authority(&folder, "first");
    let (one, other) = (authority.sign(NAMES, true).expect("one"), authority.sign("DNS:x", true).expect("other"));
    let data = folder.path().join("bank");
    let refused = |words: &[&str], code: i32, why: &str| {
        let words = [&["serve", "--sandbox", "--data", text(&data)], words].concat();
        let refused = run(&words);
        assert_eq!(refused.code, code, "{words:?}: {}", refused.err);
        assert!(refused.err.contains(why), "{words:?}: {}", refused.err);
        assert!(!data.exists(), "no bank was made");
    };
    let (certificate, key) = (text(&one.certificate), text(&one.key));
    refused(&["--listen", "192.0.2.1:80"], 2, "without TLS they would send passwords for all to read");
    refused(&["--listen", "0.0.0.0:0"], 2, "--behind-proxy");
    refused(&["--listen", "[::]:0"], 2, "--tls-certificate");
    refused(&["--tls-certificate", certificate], 2, "--tls-key");
    refused(&["--tls-certificate", certificate, "--tls-key", text(&other.key)], 1, "do not belong together");
    let over = authority.sign(NAMES, false).expect("over");
    refused(&["--tls-certificate", text(&over.certificate), "--tls-key", text(&over.key)], 1, "was good until");
    refused(&["--trusted-proxy", "everybody"], 2, "is no network");
    refused(&["--allow-origin", "*"], 2, "is no origin");
    refused(&["--forwarded-header", "x-real-ip"], 2, "forwarded");
    std::fs::set_permissions(key, std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("opened");
    refused(&["--tls-certificate", certificate, "--tls-key", key], 1, "may be read by others");
    let file = folder.path().join("jiaozi.toml");
    std::fs::write(&file, format!("tls_certificate = \"{certificate}\"\n")).expect("written");
    refused(&["--config", text(&file)], 2, "together");
}

#[test]
fn behind_a_proxy_nothing_is_read_from_forwarding_headers_unless_it_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("bank");
    let server = Logged::start(&folder, &["--data", text(&data), "--behind-proxy"], "warn");
    let answer = get(&server.address, "/v1/me", "");
    assert!(answer.contains("strict-transport-security: max-age="), "{answer}");
    assert!(server.end().contains("no --trusted-proxy is named"));
    let again = ["--data", text(&data), "--behind-proxy", "--trusted-proxy", "127.0.0.1"];
    let server = Logged::start(&folder, &again, "warn");
    assert!(!server.end().contains("no --trusted-proxy is named"));
}

#[test]
fn the_demo_speaks_tls_with_a_certificate_of_its_own() {
    let mut demo =
        Serving::start(&["demo", "--listen", "127.0.0.1:0", "--days", "0", "--no-traffic", "--tls", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&demo.line()).expect("JSON");
    let base = told["listening"].as_str().expect("an address");
    let file = Path::new(told["certificate"].as_str().expect("a file"));
    assert!(base.starts_with("https://"), "{told}");
    let client = believing(file);
    assert!(fetch(&client, &format!("{base}/healthz")).is_some_and(|text| text.contains("alive")));
    let named = base.replace("127.0.0.1", "localhost");
    assert!(fetch(&client, &format!("{named}/healthz")).is_some(), "it is localhost's too");
    assert!(told["commands"][0]["command"].as_str().is_some_and(|command| command.contains("--cacert")), "{told}");
    assert!(!std::fs::read_to_string(file).expect("a file").contains("PRIVATE"));
    assert_eq!(demo.stop(), Some(0));
}

/// Sends bytes as they are and takes what comes.
fn send(address: &str, bytes: &[u8]) {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    // The server may hang up before it has read everything.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let _ = stream.read_to_end(&mut Vec::new());
}

#[test]
fn nobody_can_write_a_line_or_a_secret_into_the_log() {
    const SECRETS: &[&str] =
        &["jzs_canarytoken", "canary-password", "13912345678", "canary@example.com", "canary-cookie", "canary-query"];
    for form in [&[][..], &["--json"]] {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("bank");
        let server = Logged::start(&folder, &[&["--data", text(&data)], form].concat(), "trace");
        let [token, password, phone, mail, cookie, query] = SECRETS else { panic!("six of them") };
        let forged = "\r\n2026-01-01T00:00:00Z ERROR forged: a line";
        let body = format!("{{\"sign_in\":\"+86{phone}\",\"password\":\"{password}\",\"x\\n{mail}\":\"\\u001b[2J\"}}");
        let heads = [
            format!("GET /v1/me?q={query}%0d%0aforged HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n"),
            format!("GET /v1/me HTTP/1.1\r\nhost: x\r\ncookie: __Host-session={token}; a={cookie}\r\n\r\n"),
            format!("GET /%1b[31m%0a{mail} HTTP/1.1\r\nhost: x\r\nx-request-id: \u{1b}[2J\u{9b}31m\r\n\r\n"),
            format!("GET /\u{202e}{phone} HTTP/1.1\r\nhost: \u{1b}]0;x\u{7}\r\n\r\n"),
            format!("POST /v1/customers HTTP/1.1\r\nhost: x\r\nidempotency-key: {token}\t\r\n{forged}\r\n\r\n"),
            format!("{forged}\r\n\r\n"),
            format!("GET /{} HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "a".repeat(70_000), "b".repeat(70_000)),
            format!(
                "POST /v1/sessions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            ),
            "POST /v1/sessions HTTP/1.1\r\nhost: x\r\ncontent-type: a\u{1b}[2J\r\ncontent-length: 2\r\n\r\n{}"
                .to_owned(),
            format!("\u{16}\u{3}\u{1}{token}"),
        ];
        for head in &heads {
            send(&server.address, head.as_bytes());
        }
        let right = "{\"sign_in\":\"+8613912345678\",\"password\":\"canary-password-1\",\"display_name\":\"王芳\",\"currencies\":[\"CNY\"]}";
        let register =
            "POST /v1/customers HTTP/1.1\r\nhost: x\r\nidempotency-key: k\r\ncontent-type: application/json\r\n";
        let register = format!("{register}connection: close\r\ncontent-length: {}\r\n\r\n{right}", right.len());
        send(&server.address, register.as_bytes());
        let log = server.end();
        assert!(log.lines().count() > 3, "at this level something is said: {log}");
        for line in log.lines() {
            let ours = line.starts_with("jiaozi") || line.trim_start().starts_with("20") || line.starts_with('{');
            assert!(ours, "a line that is not ours: {line:?}");
            assert!(!line.starts_with("2026-01-01T00:00:00Z ERROR forged"), "{line:?}");
        }
        let steering = |character: char| character.is_control() && character != '\n';
        assert!(!log.contains(steering) && !log.contains('\u{202e}'), "{log:?}");
        for secret in SECRETS {
            assert!(!log.contains(secret), "{secret} stands in the log");
        }
    }
}
