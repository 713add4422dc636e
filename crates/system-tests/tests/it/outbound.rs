//! Where a merchant can make the bank connect to: webhooks lead out, never inside.

use crate::house::House;
use ports::{WebhookRequest, WebhookSendError, WebhookSender};
use rails::{HttpWebhookSender, Reach};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Somebody inside who counts who comes, and answers with this head.
async fn inside(head: String) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let mut heard = vec![0; 4_096];
            let _ = stream.read(&mut heard).await;
            let _ = stream.write_all(head.as_bytes()).await;
        }
    });
    (port, count)
}

fn message(url: String) -> WebhookRequest {
    WebhookRequest { url, headers: vec![("webhook-id", "msg_1".to_owned())], body: b"{}".to_vec() }
}

fn sender(reach: Reach) -> HttpWebhookSender {
    HttpWebhookSender::new(reach, Duration::from_secs(5)).expect("a sender")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_an_answer_and_nobody_goes_there() {
    let (target, visits) = inside("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned()).await;
    for status in [301, 302, 303, 307, 308] {
        let head =
            format!("HTTP/1.1 {status} x\r\nlocation: http://127.0.0.1:{target}/secret\r\ncontent-length: 0\r\n\r\n");
        let (port, first) = inside(head).await;
        let sent = sender(Reach::Loopback).send(message(format!("http://127.0.0.1:{port}/"))).await;
        assert_eq!(sent, Ok(status));
        assert_eq!(first.load(Ordering::SeqCst), 1);
    }
    assert_eq!(visits.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_leads_inside_when_it_is_connected_to_is_never_connected_to() {
    // As after a rebinding: the text of the address was fine, what it resolves to now is not.
    let (port, visits) = inside(String::new()).await;
    for host in ["localhost", "LOCALHOST", "x@localhost"] {
        let sent = sender(Reach::Public).send(message(format!("https://{host}:{port}/"))).await;
        assert_eq!(sent, Err(WebhookSendError::Refused), "{host}");
    }
    for host in ["127.0.0.1", "127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "0.0.0.0", "[::1]", "[::ffff:7f00:1]"]
    {
        let sent = sender(Reach::Public).send(message(format!("https://{host}:{port}/"))).await;
        assert_eq!(sent, Err(WebhookSendError::Refused), "{host}");
    }
    assert_eq!(visits.load(Ordering::SeqCst), 0, "nobody came");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_inside_is_refused_when_it_is_given_however_it_is_spelled() {
    let house = House::open().await;
    let shop = house.shop("Noodles").await;
    for host in [
        "10.0.0.1",
        "0xa.0.0.1",
        "012.0.0.1",
        "167772161",
        "172.31.255.255",
        "192.168.0.1",
        "169.254.169.254",
        "169.254.169.254.",
        "2852039166",
        "0xa9fea9fe",
        "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[64:ff9b::a00:1]",
        "[2002:a00:1::]",
        "100.100.100.200",
        "0.0.0.0",
        "[::]",
        "metadata.google.internal",
        "metadata.google.internal.",
        "printer.local",
        "intranet",
        "１０.0.0.1",
        "10。0。0。1",
        "user@10.0.0.1",
        "example.com@10.0.0.1",
        "user:pw@example.com",
        "example.com\\@10.0.0.1",
        "[fe80::1%25eth0]",
    ] {
        let body = json!({"url": format!("https://{host}/hooks")});
        let answer = house.post("/v1/webhooks", &shop.token, &body).await;
        let foreign = host.starts_with("example.com\\");
        assert!(answer.code() == "webhook_url_refused" || foreign, "{host}: {}", answer.text);
        assert!(
            !foreign || !answer.text.contains("//10.0.0.1"),
            "the host before the backslash counts: {}",
            answer.text
        );
    }
    for url in ["http://example.com/", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "//x", ""] {
        let body = json!({"url": url});
        let answer = house.post("/v1/webhooks", &shop.token, &body).await;
        assert_eq!(answer.status, 422, "{url}: {}", answer.text);
    }
}
