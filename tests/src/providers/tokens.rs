//! A token endpoint (RFC 6749 §3.2) on loopback, over HTTPS: gives its token to whoever sends what it expects.

use std::io;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use super::{listener, port};
use crate::certificates::Authority;
use crate::peer::ServerTls;

/// A running token endpoint. It ends when it is dropped.
#[derive(Debug)]
pub struct TokenEndpoint {
    port: u16,
    ca: String,
    asked: Arc<Mutex<Vec<String>>>,
    _stop: oneshot::Sender<()>,
}

impl TokenEndpoint {
    /// Starts an endpoint that gives this token for a form with these fields, and else the error.
    pub fn start(expected: &[(&str, &str)], token: &str, error: &'static str) -> Self {
        let authority = Authority::new();
        let tls = authority.localhost().server();
        let listener = listener();
        let port = port(&listener);
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let (stop, stopped) = oneshot::channel::<()>();
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let rules = Rules {
            expected: expected.iter().map(own).collect(),
            token: token.to_owned(),
            error,
            asked: Arc::clone(&asked),
        };
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be made").block_on(async {
                tokio::select! {
                    () = serve(listener, &tls, &rules) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { port, ca: authority.pem().to_owned(), asked, _stop: stop }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}/token", self.port)
    }

    /// The certificate of the authority that vouches for it, in PEM.
    pub fn ca(&self) -> &str {
        &self.ca
    }

    /// The forms that it was sent.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct Rules {
    expected: Vec<(String, String)>,
    token: String,
    error: &'static str,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Rules {
    fn answer(&self, form: &str) -> (&'static str, Value) {
        let given: Vec<_> = form_urlencoded::parse(form.as_bytes()).into_owned().collect();
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(form.to_owned());
        if self.expected.iter().all(|field| given.contains(field)) {
            let token = json!({ "access_token": self.token, "expires_in": 3599, "token_type": "Bearer" });
            return ("200 OK", token);
        }
        ("400 Bad Request", json!({ "error": self.error, "error_description": "the request is refused" }))
    }
}

async fn serve(listener: TcpListener, tls: &ServerTls, rules: &Rules) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("the runtime can watch a socket");
    while let Ok((socket, _)) = listener.accept().await {
        // A client may leave whenever it likes.
        let _ = exchange(socket, tls, rules).await;
    }
}

async fn exchange(socket: tokio::net::TcpStream, tls: &ServerTls, rules: &Rules) -> io::Result<()> {
    let mut stream = TlsAcceptor::from(Arc::clone(tls)).accept(socket).await?;
    let mut request = String::new();
    let mut chunk = [0; 4096];
    let form = loop {
        let read = stream.read(&mut chunk).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        request.push_str(std::str::from_utf8(&chunk[..read]).map_err(io::Error::other)?);
        if let Some((head, body)) = request.split_once("\r\n\r\n")
            && body.len() >= content_length(head)
        {
            break body;
        }
    };
    let (status, document) = rules.answer(form);
    let body = document.to_string();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await?;
    stream.shutdown().await
}

fn content_length(head: &str) -> usize {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    let mut lengths = fields.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    lengths.next().and_then(|(_, length)| length.trim().parse().ok()).unwrap_or(0)
}
