//! Posting messages to a service over HTTP, with so many clients at once, each over a connection of
//! its own.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::neighbours::Latency;
use crate::{Outcome, mail};

/// How often it is asked whether all has been delivered.
const GLANCE: Duration = Duration::from_millis(20);

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Until {
    /// That each message is taken, durably.
    Taken,
    /// That all of them have been delivered.
    Delivered,
    /// For each message, that it has been delivered, before the client posts its next one.
    Receipt,
}

/// Messages to post.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Posting {
    /// Where the service listens on loopback.
    pub(crate) port: u16,
    /// Where it takes messages.
    pub(crate) path: String,
    /// What lets a client in.
    pub(crate) token: String,
    /// How many clients there are.
    pub(crate) clients: usize,
    /// How many messages.
    pub(crate) count: usize,
    /// What is waited for.
    pub(crate) until: Until,
}

/// What was measured.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Posted {
    /// From the first request to the end of the wait.
    pub(crate) seconds: f64,
    /// How long a request took.
    pub(crate) latency: Latency,
}

/// Posts the messages.
pub(super) async fn post(posting: Posting) -> Outcome<Posted> {
    let posting = Arc::new(posting);
    let next = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    let began = Instant::now();
    for _ in 0..posting.clients {
        clients.spawn(client(posting.clone(), next.clone()));
    }
    let mut took = Vec::new();
    while let Some(ended) = clients.join_next().await {
        took.extend(ended??);
    }
    if posting.until == Until::Delivered {
        let mut sender = connect(&posting).await?;
        while delivered(&posting, &mut sender).await? < posting.count {
            sleep(GLANCE).await;
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    Ok(Posted { seconds, latency: Latency::of(took) })
}

/// One client; gives how many milliseconds each request took.
async fn client(posting: Arc<Posting>, next: Arc<AtomicUsize>) -> Outcome<Vec<f64>> {
    let mut sender = connect(&posting).await?;
    let (prefer, expected) = match posting.until {
        Until::Taken | Until::Delivered => ("respond-async", StatusCode::ACCEPTED),
        Until::Receipt => ("wait=30", StatusCode::OK),
    };
    let mut took = Vec::new();
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        if index >= posting.count {
            return Ok(took);
        }
        let (to, payload) = (mail::recipient(index), mail::payload(index));
        let body = format!(r#"{{"to":"{to}","type":"SignIn","payload":{payload}}}"#);
        let request = request(&posting, "POST", &posting.path)
            .header(CONTENT_TYPE, "application/json")
            .header("prefer", prefer)
            .body(Full::from(body))?;
        let began = Instant::now();
        let (status, answer) = ask(&mut sender, request).await?;
        took.push(began.elapsed().as_secs_f64() * 1e3);
        if status != expected {
            return Err(format!("{status}: {}", String::from_utf8_lossy(&answer)).into());
        }
    }
}

/// How many messages the service has delivered, as its metrics say.
async fn delivered(posting: &Posting, sender: &mut SendRequest<Full<Bytes>>) -> Outcome<usize> {
    let request = request(posting, "GET", "/metrics").body(Full::default())?;
    let (_, metrics) = ask(sender, request).await?;
    let metrics = String::from_utf8_lossy(&metrics);
    let line = metrics.lines().find(|line| line.contains(r#"state="accepted""#));
    let count = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
    Ok(count.unwrap_or(0))
}

async fn connect(posting: &Posting) -> Outcome<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, posting.port)).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

fn request(posting: &Posting, method: &str, path: &str) -> hyper::http::request::Builder {
    let request = Request::builder().method(method).uri(path).header(HOST, "127.0.0.1");
    request.header(AUTHORIZATION, format!("Bearer {}", posting.token))
}

async fn ask(
    sender: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Outcome<(StatusCode, Bytes)> {
    sender.ready().await?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    Ok((status, response.into_body().collect().await?.to_bytes()))
}
