//! Admission: what a component imports, exports and speaks, read from its bytes before anything of
//! it is compiled. Compiling takes seconds and some hundred megabytes for the runtime of a
//! language; a component that is refused anyway shall not cost them.

use wasmparser::{ComponentTypeRef, Encoding, Parser, Payload};

use super::inert;
use crate::error::{Error, ErrorKind, Result};

/// The interface that makes a component a connector, without its version.
const CONNECTOR: &str = "smtp-connector:contract/connector";

/// The version of the contract that this host speaks.
pub(super) const CONTRACT_VERSION: &str = "0.2.0";

/// What to do about bytes that are no connector.
const BUILD_HINT: &str = "build it as a component of the world \
     `smtp-connector:contract/mail-connector`; docs/components.md says how in several languages";

/// What stands at the border of a component.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Border {
    /// The names of what it imports, in order.
    pub(crate) imports: Vec<String>,
    /// The names of what it exports, in order.
    pub(crate) exports: Vec<String>,
    /// Imports that are no interfaces, such as bare functions; nothing of the kind is tolerated.
    odd: Vec<String>,
}

impl Border {
    /// Reads the border of a component.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        let unreadable = |error: wasmparser::BinaryReaderError| {
            refusal(format!("this is not a sound component: {error}")).with_hint(BUILD_HINT)
        };
        if !bytes.starts_with(b"\0asm") {
            return Err(refusal("this is no WebAssembly component").with_hint(BUILD_HINT));
        }
        let (mut border, mut depth) = (Self::default(), 0_usize);
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(unreadable)? {
                Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                    let message = "this is a core WebAssembly module, not a component";
                    return Err(refusal(message).with_hint(BUILD_HINT));
                }
                Payload::Version { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 1 => {
                    for import in section {
                        let import = import.map_err(unreadable)?;
                        let name = import.name.name.to_owned();
                        if !matches!(import.ty, ComponentTypeRef::Instance(_)) {
                            border.odd.push(name.clone());
                        }
                        border.imports.push(name);
                    }
                }
                Payload::ComponentExportSection(section) if depth == 1 => {
                    for export in section {
                        border.exports.push(export.map_err(unreadable)?.name.name.to_owned());
                    }
                }
                _ => {}
            }
        }
        Ok(border)
    }

    /// The imports that the sandbox does not offer.
    pub(crate) fn foreign(&self) -> impl Iterator<Item = &str> {
        let is_foreign = |name: &&String| !inert::is_inert(name) || self.odd.contains(name);
        self.imports.iter().filter(is_foreign).map(String::as_str)
    }

    /// The version of the contract, where it exports a connector at all.
    pub(crate) fn contract_version(&self) -> Option<&str> {
        self.versions().next()
    }

    fn versions(&self) -> impl Iterator<Item = &str> {
        self.exports.iter().filter_map(|name| name.strip_prefix(CONNECTOR)?.strip_prefix('@'))
    }

    /// Refuses a component that is no connector, is one of another version, or imports what it
    /// must not.
    pub(super) fn admit(&self) -> Result<()> {
        if !self.versions().any(is_compatible) {
            return Err(self.incompatible());
        }
        let foreign: Vec<_> = self.foreign().map(|name| format!("`{name}`")).collect();
        if foreign.is_empty() {
            return Ok(());
        }
        let list = foreign.join(", ");
        let message = format!("the component imports {list}, which the sandbox does not offer");
        Err(refusal(message).with_hint(
            "a connector computes only: build it without sockets, HTTP and threads; the world in \
             wit/tolerated lists what is linked to nothing",
        ))
    }

    fn incompatible(&self) -> Error {
        match self.contract_version() {
            Some(version) => refusal(format!(
                "the component is built for version {version} of the contract; this host speaks \
                 {CONTRACT_VERSION}"
            ))
            .with_hint(
                "rebuild the component with the WIT package of this release; CHANGELOG.md says \
                 what has changed, and docs/components.md how to adapt",
            ),
            None => refusal(format!(
                "the component is no mail connector: it does not export \
                 `{CONNECTOR}@{CONTRACT_VERSION}`"
            ))
            .with_hint(BUILD_HINT),
        }
    }
}

/// Whether a version promises what this host uses: before 1.0 that is the same minor version.
fn is_compatible(version: &str) -> bool {
    let release = |version: &str| -> Option<(u64, u64)> {
        let mut parts = version.split('.');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    };
    release(version).is_some() && release(version) == release(CONTRACT_VERSION)
}

fn refusal(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Component, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_component_exports_the_contract_and_imports_only_what_is_inert() {
        let border = Border::read(smtp_connector_component::COMPONENT).expect("it is sound");
        let wanted = ["connector", "description", "diagnostics", "messages", "transport"];
        let name = |interface| format!("smtp-connector:contract/{interface}@{CONTRACT_VERSION}");
        let mut exports = border.exports.clone();
        exports.sort_unstable();
        assert_eq!(exports, wanted.map(name));
        assert_eq!(border.foreign().count(), 0, "{:?}", border.imports);
        assert_eq!(border.contract_version(), Some(CONTRACT_VERSION));
        border.admit().expect("it is admitted");
    }

    #[test]
    fn only_the_same_minor_version_is_compatible() {
        for (version, expected) in [
            ("0.2.0", true),
            ("0.2.7", true),
            ("0.1.0", false),
            ("0.3.0", false),
            ("1.2.0", false),
            ("", false),
        ] {
            assert_eq!(is_compatible(version), expected, "{version}");
        }
    }

    #[test]
    fn a_border_is_judged_by_its_names() {
        let connector = format!("{CONNECTOR}@{CONTRACT_VERSION}");
        let border = |imports: &[&str], exports: &[&str]| Border {
            imports: imports.iter().map(|&name| name.to_owned()).collect(),
            exports: exports.iter().map(|&name| name.to_owned()).collect(),
            odd: Vec::new(),
        };
        let refused = |border: Border| border.admit().expect_err("refused").to_string();
        assert!(border(&["wasi:random/random@0.2.6"], &[&connector]).admit().is_ok());
        let sockets = border(&["wasi:sockets/tcp@0.2.6", "x:y/z@1.0.0"], &[&connector]);
        assert_eq!(
            refused(sockets),
            "the component imports `wasi:sockets/tcp@0.2.6`, `x:y/z@1.0.0`, which the sandbox \
             does not offer"
        );
        let older = border(&[], &["smtp-connector:contract/connector@0.1.0"]);
        assert!(refused(older).contains("version 0.1.0 of the contract; this host speaks 0.2.0"));
        assert!(refused(border(&[], &["wasi:cli/run@0.2.6"])).contains("no mail connector"));
    }

    #[test]
    fn what_is_no_component_is_told_apart() {
        for (bytes, expected) in [
            (&b""[..], "this is no WebAssembly component"),
            (b"#!/bin/sh", "this is no WebAssembly component"),
            (b"\0asm\x01\0\0\0", "this is a core WebAssembly module, not a component"),
            (b"\0asm\x0d\0\x01\0\xff\xff\xff", "this is not a sound component"),
        ] {
            let error = Border::read(bytes).expect_err("it is none");
            assert!(error.to_string().starts_with(expected), "{error}");
        }
    }
}
