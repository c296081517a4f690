//! A line of REQUESTS: a request, or what is wrong with it.
//!
//! What is found is described and not quoted, since it may hold a code; names of members are.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use super::lines::{LONGEST, Line};
use super::name::{Name, digest_of};
use smtp_connector::{Error, ErrorKind, Result};
use smtp_connector::{Request, TemplateOverride};

/// The longest `id`, in bytes: it stands in each result and each note.
const LONGEST_ID: usize = 1024;

/// How many characters of an unknown member's name are shown.
const SHOWN: usize = 40;

/// What a line is to be, for people.
const SHAPE: &str = "write one JSON object in each line: \
    {\"to\":\"user@example.com\",\"type\":\"SignIn\",\"payload\":{\"code\":\"482913\"}}, \
    and maybe `locale`, `template`, `id`";

/// What stands in a line.
pub(super) struct Entry {
    /// Which request it is. A line that cannot be read has no `id`.
    pub(super) name: Name,
    /// The request, or why there is none.
    pub(super) request: Result<Request>,
}

impl Entry {
    /// Reads a line. The digest is spared where no run resumes this one.
    pub(super) fn read(line: &Line<'_>, resumable: bool) -> Self {
        let members = members(line);
        let id = match &members {
            Ok(members) => members.id(),
            Err(_) => Ok(None),
        };
        let (id, bad_id) = match id {
            Ok(id) => (id, None),
            Err(error) => (None, Some(error)),
        };
        let digest = (resumable && id.is_none()).then(|| digest_of(line.content));
        let request = match (members, bad_id) {
            (Err(error), _) | (Ok(_), Some(error)) => Err(error),
            (Ok(members), None) => members.request(),
        };
        Self { name: Name { line: line.number, id, digest }, request }
    }
}

fn members<'a>(line: &Line<'a>) -> Result<Members<'a>> {
    if line.is_overlong() {
        let message = format!("the line has {} bytes; at most {LONGEST} are read", line.length);
        return Err(Error::new(ErrorKind::Payload, message));
    }
    let text = std::str::from_utf8(line.content).map_err(|error| {
        let message =
            format!("the line is not UTF-8: byte {} begins no character", error.valid_up_to());
        Error::new(ErrorKind::Payload, message).with_hint("save the file in the encoding UTF-8")
    })?;
    // Some editors begin a file with a byte order mark, which is no part of the JSON.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !text.starts_with('{') {
        let message = format!("the line is {}, not an object", kind_of(text));
        return Err(Error::new(ErrorKind::Payload, message).with_hint(SHAPE));
    }
    serde_json::from_str(text).map_err(|error| {
        // The line is always the first one: only the column tells.
        let problem = error.to_string();
        let problem = problem.split(" at line ").next().unwrap_or_default();
        let message = format!("column {}: {problem}", error.column());
        Error::new(ErrorKind::Payload, message).with_hint(SHAPE)
    })
}

/// The members of a request, as they are written.
#[derive(Default)]
struct Members<'a> {
    to: Option<&'a RawValue>,
    usage_type: Option<&'a RawValue>,
    payload: Option<&'a RawValue>,
    locale: Option<&'a RawValue>,
    template: Option<&'a RawValue>,
    id: Option<&'a RawValue>,
    /// A member that there is twice, or that no request has.
    surplus: Option<String>,
}

impl Members<'_> {
    fn id(&self) -> Result<Option<String>> {
        let id = match self.id {
            None => return Ok(None),
            // A number is as good a name as a string, and is the same name as its digits in quotes.
            Some(id) if kind_of(id.get()) == "a number" => id.get().to_owned(),
            Some(id) => string("id", id, ErrorKind::Payload)?,
        };
        match id.len() {
            0 => Err(Error::new(ErrorKind::Payload, "`id` is empty")
                .with_hint("leave it out, or name the request")),
            1..=LONGEST_ID => Ok(Some(id)),
            length => {
                let message = format!("`id` has {length} bytes; at most {LONGEST_ID} are read");
                Err(Error::new(ErrorKind::Payload, message))
            }
        }
    }

    fn request(self) -> Result<Request> {
        if let Some(surplus) = self.surplus {
            return Err(Error::new(ErrorKind::Payload, surplus).with_hint(SHAPE));
        }
        let to =
            self.to.ok_or_else(|| missing("to", ErrorKind::Address, "the recipient's address"))?;
        let to = string("to", to, ErrorKind::Address)?;
        let what = "what the message is for, such as \"SignIn\"";
        let usage_type =
            self.usage_type.ok_or_else(|| missing("type", ErrorKind::Payload, what))?;
        let mut request = Request::new(string("type", usage_type, ErrorKind::Payload)?, to);
        if let Some(payload) = self.payload {
            if kind_of(payload.get()) != "an object" {
                return Err(mistyped("payload", payload, "an object", ErrorKind::Payload));
            }
            request = request.payload_text(payload.get());
        }
        if let Some(locale) = self.locale {
            request = request.locale(string("locale", locale, ErrorKind::Payload)?);
        }
        if let Some(template) = self.template {
            request = request.template(override_of(template)?);
        }
        Ok(request)
    }
}

fn override_of(template: &RawValue) -> Result<TemplateOverride> {
    serde_json::from_str(template.get()).map_err(|error| {
        let problem = error.to_string();
        let problem = problem.split(" at line ").next().unwrap_or_default();
        Error::new(ErrorKind::Template, format!("`template`: {problem}")).with_hint(
            "write an object with `subject` and `content`, and maybe `contentType`, `replyTo`, \
            `sendFrom`",
        )
    })
}

fn string(name: &str, value: &RawValue, kind: ErrorKind) -> Result<String> {
    if kind_of(value.get()) != "a string" {
        return Err(mistyped(name, value, "a string", kind));
    }
    serde_json::from_str(value.get()).map_err(|_| {
        Error::new(kind, format!("`{name}` has an escape that stands for no character"))
    })
}

fn missing(name: &str, kind: ErrorKind, what: &str) -> Error {
    Error::new(kind, format!("`{name}` is missing")).with_hint(format!("add `{name}`: {what}"))
}

fn mistyped(name: &str, found: &RawValue, expected: &str, kind: ErrorKind) -> Error {
    let found = kind_of(found.get());
    Error::new(kind, format!("`{name}` is {found}, not {expected}"))
        .with_hint(format!("write {expected}"))
}

/// What a JSON text is, as far as its beginning tells.
fn kind_of(text: &str) -> &'static str {
    match (text, text.bytes().next()) {
        ("null", _) => "null",
        ("true" | "false", _) => "a boolean",
        (_, Some(b'{')) => "an object",
        (_, Some(b'[')) => "a list",
        (_, Some(b'"')) => "a string",
        (_, Some(b'-' | b'0'..=b'9')) => "a number",
        _ => "plain text",
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reader)
    }
}

/// Takes the members of an object apart, each as it is written; `null` is absent.
struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Members::default();
        while let Some(Key(name)) = map.next_key()? {
            let value = Some(map.next_value::<&RawValue>()?);
            let place = match name.as_ref() {
                "to" => &mut members.to,
                "type" => &mut members.usage_type,
                "payload" => &mut members.payload,
                "locale" => &mut members.locale,
                "template" => &mut members.template,
                "id" => &mut members.id,
                unknown => {
                    let shown: String = unknown.chars().take(SHOWN).collect();
                    members.surplus = Some(format!("the member `{shown}` is unknown"));
                    continue;
                }
            };
            if place.is_some() {
                members.surplus = Some(format!("the member `{name}` is there twice"));
            }
            *place = value.filter(|value| value.get() != "null");
        }
        Ok(members)
    }
}

/// A member's name, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests;
