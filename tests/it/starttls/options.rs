//! The keys that decide when a connection becomes encrypted, one by one. What they decide together
//! is in [`super::table`].

use serde_json::json;
use smtp_connector::{ErrorKind, Stage};
use smtp_connector_tests::certificates::Authority;
use smtp_connector_tests::peer::Script;

use crate::helpers::proof::{
    check, check_end, check_sound, far, logged_in, verified, verify, verify_far,
};
use crate::helpers::tenant::with;

#[tokio::test]
pub(crate) async fn require_tls() {
    let authority = Authority::new();
    let members = json!({ "requireTLS": true, "tls": { "ca": authority.pem() } });
    let unoffered = Script::offering(&[]).starttls(&authority.localhost().server()).ehlo(&[]);
    assert!(verify(verified(unoffered), &members).await.tls.is_some());
    let without = Script::offering(&[]).on("STARTTLS", "502 what?\r\n");
    check_end(&verify(without, &members).await, Stage::Starttls, ErrorKind::Tls);
    let implicit = json!({ "requireTLS": true, "secure": true });
    check([
        (implicit, "warning no-effect /requireTLS"),
        (json!({ "requireTLS": "true" }), "error wrong-type /requireTLS"),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn ignore_tls() {
    let members = json!({ "ignoreTLS": true, "auth": { "user": "ann", "pass": "secret-word" } });
    let script = logged_in(far().ehlo(&["STARTTLS", "AUTH PLAIN"]));
    check_sound(&verify_far(verified(script), &members).await);
    check([
        (json!({ "ignoreTLS": true, "requireTLS": true }), "error contradiction /ignoreTLS"),
        (json!({ "ignoreTLS": true, "secure": true }), "warning no-effect /ignoreTLS"),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn opportunistic_tls() {
    let members = json!({ "opportunisticTLS": true });
    let refused = || Script::offering(&["STARTTLS"]).on("STARTTLS", "454 not now\r\n");
    check_sound(&verify(verified(refused()), &members).await);
    let refused = far().ehlo(&["STARTTLS", "AUTH PLAIN"]).on("STARTTLS", "454 not now\r\n").quit();
    let login = with(members.clone(), &json!({ "auth": { "user": "ann", "pass": "secret-word" } }));
    check_end(&verify_far(refused, &login).await, Stage::Starttls, ErrorKind::Credentials);
    let server = Authority::new().localhost().server();
    let untrusted = Script::offering(&["STARTTLS"]).on("STARTTLS", "220 go\r\n").fail_tls(&server);
    check_end(&verify(untrusted, &members).await, Stage::Tls, ErrorKind::Tls);
    check([
        (
            json!({ "opportunisticTLS": true, "ignoreTLS": true }),
            "warning no-effect /opportunisticTLS",
        ),
        (
            json!({ "opportunisticTLS": true, "secure": true }),
            "warning no-effect /opportunisticTLS",
        ),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn none_of_the_three() {
    let authority = Authority::new();
    let offered =
        Script::offering(&["STARTTLS"]).starttls(&authority.localhost().server()).ehlo(&[]);
    let verification =
        verify(verified(offered), &json!({ "tls": { "ca": authority.pem() } })).await;
    assert!(verification.tls.is_some_and(|tls| tls.verified));
    check_sound(&verify_far(verified(far().ehlo(&[])), &json!({})).await);
    let login = json!({ "auth": { "user": "ann", "pass": "secret-word" } });
    let withheld = verify_far(far().ehlo(&["AUTH PLAIN"]).quit(), &login).await;
    check_end(&withheld, Stage::Starttls, ErrorKind::Credentials);
}

#[tokio::test]
pub(crate) async fn servername() {
    let authority = Authority::new();
    let named = authority.named("mx.test").server();
    let server = || Script::new().tls(&named).say("220 peer\r\n").ehlo(&[]);
    let members = |outer: &str, inner: Option<&str>| {
        let tls = json!({ "ca": authority.pem(), "servername": inner });
        json!({ "secure": true, "servername": outer, "tls": tls })
    };
    check_sound(&verify(verified(server()), &members("mx.test", None)).await);
    check_sound(&verify(verified(server()), &members("other.test", Some("mx.test"))).await);
    let misnamed =
        verify(Script::new().fail_tls(&named), &members("mx.test", Some("other.test"))).await;
    check_end(&misnamed, Stage::Tls, ErrorKind::Tls);
    check([
        (members("other.test", Some("mx.test")), "warning no-effect /servername"),
        (json!({ "servername": "a b" }), "error invalid-host /servername"),
        (json!({ "servername": "xn--a.example" }), "error invalid-host /servername"),
        (json!({ "servername": "a.test", "ignoreTLS": true }), "warning no-effect /servername"),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn tls() {
    check([
        (json!({ "tls": {} }), ""),
        (json!({ "tls": true }), "error wrong-type /tls"),
        (json!({ "tls": { "unheardOf": 1 } }), "warning unknown-key /tls/unheardOf"),
        (json!({ "tls": { "requireTLS": true } }), "warning unknown-key /tls/requireTLS"),
        (
            json!({ "tls": { "maxVersion": "TLSv1.2" }, "ignoreTLS": true }),
            "warning no-effect /tls",
        ),
    ])
    .await;
}
