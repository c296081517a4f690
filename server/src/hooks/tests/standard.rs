//! Our own dialect.

use serde_json::json;
use smtp_connector::Literal;

use super::*;
use crate::hooks::Content;

const BEARER: &str = "b1946ac92492d2347c6235b4d2611184";

fn post(body: impl Into<Body>) -> Post {
    let settings = json!({ "secrets": [WHSEC, BEARER], "deadline": "5m" });
    Post::new(Dialect::Standard, settings, body)
}

fn body() -> Value {
    json!({
        "to": "jo@example.org", "type": "ForgotPassword",
        "payload": { "link": "https://a.test/?x" }, "locale": "pt-BR",
    })
}

#[test]
fn with_a_bearer() {
    let post = post(body()).header("authorization", &format!("bearer {BEARER}"));
    let job = post.job();
    assert_eq!(
        (job.to.as_str(), &job.types[..]),
        ("jo@example.org", &["ForgotPassword".into()][..])
    );
    assert_eq!(job.payload["link"], "https://a.test/?x");
    assert_eq!(job.locale.as_deref(), Some("pt-BR"));
    assert_eq!((life(&job), job.key), (Duration::from_secs(300), None));
    for key in ["reset-17", "\"reset-17\""] {
        let job = post.clone().header("idempotency-key", key).job();
        assert_eq!(job.key.as_deref(), Some("standard:reset-17"));
    }
    let (status, _, reason) = post.header("idempotency-key", &"k".repeat(257)).refused();
    let expected = "`Idempotency-Key` is empty or longer than 256 characters";
    assert_eq!((status, reason.as_str()), (400, expected));
}

#[test]
fn with_a_signature() {
    for prefix in ["webhook", "svix"] {
        let post = post(body()).signed(prefix, "evt_7", NOW, &[WHSEC]);
        assert_eq!(post.job().key.as_deref(), Some("standard:evt_7"));
    }
}

/// A bearer that is known does not help a signature that is wrong.
#[test]
fn a_call_that_is_signed_is_judged_by_its_signature() {
    let other = "whsec_b3RoZXIwMTIzNDU2Nzg5YWJjZGVmMDEyMw==";
    let post = post(body())
        .signed("webhook", "evt_7", NOW, &[other])
        .header("authorization", &format!("Bearer {BEARER}"));
    assert_eq!(post.refused().0, 401);
}

#[test]
fn content_that_is_rendered() {
    let mut body = body();
    body["content"] = json!({ "subject": "s {{x}}", "text": "t", "html": "h" });
    let post = post(body).header("authorization", &format!("Bearer {BEARER}"));
    let literal = Literal::html("s {{x}}", "h").and_text("t");
    assert_eq!(post.job().content, Content::Rendered(literal));
}

#[test]
fn deadlines() {
    for (text, seconds) in [("90s", Some(90)), ("2025-11-27T13:30:00Z", Some(200)), ("soon", None)]
    {
        let mut body = body();
        body["deadline"] = json!(text);
        let post = post(body).header("authorization", &format!("Bearer {BEARER}"));
        match seconds {
            Some(seconds) => assert_eq!(life(&post.job()), Duration::from_secs(seconds)),
            None => {
                let expected = "`/deadline` is no duration such as 10m, and no time";
                assert_eq!(post.refused().2, expected);
            }
        }
    }
}

#[test]
fn bodies_that_are_wrong() {
    for (name, value, expected) in [
        ("to", json!(null), "`/to` is missing"),
        ("type", json!(1), "`/type` is no string"),
        ("payload", json!([]), "`/payload` is no object"),
        ("content", json!({ "subject": "s" }), "`/content/text` is missing"),
        ("subject", json!("s"), "`/subject` is unknown"),
    ] {
        let mut body = body();
        body[name] = value;
        let post = post(body).header("authorization", &format!("Bearer {BEARER}"));
        let (status, body, reason) = post.refused();
        assert_eq!((status, reason.as_str()), (400, expected));
        let problem = json!({ "title": "Bad Request", "status": 400, "detail": expected });
        assert_eq!(body, problem.to_string());
    }
}
