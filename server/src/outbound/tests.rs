//! Requests to servers of this machine that say one thing each.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// A server that answers one request so; its URL, and what it was asked.
async fn answering(answer: &'static [u8]) -> (Url, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("it is bound").port();
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a client");
        let mut heard = vec![0; 4096];
        let length = stream.read(&mut heard).await.expect("a request");
        // Who has heard enough goes away.
        let _ = stream.write_all(answer).await;
        let _ = stream.read(&mut [0]).await;
        String::from_utf8_lossy(&heard[..length]).into_owned()
    });
    (format!("http://127.0.0.1:{port}/a/b?c=d").parse().expect("a URL"), asked)
}

async fn ask(egress: EgressPolicy, url: &Url, patience: Duration) -> Result<Answered, Unanswered> {
    let outbound = Outbound::new(egress).expect("the TLS library works");
    let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static("text/plain"))]);
    let (method, body) = (Method::POST, Bytes::from_static(b"ping"));
    outbound.ask(Inquiry { method, url, headers, body, patience }).await
}

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_request_is_said_and_its_answer_heard() {
    let (url, asked) = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npong").await;
    let answered = ask(EgressPolicy::any(), &url, PATIENCE).await.expect("an answer");
    assert_eq!((answered.status.as_u16(), &answered.body[..]), (200, &b"pong"[..]));
    let asked = asked.await.expect("it was asked").to_ascii_lowercase();
    let host = format!("host: 127.0.0.1:{}\r\n", url.port().expect("a port"));
    for part in ["post /a/b?c=d http/1.1\r\n", &host, "accept: text/plain\r\n", "\r\n\r\nping"] {
        assert!(asked.contains(part), "{part} is missing: {asked}");
    }
}

#[tokio::test]
async fn an_answer_elsewhere_is_an_answer() {
    let elsewhere = b"HTTP/1.1 302 Found\r\nLocation: /c\r\nContent-Length: 0\r\n\r\n";
    let (url, _asked) = answering(elsewhere).await;
    let answered = ask(EgressPolicy::any(), &url, PATIENCE).await.expect("an answer");
    assert_eq!(answered.status.as_u16(), 302);
}

#[tokio::test]
async fn what_the_policy_refuses_is_not_dialled() {
    let (url, asked) = answering(b"").await;
    for policy in [EgressPolicy::public(), EgressPolicy::only(["a.test"])] {
        let refused = ask(policy, &url, PATIENCE).await.expect_err("it is forbidden");
        assert!(matches!(refused, Unanswered::Forbidden(_)), "{refused:?}");
    }
    assert!(!asked.is_finished());
    asked.abort();
}

#[tokio::test]
async fn an_answer_has_a_bound_in_size_and_time() {
    let large = b"HTTP/1.1 200 OK\r\nContent-Length: 262145\r\n\r\n";
    let padding = vec![b' '; (256 << 10) + 1];
    let (url, _asked) = answering([large.as_slice(), &padding].concat().leak()).await;
    let refused = ask(EgressPolicy::any(), &url, PATIENCE).await.expect_err("it is too large");
    assert!(matches!(refused, Unanswered::Large), "{refused:?}");
    let (url, _asked) = answering(b"HTTP/1.1 200 OK\r\n").await;
    let short = Duration::from_millis(200);
    let late = ask(EgressPolicy::any(), &url, short).await.expect_err("it never ends");
    assert!(matches!(late, Unanswered::Late), "{late:?}");
}

#[tokio::test]
async fn nothing_is_said_in_clear_to_another_machine() {
    let url: Url = "http://192.0.2.1:9/".parse().expect("a URL");
    let refused = ask(EgressPolicy::any(), &url, PATIENCE).await.expect_err("it is elsewhere");
    assert!(matches!(refused, Unanswered::Forbidden(_)), "{refused:?}");
}
