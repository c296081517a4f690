//! A server that does everything right, but for the one fault that a test has it commit, and keeps
//! a record of what it took and of what it said.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;

use super::way::{TOKENS, Way};
use crate::error::Stage;
use crate::submission::network::Stream;
use crate::submission::tests::memory::{Cut, Far};

/// The one thing that goes wrong, on the first connection to the server or to its neighbour.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fault {
    /// The connection to the server is cut before this byte.
    Cut(usize, Cut),
    /// The connection to the token endpoint is cut before this byte.
    CutTokens(usize, Cut),
    /// Behind the reply of this number comes another one.
    Extra(usize, &'static str),
    /// The reply of this number comes with the one before.
    Early(usize),
}

/// A reply, as it was said on the first connection.
#[derive(Debug, Clone)]
pub(super) struct Said {
    /// Where the client is that waits for it.
    pub(super) stage: Stage,
    /// Which message it concerns, from 0.
    pub(super) message: usize,
    pub(super) text: String,
    /// Whether it came from the token endpoint.
    pub(super) of_tokens: bool,
}

/// What the server knows in the end.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// The subjects of the messages that came whole, the final dot included.
    pub(super) messages: Vec<String>,
    /// What was said on the first connections.
    pub(super) said: Vec<Said>,
    visits: usize,
    visits_for_tokens: usize,
}

/// The server of one run.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) way: Way,
    pub(super) pipelining: bool,
    pub(super) fault: Option<Fault>,
    /// What is said where nothing goes wrong.
    pub(super) script: Arc<Vec<Said>>,
    pub(super) acceptor: TlsAcceptor,
    pub(super) book: Arc<Mutex<Book>>,
}

impl Server {
    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("nobody panics with it")
    }

    /// Serves a connection.
    pub(super) async fn serve(self, to: SocketAddr, far: Far) {
        let for_tokens = to.port() == TOKENS;
        let is_first = {
            let mut book = self.book();
            let book = &mut *book;
            let visits = if for_tokens { &mut book.visits_for_tokens } else { &mut book.visits };
            *visits += 1;
            *visits == 1
        };
        let far = match self.fault.filter(|_| is_first) {
            Some(Fault::Cut(after, cut)) if !for_tokens => far.cut(after, cut),
            Some(Fault::CutTokens(after, cut)) if for_tokens => far.cut(after, cut),
            _ => far,
        };
        let mut visit = Visit { stream: Box::new(far), server: self, is_first, message: 0 };
        // What ends it is the client, or the fault.
        let _ = match for_tokens {
            true => visit.grant().await,
            false => visit.take_mail().await,
        };
    }
}

/// A connection from the server's side.
struct Visit {
    stream: Box<dyn Stream>,
    server: Server,
    is_first: bool,
    /// How many messages it has brought.
    message: usize,
}

type Served = std::io::Result<()>;

impl Visit {
    async fn grant(&mut self) -> Served {
        let head = self.hear("\r\n\r\n").await?.to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        let length: usize = length.and_then(|length| length.parse().ok()).expect("a length");
        self.stream.read_exact(&mut vec![0; length]).await?;
        let token = r#"{"access_token": "t0ken"}"#;
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", token.len());
        self.say(Stage::Auth, &(head + token)).await?;
        // The client closes.
        self.hear("\r\n").await.map(drop)
    }

    async fn take_mail(&mut self) -> Served {
        match self.server.way {
            Way::HttpProxy => {
                self.hear("\r\n\r\n").await?;
                self.say(Stage::Proxy, "HTTP/1.1 200 OK\r\n\r\n").await?;
            }
            Way::Socks5 => {
                self.stream.read_exact(&mut [0; 3]).await?;
                self.say(Stage::Proxy, "\u{5}\0").await?;
                self.stream.read_exact(&mut [0; 10]).await?;
                self.say(Stage::Proxy, "\u{5}\0\0\u{1}\0\0\0\0\0\0").await?;
            }
            Way::Implicit => self.secure().await?,
            _ => {}
        }
        self.say(Stage::Greeting, "220 mx\r\n").await?;
        let mut encrypted = false;
        let mut recipients = 0;
        loop {
            let line = self.hear("\r\n").await?;
            match line.split([' ', ':', '\r']).next().unwrap_or_default() {
                "EHLO" | "LHLO" => {
                    let offer = self.offer(encrypted);
                    self.say(Stage::Ehlo, &offer).await?;
                }
                "STARTTLS" => {
                    self.say(Stage::Starttls, "220 go\r\n").await?;
                    self.secure().await?;
                    encrypted = true;
                }
                "AUTH" => self.say(Stage::Auth, "235 in\r\n").await?,
                "MAIL" => {
                    recipients = 0;
                    self.say(Stage::Mail, "250 from\r\n").await?;
                }
                "RCPT" => {
                    recipients += 1;
                    self.say(Stage::Rcpt, "250 to\r\n").await?;
                }
                "DATA" => {
                    self.say(Stage::Data, "354 go\r\n").await?;
                    self.take_message(recipients).await?;
                }
                "QUIT" => return self.say(Stage::Quit, "221 bye\r\n").await,
                _ => self.say(Stage::Quit, "250 ok\r\n").await?,
            }
        }
    }

    async fn take_message(&mut self, recipients: usize) -> Served {
        let mut content = String::new();
        while !content.ends_with("\r\n.\r\n") && content != ".\r\n" {
            content += &self.hear("\r\n").await?;
        }
        let subject = content.lines().next().unwrap_or_default();
        let subject = subject.strip_prefix("Subject: ").unwrap_or("empty").to_owned();
        self.server.book().messages.push(subject);
        let replies = if self.server.way == Way::Lmtp { recipients } else { 1 };
        for _ in 0..replies {
            self.say(Stage::Content, "250 kept\r\n").await?;
        }
        self.message += 1;
        Ok(())
    }

    fn offer(&self, encrypted: bool) -> String {
        let Server { way, pipelining, .. } = self.server;
        let offers = [
            ("STARTTLS", way == Way::Starttls && !encrypted),
            ("PIPELINING", pipelining),
            ("AUTH PLAIN", way == Way::Password),
            ("AUTH XOAUTH2", way == Way::OAuth2),
        ];
        let mut lines = vec!["mx"];
        lines.extend(offers.iter().filter(|(_, offered)| *offered).map(|(keyword, _)| *keyword));
        let last = lines.len() - 1;
        let line = |(at, line): (usize, &&str)| {
            format!("250{}{line}\r\n", if at == last { ' ' } else { '-' })
        };
        lines.iter().enumerate().map(line).collect()
    }

    async fn secure(&mut self) -> Served {
        let clear = std::mem::replace(&mut self.stream, Box::new(tokio::io::empty()));
        self.stream = Box::new(self.server.acceptor.accept(clear).await?);
        Ok(())
    }

    /// Says a reply, with the fault that belongs to it.
    async fn say(&mut self, stage: Stage, text: &str) -> Served {
        let mut words = text.to_owned();
        if self.is_first && stage != Stage::Quit {
            let mut book = self.server.book();
            let number = book.said.len();
            let of_tokens = stage == Stage::Auth && text.starts_with("HTTP");
            let message = self.message;
            book.said.push(Said { stage, message, text: text.to_owned(), of_tokens });
            // Where the dialogue has taken another way, the fault is over.
            let expected = self.server.script.get(number);
            match self.server.fault.filter(|_| expected.is_some_and(|said| said.text == text)) {
                Some(Fault::Extra(at, extra)) if at == number => words += extra,
                Some(Fault::Early(at)) if at == number => words.clear(),
                Some(Fault::Early(at)) if at == number + 1 => {
                    words += &self.server.script[at].text;
                }
                _ => {}
            }
        }
        self.stream.write_all(words.as_bytes()).await?;
        self.stream.flush().await
    }

    /// Hears octets up to an end, one by one, so that what belongs to TLS stays in the stream.
    async fn hear(&mut self, end: &str) -> std::io::Result<String> {
        let mut heard = Vec::new();
        while !heard.ends_with(end.as_bytes()) {
            heard.push(self.stream.read_u8().await?);
        }
        Ok(String::from_utf8_lossy(&heard).into_owned())
    }
}
