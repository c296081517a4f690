//! Hands the component's bytes to the crate: built from its source, or a file that is ready.

mod nested;

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

/// Names a component that is built already, for packagers.
const READY: &str = "SMTP_CONNECTOR_COMPONENT";

/// Set by docs.rs, which has neither the network nor the component's target.
const DOCUMENTATION: &str = "DOCS_RS";

/// The folder of the component's source, as its package tells (`links`).
const SOURCE: &str = "DEP_SMTP_CONNECTOR_GUEST_DIRECTORY";

/// What of that folder, and of a workspace around it, the component is made of.
const INPUTS: [&str; 7] =
    ["Cargo.toml", "Cargo.lock", "data", "src", "wit/", "../Cargo.toml", "../Cargo.lock"];

/// How the component is built. Link-time optimisation makes a render 1.5 times faster.
const PROFILE: [&str; 5] = [
    "profile.release.codegen-units=1",
    "profile.release.lto='fat'",
    "profile.release.opt-level=3",
    "profile.release.panic='abort'",
    "profile.release.strip='symbols'",
];

/// How it is linked. Its stack, which is a mebibyte unless set, holds what the deepest
/// configuration and template need several times over; whatever memory an instance has is looked
/// through when it is cleaned for the next message.
const LINKING: &str = "target.wasm32-wasip2.rustflags=['-Clink-arg=-zstack-size=262144']";

/// How every component begins: a preamble of its own tells it from a core module.
const PREAMBLE: &[u8] = b"\0asm\x0d\0\x01\0";

fn main() {
    if let Err(error) = make() {
        for line in error.to_string().lines() {
            println!("cargo::error={line}");
        }
    }
}

fn make() -> Result<(), Box<dyn Error>> {
    let bytes = PathBuf::from(env::var("OUT_DIR")?).join("component.wasm");
    println!("cargo::rerun-if-env-changed={READY}");
    println!("cargo::rerun-if-env-changed={DOCUMENTATION}");
    if let Some(ready) = env::var_os(READY).filter(|ready| !ready.is_empty()) {
        take(Path::new(&ready), &bytes)?;
    } else if env::var_os(DOCUMENTATION).is_some() {
        fs::write(&bytes, [])?;
    } else {
        build(&bytes)?;
    }
    Ok(())
}

/// Takes a component that is built already.
fn take(ready: &Path, bytes: &Path) -> Result<(), Box<dyn Error>> {
    let name = ready.display();
    if !ready.is_absolute() {
        let message = format!("{READY} is `{name}`: write an absolute path, builds run elsewhere");
        return Err(message.into());
    }
    println!("cargo::rerun-if-changed={name}");
    let content =
        fs::read(ready).map_err(|error| format!("cannot read {READY} `{name}`: {error}"))?;
    if !content.starts_with(PREAMBLE) {
        let message = format!("{READY} is `{name}`, which is no WebAssembly component");
        return Err(message.into());
    }
    Ok(fs::write(bytes, content)?)
}

fn build(bytes: &Path) -> Result<(), Box<dyn Error>> {
    let source = PathBuf::from(env::var(SOURCE)?);
    for input in INPUTS.map(|input| source.join(input)).iter().filter(|input| input.exists()) {
        println!("cargo::rerun-if-changed={}", input.display());
    }
    let target_directory = bytes.with_file_name("component");
    let mut arguments = vec!["--lib", "--release"];
    let settings = PROFILE.iter().copied().chain([LINKING]);
    arguments.extend(settings.flat_map(|setting| ["--config", setting]));
    nested::build(&source, &target_directory, &arguments)?;
    let built = target_directory.join(nested::TARGET).join("release/smtp_connector_guest.wasm");
    fs::copy(built, bytes)?;
    Ok(())
}
