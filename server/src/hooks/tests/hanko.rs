//! Hanko's webhook.

use jsonwebtoken::Algorithm;
use serde_json::json;
use smtp_connector::Literal;

use super::credentials::Signer;
use super::*;
use crate::hooks::Content;

fn claims() -> Value {
    json!({
        "sub": "hanko webhooks", "aud": ["shop.example.org"], "iat": NOW, "exp": NOW + 300,
        "evt": "email.send",
        "data": {
            "subject": "Use passcode 325139", "body_plain": "Enter {{325139}}.",
            "to_email_address": "jo@example.org", "delivered_by_hanko": false,
            "accept_language": "", "language": "en", "type": "passcode",
            "data": {
                "service_name": "Shop", "otp_code": "325139", "ttl": 300,
                "valid_until": NOW + 299,
            },
        },
    })
}

fn post(claims: &Value) -> Post {
    let signer = Signer::new(Algorithm::RS256, "k1");
    let settings = json!({
        "keys": "https://id.example.org/.well-known/jwks.json", "audience": "shop.example.org",
    });
    let body = json!({ "token": signer.token(claims), "event": "email.send" });
    let mut post = Post::new(Dialect::Hanko, settings, body);
    post.keys = signer.keys();
    post
}

#[test]
fn a_code() {
    let job = post(&claims()).job();
    assert_eq!(job.to, "jo@example.org");
    assert_eq!(job.types, ["passcode", "SignIn"]);
    let literal = Literal::text("Use passcode 325139", "Enter {{325139}}.");
    assert_eq!(job.content, Content::Rendered(literal));
    assert_eq!(job.payload["code"], "325139");
    assert_eq!(job.locale.as_deref(), Some("en"));
    assert_eq!(life(&job), Duration::from_secs(299));
    assert!(job.key.is_some_and(|key| key.starts_with("hanko:")));
}

#[test]
fn what_hanko_mails_itself_and_other_events_are_nothing() {
    let mut delivered = claims();
    delivered["data"]["delivered_by_hanko"] = json!(true);
    let mut other = claims();
    (other["evt"], other["data"]) = (json!("user.create"), json!({}));
    for claims in [delivered, other] {
        assert_eq!(post(&claims).read(), Ok(Asked::Nothing));
    }
}

/// A session has the same keys and the same audience.
#[test]
fn a_users_own_token_is_no_webhook() {
    let mut session = claims();
    session["sub"] = json!("0c3e6a1e-user");
    assert_eq!(post(&session).refused().0, 401);
    session["sub"] = Value::Null;
    assert_eq!(post(&session).refused().0, 401);
}

#[test]
fn wrong_tokens() {
    for (name, value) in
        [("aud", json!(["other.example.org"])), ("aud", json!(null)), ("exp", json!(NOW - 61))]
    {
        let mut claims = claims();
        claims[name] = value;
        assert_eq!(post(&claims).refused().0, 401, "{claims}");
    }
    for body in ["", "{}", r#"{"token":5}"#, r#"{"token":"a.b.c"}"#] {
        let mut post = post(&claims());
        post.body = body.to_owned();
        assert_eq!(post.refused().0, 401, "{body}");
    }
}

#[test]
fn claims_that_are_wrong() {
    for (name, value, expected) in [
        ("to_email_address", json!(null), "`/data/to_email_address` is missing"),
        ("body_plain", json!(""), "`/data/body_plain` is missing"),
        ("subject", json!([]), "`/data/subject` is no string"),
        ("delivered_by_hanko", json!("no"), "`/data/delivered_by_hanko` is neither true nor false"),
    ] {
        let mut claims = claims();
        claims["data"][name] = value;
        let (status, _, reason) = post(&claims).refused();
        assert_eq!((status, reason.as_str()), (400, expected));
    }
}
