//! The scenarios that users of nodemailer rely on: behaviour that nobody wrote down and that a
//! configuration may depend on.
//!
//! Each has its tests where its subject is at home. Where this program means to behave otherwise,
//! the test says so.

use crate::structure::source::Package;

/// Each scenario with the files that test it.
const SCENARIOS: &[(&str, &[&str])] = &[
    (
        "in clear, by STARTTLS, by TLS at once; STARTTLS wanted, missing, refused",
        &["starttls/session", "submission/tests/tls"],
    ),
    (
        "bytes before the handshake, a server that leaves before it",
        &["starttls/session", "submission/tests/tls"],
    ),
    ("old cipher lists, ports that speak otherwise", &["starttls/session", "connection/probe"]),
    (
        "closed ports, ports that are none, names that inject",
        &["connection/session", "command_line/send"],
    ),
    ("a server that refuses at once, leaves or resets", &["connection/session", "it/delivery"]),
    ("several addresses, in a race", &["dial/tests", "dial/race", "deadlines/session"]),
    (
        "a server silent after each stage, a proxy or a token endpoint that drips",
        &["deadlines/session"],
    ),
    (
        "blank lines, replies in pieces, replies in any charset, the last words of a server",
        &["it/replies", "session/reply_parser"],
    ),
    ("line ends of the message", &["connection/session", "submission/tests/dialogue"]),
    ("services by name, URLs in each form", &["it/services", "connection/url", "config/endpoints"]),
    (
        "logins good, wrong, empty, half; forced and missing offers",
        &["login/hostile", "login/session"],
    ),
    ("what a verification counts as success", &["login/hostile", "command_line/verify"]),
    (
        "addresses beyond ASCII without SMTPUTF8, extensions that are merely noticed",
        &["connection/session"],
    ),
    (
        "tokens given, refreshed, refused, shared, rotated; fields and errors of the endpoint",
        &["oauth2/session"],
    ),
    ("assertions of service accounts; functions in place of tokens", &["oauth2/hostile"]),
    ("tunnels by each kind of proxy, their logins, refusals and certificates", &["proxy/session"]),
    ("targets that inject, targets without a port", &["proxy/hostile"]),
    ("servers, proxies and token endpoints that speak without end", &["it/endless"]),
    ("many messages over few connections, refused senders among them", &["pool/many"]),
    (
        "idle connections that the server closes, stalls, bounds for a connection, limits of rate",
        &["pool/many"],
    ),
    ("closing with messages waiting; a mailer that is dropped", &["pool/many"]),
    (
        "several recipients, all or some refused, with and without PIPELINING; SIZE",
        &["submission/tests/flow"],
    ),
    ("one recipient refused after the message", &["lmtp/session"]),
    (
        "lists of mailboxes, comments, groups, names that look like addresses, hostile texts",
        &["it/addresses", "mailbox/tests"],
    ),
    (
        "domains and local parts beyond ASCII, local parts to quote",
        &["it/addresses", "address/tests", "recipient/tests"],
    ),
    ("envelopes and recipients that a configuration would add", &["it/addresses"]),
    (
        "encoding, folding and identifiers of header fields, names, custom and `List-*` fields",
        &["message/fields", "submission/message/field"],
    ),
    ("transfer encodings and the ends of parts", &["message/fields", "prepare/tests"]),
    (
        "signatures known, several, relaxed, over chosen fields",
        &["dkim/tests", "dkim/options", "dkim/real"],
    ),
];

#[test]
fn every_scenario_has_its_tests() {
    let sources = || Package::all().iter().flat_map(|package| &package.sources);
    let tested = |place: &str| {
        let mut named = sources().filter(|source| source.file.ends_with(&format!("/{place}.rs")));
        named.any(|source| source.text.contains("#[test]") || source.text.contains("::test]"))
    };
    for (scenario, places) in SCENARIOS {
        for place in *places {
            assert!(tested(place), "{scenario}: no test is in {place}");
        }
    }
}
