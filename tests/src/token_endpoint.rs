//! A token endpoint on loopback that answers as it is told and keeps what it was asked. One answer
//! for each connection, the last one for all that follow.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::peer::ServerTls;

/// A running endpoint. It ends with the process of the test.
pub struct TokenEndpoint {
    address: SocketAddr,
    scheme: &'static str,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// A request as it arrived.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The method and the target.
    pub line: String,
    /// The header fields, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body: a form.
    pub body: String,
}

impl Asked {
    /// The values of a header field.
    pub fn header(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(known, _)| known == name);
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// The value of a field of the form, decoded.
    pub fn field(&self, name: &str) -> Option<String> {
        let mut fields = form_urlencoded::parse(self.body.as_bytes());
        fields.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    /// A refusal that says it all back.
    fn echo(&self, before: &str) -> Answer {
        let headers: Vec<_> =
            self.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let fields = form_urlencoded::parse(self.body.as_bytes());
        let fields: Vec<_> = fields.map(|(name, value)| format!("{name} is {value}")).collect();
        let told = format!("{before}{} {} {}", self.body, fields.join(", "), headers.join(", "));
        Answer::json(
            400,
            &serde_json::json!({ "error": "invalid_grant", "error_description": told }),
        )
    }
}

/// What the endpoint does with a request.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Sends these octets and closes.
    Octets(String),
    /// Waits, then does the other thing.
    After(Duration, Box<Self>),
    /// Sends these octets one by one, with a pause before each.
    Drip(String, Duration),
    /// Gives a token to whoever sends these fields of the form, and this error to all others.
    Grant(Vec<(String, String)>, String, &'static str),
    /// Takes the connection, and the request, and says nothing.
    Silence,
    /// Refuses with an error that says back the whole request, as it came and decoded, behind this
    /// text.
    Echo(String),
    /// Sends the first octets, and then the second ones without end.
    Endless(&'static str, &'static str),
    /// Does not even begin with TLS.
    Deaf,
}

impl Answer {
    /// A JSON document with a status.
    pub fn json(status: u16, document: &serde_json::Value) -> Self {
        let body = document.to_string();
        let length = body.len();
        let head = "Content-Type: application/json\r\nConnection: close\r\n";
        Self::Octets(format!("HTTP/1.1 {status} x\r\n{head}Content-Length: {length}\r\n\r\n{body}"))
    }

    /// A token that lasts an hour.
    pub fn token(token: &str) -> Self {
        let document = serde_json::json!({
            "access_token": token, "expires_in": 3600, "token_type": "Bearer",
        });
        Self::json(200, &document)
    }

    /// A token for whoever sends these fields of the form, and this error for all others.
    pub fn grant(expected: &[(&str, &str)], token: &str, error: &'static str) -> Self {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self::Grant(expected.iter().map(own).collect(), token.to_owned(), error)
    }

    /// A redirect to another place.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::Octets(format!(
            "HTTP/1.1 {status} x\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
        ))
    }
}

impl TokenEndpoint {
    /// Starts an endpoint in clear.
    pub fn start(answers: Vec<Answer>) -> Self {
        Self::serve(None, answers)
    }

    /// Starts an endpoint inside TLS.
    pub fn start_tls(tls: &ServerTls, answers: Vec<Answer>) -> Self {
        Self::serve(Some(tls.clone()), answers)
    }

    /// The URL of the endpoint, at the path `/token`.
    pub fn url(&self) -> String {
        format!("{}://localhost:{}/token", self.scheme, self.address.port())
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn serve(tls: Option<ServerTls>, answers: Vec<Answer>) -> Self {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        listener.set_nonblocking(true).expect("a listener can be made non-blocking");
        let address = listener.local_addr().expect("a bound listener has an address");
        let scheme = if tls.is_some() { "https" } else { "http" };
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = asked.clone();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be made").block_on(async move {
                let listener =
                    tokio::net::TcpListener::from_std(listener).expect("a socket can be watched");
                let mut answers = answers.into_iter().peekable();
                let mut answer = Answer::Silence;
                while let Ok((socket, _)) = listener.accept().await {
                    answer = answers.next().unwrap_or(answer);
                    tokio::spawn(converse(socket, tls.clone(), answer.clone(), kept.clone()));
                }
            });
        });
        Self { address, scheme, asked }
    }
}

impl fmt::Debug for TokenEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenEndpoint").field("address", &self.address).finish_non_exhaustive()
    }
}

async fn converse(
    socket: TcpStream,
    tls: Option<ServerTls>,
    answer: Answer,
    kept: Arc<Mutex<Vec<Asked>>>,
) {
    if matches!(answer, Answer::Deaf) {
        return hold(socket).await;
    }
    match tls {
        None => exchange(socket, answer, &kept).await,
        Some(tls) => {
            if let Ok(stream) = TlsAcceptor::from(tls).accept(socket).await {
                exchange(stream, answer, &kept).await;
            }
        }
    }
}

async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    mut answer: Answer,
    kept: &Mutex<Vec<Asked>>,
) {
    let Some(asked) = read(&mut stream).await else { return };
    if let Answer::Grant(expected, token, error) = &answer {
        let fits = expected.iter().all(|(name, value)| asked.field(name).as_ref() == Some(value));
        answer = if fits {
            Answer::token(token)
        } else {
            let document = serde_json::json!({
                "error": error, "error_description": "the request is refused",
            });
            Answer::json(400, &document)
        };
    }
    if let Answer::Echo(before) = answer {
        answer = asked.echo(&before);
    }
    kept.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
    while let Answer::After(pause, then) = answer {
        tokio::time::sleep(pause).await;
        answer = *then;
    }
    // A client that gave up does not want the answer.
    match answer {
        Answer::Octets(octets) => {
            let _ = stream.write_all(octets.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
        Answer::Drip(octets, pause) => {
            for octet in octets.bytes() {
                tokio::time::sleep(pause).await;
                if stream.write_all(&[octet]).await.is_err() || stream.flush().await.is_err() {
                    return;
                }
            }
        }
        Answer::Endless(first, then) => {
            let _ = stream.write_all(first.as_bytes()).await;
            while stream.write_all(then.repeat(1000).as_bytes()).await.is_ok() {}
        }
        Answer::After(..)
        | Answer::Deaf
        | Answer::Echo(_)
        | Answer::Grant(..)
        | Answer::Silence => {
            hold(stream).await;
        }
    }
}

/// Reads until the client goes.
async fn hold(mut stream: impl AsyncRead + Unpin) {
    let mut octets = [0; 1024];
    while stream.read(&mut octets).await.is_ok_and(|read| read > 0) {}
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Asked> {
    let mut text = String::new();
    let mut octets = [0; 4096];
    loop {
        let read = stream.read(&mut octets).await.ok().filter(|read| *read > 0)?;
        text += &String::from_utf8_lossy(&octets[..read]);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let mut lines = head.lines();
        let line = lines.next().unwrap_or_default().to_owned();
        let fields = lines.filter_map(|line| line.split_once(": "));
        let headers: Vec<_> =
            fields.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
        let asked = Asked { line, headers, body: body.to_owned() };
        let length = asked.header("content-length").first().and_then(|length| length.parse().ok());
        if asked.body.len() >= length.unwrap_or(0_usize) {
            return Some(asked);
        }
    }
}
