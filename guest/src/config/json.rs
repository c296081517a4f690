//! Parses JSON (RFC 8259) and notices what `serde_json` alone forgives: keys that stand twice in
//! one object.
//!
//! The last of them wins, as everywhere. Depth is bounded by `serde_json`'s own limit of 128.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::findings::join;

/// A document, and where keys stand a second time.
#[derive(Debug)]
pub(super) struct Document {
    /// The value, in which the last of equal keys won.
    pub(super) value: Value,
    /// The JSON Pointers of keys that stand more than once, each of them once.
    pub(super) duplicates: Vec<String>,
}

/// Parses a whole text.
pub(super) fn parse(text: &str) -> Result<Document, serde_json::Error> {
    let mut duplicates = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Reader { place: &Place::Root, duplicates: &mut duplicates }
        .deserialize(&mut deserializer)?;
    deserializer.end()?;
    duplicates.sort();
    duplicates.dedup();
    Ok(Document { value, duplicates })
}

/// Where a value stands. A chain on the stack, so that only duplicates pay for a pointer.
enum Place<'p> {
    Root,
    Member(&'p Self, &'p str),
    Element(&'p Self, usize),
}

impl Place<'_> {
    fn pointer(&self) -> String {
        match self {
            Self::Root => String::new(),
            Self::Member(parent, key) => join(&parent.pointer(), key),
            Self::Element(parent, index) => join(&parent.pointer(), &index.to_string()),
        }
    }
}

struct Reader<'r> {
    place: &'r Place<'r>,
    duplicates: &'r mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        loop {
            let place = Place::Element(self.place, list.len());
            let reader = Reader { place: &place, duplicates: &mut *self.duplicates };
            match elements.next_element_seed(reader)? {
                Some(value) => list.push(value),
                None => return Ok(Value::Array(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            let place = Place::Member(self.place, &key);
            if map.contains_key(&key) {
                self.duplicates.push(place.pointer());
            }
            let reader = Reader { place: &place, duplicates: &mut *self.duplicates };
            let value = members.next_value_seed(reader)?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_reads_as_serde_json_reads_it() {
        let text = r#"{"b":[1,-2,1.5e3,18446744073709551615,"\u00e4",null,true,{}],"a":{"c":[]}}"#;
        let document = parse(text).expect("valid JSON");
        assert_eq!(document.value, serde_json::from_str::<Value>(text).expect("valid JSON"));
        assert_eq!(
            document.value.to_string(),
            serde_json::from_str::<Value>(text).expect("valid").to_string()
        );
        assert!(document.duplicates.is_empty());
    }

    #[test]
    fn equal_keys_are_noticed_at_their_pointers_and_the_last_one_wins() {
        let document =
            parse(r#"{"a":1,"b":[0,{"x/y":1,"x/y":2,"x/y":3}],"a":4}"#).expect("valid JSON");
        assert_eq!(document.duplicates, ["/a", "/b/1/x~1y"]);
        assert_eq!(document.value["a"], 4);
        assert_eq!(document.value["b"][1]["x/y"], 3);
    }

    #[test]
    fn what_is_not_json_fails_with_line_and_column() {
        for (text, place) in [
            ("{\"a\":1,}", "line 1 column 8"),
            ("{} {}", "line 1 column 4"),
            ("", "line 1 column 0"),
            ("{\n\"a\" 1}", "line 2 column 5"),
        ] {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.ends_with(place), "{text}: {error}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let deep = "[".repeat(200) + &"]".repeat(200);
        let error = parse(&deep).expect_err("too deep").to_string();
        assert!(error.starts_with("recursion limit exceeded"), "{error}");
    }
}
