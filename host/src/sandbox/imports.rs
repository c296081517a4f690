//! What a component may import: nothing but what a standard library brings along, and that leads
//! nowhere. No network, no files, no environment, no arguments, no clock.

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, HasData, Linker, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::p2::bindings::{cli, random};
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::{WasiView, p2};

use super::instance::State;
use crate::error::{Error, ErrorKind, Result};

/// The interfaces that are linked, to nothing, at any 0.2 version of WASI.
const INERT: [&str; 14] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure-seed",
];

/// The interface that makes a component a connector, without its version.
const CONNECTOR: &str = "smtp-connector:contract/connector";

/// The version of the contract that this host speaks.
pub(super) const CONTRACT_VERSION: &str = "0.1.0";

/// Where `wasi:io` finds its resources.
struct Io;

impl HasData for Io {
    type Data<'a> = &'a mut ResourceTable;
}

/// Links the inert interfaces, one by one.
pub(super) fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    let l = &mut linker;
    p2::bindings::io::error::add_to_linker::<State, Io>(l, |state| state.ctx().table)?;
    p2::bindings::io::poll::add_to_linker::<State, Io>(l, |state| state.ctx().table)?;
    p2::bindings::io::streams::add_to_linker::<State, Io>(l, |state| state.ctx().table)?;
    random::insecure_seed::add_to_linker::<State, WasiRandom>(l, |state| state.ctx().ctx.random())?;
    cli::environment::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::exit::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stderr::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_input::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_output::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stderr::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
    Ok(linker)
}

/// Refuses a component that is no connector, is one of another version, or imports what it must
/// not, before any of it runs.
pub(super) fn admit(component: &Component) -> Result<()> {
    let engine = component.engine();
    let component = component.component_type();
    let exports: Vec<_> = component.exports(engine).map(|(name, _)| name.to_owned()).collect();
    check_version(&exports)?;
    let foreign: Vec<_> = component
        .imports(engine)
        .filter(|(name, item)| !is_inert(name, &item.ty))
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    if foreign.is_empty() {
        return Ok(());
    }
    let message =
        format!("the component imports {}, which the sandbox does not offer", foreign.join(", "));
    Err(Error::new(ErrorKind::Component, message).with_hint(
        "a connector computes only: build it without access to files, network, clocks or \
        randomness",
    ))
}

fn is_inert(name: &str, item: &ComponentItem) -> bool {
    matches!(item, ComponentItem::ComponentInstance(_)) && is_inert_name(name)
}

fn is_inert_name(name: &str) -> bool {
    let (interface, version) = name.split_once('@').unwrap_or((name, ""));
    INERT.contains(&interface) && version.starts_with("0.2.")
}

fn check_version(exports: &[String]) -> Result<()> {
    let versions: Vec<_> =
        exports.iter().filter_map(|name| name.strip_prefix(CONNECTOR)?.strip_prefix('@')).collect();
    if versions.iter().any(|version| is_compatible(version)) {
        return Ok(());
    }
    let message = match versions.first() {
        Some(version) => format!(
            "the component is built for version {version} of the contract; this host speaks \
            {CONTRACT_VERSION}"
        ),
        None => {
            format!(
                "the component is no mail connector: it does not export \
                `{CONNECTOR}@{CONTRACT_VERSION}`"
            )
        }
    };
    Err(Error::new(ErrorKind::Component, message)
        .with_hint("rebuild the component with the WIT package of this release"))
}

/// Whether a version promises what this host uses: before 1.0 that is the same minor version.
fn is_compatible(version: &str) -> bool {
    let release = |version: &str| -> Option<(u64, u64)> {
        let mut parts = version.split('.');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    };
    release(version).is_some() && release(version) == release(CONTRACT_VERSION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_component_exports_the_contract_and_imports_only_what_is_inert() {
        let engine = wasmtime::Engine::default();
        let component = Component::new(&engine, smtp_connector_component::COMPONENT)
            .expect("the component compiles");
        let component = component.component_type();
        let exports: Vec<_> = component.exports(&engine).map(|(name, _)| name.to_owned()).collect();
        for interface in ["connector", "description", "diagnostics", "messages", "transport"] {
            let name = format!("smtp-connector:contract/{interface}@{CONTRACT_VERSION}");
            assert!(exports.contains(&name), "{name} is not among {exports:?}");
        }
        assert_eq!(exports.len(), 5, "{exports:?}");
        for (name, item) in component.imports(&engine) {
            assert!(is_inert(name, &item.ty), "{name}");
        }
    }

    #[test]
    fn an_interface_is_inert_by_its_name_and_version() {
        let rows = [
            ("wasi:cli/stderr@0.2.6", true),
            ("wasi:cli/stderr@0.2.99", true),
            ("wasi:cli/stderr@0.3.0", false),
            ("wasi:cli/stderr@0.20.0", false),
            ("wasi:cli/stderr", false),
            ("wasi:cli/run@0.2.6", false),
            ("wasi:random/random@0.2.6", false),
            ("wasi:clocks/monotonic-clock@0.2.6", false),
        ];
        for (name, expected) in rows {
            assert_eq!(is_inert_name(name), expected, "{name}");
        }
    }

    #[test]
    fn only_the_same_minor_version_is_compatible() {
        for (version, expected) in
            [("0.1.0", true), ("0.1.7", true), ("0.2.0", false), ("1.1.0", false), ("", false)]
        {
            assert_eq!(is_compatible(version), expected, "{version}");
        }
    }
}
