//! Why a call is refused before anything of it is queued.

use std::fmt;

/// Why a call is refused. `Display` says it to whoever keeps the service; [`answer`] tells a caller
/// who is not known nothing.
///
/// [`answer`]: super::answer
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Something of the body is missing or wrong.
    Malformed {
        /// Where, as a JSON Pointer or the name of a form's field.
        place: String,
        /// What is wrong with it, without quoting it.
        problem: &'static str,
    },
    /// The method is not POST.
    Method,
    /// The body is too large.
    TooLarge,
    /// Who calls is not known: credentials are missing, wrong, or of another time.
    Unauthorized(&'static str),
    /// The token is signed with a key that is not among those given. For the caller it is the same
    /// as [`Self::Unauthorized`].
    UnknownKey,
}

impl Refusal {
    pub(super) fn malformed(place: impl Into<String>, problem: &'static str) -> Self {
        Self::Malformed { place: place.into(), problem }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { place, problem } if place.is_empty() => {
                write!(f, "the body {problem}")
            }
            Self::Malformed { place, problem } => write!(f, "`{place}` {problem}"),
            Self::Method => f.write_str("the method is not POST"),
            Self::TooLarge => f.write_str("the body is too large"),
            Self::Unauthorized(reason) => write!(f, "the caller is not known: {reason}"),
            Self::UnknownKey => f.write_str("the token is signed with an unknown key"),
        }
    }
}

impl std::error::Error for Refusal {}
