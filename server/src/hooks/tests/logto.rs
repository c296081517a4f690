//! Logto's connector `http-email`.

use serde_json::json;
use smtp_connector::{Error, ErrorKind, Stage};

use super::*;
use crate::hooks::Content;

const AUTHORIZATION: &str = "Bearer 5f1d0c9a7b3e4f28";

fn post(body: impl Into<Body>) -> Post {
    Post::new(Dialect::Logto, json!({ "secrets": [AUTHORIZATION] }), body)
        .header("authorization", AUTHORIZATION)
}

#[test]
fn a_code() {
    let payload = json!({
        "code": "482913",
        "locale": "fr-CA",
        "uiLocales": "fr-CA fr en",
        "application": { "id": "app", "name": "Shop" },
    });
    let body =
        json!({ "to": "jo@example.org", "type": "SignIn", "payload": payload, "ip": "192.0.2.7" });
    let job = post(body).job();
    assert_eq!((job.to.as_str(), job.types.as_slice()), ("jo@example.org", &["SignIn".into()][..]));
    assert_eq!(Value::Object(job.payload.clone()), payload);
    assert_eq!((job.content.clone(), job.key.clone()), (Content::Template, None));
    assert_eq!(life(&job), Duration::from_secs(600));
    assert!(!format!("{job:?}").contains("482913"));
}

#[test]
fn types_and_how_long_they_are_of_use() {
    for (name, types, minutes) in [
        ("OrganizationInvitation", &["OrganizationInvitation"][..], 24 * 60),
        ("BindMfa", &["BindMfa"], 10),
        ("Test", &["Test", "Generic"], 10),
        ("Brand-new", &["Brand-new"], 10),
    ] {
        let job = post(json!({ "to": "jo@example.org", "type": name })).job();
        assert_eq!(job.types, types, "{name}");
        assert_eq!(life(&job), Duration::from_secs(minutes * 60), "{name}");
    }
}

#[test]
fn bodies_that_are_wrong() {
    for (body, expected) in [
        ("", "the body is no JSON object"),
        ("[1]", "the body is no JSON object"),
        (r#"{"type":"SignIn"}"#, "`/to` is missing"),
        (r#"{"to":"","type":"SignIn"}"#, "`/to` is missing"),
        (r#"{"to":["jo@example.org"],"type":"SignIn"}"#, "`/to` is no string"),
        (r#"{"to":"jo@example.org"}"#, "`/type` is missing"),
        (r#"{"to":"a@b.test","type":"SignIn","payload":"482913"}"#, "`/payload` is no object"),
    ] {
        assert_eq!(post(body).refused(), (400, expected.to_owned(), expected.to_owned()));
    }
}

/// The administrator reads the body.
#[test]
fn failures_are_one_line() {
    let error = Error::new(ErrorKind::Credentials, "the server answered 535\r\nno")
        .at(Stage::Auth)
        .with_hint("Check `auth.user`.");
    let answer = answer(Dialect::Logto, &Verdict::Failed(&error));
    assert_eq!(answer.status, 502);
    assert_eq!(answer.content_type, Some("text/plain; charset=utf-8"));
    let line = "credentials at auth: the server answered 535  no. Check `auth.user`.";
    assert_eq!(answer.body, line);
}
