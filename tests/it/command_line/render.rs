//! `render`: the message as JSON, as a whole and in parts; payloads, locales and templates; what is
//! refused.

use serde_json::{Value, json};
use smtp_connector_catch_all::ParsedMail;
use smtp_connector_tests::cli::{Cli, Outcome};

use crate::helpers::command::{check_json, command, configuration};

const PAYLOAD: &str = r#"{"code":"482913","user":{"name":"Jo"}}"#;

fn render(configuration: &Value, arguments: &[&str]) -> Cli {
    let fixed = ["render", "config.json", "--type", "SignIn"];
    command(fixed.iter().chain(arguments)).file("config.json", configuration.to_string())
}

fn plain() -> Value {
    configuration(587, &json!({}))
}

#[track_caller]
fn check_refusal(outcome: &Outcome, code: i32, message: &str) {
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(code), ""), "{outcome:#?}");
    assert!(
        outcome.stderr.starts_with(&format!("error: {message}")),
        "{message}: {}",
        outcome.stderr
    );
}

/// Renders with a template of its own; the payload has `a` and `code`.
fn with_template(template: &str, a: &str) -> Outcome {
    let payload = json!({ "code": "482913", "a": a }).to_string();
    let arguments =
        ["--to", "jo@example.org", "--template", "template.json", "--payload", &payload];
    render(&plain(), &arguments).file("template.json", template).run_blocking()
}

#[test]
fn absent_parts_are_left_out() {
    let outcome =
        render(&plain(), &["--to", "Jo <jo@example.org>", "--payload", PAYLOAD]).run_blocking();
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    let expected = json!({
        "from": "Example <no-reply@example.com>",
        "to": "Jo <jo@example.org>",
        "subject": "Your code",
        "text": "Code 482913 for Jo",
    });
    check_json(&outcome.json(), &expected, "plain");
}

#[test]
fn present_parts_are_header_strings_and_pairs() {
    let template = |usage_type, content_type, content| {
        json!({
            "usageType": usage_type, "contentType": content_type, "subject": "S",
            "content": content,
        })
    };
    let members = json!({
        "replyTo": "\"Help, please\" <help@example.com>, second@example.com",
        "customHeaders": { "X-Tag": ["a", "b"], "x-tag": "c" },
        "templates": [
            template("SignIn", "text/plain", "{{code}}"),
            template("SignIn", "text/html", "<b>{{code}}</b>"),
            template("Register", "text/html", "{{code}}"),
            template("ForgotPassword", "text/html", "{{code}}"),
            template("Generic", "text/html", "{{code}}"),
        ],
    });
    let outcome = render(&configuration(587, &members), &["--to", "jo@example.org"])
        .args(&["--payload", r#"{"code":"<482913>"}"#])
        .run_blocking();
    let expected = json!({
        "from": "Example <no-reply@example.com>",
        "replyTo": "\"Help, please\" <help@example.com>, second@example.com",
        "to": "jo@example.org",
        "subject": "S",
        "text": "<482913>",
        "html": "<b>&lt;482913&gt;</b>",
        "headers": [["X-Tag", "a"], ["X-Tag", "b"], ["x-tag", "c"]],
    });
    check_json(&outcome.json(), &expected, "rich");
}

#[test]
fn the_whole_message_reads_as_one() {
    let outcome =
        render(&plain(), &["--to", "jo@example.org", "--payload", PAYLOAD, "--format", "eml"]);
    let outcome = outcome.run_blocking();
    assert_eq!(outcome.code, Some(0));
    let mail = ParsedMail::read(outcome.stdout.as_bytes());
    assert_eq!(mail.field("from"), Some("Example <no-reply@example.com>"));
    assert_eq!(
        (mail.field("to"), mail.field("subject")),
        (Some("jo@example.org"), Some("Your code"))
    );
    assert_eq!(mail.part("text/plain").map(str::trim_end), Some("Code 482913 for Jo"));
    for name in ["Date", "Message-ID", "MIME-Version"] {
        assert!(mail.field(name).is_some(), "{name} is missing");
    }
}

#[test]
fn a_part_is_shown_alone_or_said_to_be_absent() {
    let shown = |format| {
        let arguments = ["--to", "jo@example.org", "--payload", PAYLOAD, "--format", format];
        render(&plain(), &arguments).run_blocking()
    };
    let text = shown("text");
    assert_eq!((text.code, text.stdout.as_str()), (Some(0), "Code 482913 for Jo\n"));
    check_refusal(&shown("html"), 65, "the message has no HTML part\n");
    check_refusal(&with_template_part("html", "text"), 65, "the message has no plain text part\n");
}

fn with_template_part(content_type: &str, format: &str) -> Outcome {
    let template =
        json!({ "subject": "s", "content": "c", "contentType": format!("text/{content_type}") });
    let arguments = ["--to", "jo@example.org", "--template", "template.json", "--format", format];
    render(&plain(), &arguments).file("template.json", template.to_string()).run_blocking()
}

#[test]
fn payloads_come_from_the_argument_or_a_file() {
    let arguments = ["--to", "jo@example.org", "--payload", "@values.json", "--format", "text"];
    let outcome = render(&plain(), &arguments).file("values.json", PAYLOAD).run_blocking();
    assert_eq!(outcome.stdout, "Code 482913 for Jo\n");
    let outcome = render(&plain(), &["--to", "jo@example.org", "--format", "text"]).run_blocking();
    assert_eq!(outcome.stdout, "Code {{code}} for {{user.name}}\n");
    let cases = [
        ("@missing.json", 66, "cannot read `missing.json`: "),
        ("[]", 65, "the payload is not a JSON object\n"),
        ("\"482913\"", 65, "the payload is not a JSON object\n"),
        (
            "{\"code\": 482913 x}",
            65,
            "the payload is not valid JSON: expected `,` or `}` at line 1 column 17\n",
        ),
        ("", 65, "the payload is not valid JSON: EOF while parsing a value at line 1 column 0\n"),
    ];
    for (payload, code, message) in cases {
        let outcome =
            render(&plain(), &["--to", "jo@example.org", "--payload", payload]).run_blocking();
        check_refusal(&outcome, code, message);
        assert!(!outcome.stderr.contains("482913"), "{}", outcome.stderr);
    }
}

#[test]
fn payloads_and_their_renderings_are_bounded() {
    let payload = |bytes: usize| json!({ "code": "482913", "a": "x".repeat(bytes) }).to_string();
    let arguments = ["--to", "jo@example.org", "--payload", "@values.json", "--format", "text"];
    let with =
        |bytes| render(&plain(), &arguments).file("values.json", payload(bytes)).run_blocking();
    assert_eq!(with((8 << 20) - 100).code, Some(0));
    check_refusal(&with(8 << 20), 65, "the payload has 8388632 bytes; at most 8388608 are read\n");
    check_refusal(
        &with(20 << 20),
        65,
        "the payload has 16777217 bytes; at most 8388608 are read\n",
    );
    let template = concat!(
        r#"{"subject":"s","content":"{{#each list}}{{#each ../list}}{{#each ../../list}}"#,
        r#"{{#each ../../../list}}xxxxxxxxxxxx{{/each}}{{/each}}{{/each}}{{/each}}"}"#,
    );
    let list = json!({ "list": (0..30).collect::<Vec<_>>() }).to_string();
    let arguments = ["--to", "jo@example.org", "--template", "template.json", "--payload", &list];
    let outcome = render(&plain(), &arguments).file("template.json", template).run_blocking();
    check_refusal(&outcome, 65, "the rendered HTML is too large\n");
}

#[test]
fn the_locale_wanted_decides_between_templates() {
    let entry = |locale: Option<&str>| {
        let mut entry = json!({
            "usageType": "SignIn", "contentType": "text/plain", "subject": "s",
            "content": format!("{} {{{{code}}}}", locale.unwrap_or("none")),
        });
        if let Some(locale) = locale {
            entry["locale"] = json!(locale);
        }
        entry
    };
    let mut configuration = plain();
    let templates = configuration["templates"].as_array_mut().expect("a list");
    templates.remove(1);
    templates.extend([entry(None), entry(Some("fr")), entry(Some("de-CH"))]);
    let cases = [
        (None, "{}", "none"),
        (Some("fr-CA"), r#"{"locale":"de-CH"}"#, "fr"),
        (None, r#"{"locale":"de-CH"}"#, "de-CH"),
        (None, r#"{"uiLocales":"ja fr"}"#, "fr"),
        (Some("ja"), "{}", "none"),
    ];
    for (locale, payload, expected) in cases {
        let arguments = ["--to", "jo@example.org", "--format", "text", "--payload", payload];
        let locale = locale.map(|locale| ["--locale", locale]);
        let outcome =
            render(&configuration, &arguments).args(locale.as_ref().map_or(&[], |pair| &pair[..]));
        assert_eq!(
            outcome.run_blocking().stdout,
            format!("{expected} {{{{code}}}}\n"),
            "{locale:?} {payload}"
        );
    }
}

#[test]
fn an_unknown_type_is_generic() {
    let mut configuration = plain();
    configuration["templates"][3]["content"] = json!("generic {{code}}");
    let arguments = [
        "render",
        "config.json",
        "--type",
        "Unheard",
        "--to",
        "jo@example.org",
        "--format",
        "text",
    ];
    let outcome = command(arguments).arg("--payload").arg(PAYLOAD);
    let outcome = outcome.file("config.json", configuration.to_string()).run_blocking();
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "generic 482913\n"));
}

#[test]
fn a_template_of_its_own_replaces_the_configured_one() {
    let template = json!({
        "subject": "s {{code}}",
        "content": "<i>{{code}}</i>",
        "contentType": "text/plain",
        "replyTo": "{{a}} <help@example.net>",
        "sendFrom": "\"{{a}}\" <from@example.net>",
    });
    let outcome = with_template(&template.to_string(), "Acme, Inc. <x@y.z>");
    let expected = json!({
        "from": "\"Acme, Inc. <x@y.z>\" <from@example.net>",
        "replyTo": "\"Acme, Inc. <x@y.z>\" <help@example.net>",
        "to": "jo@example.org",
        "subject": "s 482913",
        "text": "<i>482913</i>",
    });
    check_json(&outcome.json(), &expected, "override");
}

#[test]
fn what_would_add_a_mailbox_or_a_field_is_refused() {
    let cases = [
        ("replyTo", "{{a}}", "a@example.net, b@example.net"),
        ("replyTo", "{{a}}", "a@example.net\r\nBcc: b@example.net"),
        ("replyTo", "Help <{{a}}>", "a@example.net>, <b@example.net"),
        ("sendFrom", "{{a}}", "a@example.net, b@example.net"),
        ("sendFrom", "{{missing}}", ""),
    ];
    for (key, template, a) in cases {
        let template = json!({ "subject": "s", "content": "c", key: template }).to_string();
        let outcome = with_template(&template, a);
        assert_eq!(
            (outcome.code, outcome.stdout.as_str()),
            (Some(65), ""),
            "{key} {a}: {outcome:#?}"
        );
        assert!(
            outcome.stderr.contains(key) && !outcome.stderr.contains("b@example"),
            "{}",
            outcome.stderr
        );
    }
    let subject = json!({ "subject": "{{a}}", "content": "{{code}}" }).to_string();
    let outcome = with_template(&subject, "one\r\nBcc: b@example.net\u{0}");
    assert_eq!(outcome.json().as_object().map(serde_json::Map::len), Some(4), "{outcome:#?}");
    assert!(!outcome.json()["subject"].to_string().contains("\\r\\n"), "{outcome:#?}");
}

#[test]
fn an_unusable_template_is_described_and_not_quoted() {
    let cases = [
        ("5", "`template.json` holds no template: it is no JSON object\n"),
        (r#"{"subject":"s"}"#, "`template.json` holds no template: `content` is missing\n"),
        (
            r#"{"subject":482913,"content":"c"}"#,
            "`template.json` holds no template: `subject` is no string\n",
        ),
        (
            r#"{"subject":"s","content":"c","contentType":"482913"}"#,
            "`template.json` holds no template: `contentType` is neither `text/html` nor \
            `text/plain`\n",
        ),
        (
            r#"{"subject":"s","content":"c","tag":"482913"}"#,
            "`template.json` holds no template: the key `tag` is unknown\n",
        ),
        ("{482913", "`template.json` holds no template: key must be a string at line 1 column 2\n"),
        (
            r#"{"subject":"s {{#if}}","content":"482913"}"#,
            "the template of the subject at line 1, column 3: ",
        ),
    ];
    for (template, message) in cases {
        let outcome = with_template(template, "");
        check_refusal(&outcome, 65, message);
        assert!(!outcome.stderr.contains("482913"), "{}", outcome.stderr);
    }
    let missing =
        render(&plain(), &["--to", "jo@example.org", "--template", "missing.json"]).run_blocking();
    check_refusal(&missing, 66, "cannot read `missing.json`: ");
}

#[test]
fn what_is_not_one_recipient_is_refused() {
    let recipients = [
        "",
        " ",
        "jo",
        "jo@example.org, sam@example.org",
        "jo@example.org\r\nRCPT TO:<sam@example.org>",
        "jo@example.org\n",
        "jo\t@example.org",
        "jo\u{7}@example.org",
        "jo@@example.org",
        "Jo <jo@example.org>, <sam@example.org>",
    ];
    for to in recipients {
        let outcome = render(&plain(), &["--to", to]).run_blocking();
        check_refusal(&outcome, 65, "`to`");
    }
}

#[test]
fn a_configuration_with_errors_is_reported_with_its_lines() {
    let outcome = command(["render", "config.json", "--type", "SignIn", "--to", "jo@example.org"])
        .file("config.json", include_str!("../../fixtures/ten-faults.json"))
        .run_blocking();
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(78), ""));
    assert!(
        outcome.stderr.contains("[config.json:3:11]\n 3 │   \"port\": 70000,\n"),
        "{}",
        outcome.stderr
    );
    assert!(outcome.stderr.contains("\nerror: the configuration has "), "{}", outcome.stderr);
}
