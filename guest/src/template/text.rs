//! Values as text: the way JavaScript's `String()` writes them, escaped for the place where they
//! stand, into an output that refuses to grow beyond its limit.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use crate::mailbox;

/// How values are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Escaping {
    /// For HTML: what could end a text or an attribute's value, quoted or not, becomes a reference,
    /// the one that handlebars.js writes.
    Html,
    /// Not at all.
    Plain,
    /// For a mailbox: what has a meaning in RFC 5322 is hidden from the parser of mailboxes, so
    /// that a value can be part of one phrase or one address and never end it.
    Mailbox,
}

/// The largest rendered part, in bytes: the bound that the design sets for every part of a message.
pub(super) const MAX_PART: usize = 4 << 20;

/// Text that grows up to a limit.
#[derive(Debug)]
pub(super) struct Bounded {
    /// The text so far.
    pub text: String,
}

impl Bounded {
    /// An empty text with room for what a template of `size` bytes usually makes.
    pub(super) fn for_template(size: usize) -> Self {
        Self { text: String::with_capacity(size.min(MAX_PART) + size / 8 + 64) }
    }
}

/// The text would be larger than the limit.
#[derive(Debug)]
pub(super) struct TooLarge;

impl Bounded {
    fn write(&mut self, segment: &str) -> Result<(), TooLarge> {
        if segment.len() > MAX_PART - self.text.len() {
            return Err(TooLarge);
        }
        self.text.push_str(segment);
        Ok(())
    }
}

/// Writes a value.
pub(super) fn write_value(
    value: &Value,
    escaping: Escaping,
    out: &mut Bounded,
) -> Result<(), TooLarge> {
    match value {
        Value::Null => Ok(()),
        Value::Bool(flag) => out.write(if *flag { "true" } else { "false" }),
        Value::Number(number) => out.write(&number_text(number)),
        Value::String(text) => write_text(text, escaping, out),
        Value::Array(list) => write_list(list, escaping, out),
        Value::Object(_) => write_text("[object Object]", escaping, out),
    }
}

fn write_list(list: &[Value], escaping: Escaping, out: &mut Bounded) -> Result<(), TooLarge> {
    for (index, value) in list.iter().enumerate() {
        if index > 0 {
            write_text(",", escaping, out)?;
        }
        write_value(value, escaping, out)?;
    }
    Ok(())
}

/// Writes a text.
pub(super) fn write_text(
    text: &str,
    escaping: Escaping,
    out: &mut Bounded,
) -> Result<(), TooLarge> {
    match escaping {
        Escaping::Plain => out.write(text),
        Escaping::Mailbox => out.write(&mailbox::shield(text)),
        Escaping::Html => {
            let mut rest = text;
            while let Some(at) = rest.find(['&', '<', '>', '"', '\'', '`', '=']) {
                out.write(&rest[..at])?;
                out.write(reference(rest.as_bytes()[at]))?;
                rest = &rest[at + 1..];
            }
            out.write(rest)
        }
    }
}

fn reference(special: u8) -> &'static str {
    match special {
        b'&' => "&amp;",
        b'<' => "&lt;",
        b'>' => "&gt;",
        b'"' => "&quot;",
        b'\'' => "&#x27;",
        b'`' => "&#x60;",
        _ => "&#x3D;",
    }
}

/// A number as JavaScript writes it (ECMA-262, `Number::toString`), except that integers are never
/// rounded.
fn number_text(number: &Number) -> String {
    let Some(float) = number.as_f64().filter(|_| number.is_f64()) else {
        return number.to_string();
    };
    if float == 0.0 {
        return "0".to_owned();
    }
    if (1e-6..1e21).contains(&float.abs()) {
        return float.to_string();
    }
    let exponential = format!("{float:e}");
    if exponential.contains("e-") { exponential } else { exponential.replace('e', "e+") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_written_the_way_javascript_does() {
        for (value, text) in [
            (json!(null), ""),
            (json!(true), "true"),
            (json!(12), "12"),
            (json!(1.0), "1"),
            (json!(-0.0), "0"),
            (json!(0.5), "0.5"),
            (json!(1e21), "1e+21"),
            (json!(1.5e-7), "1.5e-7"),
            (json!(0.000_001), "0.000001"),
            (json!(u64::MAX), "18446744073709551615"),
            (json!({"a": 1}), "[object Object]"),
            (json!([1, null, [2, 3], {"a": 1}, "x"]), "1,,2,3,[object Object],x"),
        ] {
            let mut out = Bounded::for_template(0);
            write_value(&value, Escaping::Plain, &mut out).expect("far below the limit");
            assert_eq!(out.text, text);
        }
    }

    #[test]
    fn html_is_escaped() {
        for (escaping, text) in [
            (Escaping::Html, "&lt;a href&#x3D;&quot;x&quot;&gt;&#x27;&amp;é&#x60;&lt;/a&gt;"),
            (Escaping::Plain, "<a href=\"x\">'&é`</a>"),
        ] {
            let mut out = Bounded::for_template(0);
            write_text("<a href=\"x\">'&é`</a>", escaping, &mut out).expect("below the limit");
            assert_eq!(out.text, text);
        }
    }

    #[test]
    fn output_stops_at_its_limit() {
        let mut out = Bounded::for_template(0);
        let half = "x".repeat(MAX_PART / 2);
        assert!(out.write(&half).is_ok() && out.write(&half).is_ok());
        assert!(out.write("x").is_err());
        assert_eq!(out.text.len(), MAX_PART);
    }
}
