//! What is said to a server and what it answers, in step. What is said goes out in one write when
//! the first reply to it is waited for, so that commands can be pipelined (RFC 2920).

use std::fmt::{Display, Write as _};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use zeroize::Zeroize as _;

use super::commit::Commit;
use super::reply_parser::Answer;
use super::wire::Wire;
use crate::error::{Error, Result, Stage};
use crate::submission::message::transparency;
use crate::submission::network::WireError;
use crate::submission::record::Record;

/// How much room for what is said is kept for the next message.
const KEPT: usize = 64 << 10;

/// The dialogue of a session past EHLO.
pub(crate) struct Dialogue {
    wire: Wire,
    record: Record,
    patience: Duration,
    /// What goes out next.
    unsaid: String,
    /// What of it is recorded when it goes out.
    shown: Vec<Shown>,
    content: Option<Content>,
    over: bool,
}

/// A part of what is unsaid, as the record shows it.
enum Shown {
    /// A command as it is, by its place in what is unsaid.
    Command { from: usize, to: usize },
    /// Other words in its place.
    Words(String),
}

/// A message whose end has not gone out yet. It comes first in what is being said.
struct Content {
    /// How much of it the connection has not taken.
    left: usize,
    commit: Arc<Commit>,
}

/// Why the end of a message was not confirmed.
pub(crate) struct Unconfirmed {
    /// The failure.
    pub(crate) error: Error,
    /// Whether the connection had been handed everything, the final dot included.
    pub(crate) sent: bool,
}

impl Dialogue {
    /// Goes on over a wire on which EHLO was said. Each reply may take until `patience` is over.
    pub(crate) fn over(wire: Wire, patience: Duration) -> Self {
        let record = wire.record().clone();
        let (unsaid, shown) = (String::new(), Vec::new());
        Self { wire, record, patience, unsaid, shown, content: None, over: false }
    }

    /// Says a command, which ends with CRLF.
    pub(crate) fn say(&mut self, command: impl Display) {
        let from = self.unsaid.len();
        self.say_ahead(command);
        self.shown.push(Shown::Command { from, to: self.unsaid.len() });
    }

    /// Says a command that belongs to the next message: it is recorded where that one's record
    /// begins.
    pub(crate) fn say_ahead(&mut self, command: impl Display) {
        // Writing to a text does not fail.
        let _ = write!(self.unsaid, "{command}");
    }

    /// Says the message, encoded for transparency, whose end goes out only once it is committed.
    /// Nothing may be unsaid before it.
    pub(crate) fn say_content(&mut self, content: &str, commit: Arc<Commit>) {
        let from = self.unsaid.len();
        transparency::encode(content, &mut self.unsaid);
        let left = self.unsaid.len() - from;
        self.shown.push(Shown::Words(format!("(message of {left} bytes)")));
        self.content = Some(Content { left, commit });
    }

    /// Waits for the next reply, whatever it says.
    pub(crate) async fn hear(&mut self, stage: Stage) -> Result<Answer> {
        self.hear_within(stage, self.patience).await
    }

    /// Waits for the next reply, no longer than so.
    pub(crate) async fn hear_within(&mut self, stage: Stage, patience: Duration) -> Result<Answer> {
        let heard = self.exchange(patience.min(self.patience)).await;
        heard.map_err(|error| error.at(stage, &self.record))
    }

    /// Waits for the reply to the end of the message.
    pub(crate) async fn hear_end(&mut self) -> Result<Answer, Unconfirmed> {
        self.exchange(self.patience).await.map_err(|error| Unconfirmed {
            error: error.at(Stage::Content, &self.record),
            sent: self.content.is_none(),
        })
    }

    /// Says a line that is recorded as `shown` only, and waits for the reply. Nothing of the line
    /// stays in memory.
    pub(crate) async fn discreetly(
        &mut self,
        stage: Stage,
        line: &str,
        shown: &str,
    ) -> Result<Answer> {
        // Without room for the whole line, a copy would be left where it was before.
        self.unsaid.reserve(line.len() + 2);
        self.unsaid.extend([line, "\r\n"]);
        self.shown.push(Shown::Words(shown.to_owned()));
        let heard = self.hear(stage).await;
        self.unsaid.zeroize();
        heard
    }

    /// Whether neither side has anything to say: the server has neither spoken nor gone since its
    /// last reply.
    pub(crate) async fn is_quiet(&mut self) -> bool {
        self.unsaid.is_empty() && self.quiet().await.is_ok()
    }

    /// Waits until the server speaks unasked, or goes.
    pub(crate) async fn disturbed(&mut self) {
        let disturbed = poll_fn(|cx| match self.wire.poll_quiet(cx) {
            Ok(()) => Poll::Pending,
            Err(error) => Poll::Ready(error),
        });
        drop(disturbed.await);
        self.abort();
    }

    /// Whether the server is gone, about to go, or cannot be understood.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// Sees to it that nothing more is said.
    pub(crate) fn abort(&mut self) {
        self.over = true;
    }

    async fn quiet(&mut self) -> Result<(), WireError> {
        poll_fn(|cx| Poll::Ready(self.wire.poll_quiet(cx))).await
    }

    async fn exchange(&mut self, patience: Duration) -> Result<Answer, WireError> {
        // Whoever drops this before its end leaves a server whose words would be taken for others.
        let was_over = std::mem::replace(&mut self.over, true);
        if !self.unsaid.is_empty() {
            self.quiet().await?;
            self.note();
            let mut sent = 0;
            while sent < self.unsaid.len() {
                sent += poll_fn(|cx| self.poll_send(cx, sent, patience)).await?;
            }
            poll_fn(|cx| self.wire.poll_flush(cx, patience)).await?;
            self.unsaid.clear();
            self.unsaid.shrink_to(KEPT);
        }
        let answer = poll_fn(|cx| self.wire.poll_reply(cx, patience)).await?;
        self.over = was_over || answer.reply.code == 421;
        Ok(answer)
    }

    /// Records what goes out.
    fn note(&mut self) {
        for shown in self.shown.drain(..) {
            match shown {
                Shown::Command { from, to } => self.record.client(self.unsaid[from..to].trim_end()),
                Shown::Words(words) => self.record.client(&words),
            }
        }
    }

    /// Hands the connection what is unsaid from a place on; the end of a message only where it may
    /// still go out.
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        from: usize,
        patience: Duration,
    ) -> Poll<Result<usize, WireError>> {
        if self.content.as_ref().is_some_and(|content| !content.commit.pass()) {
            // Whoever gave the message up drops this session, too.
            return Poll::Pending;
        }
        let sending = self.wire.poll_send(cx, &self.unsaid.as_bytes()[from..], patience);
        if let Some(content) = &mut self.content {
            if let Poll::Ready(Ok(sent)) = sending {
                content.left = content.left.saturating_sub(sent);
            }
            match content.left {
                0 => self.content = None,
                _ => content.commit.reopen(),
            }
        }
        Poll::Ready(ready!(sending))
    }
}
