//! Reads a configuration once, without a tree, before it crosses the boundary: each non-empty
//! secret string becomes a reference that names its place, its value goes to the secret store, and
//! what the host wants to know itself is kept aside.

use std::fmt;
use std::ops::Range;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use percent_encoding::percent_decode_str;

use super::Declared;
use super::locate::escape;
use super::scalars::{self, Scalars};
use super::secret_names;
use super::url::Confidential;
use crate::diagnostic::Diagnostic;
use crate::plan::SecretRef;
use crate::secrets::{Secret, SecretStore, Source};

/// What belongs to the message is no secret of the connection, whatever its name.
const MESSAGE_KEYS: [&str; 2] = ["customHeaders", "templates"];

/// How many bytes the places of all secrets, and of what the host reads itself, may take together.
/// Some dozens are usual, and thousands fit; without a bound a long name above many secrets would
/// be written once for each of them.
const MAX_PLACES: usize = 1 << 20;

/// What a secret costs beside the name of its place.
const PLACE_OVERHEAD: usize = 64;

/// How a reference begins; the contract states it.
const SECRET_PREFIX: &str = include_str!("../../wit/secret-prefix.txt");

/// Why the secrets could not be taken out.
#[derive(Debug)]
pub(crate) enum Unmaskable {
    /// The text is not JSON.
    NotJson(serde_json::Error),
    /// There are more secrets, certificates or parameters than any configuration needs.
    TooComplex,
}

/// A configuration without its secrets.
pub(crate) struct Masked {
    /// The text that the component sees.
    pub(crate) text: String,
    /// The secrets.
    pub(crate) secrets: SecretStore,
    /// Where values stand that no report may quote: inline secrets, and URLs with user information.
    pub(crate) unquotable: Vec<String>,
    /// What the host holds a plan against.
    pub(crate) declared: Declared,
}

/// Where a component says that secrets stand.
#[derive(Debug)]
pub(crate) struct SecretPaths(Vec<Vec<String>>);

impl SecretPaths {
    /// Reads JSON Pointers in which `*` stands for any one token.
    pub(crate) fn new<'a>(pointers: impl IntoIterator<Item = &'a str>) -> Self {
        let tokens = |pointer: &str| pointer.split('/').skip(1).map(str::to_owned).collect();
        Self(pointers.into_iter().map(tokens).collect())
    }

    fn contain(&self, path: &[String]) -> bool {
        let matches = |pattern: &Vec<String>| {
            pattern.len() == path.len()
                && pattern
                    .iter()
                    .zip(path)
                    .all(|(pattern, token)| pattern == "*" || pattern == token)
        };
        self.0.iter().any(matches)
    }

    /// Takes the secrets out of a configuration.
    pub(crate) fn mask(&self, text: &str) -> Result<Masked, Unmaskable> {
        let mut masker = Masker {
            paths: self,
            path: Vec::new(),
            out: String::with_capacity(text.len()),
            secrets: SecretStore::default(),
            unquotable: Vec::new(),
            scalars: Scalars::default(),
            findings: Vec::new(),
            room: MAX_PLACES,
            full: false,
        };
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let read = Value { masker: &mut masker, secret: false }.deserialize(&mut deserializer);
        match read.and_then(|_| deserializer.end()) {
            Err(_) if masker.full => return Err(Unmaskable::TooComplex),
            read => read.map_err(Unmaskable::NotJson)?,
        }
        let declared = Declared::read(masker.scalars, masker.findings);
        let Masker { out: text, secrets, unquotable, .. } = masker;
        Ok(Masked { text, secrets, unquotable, declared })
    }
}

/// The reference that stands in the place of a secret.
fn reference(pointer: &str) -> String {
    format!("{SECRET_PREFIX}{pointer}")
}

struct Masker<'p> {
    paths: &'p SecretPaths,
    /// The reference tokens down to the current value, escaped as in a pointer.
    path: Vec<String>,
    out: String,
    secrets: SecretStore,
    unquotable: Vec<String>,
    scalars: Scalars,
    findings: Vec<Diagnostic>,
    /// What is left for the names of places.
    room: usize,
    full: bool,
}

impl Masker<'_> {
    fn pointer(&self) -> String {
        self.path.iter().fold(String::new(), |pointer, token| pointer + "/" + token)
    }

    fn enter(&mut self, key: &str) -> bool {
        self.path.push(escape(key));
        !self.in_message() && (self.paths.contain(&self.path) || secret_names::contain(key))
    }

    /// Writes a value, and keeps it where the host reads it itself.
    fn write<E: Error>(&mut self, value: serde_json::Value) -> Result<(), E> {
        self.out.push_str(&value.to_string());
        if scalars::is_read(&self.path) {
            let pointer = self.place()?;
            self.scalars.keep(pointer, value);
        }
        Ok(())
    }

    /// The current place, which is kept.
    fn place<E: Error>(&mut self) -> Result<String, E> {
        let length: usize = self.path.iter().map(|token| token.len() + 1).sum();
        match self.room.checked_sub(length + PLACE_OVERHEAD) {
            Some(room) => self.room = room,
            None => {
                self.full = true;
                return Err(E::custom("too complex"));
            }
        }
        Ok(self.pointer())
    }

    /// Writes a string, masked where it is a secret or a URL that carries one.
    fn string<E: Error>(&mut self, text: &str, secret: bool) -> Result<(), E> {
        if secret && !text.is_empty() && !self.is_url_key() {
            let pointer = self.place()?;
            self.unquotable.push(pointer.clone());
            self.write(reference(&pointer).into())?;
            self.secrets.keep(pointer, Source::Inline(Secret::new(text)));
            return Ok(());
        }
        // Only where nothing but a URL belongs is one without `//` looked for: elsewhere
        // `Team: a@b.example` reads like it.
        let found = if self.is_url_key() {
            Confidential::find_in_url(text)
        } else if text.contains("://") && !self.in_message() {
            Confidential::find(text)
        } else {
            Confidential::default()
        };
        if !found.has_userinfo && found.secrets.is_empty() {
            return self.write(text.into());
        }
        let pointer = self.place()?;
        self.unquotable.push(pointer.clone());
        self.url(text, &pointer, &found.secrets)
    }

    /// Writes a URL without its secrets; the secret store keeps the first, which is the password
    /// where there is one.
    fn url<E: Error>(
        &mut self,
        text: &str,
        pointer: &str,
        secrets: &[Range<usize>],
    ) -> Result<(), E> {
        let reference = reference(pointer).replace(':', "%3A").replace('/', "%2F");
        let mut masked = String::with_capacity(text.len());
        let mut next = 0;
        for secret in secrets {
            masked.push_str(&text[next..secret.start]);
            masked.push_str(&reference);
            next = secret.end;
        }
        masked.push_str(&text[next..]);
        if let Some(secret) = secrets.first() {
            let encoded = percent_decode_str(&text[secret.clone()]);
            if self.is_url_key() && encoded.clone().decode_utf8().is_err() {
                self.findings.push(undecodable(pointer));
            }
            let secret = Secret::new(encoded.decode_utf8_lossy());
            self.secrets.keep(pointer.to_owned(), Source::Inline(secret));
        }
        self.write(masked.into())
    }

    /// Whether the current value belongs to the message.
    fn in_message(&self) -> bool {
        self.path.first().is_some_and(|first| MESSAGE_KEYS.contains(&first.as_str()))
    }

    /// Forgets what an earlier key of the same name held.
    fn forget(&mut self) {
        if scalars::may_hold(&self.path) {
            let pointer = self.pointer();
            self.scalars.forget(&pointer);
        }
    }

    /// Whether the current key holds a URL, of which only the password is a secret.
    fn is_url_key(&self) -> bool {
        matches!(self.path.as_slice(), [key] if key == "url" || key == "proxy")
    }
}

fn undecodable(pointer: &str) -> Diagnostic {
    let problem = "holds an encoded character in its password that is not UTF-8";
    Diagnostic::error(pointer, "invalid-url", problem)
        .with_help("encode the UTF-8 octets of each character: `é` is `%C3%A9`")
}

/// One value on its way from the text to the masked text.
struct Value<'m, 'p> {
    masker: &'m mut Masker<'p>,
    secret: bool,
}

impl<'de> DeserializeSeed<'de> for Value<'_, '_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Writes the value; yields a string's text, for the caller may be an object that names a source.
impl<'de> Visitor<'de> for Value<'_, '_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        self.masker.out.push_str("null");
        Ok(None)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        self.masker.write(value.into())?;
        Ok(None)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        self.masker.write(value.into())?;
        Ok(None)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        self.masker.write(value.into())?;
        Ok(None)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        self.masker.write(value.into())?;
        Ok(None)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        self.masker.string(value, self.secret)?;
        Ok(Some(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        self.masker.out.push('[');
        let mut index = 0_usize;
        loop {
            let secret = self.masker.enter(&index.to_string()) || self.secret;
            let before = self.masker.out.len();
            if index > 0 {
                self.masker.out.push(',');
            }
            let more = list.next_element_seed(Value { masker: self.masker, secret })?.is_some();
            self.masker.path.pop();
            if !more {
                self.masker.out.truncate(before);
                break;
            }
            index += 1;
        }
        self.masker.out.push(']');
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        self.masker.out.push('{');
        let mut members = 0_usize;
        let mut source = None;
        while let Some(key) = map.next_key::<String>()? {
            if members > 0 {
                self.masker.out.push(',');
            }
            members += 1;
            self.masker.out.push_str(&serde_json::Value::from(key.as_str()).to_string());
            self.masker.out.push(':');
            // Where a secret may stand, `env` and `file` name a source and are no secrets
            // themselves.
            let names_source = self.secret && (key == "env" || key == "file");
            let secret = self.masker.enter(&key) || (self.secret && !names_source);
            self.masker.forget();
            let text = map.next_value_seed(Value { masker: self.masker, secret })?;
            self.masker.path.pop();
            if let Some(text) = text.filter(|_| names_source) {
                source =
                    Some(if key == "env" { Source::Environment(text) } else { Source::File(text) });
            }
        }
        self.masker.out.push('}');
        if let Some(source) = source.filter(|_| members == 1) {
            let pointer = self.masker.place()?;
            self.masker.secrets.keep(pointer, source);
        }
        Ok(None)
    }
}

/// The place of a secret as a plan refers to it.
impl From<&str> for SecretRef {
    fn from(pointer: &str) -> Self {
        Self(pointer.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::documents;

    fn mask(text: &str) -> Masked {
        let declared = [
            "/auth/pass",
            "/proxy",
            "/url",
            "/tls/key",
            "/dkim/keys/*/privateKey",
            "/auth/customParams/*",
        ];
        SecretPaths::new(declared).mask(text).expect("the text is JSON")
    }

    #[test]
    fn secrets_become_references_and_everything_else_stays() {
        let cases = [
            (
                r#"{"auth":{"user":"u","pass":"p1"}}"#,
                r#"{"auth":{"user":"u","pass":"secret:/auth/pass"}}"#,
            ),
            (r#"{"auth":{"pass":""}}"#, r#"{"auth":{"pass":""}}"#),
            (r#"{"auth":{"pass":{"env":"NAME"}}}"#, r#"{"auth":{"pass":{"env":"NAME"}}}"#),
            (
                r#"{"auth":{"pass":[1,null,true,2.5,-3]}}"#,
                r#"{"auth":{"pass":[1,null,true,2.5,-3]}}"#,
            ),
            (
                r#"{"tls":{"key":["a","b"]}}"#,
                r#"{"tls":{"key":["secret:/tls/key/0","secret:/tls/key/1"]}}"#,
            ),
            (r#"{"x":{"API_KEY":"k"}}"#, r#"{"x":{"API_KEY":"secret:/x/API_KEY"}}"#),
            (
                r#"{"auth":{"privateKey":{"key":"k","passphrase":"w"}}}"#,
                concat!(
                    r#"{"auth":{"privateKey":{"key":"secret:/auth/privateKey/key","#,
                    r#""passphrase":"secret:/auth/privateKey/passphrase"}}}"#
                ),
            ),
            (r#"{"proxy":"http://u:p%40@h:1"}"#, r#"{"proxy":"http://u:secret%3A%2Fproxy@h:1"}"#),
            (
                r#"{"url":"smtps://h?tls.passphrase=w&a=b"}"#,
                r#"{"url":"smtps://h?tls.passphrase=secret%3A%2Furl&a=b"}"#,
            ),
            (r#"{"proxy":"//u:p@h:1"}"#, r#"{"proxy":"//u:secret%3A%2Fproxy@h:1"}"#),
            (r#"{"auth":{"pass":"abc:def@ghi"}}"#, r#"{"auth":{"pass":"secret:/auth/pass"}}"#),
            (r#"{"replyTo":"Team: a@b, c@d"}"#, r#"{"replyTo":"Team: a@b, c@d"}"#),
            (r#"{"proxy":"socks5://h:1"}"#, r#"{"proxy":"socks5://h:1"}"#),
            (
                r#"{"templates":[{"content":"see http://a:b@c","token":"t"}]}"#,
                r#"{"templates":[{"content":"see http://a:b@c","token":"t"}]}"#,
            ),
            (
                r#"{"customHeaders":{"token":"http://a:b@c"}}"#,
                r#"{"customHeaders":{"token":"http://a:b@c"}}"#,
            ),
            (r#"{"a/b":{"secret":"s"}}"#, r#"{"a/b":{"secret":"secret:/a~1b/secret"}}"#),
            ("[]", "[]"),
            ("\"x\"", "\"x\""),
        ];
        for (text, expected) in cases {
            assert_eq!(mask(text).text, expected, "{text}");
        }
    }

    #[test]
    fn the_secret_store_gives_back_what_was_taken_out() {
        let masked = mask(concat!(
            r#"{"auth":{"pass":"päss\n"},"url":"smtp:u:a%40b@h","#,
            r#""dkim":{"keys":[{"privateKey":"k"}]}}"#
        ));
        for (pointer, expected) in
            [("/auth/pass", "päss\n"), ("/url", "a@b"), ("/dkim/keys/0/privateKey", "k")]
        {
            let secret = masked.secrets.resolve(&pointer.into()).expect("kept");
            assert_eq!(secret.expose(), expected);
        }
        assert!(masked.secrets.resolve(&"/auth/user".into()).is_err());
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_place() {
        let paths = SecretPaths::new([]);
        let Err(Unmaskable::NotJson(error)) = paths.mask("{\"a\": tru}") else {
            panic!("that is no JSON")
        };
        assert_eq!((error.line(), error.column()), (1, 10));
        for text in ["[".repeat(1000), "{} {}".to_owned()] {
            assert!(matches!(paths.mask(&text), Err(Unmaskable::NotJson(_))));
        }
    }

    #[test]
    fn no_name_is_written_for_ever() {
        let name = "n".repeat(MAX_PLACES / 8);
        let secrets = |count: usize| {
            let members: Vec<_> =
                (0..count).map(|index| format!(r#"{{"pass":"p{index}"}}"#)).collect();
            SecretPaths::new([]).mask(&format!(r#"{{"{name}":[{}]}}"#, members.join(",")))
        };
        assert_eq!(secrets(7).expect("seven fit").secrets.entries().count(), 7);
        assert!(matches!(secrets(8), Err(Unmaskable::TooComplex)));
    }

    proptest::proptest! {
        #[test]
        fn no_secret_is_left_in_what_the_component_sees(document in documents::document()) {
            let text = document.to_string();
            let masked = mask(&text);
            let seen: serde_json::Value =
                serde_json::from_str(&masked.text).expect("it is JSON still");
            let shape = |document| -> Vec<_> {
                documents::places(document).map(|(pointer, _)| pointer).collect()
            };
            proptest::prop_assert_eq!(shape(&document), shape(&seen), "the shape stays");
            for (pointer, value) in documents::places(&document) {
                let (Some(value), Some(shown)) = (value.as_str(), seen.pointer(&pointer)) else {
                    continue;
                };
                let key = pointer.rsplit('/').next().unwrap_or_default();
                let first = pointer.split('/').nth(1).unwrap_or_default();
                let in_message = MESSAGE_KEYS.contains(&first);
                if secret_names::contain(key) && !in_message && !value.is_empty() {
                    let expected = format!("{SECRET_PREFIX}{pointer}");
                    proptest::prop_assert_eq!(shown.as_str(), Some(expected.as_str()));
                    let kept = masked.secrets.resolve(&SecretRef(pointer)).expect("it is kept");
                    proptest::prop_assert_eq!(kept.expose(), value);
                }
            }
        }

        #[test]
        fn no_secret_is_left_in_what_reports_quote(document in documents::document()) {
            let text = document.to_string();
            let masked = mask(&text);
            let unquotable = masked.unquotable.iter().map(String::as_str);
            let quoted = crate::config::blot_out(&text, unquotable);
            let quoted: serde_json::Value =
                serde_json::from_str(&quoted).expect("it is JSON still");
            for pointer in &masked.unquotable {
                proptest::prop_assert_eq!(quoted.pointer(pointer), Some(&"***".into()));
            }
        }
    }
}
