//! From a JSON Pointer to the place in the text, without building a tree.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The byte range of the value at a JSON Pointer (RFC 6901) in a JSON text: the last one where keys repeat.
/// Where there is none, the range of the nearest value above it; none where the text is not JSON.
///
/// # Example
///
/// ```
/// let text = r#"{"auth": {"user": "me"}}"#;
/// assert_eq!(&text[smtp_connector::locate(text, "/auth/user").unwrap()], "\"me\"");
/// assert_eq!(&text[smtp_connector::locate(text, "/auth/pass").unwrap()], "{\"user\": \"me\"}");
/// ```
pub fn locate(text: &str, pointer: &str) -> Option<Range<usize>> {
    let mut found: &RawValue = serde_json::from_str(text).ok()?;
    for token in pointer.split('/').skip(1) {
        match member(found, &unescape(token)) {
            Some(value) => found = value,
            None => break,
        }
    }
    // Both are slices of `text`, so that the difference of their addresses is the offset.
    let start = found.get().as_ptr() as usize - text.as_ptr() as usize;
    Some(start..start + found.get().len())
}

/// The text with the values at these pointers replaced by `"***"`, for reports to quote from. Where keys repeat,
/// each of their values is replaced.
pub(crate) fn blot_out<'p>(text: &str, pointers: impl IntoIterator<Item = &'p str>) -> String {
    let Ok(document) = serde_json::from_str::<&RawValue>(text) else { return text.to_owned() };
    let mut blotter =
        Blotter { pointers: pointers.into_iter().collect(), path: String::new(), found: Vec::new() };
    blotter.visit(document);
    let mut blotted = String::with_capacity(text.len());
    let mut next = 0;
    for value in blotter.found {
        // Both are slices of `text`, so that the difference of their addresses is the offset.
        let start = value.as_ptr() as usize - text.as_ptr() as usize;
        blotted.push_str(&text[next..start]);
        blotted.push_str("\"***\"");
        next = start + value.len();
    }
    blotted + &text[next..]
}

/// Collects the values at some pointers, in the order of the text and none within another.
struct Blotter<'t, 'p> {
    pointers: HashSet<&'p str>,
    /// The pointer of the current value.
    path: String,
    found: Vec<&'t str>,
}

impl<'t> Blotter<'t, '_> {
    fn visit(&mut self, value: &'t RawValue) {
        if self.pointers.contains(self.path.as_str()) {
            self.found.push(value.get());
        } else if value.get().starts_with(['{', '[']) {
            // What was read as a raw value is well-formed.
            let _ = serde_json::Deserializer::from_str(value.get()).deserialize_any(self);
        }
    }

    fn descend(&mut self, token: &str, value: &'t RawValue) {
        let length = self.path.len();
        self.path.push('/');
        self.path.push_str(&token.replace('~', "~0").replace('/', "~1"));
        self.visit(value);
        self.path.truncate(length);
    }
}

impl<'t> Visitor<'t> for &mut Blotter<'t, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
            self.descend(&key, value);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut list: A) -> Result<(), A::Error> {
        let mut index = 0_usize;
        while let Some(value) = list.next_element()? {
            self.descend(&index.to_string(), value);
            index += 1;
        }
        Ok(())
    }
}

/// The value exactly at a pointer, unless it is `null`.
pub(super) fn value<'a>(text: &'a str, pointer: &str) -> Option<&'a RawValue> {
    let mut found: &RawValue = serde_json::from_str(text).ok()?;
    for token in pointer.split('/').skip(1) {
        found = member(found, &unescape(token))?;
    }
    (found.get() != "null").then_some(found)
}

fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

fn member<'a>(value: &'a RawValue, token: &str) -> Option<&'a RawValue> {
    let mut deserializer = serde_json::Deserializer::from_str(value.get());
    deserializer.deserialize_any(Member(token)).ok().flatten()
}

/// Finds one member of an object or element of an array.
struct Member<'t>(&'t str);

impl<'de> Visitor<'de> for Member<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == self.0 {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        let mut index = 0_usize;
        while let Some(value) = list.next_element::<&RawValue>()? {
            if index.to_string() == self.0 {
                found = Some(value);
            }
            index += 1;
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_leads_to_the_text_of_its_value() {
        let text = "{ \"a\": [1, {\"b/c\": \"x\", \"d\": 2}],\n \"d\": true, \"d\" : false }";
        let cases = [
            ("", text),
            ("/a/0", "1"),
            ("/a/1/b~1c", "\"x\""),
            ("/d", "false"),
            ("/a/1/missing", "{\"b/c\": \"x\", \"d\": 2}"),
            ("/a/7", "[1, {\"b/c\": \"x\", \"d\": 2}]"),
            ("/missing/deeper", text),
        ];
        for (pointer, expected) in cases {
            let range = locate(text, pointer).expect("the text is JSON");
            assert_eq!(&text[range], expected, "{pointer}");
        }
        assert_eq!(locate("{", "/a"), None);
    }

    #[test]
    fn blotted_values_are_gone_and_the_rest_stays() {
        let text = r#"{"a": "x", "b": {"c": [1, "y"]}, "d": "z"}"#;
        let blotted = blot_out(text, ["/b/c/1", "/a", "/missing", "/b/c"]);
        assert_eq!(blotted, r#"{"a": "***", "b": {"c": "***"}, "d": "z"}"#);
        let repeated = r#"{"a": {"b": "x", "b": "y"}, "a": {"b": null}, "c/~": [{"b": 1}]}"#;
        let blotted = blot_out(repeated, ["/a/b", "/c~1~0/0"]);
        assert_eq!(blotted, r#"{"a": {"b": "***", "b": "***"}, "a": {"b": "***"}, "c/~": ["***"]}"#);
    }
}
