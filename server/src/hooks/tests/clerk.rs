//! Clerk's webhook.

use serde_json::json;
use smtp_connector::Literal;

use super::*;
use crate::hooks::Content;

fn body() -> Value {
    json!({
        "object": "event", "type": "email.created", "timestamp": (NOW - 60) * 1000,
        "data": {
            "object": "email", "id": "ema_2b", "slug": "verification_code",
            "from_email_name": "noreply", "to_email_address": "jo@example.org",
            "email_address_id": "idn_1", "user_id": "user_1",
            "subject": "424242 is your code", "body": "<p>{{424242}}</p>",
            "body_plain": "Your code is 424242.", "status": "queued",
            "data": { "otp_code": "424242" }, "delivered_by_clerk": false,
        },
    })
}

fn post(body: impl Into<Body>) -> Post {
    let post = Post::new(Dialect::Clerk, json!({ "secrets": [WHSEC] }), body);
    post.signed("svix", "msg_1", NOW, &[WHSEC])
}

#[test]
fn a_code() {
    let job = post(body()).job();
    assert_eq!(job.to, "jo@example.org");
    assert_eq!(job.types, ["verification_code", "SignIn"]);
    let literal = Literal::html("424242 is your code", "<p>{{424242}}</p>");
    assert_eq!(job.content, Content::Rendered(literal.and_text("Your code is 424242.")));
    assert_eq!(job.payload["code"], "424242");
    assert_eq!(job.key.as_deref(), Some("clerk:ema_2b"));
}

/// Svix tries for many hours: the time of the event counts, not that of the call.
#[test]
fn a_code_is_of_use_from_the_event_on() {
    assert_eq!(life(&post(body()).job()), Duration::from_secs(600 - 60));
    let mut late = body();
    late["timestamp"] = json!((NOW - 3600) * 1000);
    assert!(post(late).job().deadline < time(NOW));
    let mut without = body();
    without["timestamp"] = Value::Null;
    assert_eq!(life(&post(without).job()), Duration::from_secs(600));
}

#[test]
fn what_clerk_mails_itself_and_other_events_are_nothing() {
    let mut delivered = body();
    delivered["data"]["delivered_by_clerk"] = json!(true);
    for body in [delivered, json!({ "type": "user.created", "data": {} })] {
        assert_eq!(post(body).read(), Ok(Asked::Nothing));
    }
}

#[test]
fn bodies_that_are_wrong() {
    for (name, value, expected) in [
        ("to_email_address", json!(null), "`/data/to_email_address` is missing"),
        ("id", json!(null), "`/data/id` is missing"),
        ("slug", json!(3), "`/data/slug` is no string"),
    ] {
        let mut body = body();
        body["data"][name] = value;
        let (status, _, reason) = post(body).refused();
        assert_eq!((status, reason.as_str()), (400, expected));
    }
}
