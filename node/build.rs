//! What the linker must know of a library that Node loads.

fn main() {
    napi_build::setup();
}
