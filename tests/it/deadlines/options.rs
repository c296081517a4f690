//! The deadlines: each key alone bounds what it is for, while all others are far away.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use smtp_connector::{ErrorKind, Stage};
use smtp_connector_tests::certificates::Authority;
use smtp_connector_tests::peer::Script;
use smtp_connector_tests::token_endpoint::{Answer, TokenEndpoint};

use crate::helpers::proof::{check, check_end, far, plan, verify, verify_far, verify_through};
use crate::helpers::session;
use crate::helpers::tenant::with;
use crate::oauth2::{offering, refresh};

const SHORT: u64 = 200;

const DRIP: Duration = Duration::from_millis(60);

/// Checks the default of a key, and what is no deadline.
async fn check_key(key: &str, planned: &str, default: u64) {
    for (value, milliseconds) in [(json!(null), default), (json!(0), default), (json!(1234), 1234)]
    {
        let plan = plan(&json!({ key: value })).await;
        assert_eq!(plan["timeouts"][planned], json!(milliseconds), "{key}: {value}");
    }
    check([
        (json!({ key: "1000" }), format!("error wrong-type /{key}").as_str()),
        (json!({ key: -1 }), format!("error out-of-range /{key}").as_str()),
    ])
    .await;
}

/// Checks that a session ends in time although the peer goes on.
async fn check_bound(script: Script, members: &Value, stage: Stage) {
    let begun = Instant::now();
    check_end(&verify(script, members).await, stage, ErrorKind::Timeout);
    assert!(begun.elapsed() >= Duration::from_millis(SHORT));
}

#[test]
pub(crate) fn dns_timeout() {
    let (release, held) = mpsc::channel::<()>();
    // Names are resolved on the blocking thread, and the only one is busy.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build();
    let runtime = runtime.expect("a runtime");
    let verification = runtime.block_on(async {
        check_key("dnsTimeout", "dnsMs", 30_000).await;
        let members = json!({ "host": "localhost", "dnsTimeout": SHORT });
        let mailer = session::mailer(9, &members).await;
        tokio::task::spawn_blocking(move || held.recv());
        mailer.verify(None).await.expect("there is no recipient")
    });
    drop(release);
    check_end(&verification, Stage::Dns, ErrorKind::Dns);
}

#[tokio::test]
pub(crate) async fn connection_timeout() {
    check_key("connectionTimeout", "connectionMs", 120_000).await;
    let members = json!({ "connectionTimeout": SHORT });
    let begun = Instant::now();
    let proxy = verify_far(Script::new().stall(), &members).await;
    check_end(&proxy, Stage::Proxy, ErrorKind::Timeout);
    let handshake = verify_through(Script::new().stall(), "https://localhost:PORT", &members).await;
    check_end(&handshake, Stage::Proxy, ErrorKind::Timeout);
    assert!(begun.elapsed() >= Duration::from_millis(2 * SHORT));
    let outcome =
        session::deliver(vec![Script::new().stall()], &with(members, &json!({ "secure": true })))
            .await;
    session::check_failure(outcome, Stage::Tls, ErrorKind::Timeout);
}

#[tokio::test]
pub(crate) async fn greeting_timeout() {
    check_key("greetingTimeout", "greetingMs", 30_000).await;
    let members = json!({ "greetingTimeout": SHORT });
    let outcome =
        session::deliver(vec![Script::new().drip("220 mx.example ESMTP", DRIP)], &members).await;
    session::check_failure(outcome, Stage::Greeting, ErrorKind::Timeout);
    let outcome = session::deliver(vec![Script::new().say("220-mx\r\n").stall()], &members).await;
    session::check_failure(outcome, Stage::Greeting, ErrorKind::Timeout);
}

#[tokio::test]
pub(crate) async fn socket_timeout() {
    check_key("socketTimeout", "socketMs", 600_000).await;
    let members = json!({ "socketTimeout": SHORT });
    check_bound(Script::greeting().hear("EHLO *").stall(), &members, Stage::Ehlo).await;
    check_bound(
        Script::greeting().hear("EHLO *").drip("250 mx.example", DRIP),
        &members,
        Stage::Ehlo,
    )
    .await;
    let upgraded = Script::offering(&["STARTTLS"]).on("STARTTLS", "220 go\r\n").stall();
    check_bound(upgraded, &members, Stage::Tls).await;
    let server = Authority::new().localhost().server();
    for endpoint in [
        TokenEndpoint::start(vec![Answer::Silence]),
        TokenEndpoint::start_tls(&server, vec![Answer::Deaf]),
    ] {
        let login = with(refresh(&endpoint, &json!({})), &members);
        check_bound(offering().quit(), &login, Stage::Auth).await;
    }
    let far_away = far().hear("EHLO *").stall();
    check_end(&verify_far(far_away, &members).await, Stage::Ehlo, ErrorKind::Timeout);
}
