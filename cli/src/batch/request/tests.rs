//! Tests of reading a request.

use super::*;

fn entry(content: &[u8]) -> Entry {
    let length = content.len() as u64;
    Entry::read(&Line { number: 7, offset: 0, content, length, ended: true }, true)
}

#[track_caller]
fn check_refused(content: &[u8], kind: ErrorKind, message: &str) {
    let error = entry(content).request.expect_err(message);
    assert_eq!((error.kind(), error.to_string().as_str()), (kind, message), "{content:?}");
}

#[test]
fn a_whole_request_is_read() {
    let entry = entry(
        br#"{"to":"Jo <jo@b.test>","type":"SignIn","payload":{"code":"1"},"locale":"fr","id":"a",
            "template":{"subject":"s","content":"c"}}"#,
    );
    let request = entry.request.expect("it is sound");
    let template: TemplateOverride =
        serde_json::from_str(r#"{"subject":"s","content":"c"}"#).expect("it is a template");
    let expected = Request::new("SignIn", "Jo <jo@b.test>")
        .payload_text(r#"{"code":"1"}"#)
        .locale("fr")
        .template(template);
    assert!(request == expected, "{request:?}");
    assert_eq!(entry.name, Name { line: 7, id: Some("a".to_owned()), digest: None });
}

#[test]
fn null_is_absent_and_a_payload_need_not_be_there() {
    for rest in ["", r#","payload":null,"locale":null,"template":null,"id":null"#] {
        let entry = entry(format!(r#"{{"to":"a@b","type":"T"{rest}}}"#).as_bytes());
        let request = entry.request.expect("it is sound");
        assert!(request == Request::new("T", "a@b"), "{request:?}");
        assert!(entry.name.id.is_none() && entry.name.digest.is_some());
    }
}

#[test]
fn a_number_is_an_id_by_its_digits() {
    for id in ["17", "\"17\""] {
        let entry = entry(format!(r#"{{"to":"a@b","type":"T","id":{id}}}"#).as_bytes());
        assert_eq!((entry.name.id.as_deref(), entry.request.is_ok()), (Some("17"), true));
    }
}

#[test]
fn a_line_that_is_no_request_is_described_and_not_quoted() {
    let cases: &[(&[u8], &str)] = &[
        (b"991188", "the line is a number, not an object"),
        (b"\"991188\"", "the line is a string, not an object"),
        (b"[991188]", "the line is a list, not an object"),
        (b"null", "the line is null, not an object"),
        (b"code 991188", "the line is plain text, not an object"),
        (b"{\"to\":991188 x}", "column 14: expected `,` or `}`"),
        (b"{\"to\":\"a@b\"", "column 11: EOF while parsing an object"),
        (b"{} {}", "column 4: trailing characters"),
        (b"{\"to\":\"\xff\"}", "the line is not UTF-8: byte 7 begins no character"),
        (br#"{"to":"a@b"}"#, "`type` is missing"),
        (br#"{"to":"a@b","type":991188}"#, "`type` is a number, not a string"),
        (br#"{"to":"a@b","type":"T","payload":[991188]}"#, "`payload` is a list, not an object"),
        (br#"{"to":"a@b","type":"T","payload":"991188"}"#, "`payload` is a string, not an object"),
        (br#"{"to":"a@b","type":"T","locale":{}}"#, "`locale` is an object, not a string"),
        (br#"{"to":"a@b","type":"T","usage":"991188"}"#, "the member `usage` is unknown"),
        (br#"{"to":"a@b","to":"a@b","type":"T"}"#, "the member `to` is there twice"),
        (br#"{"to":"a@b","type":"T","id":true}"#, "`id` is a boolean, not a string"),
        (br#"{"to":"a@b","type":"T","id":""}"#, "`id` is empty"),
    ];
    for (content, message) in cases {
        check_refused(content, ErrorKind::Payload, message);
    }
    check_refused(br#"{"type":"T"}"#, ErrorKind::Address, "`to` is missing");
    check_refused(br#"{"to":5,"type":"T"}"#, ErrorKind::Address, "`to` is a number, not a string");
    let lone = br#"{"to":"\ud800","type":"T"}"#;
    check_refused(lone, ErrorKind::Address, "`to` has an escape that stands for no character");
    let template = br#"{"to":"a@b","type":"T","template":{"subject":991188}}"#;
    check_refused(template, ErrorKind::Template, "`template`: `subject` is no string");
}

#[test]
fn a_bad_request_keeps_its_id() {
    let id = |content: &[u8]| entry(content).name.id;
    assert_eq!(id(br#"{"id":"a"}"#).as_deref(), Some("a"));
    assert_eq!(id(br#"{"id":"a","x":1}"#).as_deref(), Some("a"));
    assert_eq!(id(br#"{"id":["a"],"to":"a@b","type":"T"}"#), None);
    let long = format!(r#"{{"to":"a@b","type":"T","id":"{}"}}"#, "x".repeat(LONGEST_ID + 1));
    check_refused(
        long.as_bytes(),
        ErrorKind::Payload,
        "`id` has 1025 bytes; at most 1024 are read",
    );
}

#[test]
fn an_overlong_line_says_how_long_it_may_be() {
    let line =
        Line { number: 1, offset: 0, content: b"{", length: LONGEST as u64 + 1, ended: true };
    let error = Entry::read(&line, true).request.expect_err("it is too long");
    assert_eq!(error.to_string(), "the line has 12582913 bytes; at most 12582912 are read");
}
