//! What was said on a connection, for people: masked, bounded, and without the message itself.

use std::time::{Duration, Instant};

/// How many lines a transcript keeps: a whole session of one message has about twenty.
const MAX_LINES: usize = 200;

/// Who said a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// This host.
    Client,
    /// The server.
    Server,
    /// Nobody: a remark on what happened, such as a handshake.
    Remark,
}

/// One line of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line {
    /// When it was said, since the session began.
    pub at: Duration,
    /// Who said it.
    pub speaker: Speaker,
    /// What was said, masked, without its line break.
    pub text: String,
}

/// What was said on a connection, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcript {
    start: Instant,
    lines: Vec<Line>,
}

impl Transcript {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), lines: Vec::new() }
    }

    /// Adds a line whose text is masked already. Past the bound, lines are dropped.
    pub(crate) fn push(&mut self, speaker: Speaker, text: impl Into<String>) {
        if self.lines.len() < MAX_LINES {
            self.lines.push(Line { at: self.start.elapsed(), speaker, text: text.into() });
        }
    }

    /// The lines, in order.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }
}

impl std::fmt::Display for Transcript {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for line in &self.lines {
            let mark = match line.speaker {
                Speaker::Client => "C:",
                Speaker::Server => "S:",
                Speaker::Remark => "--",
            };
            writeln!(f, "{:>6} ms  {mark} {}", line.at.as_millis(), line.text)?;
        }
        Ok(())
    }
}
