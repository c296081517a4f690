//! Bodies in JSON. What a platform adds in a later version is passed over, and nothing of a body
//! is quoted: it holds a one-time code.

use serde_json::{Map, Value};

use super::refusal::Refusal;

/// Reads a body that is a JSON object.
pub(super) fn parse(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    serde_json::from_slice(body).map_err(|_| Refusal::malformed("", "is no JSON object"))
}

/// An object of a body, and where it stands. `null` and the empty string are absent.
pub(super) struct Object<'v> {
    members: &'v Map<String, Value>,
    place: String,
}

impl<'v> Object<'v> {
    pub(super) fn root(members: &'v Map<String, Value>) -> Self {
        Self::at("", members)
    }

    /// An object that stands at a JSON Pointer.
    pub(super) fn at(place: impl Into<String>, members: &'v Map<String, Value>) -> Self {
        Self { members, place: place.into() }
    }

    pub(super) fn members(&self) -> &'v Map<String, Value> {
        self.members
    }

    /// The JSON Pointer of a member.
    pub(super) fn pointer(&self, name: &str) -> String {
        format!("{}/{name}", self.place)
    }

    /// The text of a member that must be there.
    pub(super) fn text(&self, name: &str) -> Result<&'v str, Refusal> {
        self.text_or_none(name)?.ok_or_else(|| self.is_missing(name))
    }

    pub(super) fn text_or_none(&self, name: &str) -> Result<Option<&'v str>, Refusal> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Refusal::malformed(self.pointer(name), "is no string")),
        }
    }

    /// The text of the first of these members that is there.
    pub(super) fn first_text(&self, names: &[&str]) -> Result<Option<&'v str>, Refusal> {
        let texts = names.iter().map(|name| self.text_or_none(name));
        texts.filter_map(Result::transpose).next().transpose()
    }

    /// The object of a member that must be there.
    pub(super) fn object(&self, name: &str) -> Result<Self, Refusal> {
        self.object_or_none(name)?.ok_or_else(|| self.is_missing(name))
    }

    pub(super) fn object_or_none(&self, name: &str) -> Result<Option<Self>, Refusal> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Object(members)) => Ok(Some(Self::at(self.pointer(name), members))),
            Some(_) => Err(Refusal::malformed(self.pointer(name), "is no object")),
        }
    }

    /// The objects of a list; none where it is absent.
    pub(super) fn objects(&self, name: &str) -> Result<Vec<Self>, Refusal> {
        let items = match self.value(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(Refusal::malformed(self.pointer(name), "is no list")),
        };
        let read = |(index, item): (usize, &'v Value)| {
            let place = format!("{}/{index}", self.pointer(name));
            match item {
                Value::Object(members) => Ok(Self::at(place, members)),
                _ => Err(Refusal::malformed(place, "is no object")),
            }
        };
        items.iter().enumerate().map(read).collect()
    }

    /// A whole number that is not negative.
    pub(super) fn number_or_none(&self, name: &str) -> Result<Option<u64>, Refusal> {
        let wrong = || Refusal::malformed(self.pointer(name), "is no whole number");
        self.value(name).map(|value| value.as_u64().ok_or_else(wrong)).transpose()
    }

    /// Whether a flag is set.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.value(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(Refusal::malformed(self.pointer(name), "is neither true nor false")),
        }
    }

    pub(super) fn value(&self, name: &str) -> Option<&'v Value> {
        let value = self.members.get(name)?;
        let is_absent = value.is_null() || value.as_str() == Some("");
        (!is_absent).then_some(value)
    }

    pub(super) fn is_missing(&self, name: &str) -> Refusal {
        Refusal::malformed(self.pointer(name), "is missing")
    }
}
