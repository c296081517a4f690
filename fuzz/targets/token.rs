//! A token is asked for at an endpoint that answers what the input says. The first octet picks the
//! grant of OAuth 2.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use smtp_connector_fuzz::{BENCH, Peer, Session, deliver_with_token};

static ENDPOINT: LazyLock<Peer> = LazyLock::new(|| BENCH.runtime.block_on(Peer::bind()));

static SESSIONS: LazyLock<[Session; 2]> = LazyLock::new(|| {
    let session = |secret: &str| {
        Session::new(|_| {
            let url = format!("http://127.0.0.1:{}/token", ENDPOINT.port());
            let mut auth = json!({
                "type": "OAuth2", "user": "jo", "clientId": "client",
                "clientSecret": "hunter2hunter2", "accessUrl": url,
            });
            auth[secret] = json!("r3fresh-t0ken");
            json!({ "ignoreTLS": true, "auth": auth })
        })
    };
    [session("refreshToken"), session("accessToken")]
});

// Made ahead of the first run, lest its time be that run's.
fuzz_target!(init: { LazyLock::force(&SESSIONS); }, |input: &[u8]| {
    if let Some((grant, answer)) = input.split_first() {
        deliver_with_token(&SESSIONS[usize::from(grant % 2)], &ENDPOINT, answer);
    }
});
