//! Casdoor's form.

use serde_json::json;
use smtp_connector::Literal;

use super::*;
use crate::hooks::Content;

const FORM: &str = "content=%3Cp%3E482913+%7B%7Bx%7D%7D%3C%2Fp%3E&fromAddress=no-reply%40a.test\
                    &fromName=Shop&subject=Your+code&toAddress=jo%40example.org";

fn post(settings: Value, body: impl Into<Body>) -> Post {
    Post::new(Dialect::Casdoor, settings, body)
        .header("x-token", "0123456789abcdef")
        .header("content-type", "application/x-www-form-urlencoded")
}

fn settings() -> Value {
    json!({ "secrets": ["0123456789abcdef"], "header": "X-Token" })
}

#[test]
fn a_code() {
    let job = post(settings(), FORM).job();
    assert_eq!(
        (job.to.as_str(), job.types.as_slice()),
        ("jo@example.org", &["Generic".into()][..])
    );
    let literal = Literal::html("Your code", "<p>482913 {{x}}</p>");
    assert_eq!(job.content, Content::Rendered(literal));
    assert_eq!(life(&job), Duration::from_secs(600));
}

#[test]
fn several_recipients_get_a_mail_each() {
    let form = "content=c&subject=s&toAddresses=jo%40example.org&toAddresses=al%40example.org";
    let jobs = post(settings(), form).jobs();
    let recipients: Vec<_> = jobs.iter().map(|job| job.to.as_str()).collect();
    assert_eq!(recipients, ["jo@example.org", "al@example.org"]);
}

#[test]
fn fields_may_have_other_names() {
    let mut settings = settings();
    settings["fields"] = json!({ "toAddress": "to", "content": "html" });
    let job = post(settings, "to=jo%40example.org&subject=s&html=h").job();
    assert_eq!(job.content, Content::Rendered(Literal::html("s", "h")));
}

#[test]
fn calls_that_are_wrong() {
    for (form, expected) in [
        ("content=c&subject=s", "`toAddress` is missing"),
        ("content=c&toAddress=a%40b.test", "`subject` is missing"),
        ("subject=s&toAddress=a%40b.test", "`content` is missing"),
    ] {
        let (status, body, reason) = post(settings(), form).refused();
        assert_eq!((status, body.as_str(), reason.as_str()), (400, expected, expected));
    }
    let json = post(settings(), "{}").header("content-type", "application/json");
    let expected = "`Content-Type` is not application/x-www-form-urlencoded; leave the provider's \
                    empty";
    assert_eq!(json.refused(), (400, expected.to_owned(), expected.to_owned()));
}

/// A query stands in logs.
#[test]
fn a_code_in_a_query_is_refused() {
    let mut get = post(settings(), "");
    get.method = Method::GET;
    assert_eq!(get.refused().0, 405);
}
