//! Hands the component's bytes to the crate: built from `guest/`, or a file that is ready.

mod nested;

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};

/// Names a component that is built already, for packagers.
const READY: &str = "SMTP_CONNECTOR_COMPONENT";

/// Set by docs.rs, which has neither the network nor the component's target.
const DOCUMENTATION: &str = "DOCS_RS";

fn main() -> Result<(), Box<dyn Error>> {
    let bytes = PathBuf::from(env::var("OUT_DIR")?).join("component.wasm");
    println!("cargo::rerun-if-env-changed={READY}");
    println!("cargo::rerun-if-env-changed={DOCUMENTATION}");
    if let Some(ready) = env::var_os(READY) {
        println!("cargo::rerun-if-changed={}", Path::new(&ready).display());
        std::fs::copy(&ready, &bytes)
            .map_err(|error| format!("cannot read {READY}, {}: {error}", ready.display()))?;
    } else if env::var_os(DOCUMENTATION).is_some() {
        std::fs::write(&bytes, [])?;
    } else {
        build(&bytes)?;
    }
    Ok(())
}

fn build(bytes: &Path) -> Result<(), Box<dyn Error>> {
    let workspace = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("..");
    for input in ["guest/src", "guest/data", "guest/Cargo.toml", "wit", "Cargo.toml", "Cargo.lock"]
    {
        println!("cargo::rerun-if-changed={}", workspace.join(input).display());
    }
    let target_directory = bytes.with_file_name("component");
    let arguments = ["--package", "smtp-connector-guest", "--profile", "component"];
    nested::build(&workspace, &target_directory, &arguments)?;
    let built = target_directory.join(nested::TARGET).join("component/smtp_connector_guest.wasm");
    std::fs::copy(built, bytes)?;
    Ok(())
}
