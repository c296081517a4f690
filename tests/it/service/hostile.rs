//! Clients that mean ill.

use std::time::{Duration, Instant};

use smtp_connector_tests::served::Client;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{ACME, check_problem, message, served};

/// Says something and then nothing; how long the service bears it.
async fn bears(client: &Client, words: &[u8]) -> Duration {
    let begun = Instant::now();
    let mut stream = TcpStream::connect(client.address()).await.expect("it listens");
    stream.write_all(words).await.expect("it listens");
    let mut answer = Vec::new();
    let end = tokio::time::timeout(Duration::from_secs(40), stream.read_to_end(&mut answer));
    let _ = end.await.expect("the service has had enough");
    begun.elapsed()
}

#[tokio::test]
async fn who_says_nothing_further_is_left() {
    let (_relay, _site, served, client) = served().await;
    let body = format!("POST {ACME} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n");
    let begun = [b"".as_slice(), b"GET / HTTP/1.1\r\nHost:", body.as_bytes()];
    let waits = begun.map(|words| bears(&served.client, words));
    let [nothing, head, body] = waits;
    let (nothing, head, body) = tokio::join!(nothing, head, body);
    for wait in [nothing, head, body] {
        assert!(wait < Duration::from_secs(30), "{wait:?}");
    }
    assert_eq!(client.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn what_is_too_large_is_not_read() {
    let (_relay, _site, _served, client) = served().await;
    let large = vec![b' '; 13 << 20];
    let answered = client.ask("POST", ACME, &[], &large).await;
    if let Some(answered) = answered {
        check_problem(&answered, 413, "too-large");
    }
    let head = "x".repeat(200_000);
    let answered = client.ask("GET", "/readyz", &[("X-Large", &head)], b"").await;
    assert!(answered.is_none_or(|answered| answered.status == 431));
    assert_eq!(client.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn a_request_within_a_request_is_none() {
    let (relay, _site, served, _client) = served().await;
    let body = message("jo@example.org", "1").to_string();
    let inner =
        format!("POST {ACME} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    for head in [
        "Content-Length: 4\r\nContent-Length: 400",
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: xchunked",
        "Content-Length: +4",
    ] {
        let request = format!(
            "POST {ACME} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{head}\r\n\r\n0\r\n\r\n{inner}"
        );
        let answer = served.client.say(request.as_bytes()).await.unwrap_or_default();
        let answers = String::from_utf8_lossy(&answer).matches("HTTP/1.1 ").count();
        assert!(answers <= 1, "{head}: {}", String::from_utf8_lossy(&answer));
    }
    assert!(relay.caught().is_empty());
}
