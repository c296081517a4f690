//! JSON as typed values. What is wrong is said by its place, and no value is quoted: it may be a
//! secret, or a code.

use std::fmt;

use serde::Deserialize;
use serde_json::{Deserializer, Value};

/// Why a text is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Misread {
    /// It is not JSON.
    Syntax(String),
    /// It is JSON of another shape.
    Shape(String),
}

impl fmt::Display for Misread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(problem) => write!(f, "it is not JSON: {problem}"),
            Self::Shape(problem) => f.write_str(problem),
        }
    }
}

impl std::error::Error for Misread {}

/// Reads a text that holds an object.
///
/// # Errors
///
/// See [`Misread`].
pub(crate) fn read<'t, T: Deserialize<'t>>(text: &'t [u8]) -> Result<T, Misread> {
    // serde would take the members of an object in their order, too.
    if text.trim_ascii_start().starts_with(b"[") {
        return Err(Misread::Shape("expected an object, not a list".to_owned()));
    }
    let mut reader = Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        misread(&path, &error.into_inner())
    })?;
    reader.end().map_err(|error| Misread::Syntax(error.to_string()))?;
    Ok(value)
}

/// Reads a value.
///
/// # Errors
///
/// Fails where it is of another shape.
pub(crate) fn read_value<T: for<'t> Deserialize<'t>>(value: Value) -> Result<T, Misread> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        misread(&path, &error.into_inner())
    })
}

fn misread(path: &str, error: &serde_json::Error) -> Misread {
    let text = error.to_string();
    if !error.is_data() {
        return Misread::Syntax(text);
    }
    let problem = match text.rsplit_once(", expected ") {
        Some((found, expected))
            if found.starts_with("invalid ") || found.starts_with("unknown variant ") =>
        {
            format!("expected {}", in_words_of_json(expected))
        }
        _ => text,
    };
    Misread::Shape(match path {
        "." => problem,
        path => format!("`{path}`: {problem}"),
    })
}

/// What was expected, where serde says it by the names of Rust's types.
fn in_words_of_json(expected: &str) -> String {
    let (what, place) = match expected.split_once(" at line ") {
        Some((what, place)) => (what, format!(" at line {place}")),
        None => (expected, String::new()),
    };
    let what = match what {
        "a sequence" => "a list",
        "a map" => "an object",
        what if what.starts_with("struct ") => "an object",
        what => what,
    };
    format!("{what}{place}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Eq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        to: String,
        #[serde(default)]
        names: Vec<String>,
    }

    fn problem(text: &str) -> String {
        read::<Body>(text.as_bytes()).expect_err("it is wrong").to_string()
    }

    #[test]
    fn what_is_wrong_is_said_by_its_place_and_not_quoted() {
        let cases = [
            (r#"{"to":"a","names":"482913"}"#, "`names`: expected a list at line 1 column 26"),
            (r#"{"to":"a","names":[7]}"#, "`names[0]`: expected a string at line 1 column 20"),
            (r#"{"to":", expected x","names":", expected y"}"#, "`names`: expected a list"),
            (r#"{"names":[]}"#, "missing field `to`"),
            (r#"{"to":"a","form":"b"}"#, "`form`: unknown field `form`, expected `to` or `names`"),
            ("482913", "expected an object at line 1 column 6"),
            (r#" ["a",[]]"#, "expected an object, not a list"),
            ("{", "it is not JSON: EOF while parsing"),
            (r#"{"to":"a"} x"#, "it is not JSON: trailing characters"),
        ];
        for (text, expected) in cases {
            let said = problem(text);
            assert!(said.starts_with(expected), "{text}: {said}");
            assert!(!said.contains("482913"), "{said}");
        }
    }

    #[test]
    fn values_are_read_like_texts() {
        let read = read_value::<Body>(json!({ "to": "a", "names": ["b"] }));
        assert_eq!(read, Ok(Body { to: "a".to_owned(), names: vec!["b".to_owned()] }));
        let problem = read_value::<Body>(json!({ "to": 482_913 })).expect_err("it is wrong");
        assert_eq!(problem, Misread::Shape("`to`: expected a string".to_owned()));
    }
}
