//! The binary, as a person or a script runs it.

use smtp_connector_tests::cli::binary;

#[test]
fn the_binary_is_built() {
    assert!(binary().is_file(), "{} is not there", binary().display());
}
