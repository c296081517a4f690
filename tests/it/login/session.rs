//! Which mechanism is used, what it says, and what happens where nothing fits.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use smtp_connector::{ErrorKind, Stage};
use smtp_connector_tests::peer::Script;

use crate::helpers::session::{check_failure, deliver};
use crate::helpers::tenant::with;

const PLAIN: &str = "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm";

fn members(members: &Value) -> Value {
    with(json!({ "auth": { "user": "tim", "pass": "tanstaaftanstaaf" } }), members)
}

/// The challenge of RFC 2195's example, and the answer to it.
fn cram_md5(script: Script) -> Script {
    let challenge = STANDARD.encode("<1896.697170952@postoffice.reston.mci.net>");
    let response = STANDARD.encode("tim b913a602c7eda7a495b4e6e7334d3890");
    script.on("AUTH CRAM-MD5", format!("334 {challenge}\r\n")).on(&response, "235 welcome\r\n")
}

#[tokio::test]
async fn the_first_known_mechanism_that_is_offered_is_used() {
    let offering = |mechanisms: &str| Script::offering(&[mechanisms]);
    let plain = |script: Script| script.on(PLAIN, "235 welcome\r\n");
    let login = |script: Script| {
        let prompted = script.on("AUTH LOGIN", "334 wer da?\r\n").on("dGlt", "334\r\n");
        prompted.on("dGFuc3RhYWZ0YW5zdGFhZg==", "235 welcome\r\n")
    };
    let cases = [
        (plain(offering("AUTH CRAM-MD5 LOGIN PLAIN")), json!({})),
        (login(offering("AUTH CRAM-MD5 LOGIN")), json!({})),
        (login(offering("auth=login")), json!({})),
        (cram_md5(offering("AUTH NTLM cram-md5")), json!({})),
        (cram_md5(offering("AUTH PLAIN")), json!({ "authMethod": "cram-md5" })),
        (login(offering("AUTH PLAIN")), json!({ "authMethod": "LOGIN" })),
        (plain(offering("SIZE")), json!({ "forceAuth": true })),
        (plain(offering("AUTH LOGIN")), json!({ "authMethod": "PLAIN" })),
    ];
    for (script, more) in cases {
        let receipt = deliver(vec![script.takes_mail()], &members(&more)).await;
        receipt.unwrap_or_else(|error| panic!("{more}: {error}"));
    }
}

#[tokio::test]
async fn the_inner_method_goes_before_the_outer_one() {
    let script = cram_md5(Script::offering(&["AUTH PLAIN"])).takes_mail();
    let auth = json!({ "user": "tim", "pass": "tanstaaftanstaaf", "method": "CRAM-MD5" });
    deliver(vec![script], &json!({ "auth": auth, "authMethod": "PLAIN" }))
        .await
        .expect("acceptance");
}

#[tokio::test]
async fn a_server_that_asks_for_the_initial_response_gets_it() {
    let script = Script::offering(&["AUTH PLAIN"]).on(PLAIN, "334 \r\n");
    let script = script.on("AHRpbQB0YW5zdGFhZnRhbnN0YWFm", "235 welcome\r\n").takes_mail();
    deliver(vec![script], &members(&json!({}))).await.expect("acceptance");
}

/// RFC 4954 §6: such a refusal is not about the password, so the next mechanism is tried over the
/// same connection.
#[tokio::test]
async fn a_mechanism_that_the_server_offers_and_refuses_gives_way_to_the_next() {
    for refusal in [
        "504 5.5.4 unrecognized authentication type\r\n",
        "535 5.7.4 security features not supported\r\n",
        "538 5.7.11 encryption required\r\n",
        "534 5.7.9 mechanism too weak\r\n",
        "553 not this way\r\n",
    ] {
        let offering = || Script::offering(&["AUTH PLAIN LOGIN CRAM-MD5"]);
        let both = || offering().on(PLAIN, refusal).on("AUTH LOGIN", refusal);
        let receipt = deliver(vec![cram_md5(both()).takes_mail()], &members(&json!({}))).await;
        let transcript = receipt.expect(refusal).transcript.to_string();
        assert!(transcript.contains("does not take the mechanism PLAIN"), "{transcript}");
        let none = vec![both().on("AUTH CRAM-MD5", refusal).quit()];
        let outcome = deliver(none, &members(&json!({}))).await;
        let error = check_failure(outcome, Stage::Auth, ErrorKind::Credentials);
        assert_eq!(
            error.reply().map(|reply| reply.code.to_string()),
            Some(refusal[..3].to_owned())
        );
        assert!(error.hint().is_some_and(|hint| !hint.contains("authMethod")), "{error:?}");
        // A server that goes away has said its word before.
        let leaving = vec![offering().on(PLAIN, refusal).hear("AUTH LOGIN").close()];
        let outcome = deliver(leaving, &members(&json!({}))).await;
        check_failure(outcome, Stage::Auth, ErrorKind::Credentials);
        // What the configuration insists on is all that is tried.
        let forced = vec![offering().on(PLAIN, refusal).quit()];
        let outcome = deliver(forced, &members(&json!({ "authMethod": "PLAIN" }))).await;
        check_failure(outcome, Stage::Auth, ErrorKind::Credentials);
    }
    let wrong = vec![Script::offering(&["AUTH PLAIN LOGIN"]).on(PLAIN, "535 5.7.8 no\r\n").quit()];
    let outcome = deliver(wrong, &members(&json!({}))).await;
    check_failure(outcome, Stage::Auth, ErrorKind::Credentials);
}

#[tokio::test]
async fn where_nothing_fits_the_offer_is_named() {
    for (offer, named, hint) in [
        ("AUTH NTLM GSSAPI", "NTLM, GSSAPI", "offers PLAIN"),
        ("AUTH XOAUTH2", "XOAUTH2", "wants OAuth2 and no password"),
    ] {
        let outcome = deliver(vec![Script::offering(&[offer]).quit()], &members(&json!({}))).await;
        let error = check_failure(outcome, Stage::Auth, ErrorKind::Credentials);
        assert!(error.to_string().ends_with(named), "{error}");
        assert!(error.hint().is_some_and(|found| found.contains(hint)), "{error:?}");
    }
}

#[tokio::test]
async fn without_an_offer_the_mail_goes_without_credentials() {
    let receipt =
        deliver(vec![Script::offering(&["SIZE"]).takes_mail()], &members(&json!({}))).await;
    let transcript = receipt.expect("acceptance").transcript.to_string();
    assert!(transcript.contains("does not offer AUTH"), "{transcript}");
}

#[tokio::test]
async fn empty_credentials_are_none() {
    for auth in
        [json!({}), json!({ "user": "", "pass": "" }), json!({ "type": "login" }), json!(null)]
    {
        for offer in ["AUTH PLAIN LOGIN", "SIZE"] {
            let script = Script::offering(&[offer]).takes_mail();
            let outcome = deliver(vec![script], &json!({ "auth": auth })).await;
            outcome.unwrap_or_else(|error| panic!("{auth} {offer}: {error}"));
        }
    }
}

#[tokio::test]
async fn a_server_that_knows_only_helo_may_still_know_auth() {
    let helo = || Script::greeting().on("EHLO *", "502 what?\r\n").on("HELO *", "250 peer\r\n");
    let takes_auth = helo().on(PLAIN, "235 welcome\r\n").takes_mail();
    deliver(vec![takes_auth], &members(&json!({}))).await.expect("acceptance");
    let knows_none = helo().on(PLAIN, "502 what?\r\n").takes_mail();
    deliver(vec![knows_none], &members(&json!({}))).await.expect("acceptance");
    let refuses = helo().on(PLAIN, "535 no\r\n").quit();
    check_failure(
        deliver(vec![refuses], &members(&json!({}))).await,
        Stage::Auth,
        ErrorKind::Credentials,
    );
    let unknown = helo().on(PLAIN, "502 what?\r\n").quit();
    let outcome = deliver(vec![unknown], &members(&json!({ "forceAuth": true }))).await;
    check_failure(outcome, Stage::Auth, ErrorKind::Credentials);
}

#[tokio::test]
async fn refused_logins_name_the_stage_and_the_reply() {
    let challenge = STANDARD.encode("<1@peer>");
    let offer = |name: &str| Script::offering(&[&format!("AUTH {name}")]);
    let cases = [
        offer("PLAIN").on("AUTH PLAIN *", "535 5.7.8 no\r\n"),
        offer("LOGIN").on("AUTH LOGIN", "334 \r\n").on("*", "334 \r\n").on("*", "535 5.7.8 no\r\n"),
        offer("LOGIN").on("AUTH LOGIN", "334 \r\n").on("*", "535 5.7.8 no\r\n"),
        offer("CRAM-MD5")
            .on("AUTH CRAM-MD5", format!("334 {challenge}\r\n"))
            .on("*", "535 5.7.8 no\r\n"),
        offer("CRAM-MD5").on("AUTH CRAM-MD5", "535 5.7.8 no\r\n"),
    ];
    for script in cases {
        let outcome = deliver(vec![script.quit()], &members(&json!({}))).await;
        let error = check_failure(outcome, Stage::Auth, ErrorKind::Credentials);
        assert_eq!(error.reply().map(|reply| reply.code), Some(535));
        assert!(!error.is_transient());
    }
}

#[tokio::test]
async fn a_challenge_that_is_none_breaks_the_protocol() {
    let script = Script::offering(&["AUTH CRAM-MD5"]).on("AUTH CRAM-MD5", "334 not base64\r\n");
    let script = script.on("*", "501 cancelled\r\n").quit();
    check_failure(
        deliver(vec![script], &members(&json!({}))).await,
        Stage::Auth,
        ErrorKind::Protocol,
    );
}
