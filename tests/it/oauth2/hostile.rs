//! Tokens of service accounts, and the ways to a token that a configuration cannot name.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::SignatureScheme;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use smtp_connector::{EgressPolicy, ErrorKind, Options, Stage};
use smtp_connector_tests::certificates::Authority;
use smtp_connector_tests::peer::{Peer, Script};
use smtp_connector_tests::token_endpoint::{Answer, TokenEndpoint};

use crate::helpers::examination::{check_one_error, errors};
use crate::helpers::session::{check_failure, deliver};
use crate::helpers::tenant;

const USER: &str = "robot@acme.test";

fn decoded(part: &str) -> Value {
    let octets = URL_SAFE_NO_PAD.decode(part).expect("base64 for URLs");
    serde_json::from_slice(&octets).expect("JSON")
}

/// The only signature that this key can give in RS256.
fn signature(key: &str, text: &str) -> String {
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
    let key = any_supported_type(&key).expect("an RSA key");
    let signer = key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]).expect("an RSA key");
    URL_SAFE_NO_PAD.encode(signer.sign(text.as_bytes()).expect("a signature"))
}

#[tokio::test]
async fn a_service_account_asks_with_an_assertion_that_it_signs() {
    let endpoint = TokenEndpoint::start(vec![Answer::token("token-1")]);
    let key = Authority::new().localhost_rsa().key_pem;
    let auth = json!({
        "type": "OAuth2", "user": USER, "serviceClient": "robot@project.test", "privateKey": key,
        "accessUrl": endpoint.url(), "serviceRequestTimeout": 120,
    });
    let script =
        Script::offering(&["AUTH XOAUTH2"]).on("AUTH XOAUTH2 *", "235 ok\r\n").takes_mail();
    deliver(vec![script], &json!({ "auth": auth })).await.expect("acceptance");
    let asked = &endpoint.asked()[0];
    let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    assert_eq!((asked.field("grant_type").as_deref(), asked.field("scope")), (Some(grant), None));
    let assertion = asked.field("assertion").expect("an assertion");
    let (signed, signature) = assertion.rsplit_once('.').expect("a signature");
    assert_eq!(signature, self::signature(&key, signed));
    let (header, claims) = signed.split_once('.').expect("a header");
    let (header, claims) = (decoded(header), decoded(claims));
    assert_eq!((&header["alg"], &header["typ"]), (&json!("RS256"), &json!("JWT")));
    let lifetime =
        claims["exp"].as_u64().zip(claims["iat"].as_u64()).map(|(end, start)| end - start);
    assert_eq!(lifetime, Some(120));
    let named = ["iss", "scope", "sub", "aud"].map(|name| claims[name].clone());
    let expected = json!(["robot@project.test", "https://mail.google.com/", USER, endpoint.url()]);
    assert_eq!(json!(named), expected);
}

/// nodemailer fails when it sends; here the check finds that there is no way to a token.
#[tokio::test]
async fn a_login_without_any_way_to_a_token_is_an_error_of_the_configuration() {
    let found = errors(&json!({ "auth": { "type": "OAuth2", "user": USER } })).await;
    check_one_error(&found, "missing-key", "/auth/refreshToken", "no way to a token");
    let found =
        errors(&json!({ "auth": { "type": "OAuth2", "user": USER, "provisionCallback": "f" } }))
            .await;
    check_one_error(&found, "missing-key", "/auth/refreshToken", "a function");
}

/// Client identifiers, scopes and the configuration's own fields stay values of the form.
#[tokio::test]
async fn nothing_in_the_configuration_adds_a_field_to_the_request() {
    let endpoint = TokenEndpoint::start(vec![Answer::token("token-1")]);
    let auth = json!({
        "user": USER, "clientId": "a&grant_type=x=%26", "clientSecret": "s&scope=\r\nall",
        "refreshToken": "r&r",
        "accessUrl": endpoint.url(), "customParams": { "a&b=c": "d\r\n\r\nPOST / HTTP/1.1" },
    });
    let script =
        Script::offering(&["AUTH XOAUTH2"]).on("AUTH XOAUTH2 *", "235 ok\r\n").takes_mail();
    deliver(vec![script], &json!({ "auth": auth })).await.expect("acceptance");
    let asked = endpoint.asked();
    assert_eq!(asked.len(), 1);
    let body = "client_id=a%26grant_type%3Dx%3D%2526&client_secret=s%26scope%3D%0D%0Aall&\
                refresh_token=r%26r&grant_type=refresh_token&\
                a%26b%3Dc=d%0D%0A%0D%0APOST+%2F+HTTP%2F1.1";
    assert_eq!(asked[0].body, body);
}

#[tokio::test]
async fn header_fields_that_frame_or_break_the_request_are_refused() {
    let with = |name: &str, value: &str| {
        let mut auth =
            json!({ "user": USER, "clientId": "c", "refreshToken": "r", "customHeaders": {} });
        auth["accessUrl"] = json!("http://127.0.0.1:9/token");
        auth["customHeaders"][name] = json!(value);
        json!({ "auth": auth })
    };
    for name in [
        "Host",
        "content-length",
        "Transfer-Encoding",
        "connection",
        "UPGRADE",
        "X A",
        "X:A",
        "X\r\nA",
        "",
    ] {
        assert_eq!(errors(&with(name, "x")).await.len(), 1, "{name:?}");
    }
    for value in ["a\r\nX-B: c", "a\nb", "a\0"] {
        let outcome =
            deliver(vec![Script::offering(&["AUTH XOAUTH2"]).quit()], &with("X-A", value)).await;
        let error = outcome.expect_err("a refusal");
        assert_eq!(error.kind(), ErrorKind::Configuration, "{value:?}: {error}");
    }
}

fn refresh(endpoint: &TokenEndpoint) -> Value {
    json!({
        "user": USER, "clientId": "c", "refreshToken": "refresh-1", "accessUrl": endpoint.url(),
    })
}

#[tokio::test]
async fn a_server_to_which_an_endpoint_redirects_is_never_asked() {
    let elsewhere = TokenEndpoint::start(vec![Answer::token("token-1")]);
    for status in [301, 302, 303, 307, 308] {
        let endpoint = TokenEndpoint::start(vec![Answer::redirect(status, &elsewhere.url())]);
        let script = Script::offering(&["AUTH XOAUTH2"]).quit();
        let outcome = deliver(vec![script], &json!({ "auth": refresh(&endpoint) })).await;
        check_failure(outcome, Stage::Auth, ErrorKind::Protocol);
    }
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn an_endpoint_that_the_policy_refuses_is_never_asked() {
    let endpoint = TokenEndpoint::start(vec![Answer::token("token-1")]);
    let peer = Peer::start(Script::offering(&["AUTH XOAUTH2"]).quit());
    let mut configuration = tenant::configuration(peer.port());
    configuration["auth"] = refresh(&endpoint);
    let options = Options::default().egress(EgressPolicy::any().with_ports([peer.port()]));
    let connector = tenant::bundled().await;
    let mailer =
        connector.configure_with(&configuration.to_string(), &options).await.expect("a mailer");
    check_failure(mailer.send(&tenant::sign_in("1")).await, Stage::Auth, ErrorKind::Egress);
    peer.finish().await;
    assert!(endpoint.asked().is_empty());
}
