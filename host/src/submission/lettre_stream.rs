//! lettre's connection over our own wire. lettre has neither deadlines nor bounds, and a strict
//! notion of replies; so it is given a stream that answers its greeting and EHLO on the spot, and
//! afterwards one whole, normalised reply at a time, while the true reply and the true fault are
//! kept aside for us.

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
use super::pool::errand::Gate;
use super::transparency;
use super::wire::Wire;
use crate::error::{Error, ErrorKind, Result, Stage};

/// What stands for the greeting and the EHLO reply, which were exchanged before lettre came in.
const PROLOGUE: [&[u8]; 2] = [b"220 ready\r\n", b"250 ready\r\n"];

/// A session past EHLO. What is said goes out in one write when the first reply to it is waited
/// for, so that commands can be pipelined (RFC 2920).
pub(super) struct Dialogue {
    connection: AsyncSmtpConnection,
    line: Arc<Mutex<Line>>,
    journal: Journal,
    unsaid: String,
    /// What of it is noted when it goes out.
    shown: Vec<String>,
    over: bool,
}

/// What lettre's side and ours have in common.
struct Line {
    wire: Wire,
    patience: Duration,
    answer: Option<Answer>,
    fault: Option<Fault>,
    /// How much of a message, which comes first in what is being said, the connection has not taken
    /// yet.
    content: usize,
    /// Whether the end of that message may go out.
    gate: Option<Arc<Gate>>,
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
        let line = Line { wire, patience, answer: None, fault: None, content: 0, gate: None };
        let line = Arc::new(Mutex::new(line));
        let stream = LettreStream { line: line.clone(), prologue: PROLOGUE.into(), local };
        let name = ClientId::Domain("localhost".to_owned());
        let connection = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &name).await;
        let connection =
            connection.map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))?;
        Ok(Self {
            connection,
            line,
            journal,
            unsaid: String::new(),
            shown: Vec::new(),
            over: false,
        })
    }

    /// Says a command.
    pub(super) fn say(&mut self, command: &str) {
        self.say_discreetly(command, command);
    }

    /// Says a command that is recorded as `shown` only.
    pub(super) fn say_discreetly(&mut self, command: &str, shown: &str) {
        self.say_ahead(command);
        self.shown.push(shown.to_owned());
    }

    /// Says a command that belongs to the next message: it is recorded where that one's record
    /// begins.
    pub(super) fn say_ahead(&mut self, command: &str) {
        self.unsaid.push_str(command);
        self.unsaid.push_str("\r\n");
    }

    /// Says the message, encoded for transparency, whose end goes out only through the gate.
    /// Nothing may be unsaid before it.
    pub(super) fn say_content(&mut self, content: &str, gate: Arc<Gate>) {
        let from = self.unsaid.len();
        transparency::encode(content, &mut self.unsaid);
        let length = self.unsaid.len() - from;
        self.shown.push(format!("(message of {length} bytes)"));
        let mut line = self.line();
        (line.content, line.gate) = (length, Some(gate));
    }

    /// Waits for the next reply, whatever it says.
    pub(super) async fn hear(&mut self, stage: Stage) -> Result<Answer> {
        let heard = self.exchange().await;
        heard.map_err(|fault| fault.at(stage, &self.journal))
    }

    /// Waits for the reply to the end of the message.
    pub(super) async fn hear_end(&mut self) -> Result<Answer, ContentFault> {
        match self.exchange().await {
            Ok(answer) => Ok(answer),
            Err(fault) => {
                let sent = self.line().content == 0;
                Err(ContentFault { error: fault.at(Stage::Content, &self.journal), sent })
            }
        }
    }

    /// Says a command that is recorded as `shown` only, and waits for the reply.
    pub(super) async fn discreetly(
        &mut self,
        stage: Stage,
        command: &str,
        shown: &str,
    ) -> Result<Answer> {
        self.say_discreetly(command, shown);
        self.hear(stage).await
    }

    /// Whether neither side has anything to say: the server has neither spoken nor gone since its
    /// last reply.
    pub(super) async fn is_quiet(&mut self) -> bool {
        self.unsaid.is_empty() && self.quiet().await.is_ok()
    }

    /// Whether the server is gone, about to go, or cannot be understood.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// Sees to it that nothing more is said.
    pub(super) fn condemn(&mut self) {
        self.over = true;
    }

    /// Waits for the next reply, no longer than so.
    pub(super) async fn hear_within(&mut self, stage: Stage, patience: Duration) -> Result<Answer> {
        let usual = self.line().patience;
        self.line().patience = patience.min(usual);
        let heard = self.hear(stage).await;
        self.line().patience = usual;
        heard
    }

    async fn quiet(&mut self) -> Result<(), Fault> {
        poll_fn(|cx| Poll::Ready(self.line().wire.poll_quiet(cx))).await
    }

    async fn exchange(&mut self) -> Result<Answer, Fault> {
        // Whoever drops this before its end leaves a server whose words would be taken for others.
        let was_over = std::mem::replace(&mut self.over, true);
        let answer = if self.unsaid.is_empty() {
            let outcome = self.connection.read_response().await.map(drop);
            self.outcome(outcome)?
        } else {
            self.quiet().await?;
            for shown in std::mem::take(&mut self.shown) {
                self.journal.client(&shown);
            }
            let unsaid = std::mem::take(&mut self.unsaid);
            let outcome = self.connection.command(unsaid).await.map(drop);
            self.outcome(outcome)?
        };
        self.over = was_over || answer.reply.code == 421;
        Ok(answer)
    }

    /// lettre calls 4yz and 5yz errors; what counts is what was kept aside.
    fn outcome(
        &self,
        outcome: Result<(), lettre::transport::smtp::Error>,
    ) -> Result<Answer, Fault> {
        let mut line = self.line();
        match (line.answer.take(), line.fault.take(), outcome) {
            (_, Some(fault), _) => Err(fault),
            (Some(answer), None, _) => Ok(answer),
            (None, None, Err(error)) => Err(Fault::Protocol(error.to_string())),
            (None, None, Ok(())) => Err(Fault::Protocol("a reply without words".to_owned())),
        }
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
                buffer.put_slice(&digest(answer.reply.code));
                line.answer = Some(answer);
                Poll::Ready(Ok(()))
            }
            Err(fault) => Poll::Ready(line.keep(fault)),
        }
    }
}

impl AsyncWrite for LettreStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if !self.prologue.is_empty() {
            return Poll::Ready(Ok(bytes.len()));
        }
        let mut line = self.line();
        let gate = line.gate.clone();
        if gate.as_ref().is_some_and(|gate| !gate.pass()) {
            // Whoever gave the message up drops this session, too.
            return Poll::Pending;
        }
        let patience = line.patience;
        let sending = line.wire.poll_send(cx, bytes, patience);
        if let Poll::Ready(Ok(sent)) = sending {
            line.content = line.content.saturating_sub(sent);
        }
        match gate {
            Some(_) if line.content == 0 => line.gate = None,
            Some(gate) => gate.reopen(),
            None => {}
        }
        match ready!(sending) {
            Ok(sent) => Poll::Ready(Ok(sent)),
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
fn digest(code: u16) -> [u8; 7] {
    let code = if code / 10 % 10 > 5 { code / 100 * 100 + 50 } else { code };
    // A reply code has three digits.
    let digit = |value: u16| b'0' + (value % 10) as u8;
    [digit(code / 100), digit(code / 10), digit(code), b' ', b'-', b'\r', b'\n']
}
