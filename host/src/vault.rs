//! Keeps the secrets of one configuration on the host's side of the boundary. The component sees references;
//! only this module turns one back into its value, at the moment of use.

use std::collections::BTreeMap;

use crate::error::{Error, ErrorKind, Result};
use crate::plan::SecretRef;
use crate::secret::Secret;

/// Secrets by the JSON Pointer at which they stood.
#[derive(Debug, Default)]
pub(crate) struct Vault {
    entries: BTreeMap<String, Source>,
}

/// Where a secret's value comes from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// The configuration itself.
    Inline(Secret),
    /// An environment variable.
    Environment(String),
    /// A file, without its last line break.
    File(String),
}

impl Vault {
    /// Keeps a secret; a later one at the same place replaces it, as in JSON.
    pub(crate) fn keep(&mut self, pointer: String, source: Source) {
        self.entries.insert(pointer, source);
    }

    /// Every place and source.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.entries.iter().map(|(pointer, source)| (pointer.as_str(), source))
    }

    /// The value behind a reference.
    pub(crate) fn resolve(&self, reference: &SecretRef) -> Result<Secret> {
        let pointer = &reference.0;
        let Some(source) = self.entries.get(pointer) else {
            let message =
                format!("the plan refers to a secret at `{pointer}`, where the configuration has none");
            return Err(Error::new(ErrorKind::Component, message));
        };
        source.value().map_err(|problem| {
            Error::new(
                ErrorKind::Configuration,
                format!("the secret at `{pointer}` cannot be had: {problem}"),
            )
        })
    }
}

impl Source {
    /// The value, or why it cannot be had.
    pub(crate) fn value(&self) -> Result<Secret, String> {
        match self {
            Self::Inline(secret) => Ok(secret.clone()),
            Self::Environment(name) => match std::env::var(name) {
                Ok(value) if !value.is_empty() => Ok(Secret::new(value)),
                Ok(_) => Err(format!("the environment variable `{name}` is empty")),
                Err(std::env::VarError::NotPresent) => {
                    Err(format!("the environment variable `{name}` is not set"))
                }
                Err(std::env::VarError::NotUnicode(_)) => {
                    Err(format!("the environment variable `{name}` is not UTF-8"))
                }
            },
            Self::File(path) => match std::fs::read_to_string(path) {
                Ok(text) => match text.strip_suffix('\n').map(|text| text.strip_suffix('\r').unwrap_or(text))
                {
                    Some(line) => Ok(Secret::new(line)),
                    None => Ok(Secret::new(text)),
                },
                Err(error) => Err(format!("the file `{path}` cannot be read: {error}")),
            },
        }
    }
}
