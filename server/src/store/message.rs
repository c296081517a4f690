//! The states of a message.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// It waits for its turn.
    Queued,
    /// It is on its way.
    Sending,
    /// The relay took it.
    Accepted,
    /// The relay refused it for good.
    Refused,
    /// Its deadline passed first; it was not sent late.
    Expired,
    /// Nobody knows whether the relay took it: the connection was lost after its end. It is never
    /// sent again.
    Ambiguous,
    /// It could not be sent, for a reason that is not the message's.
    Failed,
    /// It was taken back before it was sent.
    Cancelled,
}

/// The codes of the column `state`, where a message on its way is leased or released.
pub(super) mod code {
    /// Waiting.
    pub(in super::super) const QUEUED: i64 = 0;
    /// A worker has it, and the relay cannot have heard its end.
    pub(in super::super) const LEASED: i64 = 1;
    /// A worker has it, and the relay may have heard its end.
    pub(in super::super) const RELEASED: i64 = 2;
    /// Taken.
    pub(in super::super) const ACCEPTED: i64 = 3;
    /// Refused.
    pub(in super::super) const REFUSED: i64 = 4;
    /// Too late.
    pub(in super::super) const EXPIRED: i64 = 5;
    /// Unknown.
    pub(in super::super) const AMBIGUOUS: i64 = 6;
    /// Not sent.
    pub(in super::super) const FAILED: i64 = 7;
    /// Taken back.
    pub(in super::super) const CANCELLED: i64 = 8;
}

impl State {
    /// Every state.
    pub(crate) const ALL: [Self; 8] = [
        Self::Queued,
        Self::Sending,
        Self::Accepted,
        Self::Refused,
        Self::Expired,
        Self::Ambiguous,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Whether nothing further happens to the message.
    pub(crate) fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Sending)
    }

    /// The state that a code stands for.
    pub(super) fn of(code: i64) -> Self {
        match code {
            code::QUEUED => Self::Queued,
            code::LEASED | code::RELEASED => Self::Sending,
            code::ACCEPTED => Self::Accepted,
            code::REFUSED => Self::Refused,
            code::EXPIRED => Self::Expired,
            code::FAILED => Self::Failed,
            code::CANCELLED => Self::Cancelled,
            // Of a code that only a later version writes nobody here knows what it means.
            _ => Self::Ambiguous,
        }
    }

    /// The lowest and the highest code of the state.
    pub(super) fn codes(self) -> (i64, i64) {
        match self {
            Self::Queued => (code::QUEUED, code::QUEUED),
            Self::Sending => (code::LEASED, code::RELEASED),
            Self::Accepted => (code::ACCEPTED, code::ACCEPTED),
            Self::Refused => (code::REFUSED, code::REFUSED),
            Self::Expired => (code::EXPIRED, code::EXPIRED),
            Self::Ambiguous => (code::AMBIGUOUS, code::AMBIGUOUS),
            Self::Failed => (code::FAILED, code::FAILED),
            Self::Cancelled => (code::CANCELLED, code::CANCELLED),
        }
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::Ambiguous => "ambiguous",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for State {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|state| state.name() == text);
        known.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("a state is one of {names}")
        })
    }
}
