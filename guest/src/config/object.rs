//! Reads JSON objects whose keys are known: each key asked for is marked, and whatever nobody asked for is
//! reported as unknown. `null` counts as absent everywhere.

use serde_json::{Map, Value};

use crate::findings::{Findings, join};

/// One JSON object and where it stands.
#[derive(Debug)]
pub struct Object<'a> {
    pointer: String,
    map: &'a Map<String, Value>,
    known: Vec<&'static str>,
}

impl<'a> Object<'a> {
    /// Reads `value`, which stands at `pointer`, as an object; reports any other type.
    pub fn read(value: &'a Value, pointer: impl Into<String>, findings: &mut Findings) -> Option<Self> {
        let pointer = pointer.into();
        match value {
            Value::Object(map) => Some(Self { pointer, map, known: Vec::new() }),
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

    /// The value of `key`, unless it is absent or `null`.
    pub fn value(&mut self, key: &'static str) -> Option<&'a Value> {
        self.known.push(key);
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

    /// The boolean at `key`.
    pub fn boolean(&mut self, key: &'static str, findings: &mut Findings) -> Option<bool> {
        let value = self.value(key)?;
        let boolean = value.as_bool();
        if boolean.is_none() {
            wrong_type(&self.pointer_to(key), "true or false", value, findings);
        }
        boolean
    }

    /// The object at `key`.
    pub fn object(&mut self, key: &'static str, findings: &mut Findings) -> Option<Object<'a>> {
        let value = self.value(key)?;
        Object::read(value, self.pointer_to(key), findings)
    }

    /// The elements of the array at `key`, each with its pointer.
    pub fn array(&mut self, key: &'static str, findings: &mut Findings) -> Option<Vec<(String, &'a Value)>> {
        let value = self.value(key)?;
        let pointer = self.pointer_to(key);
        let Some(list) = value.as_array() else {
            wrong_type(&pointer, "an array", value, findings);
            return None;
        };
        Some(list.iter().enumerate().map(|(i, value)| (join(&pointer, &i.to_string()), value)).collect())
    }

    /// Reports the keys that nobody asked for, each with the nearest known one.
    pub fn finish(self, findings: &mut Findings) {
        for key in self.map.keys().filter(|key| !self.known.contains(&key.as_str())) {
            unknown_key(&self.pointer, key, &self.known, findings);
        }
    }
}

/// Reports a value of the wrong type without quoting it, for it may be a misplaced secret.
pub(crate) fn wrong_type(pointer: &str, expected: &str, found: &Value, findings: &mut Findings) {
    findings.error(pointer, "wrong-type", format!("expected {expected}, found {}", type_name(found)));
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

fn unknown_key(pointer: &str, key: &str, known: &[&'static str], findings: &mut Findings) {
    let nearest = known
        .iter()
        .map(|candidate| {
            (strsim::damerau_levenshtein(&key.to_lowercase(), &candidate.to_lowercase()), *candidate)
        })
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(1))
        .min()
        .map(|(_, candidate)| candidate);
    let finding =
        findings.warning(join(pointer, key), "unknown-key", "this key is unknown and has no effect");
    match nearest {
        Some(nearest) => finding.help(format!("did you mean `{nearest}`?")),
        None => finding.help("remove it"),
    }
}
