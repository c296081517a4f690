//! From JSON Pointers to places in the text: in one walk for any number of them, without building a
//! tree.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The byte range of the value at a JSON Pointer (RFC 6901) in a JSON text: the last one where keys
/// repeat. Where there is none, the range of the nearest value above it; none where the text is not
/// JSON.
///
/// # Example
///
/// ```
/// let text = r#"{"auth": {"user": "me"}}"#;
/// assert_eq!(&text[smtp_connector::locate(text, "/auth/user").unwrap()], "\"me\"");
/// assert_eq!(&text[smtp_connector::locate(text, "/auth/pass").unwrap()], "{\"user\": \"me\"}");
/// ```
pub fn locate(text: &str, pointer: &str) -> Option<Range<usize>> {
    locate_all(text, &[pointer]).pop().flatten()
}

/// Does as [`locate`] for each of these pointers.
///
/// # Example
///
/// ```
/// let text = r#"{"host": "a", "port": 25}"#;
/// let places = smtp_connector::locate_all(text, &["/port", "/host"]);
/// let texts: Vec<_> = places.into_iter().flatten().map(|place| &text[place]).collect();
/// assert_eq!(texts, ["25", "\"a\""]);
/// ```
pub fn locate_all(text: &str, pointers: &[&str]) -> Vec<Option<Range<usize>>> {
    let mut places = vec![None; pointers.len()];
    // The nearest value above is met before the value, and an earlier value before a repeated one.
    walk(text, pointers, &mut |index, range, _| places[index] = Some(range));
    places
}

/// The text with the values at these pointers replaced by `"***"`, for reports to quote from: all
/// of them where keys repeat.
pub(crate) fn blot_out<'p>(text: &str, pointers: impl IntoIterator<Item = &'p str>) -> String {
    let pointers: Vec<_> = pointers.into_iter().collect();
    let mut ranges = Vec::new();
    walk(text, &pointers, &mut |_, range, exact| {
        if exact && &text[range.clone()] != "null" {
            ranges.push(range);
        }
    });
    ranges.sort_by_key(|range| range.start);
    let mut blotted = String::with_capacity(text.len());
    let mut next = 0;
    for range in ranges {
        // A range within the one before is gone already.
        if range.start >= next {
            blotted.push_str(&text[next..range.start]);
            blotted.push_str("\"***\"");
            next = range.end;
        }
    }
    blotted + &text[next..]
}

/// What a walk tells of each value on the way to a pointer: the pointer's index, where the value
/// stands, and whether it is the pointer's own.
type Visit<'v> = dyn FnMut(usize, Range<usize>, bool) + 'v;

/// Visits each value on the way to any of the pointers, in the order of the text.
fn walk(text: &str, pointers: &[&str], visit: &mut Visit<'_>) {
    let Ok(root) = serde_json::from_str::<&RawValue>(text) else { return };
    let mut wanted: Vec<_> = pointers.iter().copied().enumerate().collect();
    wanted.sort_by(|(_, one), (_, other)| one.split('/').cmp(other.split('/')));
    Walk { text, visit }.enter(root, &wanted, 1);
}

struct Walk<'t, 'v, 'f> {
    text: &'t str,
    visit: &'f mut Visit<'v>,
}

impl<'t> Walk<'t, '_, '_> {
    /// Visits a value for the pointers that lead to it or through it. They are sorted, and alike in
    /// the tokens ahead of number `depth`.
    fn enter(&mut self, value: &'t RawValue, wanted: &[(usize, &str)], depth: usize) {
        // Both are slices of one text, so that the difference of their addresses is the offset.
        let start = value.get().as_ptr() as usize - self.text.as_ptr() as usize;
        let deeper = wanted.partition_point(|(_, pointer)| token(pointer, depth).is_none());
        for (position, (index, _)) in wanted.iter().enumerate() {
            (self.visit)(*index, start..start + value.get().len(), position < deeper);
        }
        if deeper < wanted.len() {
            let members = Members { walk: self, wanted: &wanted[deeper..], depth };
            // The value is a part of a text that has been read.
            let _ = serde_json::Deserializer::from_str(value.get()).deserialize_any(members);
        }
    }
}

/// A token of a pointer, as it is written there.
fn token(pointer: &str, depth: usize) -> Option<&str> {
    pointer.split('/').nth(depth)
}

/// The members of an object, or the elements of an array, on the way.
struct Members<'w, 't, 'v, 'f, 'p> {
    walk: &'w mut Walk<'t, 'v, 'f>,
    wanted: &'w [(usize, &'p str)],
    depth: usize,
}

impl<'w, 'p> Members<'w, '_, '_, '_, 'p> {
    /// The pointers that lead to or through a member.
    fn through(&self, name: &str) -> &'w [(usize, &'p str)] {
        let order = |pointer: &str| {
            token(pointer, self.depth).map_or(Ordering::Less, |token| token.cmp(name))
        };
        let start = self.wanted.partition_point(|(_, pointer)| order(pointer) == Ordering::Less);
        let length =
            self.wanted[start..].partition_point(|(_, pointer)| order(pointer) == Ordering::Equal);
        &self.wanted[start..start + length]
    }
}

impl<'t> Visitor<'t> for Members<'_, 't, '_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let wanted = self.through(&escape(&key));
            if wanted.is_empty() {
                map.next_value::<IgnoredAny>()?;
            } else {
                self.walk.enter(map.next_value()?, wanted, self.depth + 1);
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut list: A) -> Result<(), A::Error> {
        let mut index = 0_usize;
        while let Some(value) = list.next_element::<&RawValue>()? {
            let wanted = self.through(&index.to_string());
            if !wanted.is_empty() {
                self.walk.enter(value, wanted, self.depth + 1);
            }
            index += 1;
        }
        Ok(())
    }
}

/// A name as a token of a pointer.
pub(super) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
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
        let pointers = cases.map(|(pointer, _)| pointer);
        let expected = cases.map(|(_, value)| Some(value));
        let places = locate_all(text, &pointers).into_iter();
        assert_eq!(places.map(|place| Some(&text[place?])).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_repeated_key_hides_what_was_in_the_one_before() {
        let text = r#"{"a": {"b": 1}, "a": {"c": 2}}"#;
        assert_eq!(locate(text, "/a/c").map(|range| &text[range]), Some("2"));
        assert_eq!(locate(text, "/a/b").map(|range| &text[range]), Some(r#"{"c": 2}"#));
    }

    #[test]
    fn blotted_values_are_gone_and_the_rest_stays() {
        let text = r#"{"a": "x", "b": {"c": [1, "y"]}, "d": "z"}"#;
        let blotted = blot_out(text, ["/b/c/1", "/a", "/missing", "/b/c"]);
        assert_eq!(blotted, r#"{"a": "***", "b": {"c": "***"}, "d": "z"}"#);
        let repeated = r#"{"a": {"b": "x"}, "a-c": 1, "a": {"b": "y"}, "a": null}"#;
        let blotted = blot_out(repeated, ["/a/b", "/a-c", "/a"]);
        assert_eq!(blotted, r#"{"a": "***", "a-c": "***", "a": "***", "a": null}"#);
    }

    proptest::proptest! {
        #[test]
        fn every_place_is_found(document in crate::config::documents::document()) {
            for text in [document.to_string(), format!("{document:#}")] {
                for (pointer, value) in crate::config::documents::places(&document) {
                    let range = locate(&text, &pointer);
                    let found = range.and_then(|range| serde_json::from_str(&text[range]).ok());
                    proptest::prop_assert_eq!(found.as_ref(), Some(value), "{}", pointer);
                }
            }
        }
    }
}
