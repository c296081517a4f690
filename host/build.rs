//! Builds the component from `guest/` and hands it to the library.

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "wasm32-wasip2";

/// What the outer build sets for its own target, and what must not reach the component's.
const OUTER: [&str; 8] = [
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "CARGO_UNSTABLE_SPARSE_REGISTRY",
    "RUSTC",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
];

fn main() -> Result<(), Box<dyn Error>> {
    let workspace = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("..");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for input in ["guest/src", "guest/data", "guest/Cargo.toml", "wit", "Cargo.toml", "Cargo.lock"]
    {
        println!("cargo::rerun-if-changed={}", workspace.join(input).display());
    }
    add_target()?;
    let target_directory = out.join("component");
    run(cargo()
        .current_dir(&workspace)
        .args([
            "build",
            "--package",
            "smtp-connector-guest",
            "--profile",
            "component",
            "--target",
            TARGET,
        ])
        .arg("--target-dir")
        .arg(&target_directory))?;
    let built = target_directory.join(TARGET).join("component/smtp_connector_guest.wasm");
    std::fs::copy(built, out.join("component.wasm"))?;
    Ok(())
}

/// Adds the component's target where the toolchain lacks it.
fn add_target() -> Result<(), Box<dyn Error>> {
    let libraries = Command::new(env::var("RUSTC")?)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()?;
    let directory = PathBuf::from(String::from_utf8(libraries.stdout)?.trim());
    if directory.is_dir() {
        return Ok(());
    }
    run(Command::new("rustup").args(["target", "add", TARGET])).map_err(|error| {
        format!(
            "the component needs the Rust target `{TARGET}`; add it with `rustup target add \
            {TARGET}` ({error})"
        )
    })?;
    Ok(())
}

fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for name in OUTER {
        cargo.env_remove(name);
    }
    cargo
}

fn run(command: &mut Command) -> Result<(), Box<dyn Error>> {
    // What the child prints on its standard output must not be taken for instructions to the outer
    // build.
    let output = command.output().map_err(|error| format!("cannot run {command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?} failed:\n{}", String::from_utf8_lossy(&output.stderr)).into())
}
