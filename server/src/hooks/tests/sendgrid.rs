//! SendGrid's request, as Casdoor makes it.

use serde_json::json;
use smtp_connector::Literal;

use super::*;
use crate::hooks::Content;

fn body() -> Value {
    json!({
        "from": { "email": "no-reply@a.test", "name": "Shop" },
        "personalizations": [{
            "to": [
                { "email": "jo@example.org", "name": "jo@example.org" },
                { "email": "al@example.org", "name": "al@example.org" },
            ],
            "subject": "Your code",
        }],
        "content": [{ "type": "text/html", "value": "<p>{{482913}}</p>" }],
    })
}

fn post(body: impl Into<Body>) -> Post {
    Post::new(Dialect::SendGrid, json!({ "secrets": ["SG.0123456789abcdef"] }), body)
        .header("authorization", "Bearer SG.0123456789abcdef")
}

#[test]
fn each_recipient_gets_a_mail() {
    let jobs = post(body()).jobs();
    let recipients: Vec<_> = jobs.iter().map(|job| job.to.as_str()).collect();
    assert_eq!(recipients, ["jo@example.org", "al@example.org"]);
    for job in jobs {
        let literal = Literal::html("Your code", "<p>{{482913}}</p>");
        assert_eq!(job.content, Content::Rendered(literal));
    }
}

#[test]
fn bodies_that_are_wrong_or_ask_for_more() {
    let file = json!([{ "content": "aGk=", "filename": "a" }]);
    for (pointer, value, expected) in [
        ("/personalizations", json!([]), "`/personalizations/0/to` is missing"),
        ("/personalizations/0", json!(1), "`/personalizations/0` is no object"),
        (
            "/personalizations/0/to/0/email",
            json!(1),
            "`/personalizations/0/to/0/email` is no string",
        ),
        ("/personalizations/0/bcc", json!([{}]), "`/personalizations/0/bcc` is not supported"),
        ("/attachments", file, "`/attachments` is not supported"),
        ("/content", json!([]), "`/content` is missing"),
        ("/content/0/type", json!("text/amp"), "`/content/0/type` is not supported"),
        ("/personalizations/0/subject", json!(""), "`/subject` is missing"),
    ] {
        let mut body = body();
        match body.pointer_mut(pointer) {
            Some(place) => *place = value,
            None => {
                let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
                body.pointer_mut(parent).expect("it is there")[name] = value;
            }
        }
        let (status, body, reason) = post(body).refused();
        assert_eq!((status, reason.as_str()), (400, expected));
        let errors = json!({ "errors": [{ "message": expected, "field": null, "help": null }] });
        assert_eq!(body, errors.to_string());
    }
}
