//! A session with a server: opened, authenticated, and used for one transaction after the other.
//!
//! Each reply is parsed, bounded and judged.

pub(super) mod authentication;
pub(super) mod capabilities;
mod commit;
mod dialogue;
mod opener;
pub(super) mod opening;
pub(super) mod pipelining;
mod reply_parser;
mod token;
pub(super) mod transaction;
pub(super) mod wire;

use std::sync::Arc;
use std::time::Duration;

use lettre::transport::smtp::commands::{Noop, Quit};

use self::capabilities::Capabilities;
pub(super) use self::commit::Commit;
use self::dialogue::Dialogue;
pub(super) use self::opener::Opener;
use self::pipelining::{Pipelining, Together};
use crate::error::{Error, ErrorKind, Result, Stage};
use crate::plan::Protocol;
use crate::submission::record::Record;

/// How long the farewell may take. By then the messages are delivered, and nobody waits for it.
const FAREWELL: Duration = Duration::from_secs(2);

/// A session past EHLO and, where it is wanted, past STARTTLS.
pub(crate) struct Session {
    /// The line to the server.
    pub(crate) dialogue: Dialogue,
    /// What the server speaks.
    pub(crate) protocol: Protocol,
    /// What the server offers.
    pub(crate) capabilities: Capabilities,
    /// What is known of its pipelining, by all sessions of one mailer.
    pub(crate) pipelining: Arc<Pipelining>,
    /// What was said together and has been answered in part.
    in_suspense: Option<Together>,
    /// Whether the server knows HELO only, and so cannot say what it offers.
    plain_helo: bool,
    /// Whether TLS protects it.
    encrypted: bool,
    /// Whether the server took credentials.
    authenticated: bool,
    /// Whether the server is this machine.
    loopback: bool,
    /// Whether a transaction that failed may still be open.
    needs_reset: bool,
    /// Whether the server refused something for now: another connection may meet one in better
    /// health.
    pub(crate) is_doubtful: bool,
    /// What is left behind.
    pub(crate) record: Record,
}

impl Session {
    /// Whether commands go out together.
    pub(crate) fn pipelines(&self) -> bool {
        self.capabilities.pipelining && self.pipelining.is_on()
    }

    /// Ends the dialogue in the middle of a message that nobody waits for any more. A server that
    /// has answered some of what was said together may have lost the rest.
    pub(crate) fn abandon(&mut self) {
        if let Some(way) = self.in_suspense {
            self.pipelining.doubt(way);
        }
        self.dialogue.abort();
    }

    /// Says NOOP, and waits for the answer no longer than so.
    pub(crate) async fn noop(&mut self, patience: Duration) -> Result<()> {
        self.dialogue.say(Noop);
        let answer = self.dialogue.hear_within(Stage::Quit, patience).await?;
        if answer.reply.is_positive() {
            Ok(())
        } else {
            Err(Error::from_reply(Stage::Quit, answer.reply))
        }
    }

    /// Says QUIT and waits for the answer, as long as the farewell may take.
    pub(crate) async fn quit(&mut self) -> Result<()> {
        if self.dialogue.is_over() {
            return Ok(());
        }
        self.dialogue.say(Quit);
        let answer = self.dialogue.hear_within(Stage::Quit, FAREWELL).await;
        self.dialogue.abort();
        answer.map(drop)
    }
}

/// Whether the server answered something that has no place in the dialogue.
pub(super) fn is_astray(error: &Error) -> bool {
    error.kind() == ErrorKind::Protocol && error.reply().is_some()
}
