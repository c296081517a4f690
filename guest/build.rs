//! Tells whoever builds the component where its source is: the folder of this package, in the
//! workspace as in a registry.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::metadata=directory={}", env!("CARGO_MANIFEST_DIR"));
}
