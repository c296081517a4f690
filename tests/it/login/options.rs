//! How a session authenticates: the keys at the top level, and those of `auth` for a password.

use serde_json::{Value, json};
use smtp_connector::{ErrorKind, Stage};
use smtp_connector_tests::peer::Script;

use crate::helpers::proof::{
    check, check_end, check_keys, check_plan, check_sound, logged_in, verified, verify,
};
use crate::helpers::tenant::with;

fn ann(members: &Value) -> Value {
    with(json!({ "auth": { "user": "ann", "pass": "secret-word" } }), members)
}

/// `auth` of a user, a password, and these members.
fn of_ann(members: &Value) -> Value {
    json!({ "auth": with(json!({ "user": "ann", "pass": "secret-word" }), members) })
}

fn by_login(script: Script) -> Script {
    let user = script.on("AUTH LOGIN", "334 \r\n").on("YW5u", "334 \r\n");
    user.on("c2VjcmV0LXdvcmQ=", "235 welcome\r\n")
}

#[tokio::test]
pub(crate) async fn auth() {
    let none = [
        json!(null),
        json!({}),
        json!({ "type": "login" }),
        json!({ "user": "", "pass": "", "type": "login" }),
    ];
    for auth in none {
        check_sound(
            &verify(verified(Script::offering(&["AUTH PLAIN"])), &json!({ "auth": auth })).await,
        );
        check([(json!({ "auth": auth }), "")]).await;
        check_plan([(json!({ "auth": auth }), json!({ "auth": "none" }))]).await;
    }
    let expected = json!({ "auth": "password", "user": "ann" });
    check_plan([(ann(&json!({})), expected)]).await;
    check([
        (json!({ "auth": "ann" }), "error wrong-type /auth"),
        (of_ann(&json!({ "password": "x" })), "warning unknown-key /auth/password"),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn auth_method() {
    let offering = |mechanisms: &str| Script::offering(&[mechanisms]);
    check_sound(&verify(verified(logged_in(offering("AUTH LOGIN PLAIN"))), &ann(&json!({}))).await);
    check_sound(
        &verify(verified(by_login(offering("AUTH CRAM-MD5 LOGIN"))), &ann(&json!({}))).await,
    );
    let forced = verified(by_login(offering("AUTH PLAIN")));
    check_sound(&verify(forced, &ann(&json!({ "authMethod": "login" }))).await);
    let unknown = verify(offering("AUTH NTLM").quit(), &ann(&json!({}))).await;
    check_end(&unknown, Stage::Auth, ErrorKind::Credentials);
    for method in ["PLAIN", "LOGIN", "CRAM-MD5"] {
        check_plan([(ann(&json!({ "authMethod": method })), json!({ "authMethod": method }))])
            .await;
    }
    let token = json!({ "auth": { "user": "ann", "accessToken": "token" } });
    for method in ["XOAUTH2", "OAUTHBEARER"] {
        let members = with(token.clone(), &json!({ "authMethod": method }));
        check_plan([(members, json!({ "authMethod": method }))]).await;
    }
    check([
        (ann(&json!({ "authMethod": "NTLM" })), "error invalid-value /authMethod"),
        (ann(&json!({ "authMethod": "XOAUTH2" })), "error contradiction /authMethod"),
        (with(token, &json!({ "authMethod": "PLAIN" })), "error contradiction /authMethod"),
        (json!({ "authMethod": "PLAIN" }), "warning no-effect /authMethod"),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn force_auth() {
    let forced = ann(&json!({ "forceAuth": true }));
    check_sound(&verify(verified(logged_in(Script::offering(&[]))), &forced).await);
    let without = verify(verified(Script::offering(&[])), &ann(&json!({}))).await;
    check_sound(&without);
    let transcript = without.transcript.to_string();
    assert!(transcript.contains("does not offer AUTH"), "{transcript}");
    check([
        (json!({ "forceAuth": true }), "warning no-effect /forceAuth"),
        (ann(&json!({ "forceAuth": 1 })), "error wrong-type /forceAuth"),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn custom_auth() {
    check_keys("", &["customAuth"], "warning no-effect").await;
}

#[tokio::test]
pub(crate) async fn kind() {
    check_plan([
        (of_ann(&json!({ "type": "LoGiN" })), json!({ "auth": "password" })),
        (
            json!({ "auth": { "type": "oauth2", "user": "ann", "accessToken": "token" } }),
            json!({ "auth": "oauth2-token" }),
        ),
        (
            json!({ "auth": { "user": "ann", "accessToken": "token" } }),
            json!({ "auth": "oauth2-token" }),
        ),
    ])
    .await;
    check([
        (of_ann(&json!({ "type": "custom" })), "error invalid-value /auth/type"),
        (
            of_ann(&json!({ "type": "login", "refreshToken": "r" })),
            "warning no-effect /auth/refreshToken",
        ),
        (of_ann(&json!({ "type": "OAuth2", "accessToken": "t" })), "warning no-effect /auth/pass"),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn user() {
    let said =
        Script::offering(&["AUTH PLAIN"]).on("AUTH PLAIN AGFubgBzZWNyZXQtd29yZA==", "235 ok\r\n");
    check_sound(&verify(verified(said), &ann(&json!({}))).await);
    check([
        (json!({ "auth": { "user": "ann" } }), "error missing-key /auth/pass"),
        (
            json!({ "auth": { "user": "a\nb", "pass": "secret-word" } }),
            "error control-character /auth/user",
        ),
        (json!({ "auth": { "user": 5, "pass": "secret-word" } }), "error wrong-type /auth/user"),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn pass() {
    check([
        (json!({ "auth": { "pass": "secret-word" } }), "error missing-key /auth/user"),
        (json!({ "auth": { "user": "ann", "pass": 1234 } }), "error wrong-type /auth/pass"),
        (
            json!({ "auth": { "user": "ann", "pass": { "env": "PASSWORD" } } }),
            "error secret-source-not-allowed /auth/pass",
        ),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn method() {
    let members = with(of_ann(&json!({ "method": " login " })), &json!({ "authMethod": "PLAIN" }));
    check_sound(&verify(verified(by_login(Script::offering(&["AUTH PLAIN"]))), &members).await);
    check([
        (members, "warning no-effect /authMethod"),
        (of_ann(&json!({ "method": "NTLM" })), "error invalid-value /auth/method"),
        (of_ann(&json!({ "method": "XOAUTH2" })), "error contradiction /auth/method"),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn functions() {
    check_keys("auth", &["options", "provisionCallback"], "warning no-effect").await;
}
