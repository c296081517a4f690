//! The values of a configuration that the host reads itself, collected on the walk that masks it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::locate::escape;
use super::url::Url;

/// The places at the top level.
const ROOT: [&str; 20] = [
    "authMethod",
    "forceAuth",
    "fromEmail",
    "host",
    "ignoreTLS",
    "localAddress",
    "maxConnections",
    "name",
    "opportunisticTLS",
    "pool",
    "port",
    "proxy",
    "rateDelta",
    "rateLimit",
    "replyTo",
    "requireTLS",
    "secure",
    "servername",
    "service",
    "url",
];

/// Those in `auth`.
const AUTH: [&str; 8] = [
    "accessUrl",
    "clientId",
    "method",
    "privateKey",
    "refreshToken",
    "scope",
    "serviceClient",
    "user",
];

/// Those in `tls` and in `auth.tls`.
const TLS: [&str; 6] =
    ["ca", "maxVersion", "minVersion", "rejectUnauthorized", "secureProtocol", "servername"];

/// Those in `dkim` and in each of its keys.
const DKIM: [&str; 4] = ["domainName", "headerFieldNames", "keySelector", "skipFields"];

/// Values as the component sees them, references in the place of secrets, by their JSON Pointers.
/// `null` is absent.
#[derive(Debug, Default)]
pub(super) struct Scalars {
    values: BTreeMap<String, Value>,
    /// Whether all of the transport stands in `url`.
    from_url: bool,
}

/// Whether the host reads the value at a place itself.
pub(super) fn is_read(path: &[String]) -> bool {
    let token = |index: usize| path.get(index).map_or("", String::as_str);
    match (path.len(), token(0), token(1), token(2)) {
        (1, key, ..) => ROOT.contains(&key),
        (2, "auth", key, _) => AUTH.contains(&key),
        (2, "tls", key, _) | (3, "auth", "tls", key) => TLS.contains(&key),
        (3, "tls", "ca", _) => true,
        (3, "auth", key, _) => {
            ["customHeaders", "customParams", "privateKey", "refreshToken"].contains(&key)
        }
        (4, "auth", "tls", "ca") => true,
        (2, "dkim", key, _) => DKIM.contains(&key),
        (4, "dkim", "keys", _) => DKIM.contains(&token(3)),
        _ => false,
    }
}

/// Whether values that the host reads itself may stand at a place or below it.
pub(super) fn may_hold(path: &[String]) -> bool {
    match path {
        [_] => true,
        [first, ..] => path.len() < 5 && ["auth", "dkim", "tls"].contains(&first.as_str()),
        [] => false,
    }
}

impl Scalars {
    /// Keeps a value.
    pub(super) fn keep(&mut self, pointer: String, value: Value) {
        self.values.insert(pointer, value);
    }

    /// Forgets what stands at a pointer and below it: a repeated key hides the one before.
    pub(super) fn forget(&mut self, pointer: &str) {
        self.values.remove(pointer);
        let below = format!("{pointer}/");
        let gone =
            self.values.range(below.clone()..).take_while(|(key, _)| key.starts_with(&below));
        let gone: Vec<_> = gone.map(|(key, _)| key.clone()).collect();
        for key in gone {
            self.values.remove(&key);
        }
    }

    /// The options that count: those of `url`, where there is one, in the place of those beside it.
    pub(super) fn in_effect(self) -> Self {
        let Some(url) = self.text("/url") else { return self };
        let mut options = Url::parse(url).map(|url| options(&url)).unwrap_or_default();
        for of_message in ["/fromEmail", "/replyTo"] {
            if let Some(value) = self.value(of_message) {
                options.insert(of_message.to_owned(), value.clone());
            }
        }
        Self { values: options, from_url: true }
    }

    /// The value at a pointer.
    pub(super) fn value(&self, pointer: &str) -> Option<&Value> {
        self.values.get(pointer)
    }

    /// The text at a pointer, unless it is empty.
    pub(super) fn text(&self, pointer: &str) -> Option<&str> {
        self.value(pointer)?.as_str().filter(|text| !text.is_empty())
    }

    /// The boolean at a pointer.
    pub(super) fn boolean(&self, pointer: &str) -> Option<bool> {
        self.value(pointer)?.as_bool()
    }

    /// Whether the boolean at a pointer is true.
    pub(super) fn is_true(&self, pointer: &str) -> bool {
        self.boolean(pointer) == Some(true)
    }

    /// The values below a pointer, each with the rest of its own.
    pub(super) fn below<'s>(&'s self, pointer: &str) -> impl Iterator<Item = (&'s str, &'s Value)> {
        let above = format!("{pointer}/");
        let below = self.values.range(above.clone()..);
        below.map_while(move |(key, value)| Some((key.strip_prefix(&above)?, value)))
    }

    /// Whether anything stands at a pointer: a value that is not empty, or members.
    pub(super) fn says(&self, pointer: &str) -> bool {
        self.value(pointer).is_some_and(|value| value != "") || self.below(pointer).next().is_some()
    }

    /// Where the option at a pointer stands in the document.
    pub(super) fn place<'p>(&self, pointer: &'p str) -> &'p str {
        if self.from_url { "/url" } else { pointer }
    }
}

/// The options that a URL means. Those of its first part go before those of its query, and of equal
/// ones the first.
fn options(url: &Url<'_>) -> BTreeMap<String, Value> {
    let mut options = BTreeMap::new();
    options.insert("/secure".to_owned(), (url.scheme == "smtps").into());
    if !url.host.is_empty() {
        options.insert("/host".to_owned(), url.host.into());
    }
    if let Some(port) = url.port {
        options.insert("/port".to_owned(), port.into());
    }
    if let Some(user) = url.user.as_deref().filter(|user| !user.is_empty() || url.has_password) {
        options.insert("/auth/user".to_owned(), user.into());
    }
    for (name, value) in form_urlencoded::parse(url.query.as_bytes()) {
        let path = match name.split_once('.') {
            None => vec![escape(&name)],
            Some(("tls", key)) => vec!["tls".to_owned(), escape(key)],
            Some(_) => continue,
        };
        if is_read(&path) {
            let pointer = format!("/{}", path.join("/"));
            options.entry(pointer).or_insert_with(|| typed(&value));
        }
    }
    options
}

/// What looks like a number or a boolean is one; what is empty is absent.
fn typed(value: &str) -> Value {
    match value {
        "" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        text => text.parse::<i64>().map(Value::from).unwrap_or_else(|_| {
            let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
            number.map_or_else(|| text.into(), Value::from)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalars(values: &[(&str, Value)]) -> Scalars {
        let mut scalars = Scalars::default();
        for (pointer, value) in values {
            scalars.keep((*pointer).to_owned(), value.clone());
        }
        scalars
    }

    #[test]
    fn a_url_takes_the_place_of_the_keys_beside_it() {
        let url = "smtps://jo:secret@h.example?port=25&host=x&tls.ca=y&tls.ca=z&pool=false&secure=";
        let read = scalars(&[
            ("/url", url.into()),
            ("/port", 2525.into()),
            ("/tls/rejectUnauthorized", false.into()),
            ("/fromEmail", "a@b.example".into()),
        ])
        .in_effect();
        for (pointer, value) in [
            ("/host", Some("h.example".into())),
            ("/port", Some(25.into())),
            ("/secure", Some(true.into())),
            ("/auth/user", Some("jo".into())),
            ("/tls/ca", Some("y".into())),
            ("/pool", Some(false.into())),
            ("/fromEmail", Some("a@b.example".into())),
            ("/tls/rejectUnauthorized", None),
        ] {
            assert_eq!(read.value(pointer), value.as_ref(), "{pointer}");
        }
        assert_eq!(read.place("/host"), "/url");
        let keys = scalars(&[("/url", "".into()), ("/host", "h".into())]).in_effect();
        assert_eq!((keys.text("/host"), keys.place("/host")), (Some("h"), "/host"));
    }

    #[test]
    fn what_is_forgotten_is_gone_with_all_below_it() {
        let mut read = scalars(&[
            ("/tls", 1.into()),
            ("/tls/ca", "a".into()),
            ("/tls/ca/0", "b".into()),
            ("/tls-x", "c".into()),
        ]);
        assert_eq!(read.below("/tls/ca").collect::<Vec<_>>(), [("0", &"b".into())]);
        read.forget("/tls");
        assert_eq!(read.value("/tls-x"), Some(&"c".into()));
        assert!(!read.says("/tls"));
    }
}
