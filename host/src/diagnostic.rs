//! Findings on a configuration, from the component and from the host alike.

use serde::Serialize;

/// How much a diagnostic weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Mail cannot be sent with this configuration.
    Error,
    /// Mail can be sent, but something has no effect, is unknown, or is unwise.
    Warning,
}

/// One finding about one place in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Diagnostic {
    /// Whether it stops delivery.
    pub severity: Severity,
    /// A stable name in kebab case.
    pub code: String,
    /// A JSON Pointer (RFC 6901) into the configuration.
    pub path: String,
    /// What was found and what is expected.
    pub message: String,
    /// What to change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Whether a report may quote the value at the path: nobody took it for what it is not.
    #[serde(skip)]
    pub quotable: bool,
}

impl Diagnostic {
    /// Whether it stops delivery.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// A finding that stops delivery, at a JSON Pointer, with its name in kebab case.
    pub fn error(path: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, path, code, message)
    }

    /// A finding that does not stop delivery.
    pub fn warning(path: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, path, code, message)
    }

    fn new(
        severity: Severity,
        path: impl Into<String>,
        code: &str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            severity,
            code: code.to_owned(),
            path: path.into(),
            message: message.into(),
            help: None,
            quotable: false,
        }
    }

    /// Says what to change.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
