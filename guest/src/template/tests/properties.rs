//! What holds for every template and every payload.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

use super::*;
use crate::findings::Severity;

/// Pieces that templates are made of, and pieces that break them.
const PIECES: &[&str] = &[
    "{{",
    "}}",
    "{{{",
    "}}}",
    "{",
    "}",
    "~",
    "#",
    "/",
    "^",
    "!",
    "--",
    "&",
    ">",
    "*",
    "if ",
    "each ",
    "with ",
    "else",
    " as |",
    "|",
    "(",
    ")",
    "lookup ",
    "eq ",
    "code",
    "user.name",
    "list",
    "this",
    ".",
    "..",
    "@",
    "@root",
    "[",
    "]",
    "\"",
    "'",
    "\\",
    "=",
    " ",
    "\n",
    "\r\n",
    "\u{a0}",
    "\u{200b}",
    "é",
    "😀",
    "0",
    "-1",
    "<a href=",
    "{{code}}",
    "{{#if code}}",
    "{{else}}",
    "{{/if}}",
    "{{#each list}}",
    "{{/each}}",
];

fn template() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => vec(select(PIECES), 0..24).prop_map(|pieces| pieces.concat()),
        1 => any::<String>(),
    ]
}

fn payload() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 12, 4, |inner| {
        let key = select(&["name", "code", "0", "length", ""][..]).prop_map(str::to_owned);
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((key, inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    (value.clone(), value.clone(), value)
        .prop_map(|(code, user, list)| json!({ "code": code, "user": user, "list": list }))
}

fn escaping() -> impl Strategy<Value = Escaping> {
    select(&[Escaping::Html, Escaping::Plain, Escaping::Mailbox][..])
}

/// Whether the check has an error for a text.
fn is_refused(text: &str) -> bool {
    check(text).iter().any(|finding| finding.severity == Severity::Error)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 512,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Whatever the check lets pass can be rendered, and whatever it refuses cannot.
    #[test]
    fn the_check_knows_what_can_be_rendered(
        text in template(),
        payload in payload(),
        escaping in escaping(),
    ) {
        match render(&text, escaping, payload) {
            Ok(_) => prop_assert!(!is_refused(&text), "{text:?}"),
            Err(RenderFailure::TooLarge) => prop_assert!(false, "{text:?} is large"),
            Err(RenderFailure::Problem { line, column, .. }) => {
                prop_assert!(is_refused(&text), "{text:?}");
                let line = text.split('\n').nth(line.unwrap_or_default() as usize - 1);
                let columns = line.map(|line| line.chars().count() + 1);
                prop_assert!(columns >= column.map(|column| column as usize), "{text:?}");
            }
        }
    }

    /// A template that went through a program is the same.
    #[test]
    fn a_template_can_be_written_down(
        text in template(),
        payload in payload(),
        escaping in escaping(),
    ) {
        let Ok(source) = Source::read(text.as_str(), escaping) else { return Ok(()) };
        let bytes = postcard::to_allocvec(&source).expect("it has a form");
        let read: Source = postcard::from_bytes(&bytes).expect("it was written so");
        prop_assert_eq!(read.render(&payload), source.render(&payload), "{}", text);
    }

    #[test]
    fn text_without_tags_stays_as_it_is(text in any::<String>(), payload in payload()) {
        let text = text.replace("{{", "{ ");
        prop_assert_eq!(render(&text, Escaping::Html, payload), Ok(text));
    }

    #[test]
    fn an_escaped_value_is_text_and_says_the_same(value in "(?s)[&<>\"'`=a-z \u{e9}]*|.*") {
        let written = render("{{code}}", Escaping::Html, json!({ "code": &value }));
        let written = written.expect("a small text");
        prop_assert!(!written.contains(['<', '>', '"', '\'', '`', '=']), "{written:?}");
        let references = [
            ("&lt;", "<"),
            ("&gt;", ">"),
            ("&quot;", "\""),
            ("&#x27;", "'"),
            ("&#x60;", "`"),
            ("&#x3D;", "="),
            ("&amp;", "&"),
        ];
        let read = references.iter().fold(written, |text, (from, to)| text.replace(from, to));
        prop_assert_eq!(read, value);
    }

    /// A placeholder is the same in a plain template and in one with blocks.
    #[test]
    fn blocks_elsewhere_change_no_placeholder(
        path in select(&["code", "user.name", "list.length", "list.0", "gone.x", "gone"][..]),
        payload in payload(),
        escaping in escaping(),
    ) {
        let plain = format!("a {{{{ {path} }}}} b");
        let with_block = format!("{plain}{{{{#if gone}}}}{{{{/if}}}}");
        prop_assert_eq!(
            render(&plain, escaping, payload.clone()),
            render(&with_block, escaping, payload)
        );
    }
}

#[test]
fn no_nesting_needs_more_than_a_small_stack() {
    let run = || {
        let config = ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() };
        let tags = select(
            &["{{#if a}}", "{{#each a}}", "{{else if a}}", "{{^}}", "{{/if}}", "{{(a ", "(a "][..],
        );
        let mut runner = proptest::test_runner::TestRunner::new(config);
        let outcome = runner.run(&(tags, 1..20_000_usize), |(tag, count)| {
            let _ = render(&tag.repeat(count), Escaping::Html, json!({ "a": [[[[1]]]] }));
            Ok(())
        });
        outcome.expect("no case fails");
    };
    let thread = std::thread::Builder::new().stack_size(512 << 10).spawn(run).expect("a thread");
    thread.join().expect("no overflow");
}
