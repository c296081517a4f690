//! The outcome of a request, and whom a failure concerns.

use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use smtp_connector::{Blame, Error, ErrorKind, Stage};

use crate::exit;

/// The outcome of a request, from the best to the worst. The worst one decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    /// The server took the message.
    Accepted,
    /// It cannot succeed, however often it is sent.
    Refused,
    /// The server refused the recipient for good.
    RecipientRefused,
    /// It failed for now: the next run sends it again.
    Failed,
    /// Nobody knows whether the server took it.
    Ambiguous,
}

/// An outcome as RESULTS has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    /// The server took the message.
    Accepted,
    /// It cannot succeed.
    Refused,
    /// It failed for now.
    Failed,
    /// Nobody knows.
    Ambiguous,
}

/// Whom a failure concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// This message; about others it says nothing.
    Message,
    /// This message, and the server spoke about it: the way to the server is sound.
    Transaction,
    /// Every message, as far as one failure can tell.
    Way,
    /// Every message, and surely.
    Configuration,
}

impl Outcome {
    /// The exit code of a batch in which nothing worse came of a request.
    pub(super) fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Accepted => 0,
            Self::Refused => exit::DATA,
            Self::RecipientRefused => exit::NO_USER,
            Self::Failed | Self::Ambiguous => exit::TEMPORARY,
        })
    }

    /// The outcome that an error is.
    pub(super) fn of(error: &Error) -> Self {
        if error.is_ambiguous() {
            return Self::Ambiguous;
        }
        match error.kind() {
            ErrorKind::Address | ErrorKind::Message | ErrorKind::Payload | ErrorKind::Template => {
                Self::Refused
            }
            ErrorKind::Refused => match (error.stage(), error.blame()) {
                // What is to blame can be mended, and the message then be sent.
                (_, Some(blame)) if blame.is_curable() => Self::Failed,
                (Some(Stage::Rcpt), Some(Blame::Recipient) | None) => Self::RecipientRefused,
                (Some(Stage::Mail | Stage::Rcpt | Stage::Data | Stage::Content), _) => {
                    Self::Refused
                }
                // The server refused the client, before it heard of the message.
                (
                    Some(
                        Stage::Dns
                        | Stage::Connect
                        | Stage::Proxy
                        | Stage::Tls
                        | Stage::Greeting
                        | Stage::Ehlo
                        | Stage::Starttls
                        | Stage::Auth
                        | Stage::Quit,
                    )
                    | None,
                    _,
                ) => Self::Failed,
            },
            // None of it is the message's fault, so that it can be sent when the fault is mended.
            ErrorKind::Closed
            | ErrorKind::Component
            | ErrorKind::Configuration
            | ErrorKind::Connect
            | ErrorKind::Credentials
            | ErrorKind::Dns
            | ErrorKind::Egress
            | ErrorKind::Expired
            | ErrorKind::Input
            | ErrorKind::Internal
            | ErrorKind::Lost
            | ErrorKind::Protocol
            | ErrorKind::Proxy
            | ErrorKind::Temporary
            | ErrorKind::Timeout
            | ErrorKind::Tls => Self::Failed,
            // A kind that only a later library knows: nothing says that it is the message's fault.
            _ => Self::Failed,
        }
    }

    /// As RESULTS has it.
    pub(super) fn status(self) -> Status {
        match self {
            Self::Accepted => Status::Accepted,
            Self::Refused | Self::RecipientRefused => Status::Refused,
            Self::Failed => Status::Failed,
            Self::Ambiguous => Status::Ambiguous,
        }
    }
}

impl Reach {
    /// Whom an error concerns.
    pub(super) fn of(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::Configuration => Self::Configuration,
            // These come at once, so that a run would race through all its lines.
            ErrorKind::Connect
            | ErrorKind::Credentials
            | ErrorKind::Dns
            | ErrorKind::Egress
            | ErrorKind::Proxy
            | ErrorKind::Tls => Self::Way,
            ErrorKind::Refused | ErrorKind::Temporary
                if error.stage() >= Some(Stage::Mail)
                    && error.blame().is_some_and(Blame::is_shared) =>
            {
                Self::Way
            }
            // MAIL names nothing but the sender, which most messages have in common.
            ErrorKind::Refused if error.stage() <= Some(Stage::Mail) => Self::Way,
            ErrorKind::Refused => Self::Transaction,
            ErrorKind::Expired
            | ErrorKind::Lost
            | ErrorKind::Protocol
            | ErrorKind::Temporary
            | ErrorKind::Timeout
                if error.stage() >= Some(Stage::Mail) =>
            {
                Self::Transaction
            }
            ErrorKind::Address
            | ErrorKind::Closed
            | ErrorKind::Component
            | ErrorKind::Expired
            | ErrorKind::Input
            | ErrorKind::Internal
            | ErrorKind::Lost
            | ErrorKind::Message
            | ErrorKind::Payload
            | ErrorKind::Protocol
            | ErrorKind::Template
            | ErrorKind::Temporary
            | ErrorKind::Timeout => Self::Message,
            // A kind that only a later library knows says nothing about others.
            _ => Self::Message,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_succeed_is_refused_and_what_others_can_mend_fails_for_now() {
        let at = |kind, stage| Error::new(kind, "x").at(stage);
        let cases = [
            (at(ErrorKind::Refused, Stage::Greeting), Outcome::Failed, Reach::Way),
            (at(ErrorKind::Refused, Stage::Mail), Outcome::Refused, Reach::Way),
            (at(ErrorKind::Refused, Stage::Rcpt), Outcome::RecipientRefused, Reach::Transaction),
            (at(ErrorKind::Refused, Stage::Content), Outcome::Refused, Reach::Transaction),
            (at(ErrorKind::Temporary, Stage::Rcpt), Outcome::Failed, Reach::Transaction),
            (at(ErrorKind::Temporary, Stage::Auth), Outcome::Failed, Reach::Message),
            (at(ErrorKind::Credentials, Stage::Auth), Outcome::Failed, Reach::Way),
            (at(ErrorKind::Address, Stage::Mail), Outcome::Refused, Reach::Message),
            (
                at(ErrorKind::Lost, Stage::Content).into_ambiguous(),
                Outcome::Ambiguous,
                Reach::Transaction,
            ),
            (Error::new(ErrorKind::Template, "x"), Outcome::Refused, Reach::Message),
            (Error::new(ErrorKind::Configuration, "x"), Outcome::Failed, Reach::Configuration),
            (Error::new(ErrorKind::Expired, "x"), Outcome::Failed, Reach::Message),
        ];
        for (error, outcome, reach) in cases {
            assert_eq!((Outcome::of(&error), Reach::of(&error)), (outcome, reach), "{error:?}");
        }
    }
}
