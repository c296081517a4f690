//! Tests of composing.

use serde_json::json;

use super::*;

fn composer(extra: &Value) -> Composer {
    let entry = |usage_type: &str| {
        json!({"usageType": usage_type, "contentType": "text/plain",
        "subject": "Code", "content": "{{code}}"})
    };
    let mut templates: Vec<_> = ["Register", "ForgotPassword", "Generic"].map(entry).into();
    templates.extend(extra.as_array().cloned().unwrap_or_default());
    if !templates.iter().any(|template| template["usageType"] == "SignIn") {
        templates.push(entry("SignIn"));
    }
    let document = json!({
        "host": "mail.example.com", "fromEmail": "App <app@example.com>",
        "replyTo": "help@example.com",
        "customHeaders": {"X-Tag": ["a", "b"]}, "templates": templates,
    });
    let report = crate::config::check(&document.to_string());
    let outcome = report.outcome.unwrap_or_else(|| panic!("{:?}", report.diagnostics));
    Composer::open(outcome.program).expect("its own program")
}

fn request(payload: &Value) -> Request {
    Request {
        usage_type: "SignIn".to_owned(),
        payload: payload.to_string(),
        locale: None,
        content: Content::Configured,
    }
}

fn overriding(send_from: Option<&str>, reply_to: Option<&str>, payload: &Value) -> Request {
    let template = TemplateOverride {
        subject: "{{organization.name}}".to_owned(),
        content: "<p>{{code}}</p>".to_owned(),
        content_type: None,
        reply_to: reply_to.map(str::to_owned),
        send_from: send_from.map(str::to_owned),
    };
    Request { content: Content::Supplied(template), ..request(payload) }
}

fn mailbox(name: &str, address: &str) -> Mailbox {
    Mailbox { name: (!name.is_empty()).then(|| name.to_owned()), address: address.to_owned() }
}

#[test]
fn a_pair_becomes_one_message() {
    let pair = json!([
        {"usageType": "SignIn", "contentType": "text/html", "subject": "{{code}}\r\nBcc: x",
        "content": "<b>{{user.name}}</b>"},
        {"usageType": "SignIn", "contentType": "text/plain", "subject": "other",
        "content": "Hi {{user.name}}"},
    ]);
    let message = composer(&pair)
        .compose(&request(&json!({"code": "12", "user": {"name": "<Ada>"}})))
        .expect("a message");
    let header =
        |value: &str| crate::bindings::exports::smtp_connector::contract::messages::HeaderField {
            name: "X-Tag".to_owned(),
            value: value.to_owned(),
        };
    let expected = Message {
        sender: mailbox("App", "app@example.com"),
        reply_to: vec![mailbox("", "help@example.com")],
        subject: "12 Bcc: x".to_owned(),
        text: Some("Hi <Ada>".to_owned()),
        html: Some("<b>&lt;Ada&gt;</b>".to_owned()),
        headers: vec![header("a"), header("b")],
    };
    assert_eq!(message, expected);
}

#[test]
fn subjects_are_one_line() {
    for (text, line) in [
        (" a ", "a"),
        ("a\r\n b", "a b"),
        ("\n\na\u{0}\tb\u{7f}\n", "a b"),
        ("a  b", "a  b"),
        ("a\u{2028}b", "a b"),
        ("", ""),
    ] {
        assert_eq!(one_line(text), line, "{text:?}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config {
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn every_subject_is_one_line(text in "(?s).*|[a \\r\\n\\t\\x00\u{2028}\u{a0}]*") {
        let line = one_line(&text);
        proptest::prop_assert!(!line.contains(breaks_line), "{line:?}");
        proptest::prop_assert_eq!(line.trim(), line.as_str());
        proptest::prop_assert_eq!(one_line(&line), line);
        let words = |text: &str| {
            let words = text.split(breaks_or_space).filter(|word| !word.is_empty());
            words.map(str::to_owned).collect::<Vec<_>>()
        };
        proptest::prop_assert_eq!(words(&text), words(&one_line(&text)));
    }
}

#[test]
fn payloads_are_checked() {
    let composer = composer(&json!([]));
    for (payload, message) in [
        ("[]", "the payload is not a JSON object"),
        (
            "{\"code\": \"424242\"",
            "the payload is not valid JSON: EOF while parsing an object at line 1 column 17",
        ),
    ] {
        let request = Request { payload: payload.to_owned(), ..request(&json!({})) };
        assert_eq!(composer.compose(&request), Err(ComposeError::Payload(message.to_owned())));
    }
}

#[test]
fn literal_content_is_not_the_composers() {
    let literal = Request { content: Content::Literal, ..request(&json!({"code": "1"})) };
    let message = composer(&json!([])).compose(&literal).expect("a message");
    assert_eq!(message.sender, mailbox("App", "app@example.com"));
    assert_eq!(message.headers.len(), 2);
    assert_eq!((message.subject.as_str(), message.text, message.html), ("", None, None));
}

#[test]
fn a_composer_renders_as_often_as_it_is_asked() {
    let blocks = json!([{"usageType": "SignIn", "contentType": "text/plain", "subject": "s",
        "content": "{{#if code}}{{code}}{{/if}}"}]);
    let composer = composer(&blocks);
    for code in ["1", "2"] {
        let message = composer.compose(&request(&json!({"code": code}))).expect("a message");
        assert_eq!(message.text.as_deref(), Some(code));
    }
}

#[test]
fn an_override_replaces_the_templates() {
    let composer = composer(&json!([]));
    let payload = json!({"code": "1<2", "organization": {"name": "Eve\" <eve@evil.example>, \""},
        "user": {"mail": "u@v.example"}});
    let from = "{{organization.name}} <no-reply@example.com>";
    let message = composer
        .compose(&overriding(Some(from), Some("{{user.mail}}"), &payload))
        .expect("a message");
    assert_eq!(message.sender, mailbox("Eve\" <eve@evil.example>, \"", "no-reply@example.com"));
    assert_eq!(message.reply_to, [mailbox("", "u@v.example")]);
    assert_eq!((message.text, message.html.as_deref()), (None, Some("<p>1&lt;2</p>")));
    let message = composer
        .compose(&overriding(None, Some("{{code.x}}"), &json!({"code": 1})))
        .expect("a message");
    assert_eq!(message.sender, mailbox("App", "app@example.com"));
    assert_eq!(message.reply_to, [mailbox("", "help@example.com")]);
    assert_eq!(message.subject, "{{organization.name}}");
}

#[test]
fn values_never_add_a_mailbox() {
    let composer = composer(&json!([]));
    let payload = json!({"x": "a@b.example, c@d.example", "list": ["a@b.example", "c@d.example"]});
    for text in [
        "{{x}}",
        "{{{x}}}",
        "{{&x}}",
        "<{{{x}}}>",
        "{{list}}",
        "{{#if x}}{{{x}}}{{/if}}",
        "{{#if x}}{{{lookup this 'x'}}}{{/if}}",
    ] {
        let found = composer.compose(&overriding(Some(text), None, &payload));
        assert!(
            matches!(found, Err(ComposeError::Address(problem)) if problem.field == "sendFrom"),
            "{text}"
        );
        let found = composer.compose(&overriding(None, Some(text), &payload));
        assert!(
            matches!(found, Err(ComposeError::Address(problem)) if problem.field == "replyTo"),
            "{text}"
        );
    }
}

#[test]
fn a_missing_root_stays_as_written_in_a_name_and_is_no_address() {
    let composer = composer(&json!([]));
    for name in ["{{org.name}}", "{{ org.name }}", "{{#if code}}{{/if}}{{org.name}}"] {
        let found = composer.compose(&overriding(
            Some(&format!("{name} <a@b.example>")),
            None,
            &json!({"code": 1}),
        ));
        let sender = found.expect("a message").sender;
        assert_eq!(sender, mailbox(name.trim_start_matches("{{#if code}}{{/if}}"), "a@b.example"));
    }
    for address in ["{{org.mail}}", "Us <{{org.mail}}>"] {
        let found = composer.compose(&overriding(None, Some(address), &json!({})));
        assert!(
            matches!(&found, Err(ComposeError::Address(problem)) if problem.field == "replyTo"),
            "{address}: {found:?}"
        );
    }
}

#[test]
fn a_mail_without_the_code_it_was_given_is_no_mail() {
    let broken = json!([{"usageType": "SignIn", "contentType": "text/html", "subject": "s",
        "content": "{{\u{200b}code}}"}]);
    let problem = TemplateProblem {
        part: MessagePart::Html,
        message: "no part of the mail holds the `code` of the payload".to_owned(),
        line: None,
        column: None,
    };
    let found = composer(&broken).compose(&request(&json!({"code": "123456"})));
    assert_eq!(found, Err(ComposeError::Template(problem)));
    assert!(composer(&broken).compose(&request(&json!({"code": ""}))).is_ok());
}

#[test]
fn failures_name_their_part() {
    let broken = TemplateOverride {
        content: "a\n{{#if".to_owned(),
        subject: "s".to_owned(),
        content_type: None,
        reply_to: None,
        send_from: None,
    };
    let problem = TemplateProblem {
        part: MessagePart::Html,
        message: "this tag is never closed, add `}}`".to_owned(),
        line: Some(2),
        column: Some(1),
    };
    let request_broken = Request { content: Content::Supplied(broken), ..request(&json!({})) };
    assert_eq!(composer(&json!([])).compose(&request_broken), Err(ComposeError::Template(problem)));
    let large = json!([{"usageType": "SignIn", "contentType": "text/plain", "subject": "s",
        "content": "{{code}}{{code}}"}]);
    let payload = json!({"code": "x".repeat(3 << 20)});
    assert_eq!(
        composer(&large).compose(&request(&payload)),
        Err(ComposeError::TooLarge(MessagePart::Text))
    );
}
