//! Reads files, so that it imports `wasi:filesystem`.

use smtp_connector_test_guests::{Behaviour, component};

struct ReadsFiles;

impl Behaviour for ReadsFiles {
    fn misbehave() {
        let _ = std::fs::read("/etc/passwd");
    }
}

component!(ReadsFiles);
