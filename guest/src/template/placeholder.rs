//! Plain placeholders: `{{ organization.name }}` and nothing more, which is all that Logto's own
//! template language knows. They stand for a value of the payload; a root that the payload lacks
//! leaves the placeholder as it was written, and a leaf that is missing or null leaves nothing.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::Value;

use super::scan::Kind;
use super::value;

/// What a placeholder stands for.
#[derive(Debug, PartialEq)]
pub(super) enum Found<'a> {
    /// A value of the payload, or one of its own, such as its length.
    Value(Cow<'a, Value>),
    /// Nothing: the leaf is missing or null.
    Nothing,
    /// The payload lacks the root.
    UnknownRoot,
}

/// Reads the plain placeholder at `start`, where `{{` stands: its path, its end and its kind.
pub(super) fn at(source: &str, start: usize) -> Option<(Range<usize>, usize, Kind)> {
    let (open, close, kind) = if source[start..].starts_with("{{{") {
        (3, "}}}", Kind::Raw)
    } else {
        (2, "}}", Kind::Value)
    };
    let path_start = start + open + blanks(&source[start + open..]);
    let length = source[path_start..].find(|c| !(is_key(c) || c == '.'))?;
    let path = path_start..path_start + length;
    let end = path.end + blanks(&source[path.end..]);
    let closes = source[end..].starts_with(close);
    (closes && is_plain(&source[path.clone()])).then(|| (path, end + close.len(), kind))
}

/// Whether a path is a plain one: dotted keys from the payload's root.
pub(super) fn is_plain(path: &str) -> bool {
    let mut keys = path.split('.');
    keys.next().is_some_and(|root| !matches!(root, "" | "this" | "else"))
        && keys.all(|key| !key.is_empty())
        && path.chars().all(|c| is_key(c) || c == '.')
}

/// Follows a dotted path into the payload.
pub(super) fn resolve<'a>(payload: &'a Value, path: &str) -> Found<'a> {
    let mut keys = path.split('.');
    let Some(root) = keys.next().and_then(|root| payload.get(root)) else {
        return Found::UnknownRoot;
    };
    match value::follow(Cow::Borrowed(root), keys) {
        None => Found::Nothing,
        Some(value) if value.is_null() => Found::Nothing,
        Some(value) => Found::Value(value),
    }
}

/// Whether a text begins with what may be meant as a name in an expression: keys of letters and
/// digits with dots between them, from the payload, from `this`, or from `@root`.
pub(super) fn begins_name(text: &str) -> bool {
    let starts = ["@root.", "@root/", "this/", "./"];
    let found = starts.iter().find_map(|start| text.strip_prefix(start));
    let mut rest = match (found, text.strip_prefix("@root"), text.strip_prefix('.')) {
        (Some(rest), _, _) => rest,
        (None, Some(rest), _) | (None, None, Some(rest)) => return ends_name(rest),
        (None, None, None) => text,
    };
    loop {
        rest = match rest.strip_prefix('[') {
            Some(key) => key.split_once(']').map_or("", |(_, rest)| rest),
            None => {
                let after = rest.trim_start_matches(is_key);
                if after.len() == rest.len() {
                    return false;
                }
                after
            }
        };
        match rest.strip_prefix('.') {
            Some(next) => rest = next,
            None => return ends_name(rest),
        }
    }
}

fn ends_name(rest: &str) -> bool {
    rest.chars().next().is_none_or(|c| matches!(c, '~' | '}') || is_blank(c))
}

fn is_key(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$') || c > '\u{a0}' && c.is_alphanumeric()
}

/// The octets of the blanks that a text begins with.
pub(super) fn blanks(text: &str) -> usize {
    text.len() - text.trim_start_matches(is_blank).len()
}

/// Whether a character is one of JavaScript's `\s`. Editors write no-break spaces.
pub(super) fn is_blank(c: char) -> bool {
    c == '\u{feff}' || c != '\u{85}' && c.is_whitespace()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_plain_placeholders_are_read() {
        for (source, path) in [
            ("{{code}}", Some("code")),
            ("{{  user.name\n}}", Some("user.name")),
            ("{{{ user.name }}}", Some("user.name")),
            ("{{größe}}", Some("größe")),
            ("{{\u{a0}code\u{2003}\u{feff}}}", Some("code")),
            ("{{\u{85}code}}", None),
            ("{{this.code}}", None),
            ("{{#if code}}", None),
            ("{{~code}}", None),
            ("{{a..b}}", None),
            ("{{.a}}", None),
            ("{{else}}", None),
            ("{{}}", None),
            ("{{code", None),
            ("{{len code}}", None),
        ] {
            let found = at(source, 0).map(|(path, _, _)| &source[path]);
            assert_eq!(found, path, "{source}");
        }
    }

    #[test]
    fn expressions_begin_with_names() {
        for (text, expected) in [
            ("code}}", true),
            ("user.name ~}}", true),
            ("this}}", true),
            (".}}", true),
            ("./code}}", true),
            ("this/code}}", true),
            ("@root.user.name}}", true),
            ("@root}}", true),
            ("user.[first name]}}", true),
            ("lookup user 'name'}}", true),
            ("user's name}}", false),
            ("color:red}}", false),
            ("color: red;}}", false),
            ("foo/bar}}", false),
            ("@code}}", false),
            ("@rooted}}", false),
            ("../code}}", false),
            ("code|upper}}", false),
            ("\u{200b}code}}", false),
            ("nbsp;code}}", false),
            ("a..b}}", false),
            ("'code'}}", false),
            ("(code)}}", false),
            ("}}", false),
        ] {
            assert_eq!(begins_name(text), expected, "{text}");
        }
    }

    #[test]
    fn paths_follow_the_payload() {
        let payload =
            json!({"user": {"name": "Ada", "avatar": null}, "list": [1, 2], "none": null});
        for (path, value) in [
            ("user.name", json!("Ada")),
            ("list.1", json!(2)),
            ("list.length", json!(2)),
            ("user.name.length", json!(3)),
        ] {
            assert_eq!(resolve(&payload, path), Found::Value(Cow::Owned(value)), "{path}");
        }
        for path in ["user.avatar", "user.x.y", "user.name.x", "none", "none.x"] {
            assert_eq!(resolve(&payload, path), Found::Nothing, "{path}");
        }
        assert_eq!(resolve(&payload, "organization.name"), Found::UnknownRoot);
    }
}
