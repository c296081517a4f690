//! What becomes of a connection that begins in clear: each row of the table, in all the
//! combinations that it stands for, with a server that is another machine, without credentials and
//! with them.

use serde_json::{Value, json};
use smtp_connector::{ErrorKind, Stage, Verification};
use smtp_connector_tests::certificates::Authority;
use smtp_connector_tests::peer::Script;

use crate::helpers::proof::{check, check_end, check_sound, far, logged_in, verified, verify_far};
use crate::helpers::tenant::with;

const EITHER: [bool; 2] = [false, true];

/// The settings that a row stands for: `ignoreTLS`, `requireTLS`, `opportunisticTLS`.
fn settings(ignore: bool, require: &[bool], opportunistic: &[bool]) -> Vec<Value> {
    let combine = |require: &bool| {
        let require = *require;
        opportunistic.iter().map(move |opportunistic| {
            json!({ "ignoreTLS": ignore, "requireTLS": require, "opportunisticTLS": opportunistic })
        })
    };
    require.iter().flat_map(combine).collect()
}

fn login(members: &Value) -> Value {
    with(members.clone(), &json!({ "auth": { "user": "ann", "pass": "secret-word" } }))
}

/// A server that offers AUTH, and STARTTLS or not, up to its answer to STARTTLS.
fn answering(offered: bool, answer: &str) -> Script {
    let extensions: &[&str] = if offered { &["STARTTLS", "AUTH PLAIN"] } else { &["AUTH PLAIN"] };
    let script = far().ehlo(extensions);
    if answer.is_empty() { script } else { script.on("STARTTLS", answer) }
}

fn check_clear(verification: &Verification) {
    check_sound(verification);
    assert!(verification.tls.is_none(), "{verification:?}");
}

/// In clear without credentials; with them the session ends before AUTH.
async fn check_withheld(offered: bool, answer: &str, members: &Value) {
    check_clear(&verify_far(verified(answering(offered, answer)), members).await);
    let ended = verify_far(answering(offered, answer).quit(), &login(members)).await;
    check_end(&ended, Stage::Starttls, ErrorKind::Credentials);
}

/// Inside TLS, with credentials and without.
async fn check_secured(offered: bool, members: &Value) {
    let authority = Authority::new();
    let server = authority.named("mx.example").server();
    let trusting = with(members.clone(), &json!({ "tls": { "ca": authority.pem() } }));
    let inside = || answering(offered, "220 go\r\n").tls(&server).ehlo(&["AUTH PLAIN"]);
    let verification = verify_far(verified(inside()), &trusting).await;
    assert!(verification.tls.is_some_and(|tls| tls.verified));
    check_sound(&verify_far(verified(logged_in(inside())), &login(&trusting)).await);
}

/// The session ends at STARTTLS or after it, with credentials and without.
async fn check_ended(script: Script, members: &Value, stage: Stage, kind: ErrorKind) {
    for members in [members.clone(), login(members)] {
        check_end(&verify_far(script.clone(), &members).await, stage, kind);
    }
}

#[tokio::test]
pub(crate) async fn ignored() {
    for members in settings(true, &[false], &EITHER) {
        for offered in EITHER {
            check_clear(&verify_far(verified(answering(offered, "")), &members).await);
            let sent = verified(logged_in(answering(offered, "")));
            check_clear(&verify_far(sent, &login(&members)).await);
        }
    }
}

#[tokio::test]
pub(crate) async fn ignored_and_required() {
    let [careful, lenient]: [Value; 2] = settings(true, &[true], &EITHER).try_into().expect("two");
    let both = "error contradiction /ignoreTLS, warning no-effect /opportunisticTLS";
    check([(careful, "error contradiction /ignoreTLS"), (lenient, both)]).await;
}

#[tokio::test]
pub(crate) async fn unoffered() {
    check_withheld(false, "", &settings(false, &[false], &[false])[0]).await;
}

#[tokio::test]
pub(crate) async fn unoffered_and_opportunistic() {
    check_withheld(false, "", &settings(false, &[false], &[true])[0]).await;
}

#[tokio::test]
pub(crate) async fn offered() {
    for members in settings(false, &EITHER, &EITHER) {
        check_secured(true, &members).await;
    }
}

#[tokio::test]
pub(crate) async fn unoffered_and_required() {
    for members in settings(false, &[true], &EITHER) {
        check_secured(false, &members).await;
    }
}

#[tokio::test]
pub(crate) async fn refused() {
    let members = &settings(false, &[false], &[false])[0];
    for (answer, kind) in
        [("454 not now\r\n", ErrorKind::Temporary), ("502 what?\r\n", ErrorKind::Tls)]
    {
        check_ended(answering(true, answer), members, Stage::Starttls, kind).await;
    }
}

#[tokio::test]
pub(crate) async fn refused_and_required() {
    let members = &settings(false, &[true], &[false])[0];
    for offered in EITHER {
        for (answer, kind) in
            [("454 not now\r\n", ErrorKind::Temporary), ("502 what?\r\n", ErrorKind::Tls)]
        {
            check_ended(answering(offered, answer), members, Stage::Starttls, kind).await;
        }
    }
}

#[tokio::test]
pub(crate) async fn refused_and_opportunistic() {
    for answer in ["454 not now\r\n", "502 what?\r\n"] {
        for members in settings(false, &EITHER, &[true]) {
            check_withheld(true, answer, &members).await;
        }
        check_withheld(false, answer, &settings(false, &[true], &[true])[0]).await;
    }
}

#[tokio::test]
pub(crate) async fn closing() {
    for members in settings(false, &EITHER, &EITHER) {
        let script = answering(true, "421 closing\r\n").close();
        check_ended(script, &members, Stage::Starttls, ErrorKind::Temporary).await;
    }
}

#[tokio::test]
pub(crate) async fn further_bytes() {
    for members in settings(false, &EITHER, &EITHER) {
        let script = answering(true, "220 go\r\n250 SIZE\r\n");
        check_ended(script, &members, Stage::Starttls, ErrorKind::Protocol).await;
    }
}

#[tokio::test]
pub(crate) async fn failed_handshake() {
    let server = Authority::new().named("mx.example").server();
    for members in settings(false, &EITHER, &EITHER) {
        let untrusted = answering(true, "220 go\r\n").fail_tls(&server);
        check_ended(untrusted, &members, Stage::Tls, ErrorKind::Tls).await;
    }
}

#[tokio::test]
pub(crate) async fn closed() {
    for members in settings(false, &EITHER, &EITHER) {
        let script = answering(true, "220 go\r\n").close();
        check_ended(script, &members, Stage::Tls, ErrorKind::Lost).await;
    }
}
