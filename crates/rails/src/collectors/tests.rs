//! What collectors receive, and whom they are not told to.

use super::{FileCollector, SyslogCollector};
use ports::{LogCollector, LogLine};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use sql::testing::certificates::{Authority, Pair};
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::thread::JoinHandle;

fn lines() -> Vec<LogLine> {
    let line = |number| LogLine {
        number,
        at: format!("2026-11-23T02:00:0{number}Z"),
        json: format!("{{\"number\":{number}}}"),
    };
    vec![line(1), line(2)]
}

#[test]
fn a_file_gets_a_line_for_each_record_survives_rotation_and_is_its_owners() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("audit.jsonl");
    let mut collector = FileCollector::new(path.clone());
    collector.take(&lines()).expect("taken");
    assert_eq!(std::fs::read_to_string(&path).expect("text"), "{\"number\":1}\n{\"number\":2}\n");
    assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    std::fs::rename(&path, folder.path().join("audit.1")).expect("rotated");
    collector.take(&lines()[1..]).expect("taken");
    assert_eq!(std::fs::read_to_string(&path).expect("text"), "{\"number\":2}\n");
    let mut nowhere = FileCollector::new(folder.path().join("no/such/folder"));
    assert!(nowhere.take(&lines()).is_err());
}

/// A collector that takes one connection and gives what it heard.
fn listening(pair: &Pair) -> (u16, JoinHandle<Option<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let chain = vec![CertificateDer::from_pem_file(&pair.certificate).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_file(&pair.key).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a pair");
    let heard = std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("somebody");
        let session = ServerConnection::new(Arc::new(config)).expect("a session");
        let mut stream = StreamOwned::new(session, stream);
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        stream.conn.send_close_notify();
        std::io::Write::flush(&mut stream).ok()?;
        Some(text)
    });
    (port, heard)
}

#[test]
fn syslog_gets_counted_messages_over_tls() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::make(&folder.path().join("ca")).expect("an authority");
    let (port, heard) = listening(&authority.sign("DNS:localhost", true).expect("a pair"));
    let address = format!("localhost:{port}");
    let mut collector = SyslogCollector::new(&address, &authority.file(), "bank-1").expect("a collector");
    collector.take(&lines()).expect("taken");
    let text = heard.join().expect("no panic").expect("it heard everything");
    let mut rest = text.as_str();
    for number in 1..=2 {
        let (length, after) = rest.split_once(' ').expect("a length");
        let (message, next) = after.split_at(length.parse().expect("a number"));
        assert!(message.starts_with(&format!("<110>1 2026-11-23T02:00:0{number}Z bank-1 jiaozi ")), "{message}");
        assert!(message.ends_with(&format!(" audit - {{\"number\":{number}}}")), "{message}");
        rest = next;
    }
    assert_eq!(rest, "");
}

#[test]
fn a_stranger_is_told_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let ours = Authority::make(&folder.path().join("ours")).expect("an authority");
    let theirs = Authority::make(&folder.path().join("theirs")).expect("an authority");
    for pair in [
        theirs.sign("DNS:localhost", true).expect("a pair"),
        ours.sign("DNS:logs.example.com", true).expect("a pair"),
        ours.sign("DNS:localhost", false).expect("a pair"),
    ] {
        let (port, heard) = listening(&pair);
        let mut collector =
            SyslogCollector::new(&format!("localhost:{port}"), &ours.file(), "bank-1").expect("a collector");
        assert!(collector.take(&lines()).is_err());
        assert_eq!(heard.join().expect("no panic"), None);
    }
}

#[test]
fn an_address_or_file_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").expect("written");
    for (address, file) in
        [("localhost", &empty), ("localhost:x", &empty), ("local host:1", &empty), ("localhost:1", &empty)]
    {
        let Err(what) = SyslogCollector::new(address, file, "bank-1") else { panic!("{address}") };
        assert!(what.contains("HOST:PORT") || what.contains("no certificate"), "{what}");
    }
}
