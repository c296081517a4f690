//! Expressions as tags hold them, and what is none.

use super::*;
use crate::template::scan::scan;

/// What a template's only tag holds, inside a block.
fn read(text: &str) -> Result<String, String> {
    let source = format!("{{{{#if x}}}}{{{{{text}}}}}{{{{/if}}}}");
    let tags = scan(&source).map_err(|error| error.message)?;
    let mut unknown = Vec::new();
    let expression = value(&source, &tags.list[1], &mut unknown);
    let written = written(&expression.map_err(|error| error.message)?);
    Ok(unknown.iter().fold(written, |written, (_, name)| format!("{written} no {name}")))
}

fn written(expression: &Expression) -> String {
    match expression {
        Expression::Literal(value) => value.to_string(),
        Expression::Path(path) => format!("{:?}{:?}", path.start, path.keys),
        Expression::Call(call) => {
            let values: Vec<_> = call.values.iter().map(written).collect();
            let zero = call.include_zero.as_ref().map(written);
            let zero = zero.map_or(String::new(), |zero| format!(" zero {zero}"));
            format!("{:?}({}){zero}", call.helper, values.join(" "))
        }
    }
}

#[test]
fn expressions_are_read() {
    for (text, expected) in [
        ("a.b", r#"Name["a", "b"]"#),
        ("a/b", r#"Name["a", "b"]"#),
        ("this", "This(0)[]"),
        (".", "This(0)[]"),
        ("./a", r#"This(0)["a"]"#),
        ("this.a", r#"This(0)["a"]"#),
        ("../../a.b", r#"This(2)["a", "b"]"#),
        ("..", "This(1)[]"),
        ("../this.a", r#"This(1)["a"]"#),
        ("@root.a", r#"Data(0)["root", "a"]"#),
        ("@../index", r#"Data(1)["index"]"#),
        ("a.[b c].[d\\]]", r#"Name["a", "b c", "d]"]"#),
        ("color:red", r#"Name["color:red"]"#),
        ("\"a b\"", r#"Name["a b"]"#),
        ("12", r#"Name["12"]"#),
        ("len", r#"Name["len"]"#),
        ("lookup a 'it\\'s'", r#"Lookup(Name["a"] "it's")"#),
        ("eq a.0 -1.5", r#"Eq(Name["a", "0"] -1.5)"#),
        ("eq -1 null", "Eq(-1 null)"),
        ("eq true \"a\\n\"", "Eq(true \"a\\\\n\")"),
        ("eq trueish 1st", r#"Eq(Name["trueish"] Name["1st"])"#),
        ("not (eq a (len .))", r#"Not(Eq(Name["a"] Len(This(0)[])))"#),
        ("if a includeZero=true x = (not 1)", r#"If(Name["a"]) zero true"#),
        ("or a as", r#"Or(Name["a"] Name["as"])"#),
        ("a b", "null no a"),
        ("a.b (c d)", "null no c no a.b"),
    ] {
        assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_no_expression_is_refused() {
    let no_tag = "this is not a tag that Handlebars understands";
    let path = "`this`, `.` and `..` stand only where a path begins";
    for (text, expected) in [
        ("a b=", no_tag),
        ("a (b", no_tag),
        ("a |", no_tag),
        ("a!", no_tag),
        ("a..b", path),
        ("a.this", path),
        ("@", no_tag),
        ("each a", "`each` is a block, write `{{#each …}}`"),
        ("if", "`if` takes one value"),
        ("eq a", "`eq` takes two values"),
        ("and x=1", "`and` takes one value or more"),
    ] {
        assert_eq!(read(text), Err(expected.to_owned()), "{text}");
    }
}

#[test]
fn heads_of_blocks_are_read() {
    for (text, expected) in [
        ("each a as |x i|", Ok("x i")),
        ("with a as  |x|", Ok("x")),
        ("each a", Ok("")),
        ("user", Ok("")),
        ("if a as |x|", Err("only `each` and `with` can name their values")),
        ("each a as |if|", Err("a block cannot name its value as a helper is named")),
        ("each a as ||", Err("this is not a tag that Handlebars understands")),
        ("lookup a b", Err("`lookup` is no block")),
        ("raw a", Err("`raw` takes no value")),
    ] {
        let source = format!("{{{{#{text}}}}}{{{{/x}}}}");
        let tags = scan(&source).expect("tags");
        let found = head(&source, &tags.list[0], &mut Vec::new());
        let found = found.map(|head| head.names.join(" ")).map_err(|error| error.message);
        assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned), "{text}");
    }
}
