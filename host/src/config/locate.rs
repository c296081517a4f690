//! From a JSON Pointer to the place in the text, without building a tree.

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

/// The text with the values at these pointers replaced by `"***"`, for reports to quote from.
pub(crate) fn blot_out<'p>(text: &str, pointers: impl IntoIterator<Item = &'p str>) -> String {
    let exact = |pointer| {
        let found = value(text, pointer)?.get();
        let start = found.as_ptr() as usize - text.as_ptr() as usize;
        Some(start..start + found.len())
    };
    let mut ranges: Vec<_> = pointers.into_iter().filter_map(exact).collect();
    ranges.sort_by_key(|range| range.start);
    let mut blotted = String::with_capacity(text.len());
    let mut next = 0;
    for range in ranges.into_iter().filter(|range| !range.is_empty()) {
        // A range within the one before is gone already.
        if range.start >= next {
            blotted.push_str(&text[next..range.start]);
            blotted.push_str("\"***\"");
            next = range.end;
        }
    }
    blotted + &text[next..]
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
    }
}
