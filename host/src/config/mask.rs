//! Takes the secrets out of a configuration before it crosses the boundary: each non-empty secret
//! string becomes a reference that names its place, and the value goes to the secret store. One pass over
//! the text, no tree.

use std::fmt;
use std::ops::Range;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::locate::escape;
use super::url::{Url, percent_decode};
use crate::plan::SecretRef;
use crate::secrets::{Secret, SecretStore, Source};

/// Names of secrets wherever they stand, in lower case and without separators. They are masked
/// whatever a component declares, so that a secret in the wrong place stays one.
const SECRET_NAMES: [&str; 23] = [
    "accesskey",
    "accesstoken",
    "apikey",
    "apitoken",
    "authtoken",
    "bearertoken",
    "clientassertion",
    "clientsecret",
    "credential",
    "idtoken",
    "pass",
    "passphrase",
    "passwd",
    "password",
    "pfx",
    "privatekey",
    "pwd",
    "refreshtoken",
    "secret",
    "secretaccesskey",
    "secretkey",
    "token",
    "userpassword",
];

/// What belongs to the message is no secret of the connection, whatever its name.
const MESSAGE_KEYS: [&str; 2] = ["customHeaders", "templates"];

/// How many bytes the places of all secrets may take together. Some dozens of secrets are usual,
/// and thousands fit; without a bound a long name above many secrets would be written once for each
/// of them.
const MAX_PLACES: usize = 1 << 20;

/// What a secret costs beside the name of its place.
const PLACE_OVERHEAD: usize = 64;

/// Why the secrets could not be taken out.
#[derive(Debug)]
pub(crate) enum Unmaskable {
    /// The text is not JSON.
    NotJson(serde_json::Error),
    /// There are more secrets than any configuration needs.
    TooManySecrets,
}

/// A configuration without its secrets.
pub(crate) struct Masked {
    /// The text that the component sees.
    pub(crate) text: String,
    /// The secrets.
    pub(crate) secrets: SecretStore,
    /// Where values stand that no report may quote: inline secrets, and URLs with user information.
    pub(crate) unquotable: Vec<String>,
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
            room: MAX_PLACES,
            full: false,
        };
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let read = Value { masker: &mut masker, secret: false }.deserialize(&mut deserializer);
        match read.and_then(|_| deserializer.end()) {
            Err(_) if masker.full => return Err(Unmaskable::TooManySecrets),
            read => read.map_err(Unmaskable::NotJson)?,
        }
        let unquotable = masker.unquotable;
        Ok(Masked { text: masker.out, secrets: masker.secrets, unquotable })
    }
}

/// The reference that stands in the place of a secret.
fn reference(pointer: &str) -> String {
    format!("secret:{pointer}")
}

struct Masker<'p> {
    paths: &'p SecretPaths,
    /// The reference tokens down to the current value, escaped as in a pointer.
    path: Vec<String>,
    out: String,
    secrets: SecretStore,
    unquotable: Vec<String>,
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
        !self.in_message() && (self.paths.contain(&self.path) || is_secret_name(key))
    }

    fn write_string(&mut self, text: &str) {
        // A string serialises into a string without fail.
        self.out.push_str(&serde_json::Value::from(text).to_string());
    }

    /// The current place, where a secret or a URL stands.
    fn place<E: Error>(&mut self) -> Result<String, E> {
        let length: usize = self.path.iter().map(|token| token.len() + 1).sum();
        match self.room.checked_sub(length + PLACE_OVERHEAD) {
            Some(room) => self.room = room,
            None => {
                self.full = true;
                return Err(E::custom("too many secrets"));
            }
        }
        Ok(self.pointer())
    }

    /// Writes a string, masked where it is a secret or a URL that carries one.
    fn string<E: Error>(&mut self, text: &str, secret: bool) -> Result<(), E> {
        if secret && !text.is_empty() && !self.is_url_key() {
            let pointer = self.place()?;
            self.unquotable.push(pointer.clone());
            self.write_string(&reference(&pointer));
            self.secrets.keep(pointer, Source::Inline(Secret::new(text)));
            return Ok(());
        }
        let url = Url::read(text).filter(|_| self.may_be_url(text));
        let secrets = url.as_ref().map(|url| url_secrets(text, url)).unwrap_or_default();
        if secrets.is_empty() && !url.is_some_and(|url| url.has_userinfo) {
            self.write_string(text);
            return Ok(());
        }
        let pointer = self.place()?;
        self.unquotable.push(pointer.clone());
        self.url(text, &pointer, &secrets);
        Ok(())
    }

    /// Writes a URL without its secrets; the secret store keeps the first, which is the password where
    /// there is one.
    fn url(&mut self, text: &str, pointer: &str, secrets: &[Range<usize>]) {
        let reference = reference(pointer).replace(':', "%3A").replace('/', "%2F");
        let mut masked = String::with_capacity(text.len());
        let mut next = 0;
        for secret in secrets {
            masked.push_str(&text[next..secret.start]);
            masked.push_str(&reference);
            next = secret.end;
        }
        masked.push_str(&text[next..]);
        self.write_string(&masked);
        if let Some(secret) = secrets.first() {
            let secret = Secret::new(percent_decode(&text[secret.clone()]));
            self.secrets.keep(pointer.to_owned(), Source::Inline(secret));
        }
    }

    /// Whether the current value belongs to the message.
    fn in_message(&self) -> bool {
        self.path.first().is_some_and(|first| MESSAGE_KEYS.contains(&first.as_str()))
    }

    /// Whether a text may be meant as a URL. Only where nothing but a URL belongs is one without
    /// `//` looked for: elsewhere `Team: a@b.example` reads like it.
    fn may_be_url(&self, text: &str) -> bool {
        self.is_url_key() || (text.contains("://") && !self.in_message())
    }

    /// Whether the current key holds a URL, of which only the password is a secret.
    fn is_url_key(&self) -> bool {
        matches!(self.path.as_slice(), [key] if key == "url" || key == "proxy")
    }
}

fn is_secret_name(key: &str) -> bool {
    let plain: String = key.chars().filter(|c| !matches!(c, '_' | '-' | '.')).collect();
    SECRET_NAMES.contains(&plain.to_ascii_lowercase().as_str())
}

/// Where a URL holds secrets: its password, and values of its query that are secrets by name.
fn url_secrets(text: &str, url: &Url<'_>) -> Vec<Range<usize>> {
    let mut secrets: Vec<_> = url.password.iter().cloned().collect();
    let mut start = text.len() - url.query.len();
    for pair in url.query.split('&') {
        if let Some((name, value)) = pair.split_once('=') {
            let name = percent_decode(name);
            let last = name.rsplit('.').next().unwrap_or_default();
            let is_login = last == "proxy" && percent_decode(value).contains('@');
            let is_secret = is_secret_name(last) || last == "key" || is_login;
            if is_secret && !value.is_empty() {
                secrets.push(start + pair.len() - value.len()..start + pair.len());
            }
        }
        start += pair.len() + 1;
    }
    secrets
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

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        self.masker.out.push_str(if value { "true" } else { "false" });
        Ok(None)
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        self.masker.out.push_str(&value.to_string());
        Ok(None)
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        self.masker.out.push_str(&value.to_string());
        Ok(None)
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        self.masker.out.push_str(&serde_json::Value::from(value).to_string());
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
            self.masker.write_string(&key);
            self.masker.out.push(':');
            // Where a secret may stand, `env` and `file` name a source and are no secrets
            // themselves.
            let names_source = self.secret && (key == "env" || key == "file");
            let secret = self.masker.enter(&key) || (self.secret && !names_source);
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
                r#"{"auth":{"privateKey":{"key":"secret:/auth/privateKey/key","passphrase":"secret:/auth/privateKey/passphrase"}}}"#,
            ),
            (r#"{"proxy":"http://u:p%40@h:1"}"#, r#"{"proxy":"http://u:secret%3A%2Fproxy@h:1"}"#),
            (
                r#"{"url":"smtps://h?tls.passphrase=w&a=b"}"#,
                r#"{"url":"smtps://h?tls.passphrase=secret%3A%2Furl&a=b"}"#,
            ),
            (r#"{"auth":{"pass":"abc:def@ghi"}}"#, r#"{"auth":{"pass":"secret:/auth/pass"}}"#),
            (r#"{"replyTo":"Team: a@b, c@d"}"#, r#"{"replyTo":"Team: a@b, c@d"}"#),
            (r#"{"proxy":"socks5://h:1"}"#, r#"{"proxy":"socks5://h:1"}"#),
            (
                r#"{"templates":[{"content":"see http://a:b@c","token":"t"}],"customHeaders":{"token":"t"}}"#,
                r#"{"templates":[{"content":"see http://a:b@c","token":"t"}],"customHeaders":{"token":"t"}}"#,
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
    fn the_vault_gives_back_what_was_taken_out() {
        let masked = mask(
            r#"{"auth":{"pass":"päss\n"},"url":"smtp:u:a%40b@h","dkim":{"keys":[{"privateKey":"k"}]}}"#,
        );
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
        assert!(matches!(secrets(8), Err(Unmaskable::TooManySecrets)));
    }
}
