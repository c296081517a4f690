//! The members of `auth` by which access tokens are had.

use serde_json::{Value, json};
use smtp_connector::{ErrorKind, Stage};
use smtp_connector_tests::certificates::Authority;
use smtp_connector_tests::token_endpoint::{Answer, Asked, TokenEndpoint};

use super::{accepting, offering, refresh, refusing, xoauth2};
use crate::helpers::proof::{check, check_keys, check_plan, findings};
use crate::helpers::session::{check_failure, deliver};
use crate::helpers::tenant::with;

const URL: &str = "https://token.test/token";

/// Sends a message with a login by refresh token and these members of `auth`; what the endpoint was
/// asked.
async fn ask(members: &Value) -> Asked {
    let endpoint = TokenEndpoint::start(vec![Answer::token("token-1")]);
    deliver(vec![accepting("token-1")], &refresh(&endpoint, members)).await.expect("acceptance");
    let [asked] = endpoint.asked().try_into().expect("one request");
    asked
}

/// `auth` of a client and these members.
fn client(members: &Value) -> Value {
    let client = json!({ "user": "ann", "clientId": "c", "clientSecret": "s", "accessUrl": URL });
    json!({ "auth": with(client, members) })
}

/// `auth` of a service account and these members.
fn account(members: &Value) -> Value {
    let key = Authority::new().localhost_rsa().key_pem;
    let account = json!({ "user": "ann", "serviceClient": "s@a.test", "privateKey": key });
    json!({ "auth": with(account, members) })
}

#[tokio::test]
pub(crate) async fn client_id() {
    assert_eq!(ask(&json!({ "clientId": "x&y" })).await.field("client_id").as_deref(), Some("x&y"));
    let own = json!({ "refreshToken": null });
    assert_eq!(ask(&own).await.field("client_id").as_deref(), Some("client-1"));
    check([
        (client(&json!({ "clientId": null })), "error missing-key /auth/clientId"),
        (
            client(&json!({ "clientId": null, "refreshToken": "r" })),
            "error missing-key /auth/clientId",
        ),
        (client(&json!({ "refreshToken": "r" })), ""),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn client_secret() {
    let asked = ask(&json!({ "refreshToken": null })).await;
    assert_eq!(asked.field("grant_type").as_deref(), Some("client_credentials"));
    assert_eq!(asked.field("client_secret").as_deref(), Some("client-secret-1"));
    check([
        (client(&json!({ "clientSecret": null })), "error missing-key /auth/clientSecret"),
        (client(&json!({ "accessUrl": null })), "error missing-key /auth/accessUrl"),
    ])
    .await;
    let credentials = "oauth2-client-credentials";
    check_plan([(client(&json!({})), json!({ "auth": credentials, "tokenEndpoint": URL }))]).await;
}

#[tokio::test]
pub(crate) async fn refresh_token() {
    let asked = ask(&json!({})).await;
    assert_eq!(asked.field("grant_type").as_deref(), Some("refresh_token"));
    assert_eq!(asked.field("refresh_token").as_deref(), Some("refresh-1"));
    let bare = json!({ "auth": { "user": "ann", "refreshToken": "r" } });
    check([
        (bare, "error missing-key /auth/clientId"),
        (
            json!({ "auth": { "refreshToken": "r", "clientId": "c" } }),
            "error missing-key /auth/user",
        ),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn access_token() {
    let unasked = TokenEndpoint::start(vec![Answer::Silence]);
    let members = refresh(&unasked, &json!({ "accessToken": "given" }));
    deliver(vec![accepting("given")], &members).await.expect("acceptance");
    assert!(unasked.asked().is_empty());
    let endpoint = TokenEndpoint::start(vec![Answer::token("token-1")]);
    let renewed =
        refusing(offering(), "given").on(&xoauth2("token-1"), "235 welcome\r\n").takes_mail();
    let members = refresh(&endpoint, &json!({ "accessToken": "given" }));
    deliver(vec![renewed], &members).await.expect("acceptance");
}

#[tokio::test]
pub(crate) async fn expires() {
    assert_eq!(
        ask(&json!({ "accessToken": "given", "expires": 1_500_000_000_000_u64 })).await.line,
        "POST /token HTTP/1.1"
    );
    let given = |expires: Value| {
        json!({
            "auth": { "user": "ann", "accessToken": "t", "expires": expires },
        })
    };
    check([
        (given(json!(4_102_444_800_000_u64)), ""),
        (given(json!(3600)), "warning implausible-expiry /auth/expires"),
        (given(json!(1_700_000_000)), "warning implausible-expiry /auth/expires"),
        (given(json!(-1)), "error out-of-range /auth/expires"),
        (given(json!("soon")), "error wrong-type /auth/expires"),
        (client(&json!({ "expires": 4_102_444_800_000_u64 })), "warning no-effect /auth/expires"),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn timeout() {
    check_keys("auth", &["timeout"], "warning no-effect").await;
}

#[tokio::test]
pub(crate) async fn service_client() {
    check_plan([(account(&json!({})), json!({ "auth": "oauth2-jwt" }))]).await;
    let keyless = json!({ "auth": { "user": "ann", "serviceClient": "s@a.test" } });
    check([
        (keyless, "error missing-key /auth/privateKey"),
        (account(&json!({ "refreshToken": "r" })), "warning no-effect /auth/refreshToken"),
    ])
    .await;
    assert_eq!(claims(&json!({})).await["iss"], "s@a.test");
}

#[tokio::test]
pub(crate) async fn private_key() {
    let (rsa, curve) = (Authority::new().localhost_rsa(), Authority::new().localhost());
    let encrypted = rsa.encrypted_key_pem("correct horse");
    let written = rsa.key_pem.replace('\n', "\\n");
    check([
        (account(&json!({ "privateKey": written })), ""),
        (
            account(&json!({ "privateKey": { "key": encrypted, "passphrase": "correct horse" } })),
            "",
        ),
        (
            account(&json!({ "privateKey": encrypted })),
            "error missing-key /auth/privateKey/passphrase",
        ),
        (account(&json!({ "privateKey": curve.key_pem })), "error unusable-key /auth/privateKey"),
        (account(&json!({ "serviceClient": null })), "error missing-key /auth/serviceClient"),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn service_request_timeout() {
    for (seconds, lifetime) in
        [(json!(null), 300), (json!(0), 300), (json!(60), 60), (json!(9999), 3600)]
    {
        let claims = claims(&json!({ "serviceRequestTimeout": seconds })).await;
        let moment = |claim: &str| claims[claim].as_u64().expect("a moment");
        assert_eq!(moment("exp") - moment("iat"), lifetime, "{seconds}");
    }
    for (seconds, expected) in [(9999, "warning clamped"), (-1, "warning clamped"), (3600, "")] {
        let found = findings(&account(&json!({ "serviceRequestTimeout": seconds }))).await;
        assert_eq!(found.strip_suffix(" /auth/serviceRequestTimeout").unwrap_or(&found), expected);
    }
}

/// The claims of the assertion that a service account with these members signs.
async fn claims(members: &Value) -> Value {
    use base64::Engine as _;
    let endpoint = TokenEndpoint::start(vec![Answer::token("token-1")]);
    let mut configured = account(members);
    configured["auth"]["accessUrl"] = json!(endpoint.url());
    configured["auth"]["user"] = json!(crate::oauth2::USER);
    deliver(vec![accepting("token-1")], &configured).await.expect("acceptance");
    let assertion = endpoint.asked()[0].field("assertion").expect("an assertion");
    let claims = assertion.split('.').nth(1).expect("three parts");
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).expect("base64");
    serde_json::from_slice(&claims).expect("JSON")
}

#[tokio::test]
pub(crate) async fn access_url() {
    let google = json!({ "auth": { "user": "ann", "clientId": "c", "refreshToken": "r" } });
    let default = json!({ "tokenEndpoint": "https://accounts.google.com/o/oauth2/token" });
    check_plan([(google, default.clone()), (account(&json!({})), default)]).await;
    check([
        (client(&json!({ "accessUrl": "http://127.0.0.1:8080/token" })), ""),
        (
            client(&json!({ "accessUrl": "http://token.test/" })),
            "error insecure-url /auth/accessUrl",
        ),
        (client(&json!({ "accessUrl": "token.test" })), "error invalid-url /auth/accessUrl"),
        (
            client(&json!({ "accessUrl": "https://u:p@token.test" })),
            "error invalid-url /auth/accessUrl",
        ),
    ])
    .await;
    let large = Answer::json(200, &json!({ "access_token": "t", "x": "y".repeat(256 << 10) }));
    let elsewhere = Answer::redirect(307, "http://localhost:9/token");
    for answer in [large, elsewhere] {
        let endpoint = TokenEndpoint::start(vec![answer]);
        let outcome = deliver(vec![offering().quit()], &refresh(&endpoint, &json!({}))).await;
        check_failure(outcome, Stage::Auth, ErrorKind::Protocol);
    }
    let answers = vec![Answer::redirect(307, "/other"), Answer::token("token-1")];
    let endpoint = TokenEndpoint::start(answers);
    deliver(vec![accepting("token-1")], &refresh(&endpoint, &json!({}))).await.expect("acceptance");
}

#[tokio::test]
pub(crate) async fn scope() {
    assert_eq!(ask(&json!({})).await.field("scope"), None);
    for members in [json!({ "scope": "mail" }), json!({ "scope": "mail", "refreshToken": null })] {
        assert_eq!(ask(&members).await.field("scope").as_deref(), Some("mail"));
    }
    assert_eq!(claims(&json!({})).await["scope"], "https://mail.google.com/");
    assert_eq!(claims(&json!({ "scope": "mail" })).await["scope"], "mail");
    let microsoft = "https://login.microsoftonline.com/t/oauth2/v2.0/token";
    let members = client(&json!({ "accessUrl": microsoft }));
    check([(members, "warning scope-missing /auth/scope")]).await;
}

#[tokio::test]
pub(crate) async fn custom_params() {
    let params =
        json!({ "resource": "a&b", "grant_type": "custom", "n": 5, "b": true, "gone": null });
    let asked = ask(&json!({ "customParams": params })).await;
    for (name, value) in [("resource", "a&b"), ("grant_type", "custom"), ("n", "5"), ("b", "true")]
    {
        assert_eq!(asked.field(name).as_deref(), Some(value), "{name}");
    }
    assert_eq!((asked.body.matches("grant_type").count(), asked.field("gone")), (1, None));
    let list = client(&json!({ "customParams": { "a": ["x"] } }));
    check([(list, "error wrong-type /auth/customParams/a")]).await;
}

#[tokio::test]
pub(crate) async fn custom_headers() {
    let asked = ask(&json!({ "customHeaders": { "X-Tenant": "acme", "X-Number": 5 } })).await;
    assert_eq!((asked.header("x-tenant"), asked.header("x-number")), (vec!["acme"], vec!["5"]));
    for name in ["Host", "Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "upgrade"]
    {
        let expected = format!("error unsupported /auth/customHeaders/{name}");
        check([(client(&json!({ "customHeaders": { name: "x" } })), expected.as_str())]).await;
    }
    let blank = client(&json!({ "customHeaders": { "a b": "x" } }));
    check([(blank, "error invalid-header-name /auth/customHeaders/a b")]).await;
}

#[tokio::test]
pub(crate) async fn tls() {
    let authority = Authority::new();
    let server = authority.localhost().server();
    let endpoint = TokenEndpoint::start_tls(&server, vec![Answer::token("token-1")]);
    let trusting = refresh(&endpoint, &json!({ "tls": { "ca": authority.pem() } }));
    deliver(vec![accepting("token-1")], &trusting).await.expect("acceptance");
    let endpoint = TokenEndpoint::start_tls(&server, vec![Answer::token("token-1")]);
    let outcome = deliver(vec![offering().quit()], &refresh(&endpoint, &json!({}))).await;
    check_failure(outcome, Stage::Auth, ErrorKind::Tls);
    let open = json!({ "tls": { "rejectUnauthorized": false } });
    let clear =
        json!({ "tls": { "maxVersion": "TLSv1.2" }, "accessUrl": "http://localhost/token" });
    check([
        (client(&open), "warning certificate-not-verified /auth/tls/rejectUnauthorized"),
        (client(&json!({ "tls": { "host": "b.test" } })), "error unsupported /auth/tls/host"),
        (client(&clear), "warning no-effect /auth/tls"),
    ])
    .await;
}
