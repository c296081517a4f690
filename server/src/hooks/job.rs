//! What a call asks for.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};
use smtp_connector::{Literal, Request};

/// The usage type that every configuration has a template for.
const GENERIC: &str = "Generic";

/// What a call asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// These mails: all of them, or none.
    Mail(Vec<Job>),
    /// Nothing: the platform mails this one itself, or tells of something else. That is a success.
    Nothing,
}

/// One mail that a platform asks for.
#[derive(Clone, PartialEq, Eq)]
pub struct Job {
    /// The recipient, unread.
    pub to: String,
    /// The names of the mail, best first: the platform's own, then our usage type.
    pub types: Vec<String>,
    /// The values for a template; its `code` and `link` are secret.
    pub payload: Map<String, Value>,
    /// The language wanted, where the payload does not say it.
    pub locale: Option<String>,
    /// Where the content comes from.
    pub content: Content,
    /// The same for all calls that ask for the same mail; none where nothing tells them apart.
    pub key: Option<String>,
    /// When the mail is of no use any more. It may have passed already.
    pub deadline: SystemTime,
}

/// Where the content of a mail comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A template of the connector.
    Template,
    /// A template of the connector that has the platform's own name for the mail; otherwise this.
    Layout(Literal),
    /// The platform, which has rendered it.
    Rendered(Literal),
}

impl Job {
    /// The request to compose. `has_template` says whether the connector has a template of that
    /// usage type.
    pub fn request(&self, has_template: impl Fn(&str) -> bool) -> Request {
        let own = self.types.first().map_or(GENERIC, String::as_str);
        let (usage_type, literal) = match &self.content {
            Content::Template => {
                let named = self.types.iter().find(|name| has_template(name));
                (named.map_or(GENERIC, String::as_str), None)
            }
            Content::Layout(_) if has_template(own) => (own, None),
            Content::Layout(literal) | Content::Rendered(literal) => (own, Some(literal)),
        };
        let mut request = Request::new(usage_type, &self.to).payload(self.payload.clone());
        if let Some(locale) = &self.locale {
            request = request.locale(locale);
        }
        match literal {
            Some(literal) => request.literal(literal.clone()),
            None => request,
        }
    }

    /// Sets values of the payload: those that are there.
    pub(super) fn set<V: Into<Value>>(&mut self, name: &str, value: Option<V>) {
        if let Some(value) = value {
            self.payload.insert(name.to_owned(), value.into());
        }
    }

    /// Sets the deadline to that which the platform says, where it does.
    pub(super) fn ends(&mut self, deadline: Option<SystemTime>) {
        self.deadline = deadline.unwrap_or(self.deadline);
    }
}

impl fmt::Debug for Job {
    /// Shows neither payload nor content: they carry a one-time code.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("to", &self.to)
            .field("types", &self.types)
            .field("locale", &self.locale)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

/// Content that a platform has rendered, in one form or in both.
pub(super) fn rendered(subject: &str, text: Option<&str>, html: Option<&str>) -> Option<Literal> {
    match (text, html) {
        (Some(text), Some(html)) => Some(Literal::html(subject, html).and_text(text)),
        (None, Some(html)) => Some(Literal::html(subject, html)),
        (Some(text), None) => Some(Literal::text(subject, text)),
        (None, None) => None,
    }
}

/// A moment of Unix time, unless no clock can show it.
pub(super) fn moment(unix: Duration) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(unix)
}
