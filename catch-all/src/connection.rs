//! Lines in, replies out: the bounded transport below a session.
//!
//! Replies are collected and written when the client's input is used up, so that a pipelining
//! client (RFC 2920) gets one segment. Only CRLF ends a line; everything that waits has the idle
//! timeout.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::time::timeout;

/// The longest command with its CRLF: what RFC 4954 §4 wants for AUTH, which is the longest of all.
const MAX_COMMAND_LINE: usize = 12_288;

/// The longest line of a message with its CRLF (RFC 5321 §4.5.3.1.6), before transparency.
const MAX_TEXT_LINE: usize = 1_000 + 1;

/// How much of an overlong line is read and forgotten before the connection is closed.
const MAX_DISCARDED: usize = 1024 * 1024;

pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub(super) struct Connection {
    stream: BufReader<Box<dyn Stream>>,
    replies: Vec<u8>,
    idle_timeout: Duration,
}

/// A line without its CRLF, or why it is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Text(Vec<u8>),
    BareLineBreak,
    TooLong,
}

/// Why a message cannot be taken, found while it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    BareLineBreak,
    LineTooLong,
    TooLarge,
}

impl Connection {
    pub(super) fn new(stream: Box<dyn Stream>, idle_timeout: Duration) -> Self {
        Self { stream: BufReader::new(stream), replies: Vec::new(), idle_timeout }
    }

    /// The stream, without anything that was read ahead (RFC 3207 §4.2).
    pub(super) fn into_stream(self) -> Box<dyn Stream> {
        self.stream.into_inner()
    }

    pub(super) fn reply(&mut self, reply: &str) {
        self.replies.extend_from_slice(reply.as_bytes());
        self.replies.extend_from_slice(b"\r\n");
    }

    pub(super) async fn flush(&mut self) -> io::Result<()> {
        let stream = self.stream.get_mut();
        let written = timeout(self.idle_timeout, async {
            stream.write_all(&self.replies).await?;
            stream.flush().await
        });
        written.await??;
        self.replies.clear();
        Ok(())
    }

    /// Whether the client has sent more than it was entitled to before the next reply.
    pub(super) fn has_more(&self) -> bool {
        !self.stream.buffer().is_empty()
    }

    pub(super) async fn command(&mut self) -> io::Result<Line> {
        self.line(MAX_COMMAND_LINE).await
    }

    /// Reads a message up to the final dot, always all of it, and undoes transparency.
    pub(super) async fn content(&mut self, max_size: usize) -> io::Result<Result<Vec<u8>, Flaw>> {
        let mut content = Vec::new();
        let mut flaw = None;
        loop {
            match self.line(MAX_TEXT_LINE).await? {
                Line::Text(line) if line == b"." => break,
                Line::Text(line) => {
                    let line = line.strip_prefix(b".").unwrap_or(&line);
                    if content.len() + line.len() + 2 > max_size {
                        flaw = flaw.or(Some(Flaw::TooLarge));
                    } else {
                        content.extend_from_slice(line);
                        content.extend_from_slice(b"\r\n");
                    }
                }
                Line::BareLineBreak => flaw = flaw.or(Some(Flaw::BareLineBreak)),
                Line::TooLong => flaw = flaw.or(Some(Flaw::LineTooLong)),
            }
        }
        Ok(flaw.map_or(Ok(content), Err))
    }

    async fn line(&mut self, limit: usize) -> io::Result<Line> {
        let mut line = Vec::new();
        let mut length = 0;
        loop {
            if !self.has_more() {
                self.flush().await?;
            }
            let available = timeout(self.idle_timeout, self.stream.fill_buf()).await??;
            if available.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let end = available.iter().position(|&byte| byte == b'\n');
            let taken = end.map_or(available.len(), |at| at + 1);
            length += taken;
            if length <= limit {
                line.extend_from_slice(&available[..taken]);
            }
            self.stream.consume(taken);
            if end.is_some() {
                return Ok(if length > limit { Line::TooLong } else { Line::read(line) });
            }
            if length > MAX_DISCARDED {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
    }
}

impl Line {
    /// Reads what ends with a line feed.
    fn read(mut line: Vec<u8>) -> Self {
        if !line.ends_with(b"\r\n") {
            return Self::BareLineBreak;
        }
        line.truncate(line.len() - 2);
        if line.contains(&b'\r') { Self::BareLineBreak } else { Self::Text(line) }
    }
}
