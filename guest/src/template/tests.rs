//! Tests of templates.

mod properties;

use std::time::{Duration, Instant};

use serde_json::json;

use super::*;
use crate::bindings::exports::smtp_connector::contract::messages::ContentType;
use crate::config::templates::Template;
use crate::findings::{Diagnostic, Findings};

#[expect(clippy::needless_pass_by_value, reason = "tests write the payload in place")]
fn render(text: &str, escaping: Escaping, payload: Value) -> Result<String, RenderFailure> {
    Source::read(text, escaping)?.render(&payload)
}

/// What the check says about HTML content.
fn check(content: &str) -> Vec<Diagnostic> {
    let template = Template {
        pointer: String::new(),
        usage_type: "SignIn".to_owned(),
        locale: None,
        content_type: ContentType::Html,
        subject: "s".to_owned(),
        content: content.to_owned(),
    };
    let mut findings = Findings::default();
    lint(&[template], &mut findings);
    findings.into_vec()
}

fn payload() -> Value {
    json!({
        "code": "12<3", "n": 1.0, "user": {"name": "Ada & \"Co\"", "avatar": null, "list": [1,
        [2, 3], null]},
        "items": [{"n": "a"}, {"n": "b"}], "yes": true, "no": false, "lookup": "own",
        "empty": {}, "none": [], "zero": 0, "nbsp": "\u{a0}",
    })
}

#[test]
fn placeholders_follow_the_rules_of_logto() {
    for (text, expected) in [
        ("{{code}}", "12&lt;3"),
        ("{{ user.name }}!", "Ada &amp; &quot;Co&quot;!"),
        ("{{{code}}} {{&code}}", "12<3 12<3"),
        ("[{{user.avatar}}{{user.x.y}}]", "[]"),
        ("{{  other.x }}{{{ gone }}}", "{{  other.x }}{{{ gone }}}"),
        ("{{user}} {{user.list}} {{n}} {{yes}}", "[object Object] 1,2,3, 1 true"),
        ("{{user.list.0}}", "1"),
        ("{{lookup}}", "own"),
        ("", ""),
        ("no tags } }} {", "no tags } }} {"),
    ] {
        assert_eq!(render(text, Escaping::Html, payload()).as_deref(), Ok(expected), "{text}");
        // The same with Handlebars at work, which a comment is enough for.
        let text = format!("{{{{! x }}}}{text}");
        assert_eq!(render(&text, Escaping::Html, payload()).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn blocks_follow_the_rules_of_handlebars() {
    for (text, expected) in [
        ("{{#if no}}a{{else if yes}}b{{else}}c{{/if}}", "b"),
        ("{{#unless no}}a{{/unless}}", "a"),
        ("{{#each items}}{{@index}}{{n}}{{#unless @last}},{{/unless}}{{/each}}", "0a,1b"),
        ("{{#with user}}{{name}}{{gone}}{{../code}}{{/with}}", "Ada & \"Co\"12<3"),
        ("{{#each items as |item i|}}{{i}}{{item.n}}{{/each}}", "0a1b"),
        ("{{#if yes}}{{gone.x}}{{user}}{{user.list}}{{/if}}", "[object Object]1,2,3,"),
        ("{{#if (eq n 1.0)}}one{{/if}}{{gone}}", "one{{gone}}"),
        ("a {{~code~}} b {{~ gone ~}} c", "a12<3b{{~ gone ~}}c"),
        ("\\{{code}} {{code}}", "{{code}} 12<3"),
        ("{{#if yes}}\n x\n{{/if}}\ny", " x\ny"),
        ("{{len items}}{{this.code}}", "212<3"),
        ("{{#if empty}}a{{/if}}{{#unless empty}}b{{/unless}}{{#if (not empty)}}c{{/if}}", "a"),
        ("{{#with empty}}a{{else}}b{{/with}}{{#if (and empty yes)}}c{{/if}}", "ac"),
        ("{{#if (or no empty)}}a{{/if}}{{#if none}}b{{/if}}{{#with none}}c{{/with}}", "a"),
        ("{{#if zero}}a{{/if}}{{#if zero includeZero=true}}b{{/if}}", "b"),
        ("{{#with zero}}[{{this}}]{{/with}}", "[0]"),
        ("{{#if\u{a0}yes}}{{\u{a0}code\u{2003}}}{{/if}}{{\u{a0}gone}}", "12<3{{\u{a0}gone}}"),
        ("{{#if (eq nbsp '\u{a0}')}}a{{/if}}", "a"),
    ] {
        assert_eq!(render(text, Escaping::Plain, payload()).as_deref(), Ok(expected), "{text}");
    }
    let html = render(
        "{{#if yes}}{{code}}{{{code}}}{{lookup user 'name'}}{{/if}}",
        Escaping::Html,
        payload(),
    );
    assert_eq!(html.as_deref(), Ok("12&lt;312<3Ada &amp; &quot;Co&quot;"));
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (text, message, line, column) in [
        ("a\n  {{#if yes}}x{{/each}}", "`{{#if}}` is closed by `{{/each}}`", 2, 15),
        ("{{code extra}}", "there is no helper `code`", 1, 1),
        ("x {{a b=}}", "this is not a tag that Handlebars understands", 1, 9),
        ("\n{{log code}}", "there is no helper `log`", 2, 1),
    ] {
        let expected = RenderFailure::Problem {
            message: message.to_owned(),
            line: Some(line),
            column: Some(column),
        };
        assert_eq!(render(text, Escaping::Plain, payload()), Err(expected), "{text}");
    }
}

#[test]
fn output_is_bounded() {
    let hundred: Vec<_> = (0..100).collect();
    let text = "{{#each l}}{{#each ../l}}{{#each ../../l}}{{#each \
        ../../../l}}0123456789{{/each}}{{/each}}{{/each}}{{/each}}";
    assert_eq!(render(text, Escaping::Plain, json!({"l": hundred})), Err(RenderFailure::TooLarge));
    let big = json!({"x": "&".repeat(1 << 20)});
    assert_eq!(render("{{x}}", Escaping::Html, big.clone()), Err(RenderFailure::TooLarge));
    assert_eq!(
        render("{{lookup this 'x'}}", Escaping::Html, big.clone()),
        Err(RenderFailure::TooLarge)
    );
    assert_eq!(render("{{x}}", Escaping::Plain, big).map(|text| text.len()), Ok(1 << 20));
}

#[test]
fn the_deepest_templates_fit_a_small_stack() {
    let blocks = format!("{}{{{{code}}}}{}", "{{#if yes}}".repeat(48), "{{/if}}".repeat(48));
    let chain = format!("{{{{#if no}}}}{}{{{{/if}}}}", "{{else if no}}".repeat(46));
    let parentheses = format!("{{{{len {}code{}}}}}", "(or ".repeat(16), " no)".repeat(16));
    let run = move || {
        for text in [&blocks, &chain, &parentheses] {
            render(text, Escaping::Plain, payload()).expect(text);
        }
    };
    let thread = std::thread::Builder::new().stack_size(512 << 10).spawn(run).expect("a thread");
    thread.join().expect("no overflow");
}

#[test]
fn hostile_templates_take_linear_time() {
    let started = Instant::now();
    for piece in [
        "{{code}}",
        "{{{code}}}",
        "{{:}}",
        "{{{:}}}",
        "{{!-- x --}}",
        "{{!x}}",
        "\\{{",
        "{{#if a}} {{/if}}",
        "{{#if a}}\n",
        " ",
        "{{a.b.c ",
        "<a b=",
        "{{a\u{200b}}}",
        "{{lookup a 'b'}}",
    ] {
        let text = piece.repeat(50_000);
        let _ = render(&text, Escaping::Html, payload());
        check(&text);
    }
    assert!(started.elapsed() < Duration::from_secs(60), "took {:?}", started.elapsed());
}
