//! A template is rendered with a payload: line by line the subject, the mailbox for answers, the
//! payload, and the content.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use smtp_connector::Limits;
use smtp_connector_fuzz::templates;
use smtp_connector_guest::bindings::exports::smtp_connector::contract::messages::{
    Content, ContentType, Message, Request, TemplateOverride,
};
use smtp_connector_guest::compose::Composer;
use smtp_connector_guest::config;

static PROGRAM: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let configuration = serde_json::json!({
        "host": "smtp.example.com", "fromEmail": "a@example.com", "templates": templates(),
    });
    config::check(&configuration.to_string()).outcome.expect("it is sound").program
});

fuzz_target!(|text: &str| {
    let mut lines = text.splitn(4, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (subject, reply_to, payload, content) = (line(), line(), line(), line());
    let composer = Composer::open(PROGRAM.clone()).expect("a check wrote it");
    for content_type in [ContentType::Plain, ContentType::Html] {
        let template = TemplateOverride {
            subject: subject.to_owned(),
            content: content.to_owned(),
            content_type: Some(content_type),
            reply_to: Some(reply_to.to_owned()),
            send_from: None,
        };
        let request = Request {
            usage_type: "SignIn".to_owned(),
            payload: payload.to_owned(),
            locale: None,
            content: Content::Supplied(template),
        };
        if let Ok(message) = composer.compose(&request) {
            judge(&message, payload);
        }
    }
});

fn judge(message: &Message, payload: &str) {
    let bound = Limits::default().part_bytes;
    let bodies = [&message.text, &message.html].into_iter().flatten();
    let parts: Vec<&String> = bodies.chain([&message.subject]).collect();
    assert!(parts.iter().all(|part| part.len() <= bound));
    assert!(!message.subject.contains(char::is_control), "{:?}", message.subject);
    for mailbox in &message.reply_to {
        let texts = [mailbox.name.as_deref().unwrap_or_default(), &mailbox.address];
        assert!(texts.iter().all(|text| !text.contains(char::is_control)), "{mailbox:?}");
    }
    let payload: Value = serde_json::from_str(payload).expect("a mail was made of it");
    let (code, link) = (payload["code"].as_str(), &payload["link"]);
    let is_code = |code: &&str| !code.is_empty() && code.bytes().all(|b| b.is_ascii_alphanumeric());
    if let Some(code) = code.filter(is_code).filter(|_| link.is_null()) {
        let holds = |part: &&String| part.contains(code) || bare(part).contains(code);
        assert!(parts.iter().any(holds), "{code} is lost: {message:?}");
    }
}

/// A text without its elements and blanks: the digits of a code may stand apart.
fn bare(text: &str) -> String {
    let mut outside = true;
    let mut kept = String::new();
    for c in text.chars() {
        match c {
            '<' => outside = false,
            '>' => outside = true,
            _ if outside && !c.is_whitespace() => kept.push(c),
            _ => {}
        }
    }
    kept
}
