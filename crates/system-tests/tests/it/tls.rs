//! TLS as clients meet it: versions, the certificate and its change, handshakes that do not come, HSTS.

use crate::house::{House, unlimited};
use edge::{Options, Pair, Proxies, Tls};
use reqwest::tls::Version;
use reqwest::{Certificate, Client, ClientBuilder};
use sql::testing::certificates::{self, Authority};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use vocabulary::{Clock, Timestamp};

const NAMES: &str = "IP:127.0.0.1";

fn now() -> Timestamp {
    system_tests::clock::MachineClock.now()
}

fn authority(folder: &TempDir, name: &str) -> Authority {
    Authority::make(&folder.path().join(name)).expect("openssl makes an authority")
}

fn pair(signed: &certificates::Pair) -> Pair {
    Pair::read(&signed.certificate, &signed.key, now()).expect("a good pair")
}

/// An authority's certificate.
fn root(authority: &Authority) -> Vec<u8> {
    std::fs::read(authority.file()).expect("a file")
}

/// A client that believes this authority only.
fn believing(root: &[u8]) -> ClientBuilder {
    let root = Certificate::from_pem(root).expect("a certificate");
    Client::builder().no_proxy().tls_certs_only([root]).pool_max_idle_per_host(0)
}

async fn status(client: &Client, house: &House) -> Result<u16, String> {
    let answer = client.get(format!("{}/healthz", house.base)).send().await;
    answer.map(|answer| answer.status().as_u16()).map_err(|error| format!("{error:?}"))
}

struct Encrypted {
    house: House,
    /// Its authority's certificate.
    root: Vec<u8>,
    tls: Tls,
}

async fn encrypted(options: Options) -> Encrypted {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = authority(&folder, "first");
    let tls = Tls::new(pair(&authority.sign(NAMES, true).expect("signed"))).expect("TLS");
    let house = House::with(Options { tls: Some(tls.clone()), ..options }).await;
    Encrypted { house, root: root(&authority), tls }
}

/// What `openssl s_client` says when it connects with these words.
async fn s_client(house: &House, words: &[&str]) -> (bool, String) {
    let mut command = tokio::process::Command::new("openssl");
    let address = house.base.trim_start_matches("https://");
    command.args(["s_client", "-connect", address]).args(words).stdin(std::process::Stdio::null());
    let done = command.output().await.expect("openssl runs");
    let said = [done.stdout, done.stderr].concat();
    (done.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_1_2_and_1_3_are_spoken_and_nothing_older() {
    let Encrypted { house, root, .. } = encrypted(unlimited()).await;
    for (least, most) in [(Version::TLS_1_2, Version::TLS_1_2), (Version::TLS_1_3, Version::TLS_1_3)] {
        let client = believing(&root).tls_version_min(least).tls_version_max(most).build().expect("a client");
        assert_eq!(status(&client, &house).await, Ok(200), "{least:?}");
    }
    for (words, spoken) in [(["-tls1_2"], "TLSv1.2"), (["-tls1_3"], "TLSv1.3")] {
        let (fine, said) = s_client(&house, &words).await;
        assert!(fine && said.contains(spoken), "{said}");
    }
    for old in ["-tls1_1", "-tls1"] {
        let (fine, said) = s_client(&house, &[old, "-cipher", "ALL:@SECLEVEL=0"]).await;
        assert!(!fine && said.contains("SSL alert number"), "{old}: {said}");
    }
    let (fine, said) = s_client(&house, &["-tls1_2", "-cipher", "AES128-SHA:AES256-GCM-SHA384:@SECLEVEL=0"]).await;
    assert!(!fine && said.contains("handshake failure"), "no key exchange without forward secrecy: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_protocol_but_http_1_1_is_agreed_on() {
    let Encrypted { house, .. } = encrypted(unlimited()).await;
    let (fine, said) = s_client(&house, &["-alpn", "http/1.1"]).await;
    assert!(fine && said.contains("ALPN protocol: http/1.1"), "{said}");
    let (fine, said) = s_client(&house, &["-alpn", "h2"]).await;
    assert!(!fine && said.contains("no application protocol"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_shown_from_the_next_handshake_on_and_connections_stay() {
    let Encrypted { house, root: first, tls } = encrypted(unlimited()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let second = authority(&folder, "second");
    let kept = believing(&first).pool_max_idle_per_host(1).build().expect("a client");
    let (old, new) =
        (believing(&first).build().expect("a client"), believing(&root(&second)).build().expect("a client"));
    assert_eq!(status(&kept, &house).await, Ok(200));
    assert_eq!(status(&old, &house).await, Ok(200));
    assert!(status(&new, &house).await.expect_err("not shown yet").contains("UnknownIssuer"));
    tls.show(pair(&second.sign(NAMES, true).expect("signed"))).expect("shown");
    assert_eq!(status(&new, &house).await, Ok(200));
    assert!(status(&old, &house).await.expect_err("shown no more").contains("UnknownIssuer"));
    assert_eq!(status(&kept, &house).await, Ok(200), "a connection that was there goes on");
}

#[test]
fn a_pair_that_does_not_do_is_refused_with_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = authority(&folder, "first");
    let (one, over) = (authority.sign(NAMES, true).expect("signed"), authority.sign(NAMES, false).expect("signed"));
    let other = authority.sign("DNS:other.example", true).expect("signed");
    let why = |certificate: &Path, key: &Path, at| {
        Pair::read(certificate, key, at).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(why(&one.certificate, &one.key, now()), "");
    assert!(why(&one.certificate, &other.key, now()).contains("do not belong together"));
    assert!(why(&over.certificate, &over.key, now()).contains("was good until 2002-01-01"));
    assert!(why(&one.certificate, &one.key, Timestamp::from_micros(0)).contains("and not before"));
    assert!(why(&one.key, &one.key, now()).contains("no certificate"));
    assert!(why(&one.certificate, &one.certificate, now()).contains("may be read by others"));
    std::fs::set_permissions(&one.certificate, PermissionsExt::from_mode(0o600)).expect("closed");
    assert!(why(&one.certificate, &one.certificate, now()).contains("no private key"));
    assert!(why(&one.certificate, &folder.path().join("none"), now()).contains("cannot be read"));
    std::fs::set_permissions(&one.key, PermissionsExt::from_mode(0o644)).expect("opened");
    assert!(why(&one.certificate, &one.key, now()).contains("may be read by others"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_does_not_come_is_cut_and_counts_as_a_connection() {
    let few = Options { head: Duration::from_millis(300), connections: 2, ..unlimited() };
    let Encrypted { house, root, .. } = encrypted(few).await;
    let address = house.base.trim_start_matches("https://");
    let mut silent = TcpStream::connect(address).await.expect("a connection");
    let mut slow = TcpStream::connect(address).await.expect("a connection");
    slow.write_all(&[22, 3, 1, 2, 0, 1]).await.expect("the beginning of a hello");
    // Both places are taken; the third is served once the others are cut.
    let client = believing(&root).build().expect("a client");
    assert_eq!(status(&client, &house).await, Ok(200));
    for stream in [&mut silent, &mut slow] {
        let mut said = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut said)).await;
        assert!(ended.is_ok(), "the server hung up");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_speak_tls_gets_no_answer_in_the_clear() {
    let Encrypted { house, .. } = encrypted(unlimited()).await;
    let mut stream = TcpStream::connect(house.base.trim_start_matches("https://")).await.expect("a connection");
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("written");
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said).await;
    assert!(!String::from_utf8_lossy(&said).contains("HTTP/"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_are_told_to_come_encrypted_only_where_it_is() {
    const TOLD: &str = "max-age=63072000; includeSubDomains";
    let Encrypted { house, root, .. } = encrypted(unlimited()).await;
    let client = believing(&root).build().expect("a client");
    for path in ["/", "/docs/errors", "/healthz", "/v1/me", "/nothing"] {
        let answer = client.get(format!("{}{path}", house.base)).send().await.expect("an answer");
        assert_eq!(answer.headers()["strict-transport-security"], TOLD, "{path}");
    }
    let proxies = Proxies { end_tls: true, ..Proxies::default() };
    let behind = House::with(Options { proxies, ..unlimited() }).await;
    assert_eq!(behind.get("/v1/me", "").await.header("strict-transport-security"), TOLD);
    let plain = House::open().await;
    assert_eq!(plain.get("/v1/me", "").await.header("strict-transport-security"), "");
}
