//! A message is sent through a proxy that says what the input says, and then what a mail server
//! would. The first octet picks the proxy's protocol.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use smtp_connector_fuzz::{Session, deliver};

static SESSIONS: LazyLock<Vec<Session>> = LazyLock::new(|| {
    let schemes = ["http", "socks4", "socks4a", "socks5"];
    let users = ["", "jo:secret@"];
    let ways = schemes.iter().flat_map(|scheme| users.map(|user| (scheme, user)));
    let session = |(scheme, user)| {
        Session::new(|port| {
            let proxy = format!("{scheme}://{user}127.0.0.1:{port}");
            json!({ "ignoreTLS": true, "proxy": proxy })
        })
    };
    ways.map(session).collect()
});

// Made ahead of the first run, lest its time be that run's.
fuzz_target!(init: { LazyLock::force(&SESSIONS); }, |input: &[u8]| {
    if let Some((way, script)) = input.split_first() {
        deliver(&SESSIONS[usize::from(*way) % SESSIONS.len()], script);
    }
});
