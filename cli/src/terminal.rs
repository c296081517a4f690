//! Colours and marks, only where a person looks.

use std::fmt::Display;
use std::io::{IsTerminal, Write as _};

/// How text for people is dressed on one stream.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    colours: bool,
}

impl Style {
    /// The style of the standard error.
    pub(super) fn stderr() -> Self {
        Self::of(&std::io::stderr())
    }

    /// The style of the standard output.
    pub(super) fn stdout() -> Self {
        Self::of(&std::io::stdout())
    }

    fn of(stream: &impl IsTerminal) -> Self {
        Self { colours: stream.is_terminal() && std::env::var_os("NO_COLOR").is_none() }
    }

    /// Whether colours are used.
    pub(super) fn has_colours(self) -> bool {
        self.colours
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.dress("1", text)
    }

    pub(super) fn dim(self, text: &str) -> String {
        self.dress("2", text)
    }

    pub(super) fn good(self, text: &str) -> String {
        self.dress("32", text)
    }

    pub(super) fn bad(self, text: &str) -> String {
        self.dress("31;1", text)
    }

    pub(super) fn cure(self, text: &str) -> String {
        self.dress("36", text)
    }

    fn dress(self, code: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Tells people something on the standard error. That nobody reads it changes nothing.
pub(super) fn tell(text: impl Display) {
    let _ = write!(std::io::stderr().lock(), "{text}");
}

/// Text from outside for a terminal: no control character can move its cursor.
pub(super) fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c })
        .collect()
}
