//! Each component of `tests/guests` is what it says: the right kind of file, with the right imports
//! and exports.

use smtp_connector_tests::guests::Guest;

/// How a component begins: the magic number, version 13, layer 1.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

/// What must be among the names in a component. There is no `_`: each new component needs its line.
fn names(guest: Guest) -> &'static [&'static str] {
    const CONNECTOR: &[&str] = &["smtp-connector:contract/connector@0.2.0"];
    match guest {
        Guest::Echo | Guest::Floods | Guest::Forges | Guest::Hoards | Guest::Injects => CONNECTOR,
        Guest::ReadsEnvironment | Guest::Recurses | Guest::Redirects => CONNECTOR,
        Guest::Programs | Guest::Remembers => CONNECTOR,
        Guest::Spins | Guest::Steals | Guest::Traps | Guest::Weakens => CONNECTOR,
        Guest::ImportsSockets => {
            &["smtp-connector:contract/connector@0.2.0", "wasi:sockets/tcp@0.2"]
        }
        Guest::NotAConnector => &["greet"],
        Guest::ReadsClock => {
            &["smtp-connector:contract/connector@0.2.0", "wasi:clocks/wall-clock@0.2"]
        }
        Guest::ReadsFiles => {
            &["smtp-connector:contract/connector@0.2.0", "wasi:filesystem/types@0.2"]
        }
        // The linker drops its search where the real component's functions are exported in place of
        // its own.
        Guest::Spies => &["smtp-connector:contract/connector@0.2.0", "secret-found"],
        Guest::WrongMajorVersion => &["smtp-connector:contract/connector@9.0.0"],
        Guest::WrongMinorVersion => &["smtp-connector:contract/connector@0.1.0"],
    }
}

#[test]
fn every_guest_is_a_component_with_its_names() {
    for &guest in Guest::ALL {
        let bytes = guest.bytes();
        assert!(bytes.starts_with(COMPONENT), "{guest:?} is not a component");
        for name in names(guest) {
            assert!(contains(&bytes, name), "{guest:?} does not name {name}");
        }
    }
}

#[test]
fn only_the_guests_that_reach_out_import_what_they_reach_for() {
    let reaching = [Guest::ImportsSockets, Guest::ReadsClock, Guest::ReadsFiles];
    for &guest in Guest::ALL.iter().filter(|guest| !reaching.contains(guest)) {
        let bytes = guest.bytes();
        for interface in ["wasi:sockets/", "wasi:clocks/", "wasi:filesystem/", "wasi:http/"] {
            assert!(!contains(&bytes, interface), "{guest:?} names {interface}");
        }
    }
}

fn contains(bytes: &[u8], name: &str) -> bool {
    bytes.windows(name.len()).any(|window| window == name.as_bytes())
}
