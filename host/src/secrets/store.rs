//! Keeps the secrets of one configuration on the host's side of the boundary. The component sees
//! references; only this module turns one back into its value, at the moment of use.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;

use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};
use crate::plan::SecretRef;
use crate::secrets::Secret;

/// The largest secret that a file may hold, in bytes: a private key with its chain has some
/// thousands.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Secrets by the JSON Pointer at which they stood.
#[derive(Debug, Default)]
pub(crate) struct SecretStore {
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

impl SecretStore {
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
            let message = format!(
                "the plan refers to a secret at `{pointer}`, where the configuration has none"
            );
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
            Self::File(path) => {
                let text = read(path)
                    .map_err(|error| format!("the file `{path}` cannot be read: {error}"))?;
                match without_line_break(&text) {
                    "" => Err(format!("the file `{path}` is empty")),
                    line => Ok(Secret::new(line)),
                }
            }
        }
    }
}

/// The text of a regular file: a pipe or a terminal would be waited for without end.
fn read(path: &str) -> std::io::Result<Zeroizing<String>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is no regular file"));
    }
    let mut text = Zeroizing::default();
    let mut file = File::open(path)?.take(MAX_FILE_BYTES + 1);
    file.read_to_string(&mut text)?;
    match file.limit() {
        0 => Err(std::io::Error::other(format!("it has more than {MAX_FILE_BYTES} bytes"))),
        _ => Ok(text),
    }
}

/// Editors end a file with a line break that is no part of the secret.
fn without_line_break(text: &str) -> &str {
    text.strip_suffix("\r\n").or(text.strip_suffix('\n')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_break_at_the_end_is_no_part_of_a_secret() {
        for (text, expected) in [
            ("s3cret", "s3cret"),
            ("s3cret\n", "s3cret"),
            ("s3cret\r\n", "s3cret"),
            ("two\nlines\n\n", "two\nlines\n"),
            (" blanks \r", " blanks \r"),
            ("\n", ""),
        ] {
            assert_eq!(without_line_break(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_file_that_is_missing_empty_too_large_or_none_holds_no_secret() {
        let folder = std::env::temp_dir()
            .join(format!("smtp-connector-secret-store-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder can be made");
        let (empty, large) = (folder.join("empty"), folder.join("large"));
        File::create(&empty).expect("a file can be made");
        let file = File::create(&large).expect("a file can be made");
        file.set_len(MAX_FILE_BYTES + 1).expect("it can have any length");
        let (empty, large) = (empty.display().to_string(), large.display().to_string());
        for (path, problem) in [
            ("/nowhere/secret", "cannot be read: No such file or directory (os error 2)"),
            (empty.as_str(), "is empty"),
            (large.as_str(), "cannot be read: it has more than 1048576 bytes"),
            ("/dev/zero", "cannot be read: it is no regular file"),
        ] {
            let value = Source::File(path.to_owned()).value();
            assert_eq!(
                value.expect_err("there is no secret"),
                format!("the file `{path}` {problem}")
            );
        }
        std::fs::remove_dir_all(&folder).expect("the folder can be removed");
    }
}
