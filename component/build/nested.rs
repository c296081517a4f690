//! A build of components inside another build: for their own target, and by nothing that was set
//! for the outer one.

use std::env;
use std::error::Error;
use std::path::Path;
use std::process::Command;

/// The target of every component.
pub(crate) const TARGET: &str = "wasm32-wasip2";

/// Variables that cargo or its user set for the outer build, by the beginning of their names.
const OUTER: [&str; 7] = [
    "CARGO_BUILD_",
    "CARGO_ENCODED_",
    "CARGO_PROFILE_",
    "CARGO_TARGET_",
    "CARGO_UNSTABLE_",
    "RUSTC",
    "RUSTFLAGS",
];

/// Builds components in `directory` with these arguments of `cargo build`, into a target directory
/// of their own: the outer build holds the lock of its own one. Cargo tells a build script neither
/// of `--locked` nor of `--offline`, so the lock file always holds; `CARGO_NET_OFFLINE` is
/// inherited.
pub(crate) fn build(
    directory: &Path,
    target_directory: &Path,
    arguments: &[&str],
) -> Result<(), Box<dyn Error>> {
    add_target()?;
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        if OUTER.iter().any(|outer| name.to_string_lossy().starts_with(outer)) {
            cargo.env_remove(name);
        }
    }
    cargo.current_dir(directory).args(["build", "--locked"]).args(arguments);
    run(cargo.args(["--target", TARGET]).arg("--target-dir").arg(target_directory))
}

/// Adds the components' target where the toolchain lacks it.
fn add_target() -> Result<(), Box<dyn Error>> {
    let libraries = Command::new(env::var("RUSTC")?)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()?;
    if Path::new(String::from_utf8(libraries.stdout)?.trim()).is_dir() {
        return Ok(());
    }
    run(Command::new("rustup").args(["target", "add", TARGET])).map_err(|error| {
        let cure = format!("add it with `rustup target add {TARGET}`");
        format!("a component needs the Rust target `{TARGET}`; {cure} ({error})").into()
    })
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
