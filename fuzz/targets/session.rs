//! A message is sent to a server that says what the input says. The first octet picks how: LMTP,
//! without PIPELINING, without STARTTLS, with a password.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use smtp_connector_fuzz::{Session, deliver};

static SESSIONS: LazyLock<Vec<Session>> = LazyLock::new(|| {
    let session = |mode: u8| {
        let mut settings = json!({
            "lmtp": mode & 1 != 0, "pipelining": mode & 2 == 0, "ignoreTLS": mode & 4 == 0,
            // No input is a certificate that could be verified, and to load the roots takes time.
            "tls": { "rejectUnauthorized": false },
        });
        if mode & 8 != 0 {
            settings["auth"] = json!({ "user": "jo", "pass": "hunter2hunter2" });
        }
        Session::new(|_| settings.clone())
    };
    (0..16).map(session).collect()
});

// Made ahead of the first run, lest its time be that run's.
fuzz_target!(init: { LazyLock::force(&SESSIONS); }, |input: &[u8]| {
    if let Some((mode, script)) = input.split_first() {
        deliver(&SESSIONS[usize::from(mode % 16)], script);
    }
});
