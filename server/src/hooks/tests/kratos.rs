//! Ory Kratos' courier.

use serde_json::json;
use smtp_connector::Literal;

use super::*;
use crate::hooks::Content;

const SECRET: &str = "Bearer 9b1d6c2f8e0a4753";

fn post(body: impl Into<Body>) -> Post {
    Post::new(Dialect::Kratos, json!({ "secrets": [SECRET] }), body).header("authorization", SECRET)
}

/// What the Jsonnet of docs/platforms.md makes.
fn body() -> Value {
    json!({
        "version": 1, "recipient": "jo@example.org", "template_type": "login_code_valid",
        "subject": "Use code {{482913}}", "text": "It is 482913.", "html": "<p>482913</p>",
        "data": {
            "to": "jo@example.org", "login_code": "482913", "expires_in_minutes": 5,
            "identity": { "traits": { "email": "jo@example.org" } },
        },
        "headers": { "Accept-Language": ["de"] },
    })
}

#[test]
fn a_code_by_our_jsonnet() {
    let job = post(body()).job();
    assert_eq!(job.to, "jo@example.org");
    assert_eq!(job.types, ["login_code_valid", "SignIn"]);
    let literal = Literal::html("Use code {{482913}}", "<p>482913</p>").and_text("It is 482913.");
    assert_eq!(job.content, Content::Rendered(literal));
    assert_eq!(job.payload["code"], "482913");
    assert_eq!(life(&job), Duration::from_secs(5 * 60));
}

#[test]
fn what_is_rendered_stays_so_whatever_templates_there_are() {
    let job = post(body()).job();
    let Content::Rendered(literal) = job.content.clone() else { panic!("it is rendered") };
    let expected = smtp_connector::Request::new("login_code_valid", "jo@example.org")
        .payload(job.payload.clone())
        .literal(literal);
    assert_eq!(job.request(|_| true), expected);
}

#[test]
fn a_link_by_the_body_that_kratos_has_of_itself() {
    let job = post(json!({
        "recipient": "jo@example.org", "template_type": "recovery_valid", "to": "jo@example.org",
        "recovery_code": null, "recovery_url": "https://id.example.org/recovery?token=abc",
        "verification_url": null, "verification_code": null,
        "subject": "Recover", "body": "Go to https://id.example.org/recovery?token=abc",
    }))
    .job();
    assert_eq!(job.types, ["recovery_valid", "ForgotPassword"]);
    let text = "Go to https://id.example.org/recovery?token=abc";
    assert_eq!(job.content, Content::Rendered(Literal::text("Recover", text)));
    assert_eq!(job.payload["link"], "https://id.example.org/recovery?token=abc");
    assert_eq!(life(&job), Duration::from_secs(3600));
}

#[test]
fn a_mail_is_known_by_its_code_and_a_notice_is_not() {
    let key = |body: &Value| post(body).job().key;
    let first = key(&body()).expect("a key");
    let mut other = body();
    other["text"] = json!("It is still 482913.");
    assert_eq!(key(&other).as_ref(), Some(&first));
    other["data"]["login_code"] = json!("482914");
    assert_ne!(key(&other).expect("a key"), first);
    other["data"]["login_code"] = Value::Null;
    assert_eq!(key(&other), None);
}

#[test]
fn a_secret_may_stand_in_another_field() {
    let settings = json!({ "secrets": ["0123456789abcdef"], "header": "X-Api-Key" });
    let post = Post::new(Dialect::Kratos, settings, body());
    assert!(post.clone().header("x-api-key", "0123456789abcdef").read().is_ok());
    assert!(post.header("authorization", "0123456789abcdef").read().is_err());
}

#[test]
fn bodies_that_are_wrong() {
    for (pointer, value, expected) in [
        ("/recipient", json!(null), "`/recipient` is missing"),
        ("/template_type", json!(1), "`/template_type` is no string"),
        ("/subject", json!(null), "`/subject` is missing"),
        ("/data/expires_in_minutes", json!(-1), "`/data/expires_in_minutes` is no whole number"),
        ("/data", json!(true), "`/data` is no object"),
    ] {
        let mut body = body();
        *body.pointer_mut(pointer).expect("it is there") = value;
        let (status, _, reason) = post(body).refused();
        assert_eq!((status, reason.as_str()), (400, expected));
    }
    let mut empty = body();
    (empty["text"], empty["html"]) = (Value::Null, json!(""));
    assert_eq!(post(empty).refused().2, "`/text` is missing");
}
