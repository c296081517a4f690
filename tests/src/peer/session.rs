//! Plays a script on one connection and records what is exchanged.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::script::{Row, Script, matches};
use super::{Failure, Recording, ServerTls};

/// How much of a line the transcript shows.
const SHOWN: usize = 200;

pub(super) struct Session {
    stream: Option<Box<dyn Stream>>,
    unread: Vec<u8>,
    recording: Recording,
    release: watch::Receiver<bool>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {
    fn tcp(&self) -> &TcpStream;
}

impl Stream for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Stream for TlsStream<Box<dyn Stream>> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0.tcp()
    }
}

/// Whether the script goes on after a row.
#[derive(PartialEq, Eq)]
enum Next {
    Row,
    Nothing,
}

type Played<T = ()> = Result<T, String>;

impl Session {
    pub(super) fn new(socket: TcpStream, release: watch::Receiver<bool>) -> Self {
        let _ = socket.set_nodelay(true);
        Self {
            stream: Some(Box::new(socket)),
            unread: Vec::new(),
            recording: Recording::default(),
            release,
        }
    }

    pub(super) async fn play(
        mut self,
        script: Script,
        lifetime: Duration,
    ) -> Result<Recording, Failure> {
        let played = timeout(lifetime, self.rows(script)).await;
        let played = played
            .unwrap_or_else(|_| Err("the client did not go on within the deadline".to_owned()));
        match played {
            Ok(()) => Ok(self.recording),
            Err(reason) => {
                let failure = Failure { reason, recording: self.recording };
                // The client's own complaint may fail the test first; this shows the cause beside
                // it.
                eprintln!("peer: {}\n{}", failure.reason, failure.recording.transcript.join("\n"));
                Err(failure)
            }
        }
    }

    async fn rows(&mut self, script: Script) -> Played {
        for row in script.rows {
            if self.row(row).await? == Next::Nothing {
                return Ok(());
            }
        }
        if self.fill().await? || !self.unread.is_empty() {
            return Err(format!("expected the end, got `{}`", self.unread.escape_ascii()));
        }
        Ok(())
    }

    async fn row(&mut self, row: Row) -> Played<Next> {
        match row {
            Row::Say(octets) => self.say(&octets).await,
            Row::Drip(octets, pause) => {
                for octet in octets {
                    tokio::time::sleep(pause).await;
                    self.say(&[octet]).await;
                }
            }
            Row::Flood(octets) => {
                while self.stream().write_all(&octets).await.is_ok() {}
                return Ok(Next::Nothing);
            }
            Row::Hear(expected) => self.hear(&expected).await?,
            Row::HearOctets(expected) => {
                let octets = self.take(expected.len()).await?;
                self.equal("octets", &expected, &octets)?;
            }
            Row::HearContent(expected) => self.hear_content(expected).await?,
            Row::Wait(duration) => tokio::time::sleep(duration).await,
            Row::Stall => {
                while self.fill().await? {}
                return Ok(Next::Nothing);
            }
            Row::StopReading => {
                // An error means that the test is over, which releases the peer as well.
                let _ = self.release.wait_for(|released| *released).await;
                return Ok(Next::Nothing);
            }
            Row::Close => {
                let _ = self.stream().shutdown().await;
                return Ok(Next::Nothing);
            }
            Row::Reset => {
                self.stream().tcp().set_zero_linger().map_err(|error| error.to_string())?;
                self.stream = None;
                return Ok(Next::Nothing);
            }
            Row::Tls(config) => {
                self.handshake(config).await?.map_err(|error| format!("TLS: {error}"))?;
            }
            Row::FailTls(config) => {
                return match self.handshake(config).await? {
                    Ok(()) => self.broken_off().await,
                    Err(_) => Ok(Next::Nothing),
                };
            }
        }
        Ok(Next::Row)
    }

    /// Sends, or not: a client that has closed already shows in what is heard, or not heard, next.
    async fn say(&mut self, octets: &[u8]) {
        self.note('S', octets);
        let stream = self.stream();
        if stream.write_all(octets).await.is_ok() {
            let _ = stream.flush().await;
        }
    }

    async fn hear(&mut self, expected: &str) -> Played {
        let end = loop {
            if let Some(end) = find(&self.unread, b"\r\n") {
                break end;
            }
            if !self.fill().await? {
                let got = self.unread.escape_ascii();
                return Err(format!("expected `{expected}`, got the end after `{got}`"));
            }
        };
        let line: Vec<u8> = self.unread.drain(..end + 2).collect();
        self.note('C', &line);
        let line = &line[..end];
        match matches(expected, line) {
            true => Ok(()),
            false => Err(format!("expected `{expected}`, got `{}`", line.escape_ascii())),
        }
    }

    async fn hear_content(&mut self, expected: Option<Vec<u8>>) -> Played {
        let end = loop {
            if self.unread.starts_with(b".\r\n") {
                break 3;
            }
            if let Some(at) = find(&self.unread, b"\r\n.\r\n") {
                break at + 5;
            }
            if !self.fill().await? {
                return Err(format!(
                    "expected a message, got the end after {} octets",
                    self.unread.len()
                ));
            }
        };
        let content: Vec<u8> = self.unread.drain(..end).collect();
        self.note('C', &content);
        self.recording.contents.push(content.clone());
        expected.map_or(Ok(()), |expected| self.equal("message", &expected, &content))
    }

    async fn take(&mut self, count: usize) -> Played<Vec<u8>> {
        while self.unread.len() < count {
            if !self.fill().await? {
                return Err(format!(
                    "expected {count} octets, got `{}`",
                    self.unread.escape_ascii()
                ));
            }
        }
        let octets: Vec<u8> = self.unread.drain(..count).collect();
        self.note('C', &octets);
        Ok(octets)
    }

    fn equal(&self, what: &str, expected: &[u8], got: &[u8]) -> Played {
        if expected == got {
            return Ok(());
        }
        Err(format!(
            "expected the {what}\n  {}\ngot\n  {}",
            expected.escape_ascii(),
            got.escape_ascii()
        ))
    }

    /// Does a handshake. The inner error is the handshake's own.
    async fn handshake(&mut self, config: ServerTls) -> Played<io::Result<()>> {
        if !self.unread.is_empty() {
            return Err(format!("the client did not wait: `{}`", self.unread.escape_ascii()));
        }
        let plain = self.stream.take().expect("a row that drops the stream is the last one");
        let accepted = TlsAcceptor::from(config).accept(plain).await;
        Ok(accepted.map(|stream| {
            self.recording.transcript.push("-- TLS --".to_owned());
            self.stream = Some(Box::new(stream));
        }))
    }

    /// In TLS 1.3 the server is done before the client looks at the certificate: the alert comes
    /// after.
    async fn broken_off(&mut self) -> Played<Next> {
        let mut octet = [0];
        match self.stream().read(&mut octet).await {
            Ok(1..) => Err("the client accepted the handshake".to_owned()),
            Ok(0) | Err(_) => Ok(Next::Nothing),
        }
    }

    /// Reads more. False at the end, however the client came to it.
    async fn fill(&mut self) -> Played<bool> {
        let mut buffer = vec![0; 16 * 1024];
        let read = self.stream().read(&mut buffer).await.unwrap_or(0);
        self.unread.extend_from_slice(&buffer[..read]);
        self.recording.received.extend_from_slice(&buffer[..read]);
        Ok(read > 0)
    }

    fn note(&mut self, speaker: char, octets: &[u8]) {
        for line in octets.split_inclusive(|&octet| octet == b'\n') {
            let shown = &line[..line.len().min(SHOWN)];
            self.recording.transcript.push(format!("{speaker}: {}", shown.escape_ascii()));
        }
    }

    fn stream(&mut self) -> &mut Box<dyn Stream> {
        self.stream.as_mut().expect("a row that drops the stream is the last one")
    }
}

fn find(octets: &[u8], wanted: &[u8]) -> Option<usize> {
    octets.windows(wanted.len()).position(|window| window == wanted)
}
