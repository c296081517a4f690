//! Components that a connector names in place of the usual one: files of a folder, each known by
//! the digest of its bytes, and admitted as `component check` admits one.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use smtp_connector::{Connector as Component, Diagnostic, Engine, Error, ErrorKind};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

/// How the name of a component begins: by which digest it is known.
const PREFIX: &str = "sha256:";

/// How much is read of a file: more than an engine takes is refused by it.
const MOST_READ: u64 = (32 << 20) + 1;

/// The name of a component: the SHA-256 of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ComponentDigest([u8; 32]);

/// Why a text is no name of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotADigest;

/// The usual component, and those that connectors name.
pub(super) struct Components {
    engine: Engine,
    usual: Component,
    folder: Option<PathBuf>,
    /// What became of those that were named. It stays so: a digest has one component.
    judged: Mutex<HashMap<ComponentDigest, Result<Component, String>>>,
}

impl ComponentDigest {
    /// The name of these bytes.
    fn of(bytes: &[u8]) -> Self {
        let mut octets = [0; 32];
        octets.copy_from_slice(digest(&SHA256, bytes).as_ref());
        Self(octets)
    }

    /// The name of its file.
    fn file(&self) -> String {
        format!("{}.wasm", &self.to_string()[PREFIX.len()..])
    }
}

impl fmt::Display for ComponentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl FromStr for ComponentDigest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        let digits = text.strip_prefix(PREFIX).ok_or(NotADigest)?;
        let mut octets = [0; 32];
        if digits.len() != 2 * octets.len()
            || !digits.bytes().all(|digit| digit.is_ascii_hexdigit())
        {
            return Err(NotADigest);
        }
        for (at, octet) in octets.iter_mut().enumerate() {
            let pair = &digits[2 * at..2 * at + 2];
            *octet = u8::from_str_radix(pair, 16).map_err(|_| NotADigest)?;
        }
        Ok(Self(octets))
    }
}

impl fmt::Display for NotADigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a component is named by `{PREFIX}` and the 64 hexadecimal digits of its SHA-256")
    }
}

impl std::error::Error for NotADigest {}

impl Components {
    pub(super) fn new(engine: Engine, usual: Component, folder: Option<PathBuf>) -> Self {
        Self { engine, usual, folder, judged: Mutex::default() }
    }

    /// The component of this name; the usual one where there is none.
    ///
    /// # Errors
    ///
    /// A fault of the configuration ([`ErrorKind::Configuration`]) where there is no such component
    /// in the folder, or it is refused.
    pub(super) async fn find(&self, name: Option<ComponentDigest>) -> Result<Component, Error> {
        let Some(name) = name else { return Ok(self.usual.clone()) };
        // One after the other: to examine one takes a processor for a while.
        let mut judged = self.judged.lock().await;
        let verdict = match judged.get(&name) {
            Some(verdict) => verdict.clone(),
            None => {
                let bytes = self.read(name).await?;
                let verdict = self.judge(&bytes).await;
                judged.entry(name).or_insert(verdict).clone()
            }
        };
        verdict.map_err(|reasons| fault("refused-component", format!("`{name}` {reasons}")))
    }

    /// Admits a component, or says why it is refused.
    async fn judge(&self, bytes: &[u8]) -> Result<Component, String> {
        let examination = self.engine.examine(bytes).await;
        if !examination.is_passed() {
            return Err(format!("is refused: {}", examination.refusals.join("; ")));
        }
        self.engine.load(bytes).await.map_err(|error| format!("cannot be loaded: {error}"))
    }

    async fn read(&self, name: ComponentDigest) -> Result<Vec<u8>, Error> {
        let unknown = |problem: String| {
            fault("unknown-component", format!("there is no component `{name}`: {problem}"))
        };
        let Some(folder) = &self.folder else {
            return Err(unknown("the setting `components` names no folder of them".to_owned()));
        };
        let path = folder.join(name.file());
        let bytes = spawn_blocking(move || read(&path)).await;
        let bytes = bytes.map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))?;
        let bytes = bytes.map_err(|error| unknown(format!("`{}`: {error}", name.file())))?;
        match ComponentDigest::of(&bytes) {
            held if held == name => Ok(bytes),
            held => Err(unknown(format!("`{}` holds `{held}`", name.file()))),
        }
    }
}

impl fmt::Debug for Components {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Components").field("folder", &self.folder).finish_non_exhaustive()
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST_READ).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn fault(code: &str, message: String) -> Error {
    Error::configuration(vec![Diagnostic::error("/component", code, message)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_is_named_by_its_digest() {
        // FIPS 180-4, the digest of `abc`.
        let name = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let read: ComponentDigest = name.parse().expect("a name");
        assert_eq!(read, ComponentDigest::of(b"abc"));
        assert_eq!(read.to_string(), name);
        assert_eq!(name.to_uppercase().replace("SHA", "sha").parse(), Ok(read));
        assert!(read.file().starts_with("ba78") && read.file().ends_with("15ad.wasm"));
        for wrong in ["", "sha256:", &name[7..], &name[..70], &name.replace("ba", "ä")] {
            assert_eq!(wrong.parse::<ComponentDigest>(), Err(NotADigest), "{wrong}");
        }
    }
}
