//! Header fields and bodies: what is encoded and how, what is folded, and what cannot get in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use smtp_connector::{ErrorKind, Rendered, Request};

use crate::helpers::examination::{check_one_error, errors, findings};
use crate::helpers::rendering::{fields, rendered, rendered_for, text};
use crate::helpers::tenant;

const TO: &str = "user@example.com";

/// A mail with this subject.
async fn with_subject(subject: &str) -> Rendered {
    let mut templates = tenant::templates("{{code}}");
    templates[1]["subject"] = json!(subject);
    rendered(&json!({ "templates": templates }), TO).await.expect(subject)
}

/// A mail with this text, and with HTML besides where there is some.
async fn with_content(content: &str, html: Option<&str>) -> String {
    let mut templates = tenant::templates(content);
    if let Some(html) = html {
        let html = json!({
            "usageType": "SignIn", "contentType": "text/html", "subject": "SignIn", "content": html,
        });
        templates.as_array_mut().expect("a list").push(html);
    }
    let request = Request::new("SignIn", TO);
    let mail = rendered_for(&json!({ "templates": templates }), &request).await;
    text(&mail.expect(content)).to_owned()
}

async fn with_headers(headers: Value) -> Rendered {
    rendered(&json!({ "customHeaders": headers }), TO).await.expect("a mail")
}

/// The encoded-words of a field, decoded one by one, which shows that none splits a character.
fn decoded(value: &str) -> Vec<String> {
    let words =
        value.split(' ').filter_map(|word| word.strip_prefix("=?utf-8?B?")?.strip_suffix("?="));
    words
        .map(|word| {
            String::from_utf8(BASE64.decode(word).expect("base64")).expect("whole characters")
        })
        .collect()
}

#[tokio::test]
async fn subjects_beyond_ascii_are_encoded_in_whole_characters_and_short_lines() {
    for subject in
        ["Größe", &"ö".repeat(200), &"😀".repeat(100), &"👩‍👩‍👧 é ".repeat(20), "مرحبا بالعالم"]
    {
        let mail = with_subject(subject).await;
        assert_eq!(decoded(&fields(&mail, "Subject")[0]).concat(), subject.trim());
        let lines = text(&mail).lines().skip_while(|line| !line.starts_with("Subject:"));
        for line in lines.take_while(|line| line.starts_with("Subject:") || line.starts_with(' ')) {
            assert!(line.len() <= 76 && line.is_ascii(), "{line}");
        }
    }
    assert_eq!(
        fields(&with_subject("Plain  words, 100 %").await, "Subject"),
        ["Plain  words, 100 %"]
    );
}

/// nodemailer encodes half of a surrogate pair as it comes; here a text with one is no JSON.
#[tokio::test]
async fn half_a_character_is_no_text() {
    let request = Request::new("SignIn", TO).payload_text(r#"{"code":"\ud83d"}"#);
    let error = rendered_for(&json!({}), &request).await.expect_err("no payload");
    assert_eq!(error.kind(), ErrorKind::Payload);
}

/// nodemailer takes base64 as soon as half of the letters are beyond ASCII, here what is shorter
/// decides; neither depends on `textEncoding`, which belongs to a single message.
#[tokio::test]
async fn the_transfer_encoding_fits_the_text() {
    for (content, encoding) in [
        ("Your code is 482913.", "7bit"),
        (&*"word ".repeat(40), "quoted-printable"),
        ("Größe des Codes: sechs", "quoted-printable"),
        ("验证码：您的登录验证码", "base64"),
        ("a bell \u{7} rings", "quoted-printable"),
    ] {
        let mail = with_content(content, None).await;
        assert!(mail.contains(&format!("\r\nContent-Transfer-Encoding: {encoding}\r\n")), "{mail}");
        assert!(mail.lines().all(|line| line.len() <= 78 && line.is_ascii()), "{mail}");
    }
    let members = json!({ "textEncoding": "base64", "encoding": "base64" });
    let mail = rendered(&members, TO).await.expect("a mail");
    assert_eq!(fields(&mail, "Content-Transfer-Encoding"), ["7bit"]);
}

/// nodemailer makes blanks of line breaks in custom fields, too; here the check refuses the
/// configuration.
#[tokio::test]
async fn no_control_character_gets_in_raw() {
    let nasty = "a\r\nBcc: eve@evil.test\r\n\r\nbody\0\u{1b}\u{7f}";
    let mut templates = tenant::templates("{{code}}");
    templates[1]["subject"] = json!("Code {{code}}");
    let request = Request::new("SignIn", TO).payload(json!({ "code": nasty }));
    let error = rendered_for(&json!({ "templates": templates }), &request)
        .await
        .expect_err("NUL in the content");
    assert_eq!(error.kind(), ErrorKind::Message);
    let request = Request::new("SignIn", TO).payload(json!({ "code": nasty.replace('\0', "") }));
    let mail = rendered_for(&json!({ "templates": templates }), &request).await.expect("a mail");
    assert_eq!(fields(&mail, "Subject"), ["Code a Bcc: eve@evil.test body"]);
    assert!(fields(&mail, "Bcc").is_empty());
    let raw = text(&mail).replace("\r\n", "");
    assert!(!raw.contains(char::is_control), "{raw:?}");
    for value in ["a\r\nBcc: x@y.test", "a\rb", "a\nb", "a\0b", "a\u{7f}b", "a\u{1b}b"] {
        let found = errors(&json!({ "customHeaders": { "X-A": value } })).await;
        check_one_error(&found, "invalid-header-value", "/customHeaders/X-A", value);
        let found = errors(&json!({ "fromEmail": format!("{value} <a@b.test>") })).await;
        check_one_error(&found, "invalid-address", "/fromEmail", value);
    }
    for name in ["X\r\nBcc", "X Y", "X:Y", "X\0", "Ünicode", ""] {
        let found = errors(&json!({ "customHeaders": { name: "x" } })).await;
        check_one_error(&found, "invalid-header-name", &format!("/customHeaders/{name}"), name);
    }
    assert_eq!(fields(&with_headers(json!({ "X-A": "a\tb" })).await, "X-A"), ["a\tb"]);
}

/// nodemailer puts angle brackets around identifiers; here a custom field is written as it is
/// given.
#[tokio::test]
async fn identifiers_are_kept_as_given_and_the_messages_own_is_in_brackets() {
    let mail =
        with_headers(json!({ "References": "<a@b.test>\t<c@d.test>", "In-Reply-To": "a@b.test" }))
            .await;
    assert_eq!(fields(&mail, "References"), ["<a@b.test>\t<c@d.test>"]);
    assert_eq!(fields(&mail, "In-Reply-To"), ["a@b.test"]);
}

#[tokio::test]
async fn the_message_id_is_in_the_domain_of_the_sender() {
    for (from, domain) in [
        ("no-reply@acme.test", "acme.test"),
        ("Acme <no-reply@Bücher.example>", "xn--bcher-kva.example"),
        ("jörg@bücher.example", "xn--bcher-kva.example"),
        ("root@localhost", "localhost"),
        ("a@[192.0.2.1]", "[192.0.2.1]"),
    ] {
        let mail = rendered(&json!({ "fromEmail": from }), TO).await.expect(from);
        let [identifier] = &fields(&mail, "Message-ID")[..] else { panic!("one identifier") };
        assert!(
            identifier.starts_with('<') && identifier.ends_with(&format!("@{domain}>")),
            "{identifier}"
        );
    }
}

#[tokio::test]
async fn display_names_are_bare_quoted_or_encoded() {
    for (name, written) in [
        ("Acme Inc", "Acme Inc <a@b.test>"),
        ("O'Brien", "O'Brien <a@b.test>"),
        ("Acme, Inc.", "\"Acme, Inc.\" <a@b.test>"),
        ("\"say \\\"hi\\\" \\\\\"", "\"say \\\"hi\\\" \\\\\" <a@b.test>"),
        ("\"x: y; <z>\"", "\"x: y; <z>\" <a@b.test>"),
        ("Größe", "=?utf-8?B?R3LDtsOfZQ==?= <a@b.test>"),
        ("=?utf-8?B?YQ==?=", "=?utf-8?B?PT91dGYtOD9CP1lRPT0/PQ==?= <a@b.test>"),
    ] {
        let mail =
            rendered(&json!({ "fromEmail": format!("{name} <a@b.test>") }), TO).await.expect(name);
        assert_eq!(fields(&mail, "From"), [written]);
    }
}

/// nodemailer writes custom names in its own case, such as `X-My-Key`; here they stay as they are.
#[tokio::test]
async fn custom_fields_keep_case_order_and_repetition() {
    let headers = json!({
        "x-my-KEY": ["one", "", "two"], "X-SMTPAPI": "{\"a\": 1}", "X-Empty": "",
        "List-ID": "<l.acme.test>", "X-Number": 5,
    });
    let warnings = findings(&json!({ "customHeaders": headers })).await;
    let empty = |path: &str| ("empty-header".to_owned(), path.to_owned());
    assert_eq!(warnings, [empty("/customHeaders/x-my-KEY/1"), empty("/customHeaders/X-Empty")]);
    let mail = with_headers(headers).await;
    let lines = text(&mail).lines().skip_while(|line| !line.starts_with("Auto-Submitted:"));
    let custom: Vec<_> =
        lines.skip(1).take_while(|line| !line.starts_with("MIME-Version:")).collect();
    let expected = [
        "x-my-KEY: one",
        "x-my-KEY: two",
        "X-SMTPAPI: {\"a\": 1}",
        "List-ID: <l.acme.test>",
        "X-Number: 5",
    ];
    assert_eq!(custom, expected);
}

#[tokio::test]
async fn long_fields_are_folded_at_blanks_and_words_stay_whole() {
    let url = format!("<https://acme.test/{}>", "u".repeat(400));
    let words = "word ".repeat(100);
    let mail = with_headers(json!({ "X-Long": words, "List-Unsubscribe": url })).await;
    assert_eq!(fields(&mail, "X-Long"), [words.trim()]);
    assert_eq!(fields(&mail, "List-Unsubscribe"), [url]);
    let header = text(&mail).split("\r\n\r\n").next().expect("a header");
    assert!(header.lines().all(|line| line.len() <= 76 || line.contains("https://")), "{header}");
}

#[tokio::test]
async fn mail_says_that_a_machine_sent_it() {
    let mail = rendered(&json!({}), TO).await.expect("a mail");
    assert_eq!(fields(&mail, "Auto-Submitted"), ["auto-generated"]);
    let mail = with_headers(json!({ "auto-submitted": "no" })).await;
    assert_eq!(fields(&mail, "auto-submitted"), ["no"]);
    assert!(fields(&mail, "Auto-Submitted").is_empty());
}

#[tokio::test]
async fn encoded_parts_that_fill_their_lines_have_no_blank_line_after_them() {
    // 57 octets are one line of base64.
    for characters in [19, 38, 57 * 19] {
        let content = "验".repeat(characters);
        let mail = with_content(&content, Some(&content)).await;
        assert_eq!(mail.matches("Content-Transfer-Encoding: base64").count(), 2, "{mail}");
        let (_, boundary) = mail.split_once("boundary=\"").expect("a boundary");
        let delimiter = format!("\r\n--{}", boundary.split('"').next().unwrap_or_default());
        assert_eq!(mail.matches(&delimiter).count(), 3);
        assert!(
            !mail.contains(&format!("\r\n{delimiter}-"))
                && !mail.contains(&format!("==\r\n\r\n{delimiter}"))
        );
        let parts: Vec<_> = mail.split(&delimiter).skip(1).take(2).collect();
        for part in parts {
            let (_, body) = part.split_once("\r\n\r\n").expect("a part has a header");
            assert!(body.split("\r\n").all(|line| line.len() == 76), "{body:?}");
        }
    }
}

/// nodemailer builds `List-*` fields from an object of its own, which has no place in a
/// configuration; here they are custom fields like others.
#[tokio::test]
async fn list_fields_cannot_inject() {
    let value = "<https://acme.test/u?a=1&b=2> (\"comment\" \\ ), <mailto:u@acme.test>";
    let mail =
        with_headers(json!({ "List-Unsubscribe": value, "List-ID": "Größe (x\\) <l.acme.test>" }))
            .await;
    assert_eq!(fields(&mail, "List-Unsubscribe"), [value]);
    assert_eq!(fields(&mail, "List-ID"), ["=?utf-8?B?R3LDtsOfZQ==?= (x\\) <l.acme.test>"]);
    let found = errors(&json!({ "customHeaders": { "List-Help": "<x>\r\nBcc: x@y.test" } })).await;
    check_one_error(&found, "invalid-header-value", "/customHeaders/List-Help", "a line break");
    let warnings = findings(&json!({ "list": { "unsubscribe": "https://acme.test" } })).await;
    assert_eq!(warnings, [("no-effect".to_owned(), "/list".to_owned())]);
}
