//! One session with a provider (RFC 5321, 3207, 4954): the order of things, which all of them keep
//! to. What is said and what is refused comes from the provider.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::{Credentials, House, Mail, PoisonError, Verdict};

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

struct Session<'a> {
    house: &'a House,
    stream: BufReader<Box<dyn Stream>>,
    encrypted: bool,
    mail: Mail,
    has_sender: bool,
    has_recipient: bool,
}

/// Serves a client until one of the two has had enough.
pub(super) async fn serve(socket: TcpStream, house: &House, implicit: bool) -> io::Result<()> {
    let _ = socket.set_nodelay(true);
    let mut session = Session {
        house,
        stream: BufReader::new(Box::new(socket)),
        encrypted: false,
        mail: Mail::default(),
        has_sender: false,
        has_recipient: false,
    };
    if implicit {
        session = session.secure().await?;
    }
    session.say(house.provider.words().greeting).await?;
    loop {
        let line = session.hear().await?;
        if line.eq_ignore_ascii_case("STARTTLS") && !session.encrypted {
            session.say(house.provider.words().starttls).await?;
            session = session.secure().await?;
            continue;
        }
        let reply = session.answer(&line).await?;
        session.say(&reply).await?;
        if reply.starts_with("221") || reply.starts_with("421") {
            return session.stream.shutdown().await;
        }
    }
}

impl Session<'_> {
    async fn answer(&mut self, line: &str) -> io::Result<String> {
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        let (provider, words) = (&self.house.provider, self.house.provider.words());
        Ok(match verb.to_ascii_uppercase().as_str() {
            "EHLO" => or_refusal(provider.hello(argument), &self.salutation()),
            "AUTH" => self.log_in(argument).await?,
            "MAIL" => match self.missing_step() {
                Some(refusal) => refusal.to_owned(),
                None => {
                    let user = self.mail.user.take();
                    self.mail = Mail { user, from: path(argument), ..Mail::default() };
                    let verdict = provider.sender(&self.mail);
                    (self.has_sender, self.has_recipient) = (verdict.is_ok(), false);
                    or_refusal(verdict, words.sender)
                }
            },
            "RCPT" if !self.has_sender => "503 5.5.1 MAIL first".to_owned(),
            "RCPT" => {
                self.mail.to.push(path(argument));
                let verdict = provider.recipient(&self.mail);
                self.has_recipient |= verdict.is_ok();
                or_refusal(verdict, words.recipient)
            }
            "DATA" if !self.has_recipient => "503 5.5.1 RCPT first".to_owned(),
            "DATA" => {
                (self.has_sender, self.has_recipient) = (false, false);
                self.say(words.data).await?;
                self.mail.content = self.content().await?;
                let verdict = provider.content(&self.mail);
                if verdict.is_ok() {
                    let mut kept = self.house.kept.lock().unwrap_or_else(PoisonError::into_inner);
                    kept.push(self.mail.clone());
                }
                or_refusal(verdict, words.accepted)
            }
            "NOOP" | "RSET" => "250 2.0.0 OK".to_owned(),
            "QUIT" => words.goodbye.to_owned(),
            _ => "502 5.5.1 Unrecognized command".to_owned(),
        })
    }

    fn salutation(&self) -> String {
        let words = self.house.provider.words();
        let lines = if self.encrypted { words.within_tls } else { words.in_clear };
        let last = lines.len().saturating_sub(1);
        let marked =
            lines.iter().enumerate().map(|(at, line)| (if at == last { ' ' } else { '-' }, line));
        let lines: Vec<_> = marked.map(|(mark, line)| format!("250{mark}{line}")).collect();
        lines.join("\n")
    }

    /// The refusal of a mail that comes before TLS or before the login.
    fn missing_step(&self) -> Option<&'static str> {
        let words = self.house.provider.words();
        let login_first = self.mail.user.is_none().then_some(words.login_first);
        words.tls_first.filter(|_| !self.encrypted).or(login_first)
    }

    async fn log_in(&mut self, argument: &str) -> io::Result<String> {
        let words = self.house.provider.words();
        if let Some(refusal) = words.tls_first.filter(|_| !self.encrypted) {
            return Ok(refusal.to_owned());
        }
        let (mechanism, initial) = argument.split_once(' ').unwrap_or((argument, ""));
        let mechanism = mechanism.to_ascii_uppercase();
        let lines = if self.encrypted { words.within_tls } else { words.in_clear };
        let offers =
            |line: &&str| line.split(' ').next() == Some("AUTH") && line.contains(&mechanism);
        if !lines.iter().any(offers) {
            return Ok("504 5.7.4 Unrecognized authentication type".to_owned());
        }
        let (user, secret) = match mechanism.as_str() {
            "LOGIN" => {
                let [first, second] = words.prompts;
                let user =
                    if initial.is_empty() { self.ask(first).await? } else { decode(initial)? };
                (user, self.ask(second).await?)
            }
            _ => {
                let response =
                    if initial.is_empty() { self.ask("").await? } else { decode(initial)? };
                parts(&response)?
            }
        };
        let by_token = mechanism == "XOAUTH2";
        let credentials = if by_token {
            Credentials::Token(&user, &secret)
        } else {
            Credentials::Password(&user, &secret)
        };
        let verdict = self.house.provider.log_in(&credentials);
        if verdict.is_err()
            && by_token
            && let Some(reason) = words.token_refused
        {
            self.say(&format!("334 {}", STANDARD.encode(reason))).await?;
            // The client's response only gives the floor back.
            self.hear().await?;
        }
        if verdict.is_ok() {
            self.mail.user = Some(user);
        }
        Ok(or_refusal(verdict, words.logged_in))
    }

    /// Asks for a response of the exchange.
    async fn ask(&mut self, prompt: &str) -> io::Result<String> {
        self.say(&format!("334 {prompt}")).await?;
        let response = self.hear().await?;
        decode(&response)
    }

    async fn say(&mut self, reply: &str) -> io::Result<()> {
        let octets = format!("{}\r\n", reply.replace('\n', "\r\n"));
        self.stream.write_all(octets.as_bytes()).await?;
        self.stream.flush().await
    }

    async fn hear(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// Hears a message up to its final dot.
    async fn content(&mut self) -> io::Result<String> {
        let mut content = String::new();
        loop {
            let line = self.hear().await?;
            if line == "." {
                return Ok(content);
            }
            content.push_str(line.strip_prefix('.').unwrap_or(&line));
            content.push_str("\r\n");
        }
    }

    async fn secure(self) -> io::Result<Self> {
        if !self.stream.buffer().is_empty() {
            return Err(io::Error::other("the client did not wait for the handshake"));
        }
        let stream =
            TlsAcceptor::from(self.house.tls.clone()).accept(self.stream.into_inner()).await?;
        Ok(Self { stream: BufReader::new(Box::new(stream)), encrypted: true, ..self })
    }
}

fn or_refusal(verdict: Verdict, reply: &str) -> String {
    verdict.err().unwrap_or(reply).to_owned()
}

/// The address of `FROM:<address>` or `TO:<address>`.
fn path(argument: &str) -> String {
    let path = argument.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    path.map_or("", |(address, _)| address).to_owned()
}

fn decode(response: &str) -> io::Result<String> {
    let octets = STANDARD.decode(response).map_err(io::Error::other)?;
    String::from_utf8(octets).map_err(io::Error::other)
}

/// User and secret of PLAIN (`NUL user NUL password`) or of XOAUTH2 (`user=… SOH auth=Bearer token
/// SOH SOH`).
fn parts(response: &str) -> io::Result<(String, String)> {
    let plain = response.strip_prefix('\0').and_then(|rest| rest.split_once('\0'));
    let bearer = || {
        let (user, rest) = response.strip_prefix("user=")?.split_once('\u{1}')?;
        Some((user, rest.strip_prefix("auth=Bearer ")?.strip_suffix("\u{1}\u{1}")?))
    };
    let (user, secret) =
        plain.or_else(bearer).ok_or_else(|| io::Error::other("the response is malformed"))?;
    Ok((user.to_owned(), secret.to_owned()))
}
