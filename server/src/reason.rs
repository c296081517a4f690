//! Why a message was not accepted, as far as those hear of it who did not send it: nothing that
//! could quote the recipient.

use serde::{Deserialize, Serialize};
use smtp_connector::{Error, ErrorKind, Stage};

/// The parts of an error that quote nobody.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Reason {
    /// Who can do something about it.
    pub kind: ErrorKind,
    /// How far the session had come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// The relay's reply code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// Its enhanced status code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enhanced: Option<String>,
}

impl Reason {
    /// Reads it from an error as it is kept, in JSON; none of what is no error.
    pub(crate) fn read(kept: &str) -> Option<Self> {
        serde_json::from_str(kept).ok()
    }

    /// That of a message whose deadline passed while it waited.
    pub(crate) fn expired() -> Self {
        Self { kind: ErrorKind::Expired, stage: None, code: None, enhanced: None }
    }
}

impl From<&Error> for Reason {
    fn from(error: &Error) -> Self {
        let reply = error.reply();
        let enhanced = reply.and_then(|reply| reply.enhanced);
        Self {
            kind: error.kind(),
            stage: error.stage(),
            code: reply.map(|reply| reply.code),
            enhanced: enhanced.map(|enhanced| enhanced.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_what_was_kept_of_an_error_without_its_words() {
        let error = Error::new(ErrorKind::Refused, "no <jo@example.org>").at(Stage::Rcpt);
        let kept = serde_json::to_string(&error).expect("JSON");
        let reason = Reason::read(&kept).expect("a reason");
        assert_eq!(reason, Reason::from(&error));
        assert_eq!(
            serde_json::to_string(&reason).expect("JSON"),
            r#"{"kind":"refused","stage":"rcpt"}"#
        );
        assert_eq!(Reason::read(r#"{"accepted":["jo@example.org"]}"#), None);
        assert_eq!(Reason::read("none"), None);
    }
}
