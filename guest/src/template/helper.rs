//! The helpers that templates may call: their names, how many values each takes, and where each
//! may stand.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// A helper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Helper {
    /// Whether a value is true.
    If,
    /// Whether a value is false.
    Unless,
    /// A block for each element of a list or member of an object.
    Each,
    /// A block in which a value is `this`.
    With,
    /// A member of a value by a key that is computed.
    Lookup,
    /// Whether two values are equal.
    Eq,
    /// Whether two values differ.
    Ne,
    /// Whether the first value is the greater.
    Gt,
    /// Whether the first value is not the less.
    Gte,
    /// Whether the first value is the less.
    Lt,
    /// Whether the first value is not the greater.
    Lte,
    /// Whether all values are true.
    And,
    /// Whether any value is true.
    Or,
    /// Whether a value is false.
    Not,
    /// How many elements, members or characters a value has.
    Len,
    /// A block that is rendered as it stands.
    Raw,
}

/// Where a helper may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// At the head of a block.
    Block,
    /// In a tag of its own or between parentheses.
    Value,
}

const ALL: [(&str, Helper); 16] = [
    ("if", Helper::If),
    ("unless", Helper::Unless),
    ("each", Helper::Each),
    ("with", Helper::With),
    ("lookup", Helper::Lookup),
    ("eq", Helper::Eq),
    ("ne", Helper::Ne),
    ("gt", Helper::Gt),
    ("gte", Helper::Gte),
    ("lt", Helper::Lt),
    ("lte", Helper::Lte),
    ("and", Helper::And),
    ("or", Helper::Or),
    ("not", Helper::Not),
    ("len", Helper::Len),
    ("raw", Helper::Raw),
];

impl Helper {
    /// The helper of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        ALL.iter().find(|(known, _)| *known == name).map(|(_, helper)| *helper)
    }

    /// Whether its bare name calls it, as in handlebars.js, and is never a value.
    pub(super) fn owns_its_name(self) -> bool {
        matches!(self, Self::If | Self::Unless | Self::Each | Self::With | Self::Lookup)
    }

    /// Whether it moves `this`, so that a block of it can name what it moves to.
    pub(super) fn moves(self) -> bool {
        matches!(self, Self::Each | Self::With)
    }

    /// Whether it may stand at a place.
    pub(super) fn stands(self, place: Place) -> bool {
        match self {
            Self::Each | Self::With | Self::Raw => place == Place::Block,
            Self::Lookup | Self::Len => place == Place::Value,
            _ => true,
        }
    }

    /// How many values it takes.
    pub(super) fn values(self) -> RangeInclusive<usize> {
        match self {
            Self::If | Self::Unless | Self::Each | Self::With | Self::Not | Self::Len => 1..=1,
            Self::Lookup | Self::Eq | Self::Ne => 2..=2,
            Self::Gt | Self::Gte | Self::Lt | Self::Lte => 2..=2,
            Self::And | Self::Or => 1..=usize::MAX,
            Self::Raw => 0..=0,
        }
    }

    /// The same in words.
    pub(super) fn values_in_words(self) -> &'static str {
        match (self.values().start(), self.values().end()) {
            (0, _) => "no value",
            (1, 1) => "one value",
            (1, _) => "one value or more",
            _ => "two values",
        }
    }
}

/// Says that a helper does not exist.
pub(super) fn unknown(name: &str) -> String {
    format!("there is no helper `{name}`")
}
