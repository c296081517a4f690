//! From plaintext to TLS: when it is done, when it may fail, and what the server cannot slip in.

use serde_json::{Value, json};
use smtp_connector::{ErrorKind, Stage};
use smtp_connector_tests::certificates::Authority;
use smtp_connector_tests::peer::Script;

use crate::helpers::session::{check_failure, deliver};

/// With `requireTLS`, nodemailer says STARTTLS to a server that does not offer it, and so does this
/// program.
#[tokio::test]
async fn the_connection_is_as_secure_as_configured() {
    let authority = Authority::new();
    let identity = authority.localhost();
    let offered = || Script::offering(&["STARTTLS"]);
    let upgraded = || offered().starttls(&identity.server()).ehlo(&[]);
    let refused = |script: Script| script.on("STARTTLS", "502 5.5.1 what?\r\n");
    let cases = [
        (offered(), json!({ "ignoreTLS": true }), false),
        (upgraded(), json!({}), true),
        (upgraded(), json!({ "requireTLS": true }), true),
        (upgraded(), json!({ "opportunisticTLS": true }), true),
        (Script::offering(&[]), json!({}), false),
        (refused(offered()), json!({ "opportunisticTLS": true }), false),
        (
            refused(Script::offering(&[])),
            json!({ "requireTLS": true, "opportunisticTLS": true }),
            false,
        ),
        (
            Script::offering(&[]).starttls(&identity.server()).ehlo(&[]),
            json!({ "requireTLS": true }),
            true,
        ),
        (
            Script::new().tls(&identity.server()).say("220 peer\r\n").ehlo(&[]),
            json!({ "secure": true }),
            true,
        ),
    ];
    for (script, mut members, secure) in cases {
        members["tls"] = json!({ "ca": authority.pem() });
        let outcome = deliver(vec![script.takes_mail()], &members).await;
        let receipt = outcome.unwrap_or_else(|error| panic!("{members}: {error}"));
        assert_eq!(receipt.tls.is_some(), secure, "{members}");
    }
}

#[tokio::test]
async fn without_the_encryption_that_is_required_nothing_is_sent() {
    let refused =
        |extensions: &[&str]| Script::offering(extensions).on("STARTTLS", "502 5.5.1 what?\r\n");
    let cases = [
        (refused(&[]), json!({ "requireTLS": true })),
        (refused(&["STARTTLS"]), json!({ "requireTLS": true })),
        (refused(&["STARTTLS"]), json!({})),
    ];
    for (script, members) in cases {
        check_failure(deliver(vec![script], &members).await, Stage::Starttls, ErrorKind::Tls);
    }
}

#[tokio::test]
async fn a_server_that_leaves_in_place_of_the_handshake_is_told() {
    let script = || Script::offering(&["STARTTLS"]).on("STARTTLS", "220 go\r\n").close();
    let outcome = deliver(vec![script()], &json!({ "maxRequeues": 0 })).await;
    check_failure(outcome, Stage::Tls, ErrorKind::Lost);
}

/// nodemailer drops such bytes and shakes hands; here the session ends, for nobody honest sends
/// them.
#[tokio::test]
async fn words_in_clear_after_the_agreement_end_the_session() {
    for injected in [
        "250-SMTPUTF8 INJECTED-MARKER ",
        "250-SMTPUTF8 INJECTED-MARKER\r\n",
        "250-peer\r\n250-SMTPUTF8\r\n250 AUTH PLAIN\r\n",
        "\r\n",
    ] {
        let script =
            Script::offering(&["STARTTLS"]).on("STARTTLS", format!("220 go\r\n{injected}"));
        let outcome = deliver(vec![script], &json!({ "auth": login() })).await;
        let error = check_failure(outcome, Stage::Starttls, ErrorKind::Protocol);
        assert!(!error.to_string().contains("INJECTED-MARKER"), "{error}");
    }
}

#[tokio::test]
async fn cipher_lists_that_people_paste_do_not_hinder() {
    let authority = Authority::new();
    let script = Script::offering(&["STARTTLS"]).starttls(&authority.localhost().server());
    let script = script.ehlo(&["AUTH PLAIN"]).on("AUTH PLAIN *", "235 welcome\r\n").takes_mail();
    let tls = json!({ "ca": authority.pem(), "ciphers": "SSLv3" });
    deliver(vec![script], &json!({ "auth": login(), "tls": tls })).await.expect("acceptance");
}

fn login() -> Value {
    json!({ "user": "ann", "pass": "secret-word" })
}
