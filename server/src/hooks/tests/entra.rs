//! Microsoft Entra External ID.

use jsonwebtoken::Algorithm;
use serde_json::json;

use super::credentials::Signer;
use super::*;

const ISSUER: &str = "https://contoso.ciamlogin.com/ffff5f5f/v2.0";
const AUDIENCE: &str = "11112222-bbbb-3333-cccc-4444dddd5555";

fn settings() -> Value {
    json!({ "issuer": ISSUER, "audience": AUDIENCE })
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "azp": "99045fe1-7639-4a75-9d4a-577b6ca3810f",
        "exp": NOW + 300, "nbf": NOW - 5, "ver": "2.0",
    })
}

fn body() -> Value {
    json!({
        "type": "microsoft.graph.authenticationEvent.emailOtpSend",
        "source": "/tenants/ffff5f5f/applications/bbbbbbbb",
        "data": {
            "@odata.type": "microsoft.graph.onOtpSendCalloutData",
            "otpContext": { "identifier": "jo@example.org", "oneTimeCode": "12345678" },
            "tenantId": "ffff5f5f",
            "authenticationContext": {
                "correlationId": "3333dddd-44ee-ffff-aa55-bbbbbbbb6666",
                "client": { "ip": "192.0.2.7", "locale": "en-us", "market": "en-us" },
                "protocol": "OAUTH2.0", "requestType": "signUp",
                "clientServicePrincipal": {
                    "id": "aaaaaaaa", "appId": "bbbbbbbb", "appDisplayName": "My shop",
                },
            },
        },
    })
}

fn post(claims: &Value, body: impl Into<Body>) -> Post {
    let signer = Signer::new(Algorithm::RS256, "k1");
    let mut post = Post::new(Dialect::Entra, settings(), body)
        .header("authorization", &format!("Bearer {}", signer.token(claims)));
    post.keys = signer.keys();
    post
}

#[test]
fn a_code() {
    let job = post(&claims(), body()).job();
    assert_eq!(job.to, "jo@example.org");
    assert_eq!(job.types, ["signUp", "Register"]);
    assert_eq!(job.payload["code"], "12345678");
    assert_eq!(job.payload["application"]["name"], "My shop");
    assert_eq!(job.locale.as_deref(), Some("en-us"));
    assert_eq!(life(&job), Duration::from_secs(600));
}

#[test]
fn the_code_has_a_name_in_more_than_one_spelling() {
    let mut other = body();
    other["data"]["otpContext"] = json!({ "identifier": "jo@example.org", "onetimecode": "1234" });
    assert_eq!(post(&claims(), other).job().payload["code"], "1234");
}

#[test]
fn a_mail_is_known_by_its_code_within_a_sign_in() {
    let key = |body: &Value| post(&claims(), body).job().key;
    let first = key(&body());
    assert_eq!(key(&body()), first);
    let mut other = body();
    other["data"]["otpContext"]["oneTimeCode"] = json!("12345679");
    assert_ne!(key(&other), first);
    other["data"]["authenticationContext"]["correlationId"] = Value::Null;
    assert_eq!(key(&other), None);
}

#[test]
fn only_entra_is_let_in() {
    for (name, value) in [
        ("azp", json!("11112222-bbbb-3333-cccc-4444dddd5555")),
        ("azp", json!(null)),
        ("aud", json!("another")),
        ("iss", json!("https://contoso.ciamlogin.com/other/v2.0")),
        ("iss", json!(null)),
        ("exp", json!(NOW - 61)),
        ("exp", json!(null)),
        ("nbf", json!(NOW + 61)),
    ] {
        let mut claims = claims();
        claims[name] = value;
        let (status, body, _) = post(&claims, body()).refused();
        assert_eq!(status, 401, "{claims}");
        assert!(body.contains("the credentials are missing or wrong"), "{body}");
    }
    let mut version_1 = claims();
    (version_1["appid"], version_1["azp"]) = (version_1["azp"].take(), Value::Null);
    version_1.as_object_mut().expect("an object").remove("azp");
    assert!(post(&version_1, body()).read().is_ok());
}

#[test]
fn where_the_keys_are_follows_from_the_issuer() {
    let ingress = Ingress::parse(Dialect::Entra, settings()).expect("they are sound");
    let expected = "https://contoso.ciamlogin.com/ffff5f5f/discovery/v2.0/keys";
    assert_eq!(ingress.keys_url().map(url::Url::as_str), Some(expected));
    let settings = json!({ "issuer": "https://sts.windows.net/ffff5f5f/", "audience": "a" });
    let error = Ingress::parse(Dialect::Entra, settings).expect_err("it does not");
    let expected = "`entra`: `issuer` does not end with `/v2.0`: say in `keys` where its keys are, \
                    the `jwks_uri` of its metadata";
    assert_eq!(error.to_string(), expected);
}

/// Word for word, as Microsoft documents it.
#[test]
fn the_answer() {
    let answer = answer(Dialect::Entra, &Verdict::Queued);
    let expected = r#"{"data":{"@odata.type":"microsoft.graph.OnOtpSendResponseData","actions":[{"@odata.type":"microsoft.graph.OtpSend.continueWithDefaultBehavior"}]}}"#;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, expected));
    assert_eq!(answer.content_type, Some("application/json"));
}

#[test]
fn bodies_that_are_wrong() {
    for (pointer, value, expected) in [
        ("/type", json!("other"), "`/type` is no event that wants a mail"),
        ("/data/otpContext/identifier", json!(null), "`/data/otpContext/identifier` is missing"),
        ("/data/otpContext/oneTimeCode", json!(""), "`/data/otpContext/oneTimeCode` is missing"),
        ("/data/authenticationContext", json!(1), "`/data/authenticationContext` is no object"),
    ] {
        let mut body = body();
        *body.pointer_mut(pointer).expect("it is there") = value;
        let (status, _, reason) = post(&claims(), body).refused();
        assert_eq!((status, reason.as_str()), (400, expected));
    }
}
