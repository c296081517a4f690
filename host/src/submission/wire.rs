//! The line between this host and a server: bytes out, complete replies in. Every wait has a
//! deadline and every buffer a bound. What commands mean is for others to know.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::answer::{Answer, Gathering};
use super::fault::Fault;
use super::journal::Journal;
use crate::error::{Error, Stage};
use crate::reply::Reply;

/// The longest line of a reply. RFC 5321 allows 512 bytes, servers with long help texts send more.
const MAX_LINE: usize = 2048;

/// How much is read at once: several replies of common length.
const CHUNK: usize = 4096;

/// Stands for a deadline that the clock cannot express.
const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// What a session can run over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection that speaks in lines.
pub(super) struct Wire {
    stream: Box<dyn Stream>,
    /// Where bytes are read to.
    chunk: Box<[u8; CHUNK]>,
    received: Vec<u8>,
    gathering: Gathering,
    timer: Pin<Box<Sleep>>,
    armed: bool,
    journal: Journal,
}

impl Wire {
    pub(super) fn new(stream: Box<dyn Stream>, journal: Journal) -> Self {
        Self {
            stream,
            chunk: Box::new([0; CHUNK]),
            received: Vec::new(),
            gathering: Gathering::default(),
            timer: Box::pin(tokio::time::sleep(Duration::ZERO)),
            armed: false,
            journal,
        }
    }

    /// The journal of the session.
    pub(super) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Says a command line and waits for the reply to it; the reply may take until `patience` is
    /// over.
    pub(super) async fn command(
        &mut self,
        stage: Stage,
        line: &str,
        patience: Duration,
    ) -> Result<Answer, Error> {
        self.say(line, patience).await.map_err(|fault| fault.at(stage, &self.journal))?;
        self.reply(stage, patience).await
    }

    /// Waits for a reply.
    pub(super) async fn reply(
        &mut self,
        stage: Stage,
        patience: Duration,
    ) -> Result<Answer, Error> {
        let answer = poll_fn(|cx| self.poll_reply(cx, patience)).await;
        answer.map_err(|fault| fault.at(stage, &self.journal))
    }

    /// Gives the bare stream back, for the TLS handshake. Bytes that the server sent in advance
    /// would be taken for words said inside TLS (CVE-2011-0411), so there must be none.
    pub(super) fn into_stream(self) -> Result<Box<dyn Stream>, Fault> {
        if self.received.is_empty() {
            return Ok(self.stream);
        }
        Err(Fault::Protocol(
            "the server sent bytes in clear after its reply to STARTTLS".to_owned(),
        ))
    }

    /// Fails if the server has spoken or gone since its last reply.
    pub(super) fn poll_quiet(&mut self, cx: &mut Context<'_>) -> Result<(), Fault> {
        let gone = match self.poll_fill(cx) {
            Poll::Ready(Err(fault)) => Some(fault),
            Poll::Ready(Ok(())) | Poll::Pending => None,
        };
        if self.received.iter().all(u8::is_ascii_whitespace) {
            self.received.clear();
            return gone.map_or(Ok(()), Err);
        }
        match self.last_words() {
            Some(Fault::Refused(reply)) if reply.code != 421 => {
                Err(Fault::Protocol(format!("the server spoke out of turn: {reply}")))
            }
            Some(fault) => Err(fault),
            None => Err(Fault::Protocol("the server spoke out of turn".to_owned())),
        }
    }

    /// Hands bytes to the connection; every stall may last until `patience` is over.
    pub(super) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        patience: Duration,
    ) -> Poll<Result<usize, Fault>> {
        let sent = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if let Poll::Ready(Ok(bytes)) = sent {
            self.journal.traffic("sent", bytes);
        }
        self.progress(cx, sent, patience)
    }

    /// Has the connection pass on what it was handed.
    pub(super) fn poll_flush(
        &mut self,
        cx: &mut Context<'_>,
        patience: Duration,
    ) -> Poll<Result<(), Fault>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.progress(cx, flushed, patience)
    }

    /// Closes the sending half.
    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    /// Waits for a complete reply. The time runs from the first poll, whatever arrives in between.
    pub(super) fn poll_reply(
        &mut self,
        cx: &mut Context<'_>,
        patience: Duration,
    ) -> Poll<Result<Answer, Fault>> {
        loop {
            if let Some(answer) = self.gather()? {
                self.armed = false;
                return Poll::Ready(Ok(answer));
            }
            if let Some(fault) = self.overdue(cx, patience) {
                return Poll::Ready(Err(fault));
            }
            if let Err(fault) = ready!(self.poll_fill(cx)) {
                return Poll::Ready(Err(self.last_words().unwrap_or(fault)));
            }
        }
    }

    async fn say(&mut self, line: &str, patience: Duration) -> Result<(), Fault> {
        poll_fn(|cx| Poll::Ready(self.poll_quiet(cx))).await?;
        self.journal.client(line.trim_end());
        let mut rest = line.as_bytes();
        while !rest.is_empty() {
            let sent = poll_fn(|cx| self.poll_send(cx, rest, patience)).await?;
            rest = &rest[sent..];
        }
        poll_fn(|cx| self.poll_flush(cx, patience)).await
    }

    /// Judges an attempt to send: a server that refuses early and stops reading is heard.
    fn progress<T>(
        &mut self,
        cx: &mut Context<'_>,
        attempt: Poll<io::Result<T>>,
        patience: Duration,
    ) -> Poll<Result<T, Fault>> {
        let fault = match attempt {
            Poll::Ready(Ok(done)) => {
                self.armed = false;
                return Poll::Ready(Ok(done));
            }
            Poll::Ready(Err(error)) => {
                let _ = self.poll_fill(cx);
                Some(self.last_words().unwrap_or(Fault::Lost(Some(error))))
            }
            Poll::Pending if self.poll_fill(cx).is_ready() => self.last_words(),
            Poll::Pending => None,
        };
        match fault.or_else(|| self.overdue(cx, patience)) {
            Some(fault) => Poll::Ready(Err(fault)),
            None => Poll::Pending,
        }
    }

    /// The failure of this wait once `patience` is over since it began.
    fn overdue(&mut self, cx: &mut Context<'_>, patience: Duration) -> Option<Fault> {
        if !self.armed {
            self.timer.as_mut().reset(Instant::now() + patience.min(FAR));
            self.armed = true;
        }
        self.timer.as_mut().poll(cx).is_ready().then_some(Fault::Overdue(patience))
    }

    /// Reads once. The end of the stream is a fault, but ends a last line that refuses.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        if self.received.len() > MAX_LINE {
            return Poll::Ready(Ok(()));
        }
        let mut buffer = ReadBuf::new(&mut self.chunk[..]);
        match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer)) {
            Ok(()) if !buffer.filled().is_empty() => {
                self.received.extend_from_slice(buffer.filled());
                self.journal.traffic("received", buffer.filled().len());
                Poll::Ready(Ok(()))
            }
            end => {
                if matches!(self.received.first(), Some(b'4' | b'5')) {
                    self.received.push(b'\n');
                }
                Poll::Ready(Err(Fault::Lost(end.err())))
            }
        }
    }

    /// What the server said before it went, if that explains why.
    fn last_words(&mut self) -> Option<Fault> {
        match self.gather() {
            Ok(Some(answer)) if answer.reply.code >= 400 => Some(Fault::Refused(answer.reply)),
            Ok(Some(answer)) => {
                Some(Fault::Protocol(format!("the server spoke out of turn: {}", answer.reply)))
            }
            Ok(None) => None,
            Err(fault) => Some(fault),
        }
    }

    /// Takes what was received; gives the first reply that is complete.
    fn gather(&mut self) -> Result<Option<Answer>, Fault> {
        // A handshake record or an alert where a reply is due (RFC 8446 §5.1).
        if let [0x15 | 0x16, 0x03, ..] = self.received[..] {
            return Err(Fault::TlsRecord);
        }
        while let Some(end) = self.received.iter().position(|byte| *byte == b'\n') {
            if end > MAX_LINE {
                break;
            }
            let line = &self.received[..end];
            let gathered = self.gathering.push(line.strip_suffix(b"\r").unwrap_or(line));
            self.received.drain(..=end);
            if let Some((code, words)) = gathered.map_err(Fault::Protocol)? {
                self.gathering = Gathering::default();
                return Ok(Some(self.answer(code, words)));
            }
        }
        if self.received.len() > MAX_LINE {
            return Err(Fault::Protocol(format!(
                "a line of the reply has more than {MAX_LINE} bytes"
            )));
        }
        Ok(None)
    }

    fn answer(&self, code: u16, words: Vec<String>) -> Answer {
        let shown: Vec<_> = words.iter().map(|line| self.journal.mask(line)).collect();
        self.journal.server(code, &shown);
        Answer { words, reply: Reply::new(code, shown) }
    }
}
