//! Reads JSON objects whose keys are known: each key asked for is marked, and whatever nobody asked
//! for is reported as unknown. `null` counts as absent everywhere.
//!
//! Numbers and secrets have files of their own.

use serde_json::{Map, Value};

use crate::findings::{Findings, join};

/// A key that people write in the wrong place or by another name, and what to write instead.
pub(crate) type Misplaced = (&'static str, &'static str);

/// One JSON object and where it stands.
#[derive(Debug)]
pub struct Object<'a> {
    pointer: String,
    map: &'a Map<String, Value>,
    known: Vec<&'static str>,
    inert: Vec<&'static str>,
}

impl<'a> Object<'a> {
    /// Reads `value`, which stands at `pointer`, as an object; reports any other type.
    pub fn read(
        value: &'a Value,
        pointer: impl Into<String>,
        findings: &mut Findings,
    ) -> Option<Self> {
        let pointer = pointer.into();
        match value {
            Value::Object(map) => Some(Self { pointer, map, known: Vec::new(), inert: Vec::new() }),
            other => {
                wrong_type(&pointer, "an object", other, findings);
                None
            }
        }
    }

    /// Where the object stands.
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// Where the member `key` stands or would stand.
    pub fn pointer_to(&self, key: &str) -> String {
        join(&self.pointer, key)
    }

    /// The keys that the object has, in document order.
    pub fn keys(&self) -> impl Iterator<Item = &'a String> {
        self.map.keys()
    }

    /// The members of an object whose keys are free, in document order, without those that are
    /// `null`.
    pub fn members(&self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.map.iter().filter(|(_, value)| !value.is_null())
    }

    /// Whether `key` has a value that counts: neither `null` nor the empty string. Marks nothing.
    pub fn has(&self, key: &str) -> bool {
        self.map.get(key).is_some_and(|value| !value.is_null() && value != "")
    }

    /// Whether the value of `key` says anything: an empty object or list does not either. Marks
    /// nothing.
    pub fn says(&self, key: &str) -> bool {
        self.map.get(key).is_some_and(|value| !is_blank(value))
    }

    /// The value of `key`, unless it is absent or `null`.
    pub fn value(&mut self, key: &'static str) -> Option<&'a Value> {
        self.known.push(key);
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// The value of a `key` that has no effect, and hence is never proposed in place of an unknown
    /// one.
    pub fn inert(&mut self, key: &'static str) -> Option<&'a Value> {
        self.inert.push(key);
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// The string at `key`.
    pub fn string(&mut self, key: &'static str, findings: &mut Findings) -> Option<&'a str> {
        let value = self.value(key)?;
        let string = value.as_str();
        if string.is_none() {
            wrong_type(&self.pointer_to(key), "a string", value, findings);
        }
        string
    }

    /// The string at `key`, the empty one counting as absent.
    pub fn text(&mut self, key: &'static str, findings: &mut Findings) -> Option<&'a str> {
        self.string(key, findings).filter(|text| !text.is_empty())
    }

    /// The string at `key`, the empty one counting as absent; reports control characters.
    pub fn line(&mut self, key: &'static str, findings: &mut Findings) -> Option<&'a str> {
        let text = self.text(key, findings)?;
        if text.contains(char::is_control) {
            findings
                .error(
                    self.pointer_to(key),
                    "control-character",
                    "holds a line break or another control character",
                )
                .help("write it in one line");
            return None;
        }
        Some(text)
    }

    /// The boolean at `key`.
    pub fn boolean(&mut self, key: &'static str, findings: &mut Findings) -> Option<bool> {
        let value = self.value(key)?;
        let boolean = value.as_bool();
        if boolean.is_none() {
            wrong_type(&self.pointer_to(key), "true or false", value, findings);
        }
        boolean
    }

    /// The boolean at `key`, false where absent.
    pub fn flag(&mut self, key: &'static str, findings: &mut Findings) -> bool {
        self.boolean(key, findings).unwrap_or(false)
    }

    /// The object at `key`.
    pub fn object(&mut self, key: &'static str, findings: &mut Findings) -> Option<Self> {
        let value = self.value(key)?;
        Self::read(value, self.pointer_to(key), findings)
    }

    /// The elements of the array at `key`, each with its pointer.
    pub fn array(
        &mut self,
        key: &'static str,
        findings: &mut Findings,
    ) -> Option<Vec<(String, &'a Value)>> {
        let value = self.value(key)?;
        let pointer = self.pointer_to(key);
        let Some(list) = value.as_array() else {
            wrong_type(&pointer, "an array", value, findings);
            return None;
        };
        Some(
            list.iter()
                .enumerate()
                .map(|(i, value)| (join(&pointer, &i.to_string()), value))
                .collect(),
        )
    }

    /// Reports `key` as missing unless it has a value, of whatever type.
    pub fn require(&self, key: &str, message: &str, help: &str, findings: &mut Findings) {
        if !self.has(key) {
            findings.error(self.pointer_to(key), "missing-key", message).help(help);
        }
    }

    /// Reports each key that was asked for, says something and is none of `used` as one without
    /// effect.
    pub fn report_unused(&self, used: &[&str], reason: &str, help: &str, findings: &mut Findings) {
        for (key, value) in self.map {
            let asked = self.known.contains(&key.as_str()) && !used.contains(&key.as_str());
            if asked && !is_blank(value) {
                findings.no_effect(self.pointer_to(key), reason).help(help);
            }
        }
    }

    /// Reports the keys that nobody asked for, each with the nearest known one.
    pub fn finish(self, findings: &mut Findings) {
        self.finish_with(&[], findings);
    }

    /// Reports the keys that nobody asked for. Well-known slips come with their own advice.
    pub(crate) fn finish_with(self, slips: &[Misplaced], findings: &mut Findings) {
        for (key, _) in self.members() {
            if self.known.contains(&key.as_str()) || self.inert.contains(&key.as_str()) {
                continue;
            }
            let advice = slips.iter().find(|(slip, _)| slip.eq_ignore_ascii_case(key));
            let help = match advice {
                Some((_, advice)) => (*advice).to_owned(),
                None => nearest(key, &self.known).map_or_else(
                    || "remove it".to_owned(),
                    |nearest| format!("did you mean `{nearest}`?"),
                ),
            };
            findings
                .warning(
                    self.pointer_to(key),
                    "unknown-key",
                    "this key is unknown and has no effect",
                )
                .help(help);
        }
    }
}

/// Reports a value of the wrong type without quoting it, for it may be a misplaced secret.
pub(crate) fn wrong_type(pointer: &str, expected: &str, found: &Value, findings: &mut Findings) {
    let help = match found {
        Value::String(_)
            if ["true or false", "a number", "a whole number"]
                .iter()
                .any(|e| expected.starts_with(e)) =>
        {
            "write it without quotes".to_owned()
        }
        Value::Number(_) | Value::Bool(_) if expected.starts_with("a string") => {
            "write it in quotes".to_owned()
        }
        _ => format!("write {expected} here"),
    };
    findings
        .error(pointer, "wrong-type", format!("expected {expected}, found {}", type_name(found)))
        .help(help);
}

/// The candidate that a mistyped `word` most likely stands for.
pub(crate) fn nearest<'c>(word: &str, candidates: &[&'c str]) -> Option<&'c str> {
    let tolerance = |candidate: &str| (candidate.len() / 3).max(1);
    // A hostile document may hold a million keys, or one of a million letters: lengths are compared
    // first.
    let near = candidates
        .iter()
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= tolerance(candidate));
    near.map(|candidate| {
        (strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase()), *candidate)
    })
    .filter(|(distance, candidate)| *distance <= tolerance(candidate))
    .min()
    .map(|(_, candidate)| candidate)
}

/// Whether a value says nothing, as forms leave it behind.
fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Diagnostic;
    use serde_json::json;

    fn read(value: &Value, reader: impl FnOnce(&mut Object<'_>, &mut Findings)) -> Vec<Diagnostic> {
        let mut findings = Findings::default();
        let mut object = Object::read(value, "/o", &mut findings).expect("an object");
        reader(&mut object, &mut findings);
        object.finish_with(&[("colour", "write `color`")], &mut findings);
        findings.into_vec()
    }

    #[test]
    fn unknown_keys_come_with_advice() {
        let value = json!({"hsot": 1, "zzz": 2, "Colour": 3, "gone": null, "hst~/": 4});
        let found = read(&value, |object, _| {
            object.value("host");
            object.inert("zz");
        });
        let found: Vec<_> =
            found.iter().map(|d| (d.path.as_str(), d.help.as_deref().unwrap_or(""))).collect();
        assert_eq!(
            found,
            [
                ("/o/hsot", "did you mean `host`?"),
                ("/o/zzz", "remove it"),
                ("/o/Colour", "write `color`"),
                ("/o/hst~0~1", "remove it")
            ]
        );
    }

    #[test]
    fn wrong_types_are_told_and_never_quoted() {
        let value = json!({"s": 1, "b": "x", "o": [], "a": {}});
        let found = read(&value, |object, findings| {
            assert_eq!(object.string("s", findings), None);
            assert_eq!(object.boolean("b", findings), None);
            assert!(object.object("o", findings).is_none());
            assert!(object.array("a", findings).is_none());
        });
        let helps: Vec<_> = found.iter().filter_map(|d| d.help.as_deref()).collect();
        assert_eq!(
            helps,
            [
                "write it in quotes",
                "write it without quotes",
                "write an object here",
                "write an array here"
            ]
        );
        let messages: Vec<_> = found.iter().map(|d| d.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "expected a string, found a number",
                "expected true or false, found a string",
                "expected an object, found an array",
                "expected an array, found an object"
            ]
        );
    }

    #[test]
    fn null_is_absent_and_so_is_the_empty_string_where_text_is_asked_for() {
        let value = json!({"n": null, "e": ""});
        let found = read(&value, |object, findings| {
            assert_eq!(object.string("n", findings), None);
            assert_eq!(object.boolean("n", findings), None);
            assert_eq!(object.string("e", findings), Some(""));
            assert_eq!(object.text("e", findings), None);
            assert!(!object.has("n") && !object.has("e"));
        });
        assert_eq!(found, []);
    }
}
