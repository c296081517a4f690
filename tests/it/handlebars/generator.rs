//! Templates and payloads that show what the language means: white space around tags, blocks in
//! blocks, paths that go in and out, values of every kind.

use std::fmt::{self, Display};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

/// A template with what it is rendered with.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub(super) template: Program,
    pub(super) payload: Value,
    pub(super) html: bool,
}

/// Parts that follow each other.
#[derive(Debug, Clone)]
pub(super) struct Program(Vec<Part>);

#[derive(Debug, Clone)]
enum Part {
    /// Text, or a tag as it is written.
    Text(String),
    Block {
        open: String,
        body: Program,
        /// Each with the tag before it.
        otherwise: Vec<(String, Program)>,
        close: String,
    },
}

impl Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(text),
            Part::Block { open, body, otherwise, close } => {
                write!(f, "{open}{body}")?;
                for (tag, program) in otherwise {
                    write!(f, "{tag}{program}")?;
                }
                f.write_str(close)
            }
        })
    }
}

impl Pair {
    /// The template and the payload as a person reads them.
    pub(super) fn describe(&self) -> String {
        format!("{:?}\nwith {}, html: {}", self.template.to_string(), self.payload, self.html)
    }
}

/// A template and a payload for it.
pub(super) fn pair() -> BoxedStrategy<Pair> {
    (program(), payload(), any::<bool>())
        .prop_map(|(template, payload, html)| Pair { template, payload, html })
        .boxed()
}

const TEXTS: &[&str] = &[
    "a",
    "x ",
    " y",
    " ",
    "  ",
    "\t",
    "\n",
    "\n",
    " \n ",
    "\r\n",
    "\n\n",
    "b\n",
    "\nc",
    " d \n",
    "<p>",
    "'",
    " } ",
    " { ",
    "x } }",
    "é😀",
    "\u{a0}",
    "\\",
    "\\{{code}}",
    "\\{{#if}} ",
    "\\\\{{code}}",
    "{ x",
];

/// Paths, of which some lead nowhere, some are no names outside blocks, and some mean something in
/// some blocks alone.
const PATHS: &str = "\
    code user user.name user.gone user/name user.[first-name] list list.length list.[0] \
    items items.[1].n items.length map map.b empty none none.length zero yes no text \
    text.length text.[1] deep.a.b matrix gone gone.x this . this.code ./n this.n n name \
    length this.length .. ../code ../n ../this ../../code ../../n ../../.. ../name @index \
    @key @first @last @root.code @root.user.name @root.gone @root @../index @../key \
    @../first @../../index @gone @index.x @first.x x x.n i x.length color:red foo-bar größe \
    $v elsewhere as nil nil.x float big";

const LITERALS: &[&str] = &[
    "'n'",
    "\"it's\"",
    "'a \\' b'",
    "\"length\"",
    "0",
    "1",
    "-1",
    "2.5",
    "true",
    "false",
    "null",
    "undefined",
];

fn spaces() -> BoxedStrategy<&'static str> {
    prop_oneof![8 => Just(""), 1 => Just(" "), 1 => Just("\n "), 1 => Just("\u{a0}")].boxed()
}

fn tilde() -> BoxedStrategy<&'static str> {
    prop_oneof![5 => Just(""), 1 => Just("~")].boxed()
}

fn path() -> BoxedStrategy<String> {
    select(PATHS.split_whitespace().collect::<Vec<_>>()).prop_map(str::to_owned).boxed()
}

/// What can be a helper's value.
fn value() -> BoxedStrategy<String> {
    let simple = prop_oneof![5 => path(), 1 => select(LITERALS).prop_map(str::to_owned)];
    simple
        .prop_recursive(2, 4, 2, |inner| {
            (inner.clone(), inner).prop_map(|(of, key)| format!("(lookup {of} {key})"))
        })
        .boxed()
}

fn tag() -> BoxedStrategy<String> {
    let value = (tilde(), spaces(), path(), spaces(), tilde(), 0..4_u8).prop_map(
        |(before, left, path, right, after, form)| match form {
            0 => format!("{{{{{before}{{{left}{path}{right}}}{after}}}}}"),
            1 => format!("{{{{{before}&{left}{path}{right}{after}}}}}"),
            _ => format!("{{{{{before}{left}{path}{right}{after}}}}}"),
        },
    );
    let lookup = (tilde(), value_pair(), tilde())
        .prop_map(|(before, values, after)| format!("{{{{{before}lookup {values}{after}}}}}"));
    let comment = (tilde(), select(&["! c ", "!", "!-- {{code}} --", "!----"][..]), tilde())
        .prop_map(|(before, text, after)| format!("{{{{{before}{text}{after}}}}}"));
    prop_oneof![8 => value, 1 => lookup, 1 => comment].boxed()
}

fn value_pair() -> BoxedStrategy<String> {
    (value(), value()).prop_map(|(of, key)| format!("{of} {key}")).boxed()
}

/// A helper of blocks with its value, and whether it names what it moves to.
fn head() -> BoxedStrategy<(&'static str, String)> {
    let condition =
        (select(&["if", "if", "unless"][..]), value(), select(&["", "", " includeZero=true"][..]))
            .prop_map(|(helper, value, option)| (helper, format!("{helper} {value}{option}")));
    let moving = (
        select(&["each", "each", "with"][..]),
        value(),
        select(&["", "", " as |x|", " as |x i|"][..]),
    )
        .prop_map(|(helper, value, names)| (helper, format!("{helper} {value}{names}")));
    prop_oneof![condition, moving].boxed()
}

fn program() -> BoxedStrategy<Program> {
    let text = prop_oneof![
        3 => select(TEXTS).prop_map(str::to_owned),
        3 => tag(),
    ];
    let leaf = vec(text.prop_map(Part::Text), 0..5).prop_map(Program);
    leaf.prop_recursive(4, 24, 4, |inner| {
        let part = prop_oneof![
            2 => select(TEXTS).prop_map(|text| Part::Text(text.to_owned())),
            2 => tag().prop_map(Part::Text),
            3 => block(inner.boxed()),
        ];
        vec(part, 0..5).prop_map(Program)
    })
    .boxed()
}

fn block(inner: BoxedStrategy<Program>) -> BoxedStrategy<Part> {
    let tildes = (tilde(), tilde(), tilde(), tilde());
    let chain = vec((tilde(), spaces(), head(), tilde(), inner.clone()), 0..2);
    let last = proptest::option::of((
        tilde(),
        select(&["else", " else ", "^"][..]),
        tilde(),
        inner.clone(),
    ));
    (head(), tildes, prop_oneof![6 => Just("#"), 1 => Just("^")], inner, chain, last)
        .prop_map(|((helper, head), (a, b, c, d), sigil, body, chain, last)| {
            // An inverted block has no chain.
            let chain = if sigil == "^" { Vec::new() } else { chain };
            let chained = chain.into_iter().map(|(before, space, (_, head), after, program)| {
                (format!("{{{{{before}{space}else {head}{after}}}}}"), program)
            });
            let last = last.into_iter().map(|(before, word, after, program)| {
                (format!("{{{{{before}{word}{after}}}}}"), program)
            });
            Part::Block {
                open: format!("{{{{{a}{sigil}{head}{b}}}}}"),
                body,
                otherwise: chained.chain(last).collect(),
                close: format!("{{{{{c}/{helper}{d}}}}}"),
            }
        })
        .boxed()
}

fn scalar() -> BoxedStrategy<Value> {
    select(vec![
        json!("Ada"),
        json!("<b>\"x\" & 'y'</b>"),
        json!("a=b`c"),
        json!("é😀"),
        json!(""),
        json!("n"),
        json!("code"),
        json!(7),
        json!(0),
        json!(-3),
        json!(2.5),
        json!(1e21),
        json!(true),
        json!(false),
        Value::Null,
    ])
    .boxed()
}

/// A list or an object of a few values.
fn compound() -> BoxedStrategy<Value> {
    let item = (scalar(), scalar()).prop_map(|(n, name)| json!({ "n": n, "name": name }));
    let keys = select(&["b", "a", "n", "10", "2", "01", "code", "length"][..]);
    let map = vec((keys, scalar()), 0..5);
    prop_oneof![
        vec(scalar(), 0..4).prop_map(Value::from),
        vec(item, 0..4).prop_map(Value::from),
        map.prop_map(|members| {
            let members = members.into_iter().map(|(key, value)| (key.to_owned(), value));
            Value::Object(members.collect::<Map<_, _>>())
        }),
    ]
    .boxed()
}

fn payload() -> BoxedStrategy<Value> {
    let matrix = vec(vec(scalar(), 0..3), 0..3);
    let values =
        (scalar(), scalar(), scalar(), scalar(), compound(), compound(), compound(), matrix);
    (values, proptest::sample::subsequence(KEYS, 0..KEYS.len()))
        .prop_map(|((code, name, n, text, list, items, map, matrix), left_out)| {
            let mut payload = json!({
                "code": code, "user": { "name": name, "n": n, "first-name": "Ada L." },
                "list": list, "items": items, "map": map, "matrix": matrix, "text": text, "n": n,
                "name": name, "deep": { "a": { "b": code } }, "foo": { "bar": 1 }, "empty": {},
                "none": [], "zero": 0, "yes": true, "no": false, "nil": null, "float": 0.1,
                "big": 123456789012345_u64, "length": 3, "foo-bar": "dash", "größe": "G",
                "$v": "dollar", "elsewhere": "there", "as": "as",
            });
            let members = payload.as_object_mut().expect("it is one");
            left_out.iter().for_each(|key| {
                members.shift_remove(*key);
            });
            payload
        })
        .boxed()
}

/// Keys that a payload may lack.
const KEYS: &[&str] = &["code", "user", "list", "items", "map", "text", "n", "name"];
