//! The line between this host and a server: bytes out, complete replies in. Every wait has a
//! deadline and every buffer a bound. What commands mean is for others to know.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::reply_parser::{Answer, ReplyParser};
use crate::error::{Error, Stage};
use crate::reply::Reply;
use crate::submission::network::Stream;
use crate::submission::network::wire_error::WireError;
use crate::submission::record::Record;

/// The longest line of a reply. RFC 5321 allows 512 bytes, servers with long help texts send more.
const MAX_LINE: usize = 2048;

/// How much is read at once: several replies of common length.
const CHUNK: usize = 4096;

/// Stands for a deadline that the clock cannot express.
const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// A connection that speaks in lines.
pub(crate) struct Wire {
    stream: Box<dyn Stream>,
    /// Where bytes are read to.
    chunk: Box<[u8; CHUNK]>,
    received: Vec<u8>,
    parser: ReplyParser,
    timer: Pin<Box<Sleep>>,
    armed: bool,
    record: Record,
}

impl Wire {
    pub(crate) fn new(stream: Box<dyn Stream>, record: Record) -> Self {
        Self {
            stream,
            chunk: Box::new([0; CHUNK]),
            received: Vec::new(),
            parser: ReplyParser::default(),
            timer: Box::pin(tokio::time::sleep(Duration::ZERO)),
            armed: false,
            record,
        }
    }

    /// The record of the session.
    pub(crate) fn record(&self) -> &Record {
        &self.record
    }

    /// Says a command line and waits for the reply to it; the reply may take until `patience` is
    /// over.
    pub(crate) async fn command(
        &mut self,
        stage: Stage,
        line: &str,
        patience: Duration,
    ) -> Result<Answer, Error> {
        self.say(line, patience).await.map_err(|failure| failure.at(stage, &self.record))?;
        self.reply(stage, patience).await
    }

    /// Waits for a reply.
    pub(crate) async fn reply(
        &mut self,
        stage: Stage,
        patience: Duration,
    ) -> Result<Answer, Error> {
        let answer = poll_fn(|cx| self.poll_reply(cx, patience)).await;
        answer.map_err(|failure| failure.at(stage, &self.record))
    }

    /// Gives the bare stream back, for the TLS handshake. Bytes that the server sent in advance
    /// would be taken for words said inside TLS (CVE-2011-0411), so there must be none.
    pub(crate) fn into_stream(self) -> Result<Box<dyn Stream>, WireError> {
        if self.received.is_empty() {
            return Ok(self.stream);
        }
        Err(WireError::Protocol(
            "the server sent bytes in clear after its reply to STARTTLS".to_owned(),
        ))
    }

    /// Fails if the server has spoken or gone since its last reply.
    pub(crate) fn poll_quiet(&mut self, cx: &mut Context<'_>) -> Result<(), WireError> {
        let gone = match self.poll_fill(cx) {
            Poll::Ready(Err(failure)) => Some(failure),
            Poll::Ready(Ok(())) | Poll::Pending => None,
        };
        if self.received.iter().all(u8::is_ascii_whitespace) {
            self.received.clear();
            return gone.map_or(Ok(()), Err);
        }
        match self.last_words() {
            Some(WireError::Refused(reply)) if reply.code != 421 => {
                Err(WireError::Protocol(format!("the server spoke out of turn: {reply}")))
            }
            Some(failure) => Err(failure),
            None => Err(WireError::Protocol("the server spoke out of turn".to_owned())),
        }
    }

    /// Hands bytes to the connection; every stall may last until `patience` is over.
    pub(crate) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        patience: Duration,
    ) -> Poll<Result<usize, WireError>> {
        let sent = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if let Poll::Ready(Ok(bytes)) = sent {
            self.record.traffic("sent", bytes);
        }
        self.progress(cx, sent, patience)
    }

    /// Has the connection pass on what it was handed.
    pub(crate) fn poll_flush(
        &mut self,
        cx: &mut Context<'_>,
        patience: Duration,
    ) -> Poll<Result<(), WireError>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.progress(cx, flushed, patience)
    }

    /// Waits for a complete reply. The time runs from the first poll, whatever arrives in between.
    pub(crate) fn poll_reply(
        &mut self,
        cx: &mut Context<'_>,
        patience: Duration,
    ) -> Poll<Result<Answer, WireError>> {
        loop {
            if let Some(answer) = self.gather()? {
                self.armed = false;
                return Poll::Ready(Ok(answer));
            }
            if let Some(failure) = self.overdue(cx, patience) {
                return Poll::Ready(Err(failure));
            }
            if let Err(failure) = ready!(self.poll_fill(cx)) {
                return Poll::Ready(Err(self.last_words().unwrap_or(failure)));
            }
        }
    }

    async fn say(&mut self, line: &str, patience: Duration) -> Result<(), WireError> {
        poll_fn(|cx| Poll::Ready(self.poll_quiet(cx))).await?;
        self.record.client(line.trim_end());
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
    ) -> Poll<Result<T, WireError>> {
        let failure = match attempt {
            Poll::Ready(Ok(done)) => {
                self.armed = false;
                return Poll::Ready(Ok(done));
            }
            Poll::Ready(Err(error)) => {
                let _ = self.poll_fill(cx);
                Some(self.last_words().unwrap_or(WireError::Lost(Some(error))))
            }
            Poll::Pending if self.poll_fill(cx).is_ready() => self.last_words(),
            Poll::Pending => None,
        };
        match failure.or_else(|| self.overdue(cx, patience)) {
            Some(failure) => Poll::Ready(Err(failure)),
            None => Poll::Pending,
        }
    }

    /// The failure of this wait once `patience` is over since it began.
    fn overdue(&mut self, cx: &mut Context<'_>, patience: Duration) -> Option<WireError> {
        if !self.armed {
            self.timer.as_mut().reset(Instant::now() + patience.min(FAR));
            self.armed = true;
        }
        self.timer.as_mut().poll(cx).is_ready().then_some(WireError::Overdue(patience))
    }

    /// Reads once. The end of the stream is a failure, but ends a last line that refuses.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), WireError>> {
        if self.received.len() > MAX_LINE {
            return Poll::Ready(Ok(()));
        }
        let mut buffer = ReadBuf::new(&mut self.chunk[..]);
        match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer)) {
            Ok(()) if !buffer.filled().is_empty() => {
                self.received.extend_from_slice(buffer.filled());
                self.record.traffic("received", buffer.filled().len());
                Poll::Ready(Ok(()))
            }
            end => {
                if matches!(self.received.first(), Some(b'4' | b'5')) {
                    self.received.push(b'\n');
                }
                Poll::Ready(Err(WireError::Lost(end.err())))
            }
        }
    }

    /// What the server said before it went, if that explains why.
    fn last_words(&mut self) -> Option<WireError> {
        match self.gather() {
            Ok(Some(answer)) if answer.reply.code >= 400 => Some(WireError::Refused(answer.reply)),
            Ok(Some(answer)) => {
                Some(WireError::Protocol(format!("the server spoke out of turn: {}", answer.reply)))
            }
            Ok(None) => None,
            Err(failure) => Some(failure),
        }
    }

    /// Takes what was received; gives the first reply that is complete.
    fn gather(&mut self) -> Result<Option<Answer>, WireError> {
        // A handshake record or an alert where a reply is due (RFC 8446 §5.1).
        if let [0x15 | 0x16, 0x03, ..] = self.received[..] {
            return Err(WireError::TlsRecord);
        }
        while let Some(end) = self.received.iter().position(|byte| *byte == b'\n') {
            if end > MAX_LINE {
                break;
            }
            let line = &self.received[..end];
            let gathered = self.parser.push(line.strip_suffix(b"\r").unwrap_or(line));
            self.received.drain(..=end);
            if let Some((code, words)) = gathered.map_err(WireError::Protocol)? {
                self.parser = ReplyParser::default();
                return Ok(Some(self.answer(code, words)));
            }
        }
        if self.received.len() > MAX_LINE {
            return Err(WireError::Protocol(format!(
                "a line of the reply has more than {MAX_LINE} bytes"
            )));
        }
        Ok(None)
    }

    fn answer(&self, code: u16, words: Vec<String>) -> Answer {
        let shown: Vec<_> = words.iter().map(|line| self.record.redaction.mask(line)).collect();
        self.record.server(code, &shown);
        Answer { words, reply: Reply::new(code, shown) }
    }
}
