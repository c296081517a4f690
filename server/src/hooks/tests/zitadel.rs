//! Zitadel's HTTP provider.

use serde_json::json;

use super::*;
use crate::hooks::Content;

const KEY: &str = "0kdxQ9bVwZ4hR2sT7yUe";

fn body() -> Value {
    json!({
        "contextInfo": {
            "eventType": "user.human.email.code.added",
            "provider": { "id": "285181292935381355", "description": "mail" },
            "recipientEmailAddress": "jo@example.org",
        },
        "templateData": {
            "title": "Verify e-mail", "preHeader": "Verify", "subject": "Verify <you>",
            "greeting": "Hello Jo,", "text": "A new address was added.",
            "url": "https://id.example.org/verify?code=AB12CD", "buttonText": "Verify",
            "primaryColor": "#5469d4", "backgroundColor": "#fafafa", "fontColor": "#000000",
        },
        "args": {
            "code": "AB12CD", "displayName": "Jo Doe", "userID": "2851", "userName": "jo",
            "preferredLoginName": "jo@example.org", "orgID": "1",
        },
    })
}

fn post(body: impl Into<Body>) -> Post {
    let post = Post::new(Dialect::Zitadel, json!({ "secrets": [KEY] }), body);
    let signature = signature(KEY, NOW, &post.body);
    post.header("zitadel-signature", &format!("t={NOW},v1={signature}"))
}

pub(super) fn signature(key: &str, at: u64, body: &str) -> String {
    let tag = tag(key.as_bytes(), &format!("{at}.{body}"));
    tag.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_code() {
    let job = post(body()).job();
    assert_eq!(job.to, "jo@example.org");
    assert_eq!(job.types, ["user.human.email.code.added", "Register"]);
    assert_eq!(life(&job), Duration::from_secs(3600));
    assert_eq!(job.payload["code"], "AB12CD");
    assert_eq!(job.payload["link"], "https://id.example.org/verify?code=AB12CD");
    assert_eq!(job.payload["texts"]["greeting"], "Hello Jo,");
    assert_eq!(job.payload["args"]["orgID"], "1");
    assert_eq!(job.payload["user"]["name"], "Jo Doe");
    assert!(matches!(job.content, Content::Layout(_)));
}

#[test]
fn the_layout_is_for_connectors_without_a_template_of_that_name() {
    let job = post(body()).job();
    let plain = job.request(|name| name == "Register");
    let own = job.request(|name| name == "user.human.email.code.added");
    let Content::Layout(literal) = job.content else { panic!("a layout") };
    let expected = smtp_connector::Request::new("user.human.email.code.added", "jo@example.org")
        .payload(job.payload);
    assert_eq!(own, expected);
    assert_eq!(plain, expected.literal(literal));
}

/// A worker that tries again has translated the texts again, and it is the same mail.
#[test]
fn a_mail_is_known_by_its_code_or_else_by_all_it_says() {
    let key = |body: &Value| post(body).job().key.expect("a key");
    let first = key(&body());
    let mut other = body();
    other["templateData"]["text"] = json!("Eine neue Adresse.");
    assert_eq!(key(&other), first);
    other["args"] = json!({ "oTP": "AB12CD" });
    assert_eq!(key(&other), first);
    other["args"]["oTP"] = json!("AB12CE");
    assert_ne!(key(&other), first);
    other["args"] = json!({ "changeDate": "2026-11-27T13:26:40Z" });
    let notice = key(&other);
    assert_eq!(key(&other), notice);
    other["args"]["changeDate"] = json!("2026-11-27T13:26:41Z");
    assert_ne!(key(&other), notice);
}

#[test]
fn bodies_that_are_wrong() {
    for (pointer, value, expected) in [
        ("/contextInfo", json!(null), "`/contextInfo` is missing"),
        (
            "/contextInfo/recipientEmailAddress",
            json!(null),
            "`/contextInfo/recipientEmailAddress` is missing",
        ),
        ("/templateData/subject", json!(7), "`/templateData/subject` is no string"),
        ("/templateData/title", json!({}), "`/templateData/title` is no string"),
        ("/args", json!("x"), "`/args` is no object"),
    ] {
        let mut body = body();
        *body.pointer_mut(pointer).expect("it is there") = value;
        let (status, _, reason) = post(body).refused();
        assert_eq!((status, reason.as_str()), (400, expected));
    }
}
