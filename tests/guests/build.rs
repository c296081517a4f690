//! Writes bindings of the contract under versions that a host of this release must refuse.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The version of the contract in `wit/`.
const VERSION: &str = "@0.2.0";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=../../wit");
    // `spies` links the real guest, which exports the same functions; its own come first on the
    // line and win.
    println!("cargo::rustc-link-arg=--allow-multiple-definition");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    for version in ["0.1.0", "9.0.0"] {
        let wit = out.join(version);
        copy_as(version, &wit)?;
        let bindings =
            format!("wit_bindgen::generate!({{ path: {wit:?}, world: \"mail-connector\" }});\n");
        fs::write(out.join(format!("{version}.rs")), bindings)?;
    }
    Ok(())
}

fn copy_as(version: &str, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for file in fs::read_dir("../../wit")? {
        let file = file?;
        if file.path().extension().is_none_or(|extension| extension != "wit") {
            continue;
        }
        let text = fs::read_to_string(file.path())?.replacen(VERSION, &format!("@{version}"), 1);
        fs::write(folder.join(file.file_name()), text)?;
    }
    Ok(())
}
