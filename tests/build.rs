//! Builds the misbehaving components of `guests/` for `wasm32-wasip2` and lists them as the enum
//! `Guest`.
//!
//! They are a workspace of their own with a target directory of their own, so that this build does
//! not wait for the lock that the outer build holds.

#[path = "../component/build/nested.rs"]
mod nested;

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    for watched in [
        "../component/build/nested.rs",
        "guests/Cargo.toml",
        "guests/Cargo.lock",
        "guests/build.rs",
        "guests/src",
        "guests/examples",
    ] {
        println!("cargo::rerun-if-changed={watched}");
    }
    // `spies` contains the real component.
    for watched in ["../wit", "../guest/Cargo.toml", "../guest/data", "../guest/src"] {
        println!("cargo::rerun-if-changed={watched}");
    }
    let out = PathBuf::from(variable("OUT_DIR"));
    let components = out.join("guests");
    nested::build(Path::new("guests"), &components, &["--examples"])
        .unwrap_or_else(|error| panic!("{error}"));
    let built = components.join(nested::TARGET).join("debug").join("examples");
    fs::write(out.join("guests.rs"), listing(&names(), &built)).expect("OUT_DIR can be written");
}

/// The file names of the components, without extension.
fn names() -> Vec<String> {
    let files = fs::read_dir("guests/examples").expect("the components are in `guests/examples`");
    let paths = files.map(|file| file.expect("the folder can be read").path());
    let mut names: Vec<_> =
        paths.filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned())).collect();
    names.sort();
    names
}

/// Rust source: one variant for each component.
fn listing(names: &[String], built: &Path) -> String {
    let mut variants = String::new();
    let mut all = String::new();
    let mut paths = String::new();
    for name in names {
        let variant = camel_case(name);
        let path = built.join(name).with_extension("wasm");
        assert!(path.is_file(), "`{name}` is not an example of `guests/Cargo.toml`");
        variants += &format!("    /// `tests/guests/examples/{name}.rs`.\n    {variant},\n");
        all += &format!("Self::{variant}, ");
        paths += &format!("            Self::{variant} => {path:?},\n");
    }
    format!(
        "/// A component that misbehaves, or does not.\n\
         #[derive(Debug, Clone, Copy, PartialEq, Eq)]\n\
         pub enum Guest {{\n{variants}}}\n\n\
         impl Guest {{\n    \
             /// Every component there is.\n    \
             pub const ALL: &[Self] = &[{all}];\n\n    \
             /// Where the component is.\n    \
             pub fn path(self) -> &'static std::path::Path {{\n        \
                 std::path::Path::new(match self {{\n{paths}        }})\n    }}\n}}\n"
    )
}

fn camel_case(name: &str) -> String {
    let words = name.split('_').map(|word| word[..1].to_uppercase() + &word[1..]);
    words.collect()
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("cargo sets `{name}` for build scripts"))
}
