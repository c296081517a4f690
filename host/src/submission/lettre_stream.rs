//! lettre's connection over our own wire. lettre has neither deadlines nor bounds, and a strict notion of
//! replies; so it is given a stream that answers its greeting and EHLO on the spot, and afterwards one whole,
//! normalised reply at a time, while the true reply and the true fault are kept aside for us.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::extension::ClientId;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::answer::Answer;
use super::fault::Fault;
use super::journal::Journal;
use super::wire::Wire;
use crate::error::{Error, ErrorKind, Result, Stage};

/// What stands for the greeting and the EHLO reply, which were exchanged before lettre came in.
const PROLOGUE: [&[u8]; 2] = [b"220 ready\r\n", b"250 ready\r\n"];

/// A session past EHLO: one command, one reply.
pub(super) struct Dialogue {
    connection: AsyncSmtpConnection,
    line: Arc<Mutex<Line>>,
    journal: Journal,
    over: bool,
}

/// What lettre's side and ours have in common.
struct Line {
    wire: Wire,
    patience: Duration,
    answer: Option<Answer>,
    fault: Option<Fault>,
    /// How much of what is being said has not been handed to the connection yet.
    unsent: usize,
    /// Whether that is the message.
    content: bool,
}

/// Why the end of a message was not confirmed.
pub(super) struct ContentFault {
    /// The failure.
    pub(super) error: Error,
    /// Whether the connection had been handed everything, the final dot included.
    pub(super) sent: bool,
}

impl Dialogue {
    /// Has lettre take over a wire on which EHLO was said.
    pub(super) async fn over(wire: Wire, local: SocketAddr, patience: Duration) -> Result<Self> {
        let journal = wire.journal().clone();
        let line = Line { wire, patience, answer: None, fault: None, unsent: 0, content: false };
        let line = Arc::new(Mutex::new(line));
        let stream = LettreStream { line: line.clone(), prologue: PROLOGUE.into(), local };
        let name = ClientId::Domain("localhost".to_owned());
        let connection = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &name).await;
        let connection = connection.map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))?;
        Ok(Self { connection, line, journal, over: false })
    }

    /// Says a command and waits for the reply, whatever it says.
    pub(super) async fn command(&mut self, stage: Stage, line: &str) -> Result<Answer> {
        self.discreetly(stage, line, line).await
    }

    /// Says a command that is recorded as `shown` only.
    pub(super) async fn discreetly(&mut self, stage: Stage, line: &str, shown: &str) -> Result<Answer> {
        let said = self.exchange(&format!("{line}\r\n"), shown).await;
        said.map_err(|fault| fault.at(stage, &self.journal))
    }

    /// Waits for a further reply to the last command, as LMTP has it after the message.
    pub(super) async fn further(&mut self, stage: Stage) -> Result<Answer> {
        let outcome = self.connection.read_response().await.map(drop);
        self.outcome(outcome).map_err(|fault| fault.at(stage, &self.journal))
    }

    /// Says the message, already encoded for transparency, and waits for the reply to its end.
    pub(super) async fn content(&mut self, encoded: &str) -> Result<Answer, ContentFault> {
        let shown = format!("(message of {} bytes)", encoded.len());
        self.line().content = true;
        match self.exchange(encoded, &shown).await {
            Ok(answer) => Ok(answer),
            Err(fault) => {
                let sent = self.line().unsent == 0;
                Err(ContentFault { error: fault.at(Stage::Content, &self.journal), sent })
            }
        }
    }

    /// Whether the server is gone, about to go, or cannot be understood.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// Bounds the following replies, and stalls while sending, by `patience`.
    pub(super) fn set_patience(&mut self, patience: Duration) {
        self.line().patience = patience;
    }

    async fn exchange(&mut self, text: &str, shown: &str) -> Result<Answer, Fault> {
        self.line().unsent = text.len();
        if let Err(fault) = poll_fn(|cx| Poll::Ready(self.line().wire.poll_quiet(cx))).await {
            self.over = true;
            return Err(fault);
        }
        self.journal.client(shown);
        let outcome = self.connection.command(text).await.map(drop);
        self.outcome(outcome)
    }

    /// lettre calls 4yz and 5yz errors; what counts is what was kept aside.
    fn outcome(&mut self, outcome: Result<(), lettre::transport::smtp::Error>) -> Result<Answer, Fault> {
        let mut line = self.line();
        line.content = false;
        let outcome = match (line.answer.take(), line.fault.take(), outcome) {
            (_, Some(fault), _) => Err(fault),
            (Some(answer), None, _) => Ok(answer),
            (None, None, Err(error)) => Err(Fault::Protocol(error.to_string())),
            (None, None, Ok(())) => Err(Fault::Protocol("a reply without words".to_owned())),
        };
        drop(line);
        self.over |= outcome.as_ref().map_or(true, |answer| answer.reply.code == 421);
        outcome
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The stream that lettre reads and writes.
struct LettreStream {
    line: Arc<Mutex<Line>>,
    prologue: VecDeque<&'static [u8]>,
    local: SocketAddr,
}

impl LettreStream {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for LettreStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LettreStream").field("local", &self.local).finish_non_exhaustive()
    }
}

impl AsyncTokioStream for LettreStream {
    /// lettre only shows it, and behind a proxy the peer's address is not known here.
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }
}

impl AsyncRead for LettreStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(text) = self.prologue.pop_front() {
            buffer.put_slice(text);
            return Poll::Ready(Ok(()));
        }
        let mut line = self.line();
        let patience = line.patience;
        match ready!(line.wire.poll_reply(cx, patience)) {
            Ok(answer) => {
                buffer.put_slice(digest(answer.reply.code).as_bytes());
                line.answer = Some(answer);
                Poll::Ready(Ok(()))
            }
            Err(fault) => Poll::Ready(line.keep(fault)),
        }
    }
}

impl AsyncWrite for LettreStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if !self.prologue.is_empty() {
            return Poll::Ready(Ok(bytes.len()));
        }
        let mut line = self.line();
        let patience = line.patience;
        match ready!(line.wire.poll_send(cx, bytes, patience)) {
            Ok(sent) => {
                line.unsent = line.unsent.saturating_sub(sent);
                if line.content && line.unsent == 0 {
                    line.wire.journal().commit();
                }
                Poll::Ready(Ok(sent))
            }
            Err(fault) => Poll::Ready(line.keep(fault).map(|()| 0)),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.prologue.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let mut line = self.line();
        let patience = line.patience;
        match ready!(line.wire.poll_flush(cx, patience)) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(fault) => Poll::Ready(line.keep(fault)),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.line().wire.poll_shutdown(cx)
    }
}

impl Line {
    /// Keeps a fault aside and gives lettre one of its own kind.
    fn keep(&mut self, fault: Fault) -> io::Result<()> {
        self.fault = Some(fault);
        Err(io::Error::other("the fault is kept aside"))
    }
}

/// A reply that lettre's parser takes: it knows no second digit above 5.
fn digest(code: u16) -> String {
    let code = if code / 10 % 10 > 5 { code / 100 * 100 + 50 } else { code };
    format!("{code} -\r\n")
}
