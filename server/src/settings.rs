//! What an operator decides, in one table: a TOML file, then the environment, then flags; the later
//! word counts.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use smtp_connector::EgressPolicy;
use tracing::level_filters::LevelFilter;
use url::Url;
use zeroize::Zeroizing;

use crate::limits::RecipientLimit;

/// How the variables of the environment begin that are settings.
const PREFIX: &str = "SMTP_CONNECTOR_";

/// Where the service listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// An address and a port.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
    /// The sockets that systemd hands over.
    Systemd,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogForm {
    /// Lines for people.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

/// What an operator decides.
#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// Where it listens; several places are parted by commas.
    #[serde(deserialize_with = "list")]
    pub listen: Vec<Listen>,
    /// The certificates with which it speaks TLS, as a file in PEM; plain HTTP where absent.
    pub tls_certificate: Option<PathBuf>,
    /// The private key to them.
    pub tls_key: Option<PathBuf>,
    /// The store: a file of SQLite, or `postgres://…`.
    #[serde(deserialize_with = "store")]
    pub store: Zeroizing<String>,
    /// The file with the keys of the store, one a line, the first of which seals.
    pub key_file: Option<PathBuf>,
    /// The keys themselves.
    #[serde(deserialize_with = "some_secret")]
    pub keys: Option<Zeroizing<String>>,
    /// The folder with connectors.
    pub connectors: Option<PathBuf>,
    /// The folder with components that connectors name.
    pub components: Option<PathBuf>,
    /// Which addresses connectors may reach.
    #[serde(deserialize_with = "parsed")]
    pub egress: EgressPolicy,
    /// How many messages a recipient gets in the window; 0 for any number.
    pub recipient_messages: u32,
    /// The window of that limit.
    #[serde(deserialize_with = "duration")]
    pub recipient_window: Duration,
    /// How long a message without a deadline of its own is worth sending.
    #[serde(deserialize_with = "duration")]
    pub deadline: Duration,
    /// How long it is known what became of a message.
    #[serde(deserialize_with = "duration")]
    pub keep: Duration,
    /// How many connections of clients are open at once.
    pub connections: usize,
    /// How long messages under way have to end when the service is stopped.
    #[serde(deserialize_with = "duration")]
    pub drain: Duration,
    /// What is logged: `off`, `error`, `warn`, `info`, `debug` or `trace`.
    #[serde(deserialize_with = "parsed")]
    pub log: LevelFilter,
    /// The form of the log.
    pub log_form: LogForm,
    /// The collector of OpenTelemetry that is sent spans and events (OTLP over HTTP).
    #[serde(deserialize_with = "collector")]
    pub otlp: Option<Url>,
}

impl Default for Settings {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            listen: vec![Listen::Tcp(SocketAddr::from(([127, 0, 0, 1], 8025)))],
            tls_certificate: None,
            tls_key: None,
            store: Zeroizing::new("smtp-connector.db".to_owned()),
            key_file: None,
            keys: None,
            connectors: None,
            components: None,
            egress: EgressPolicy::default(),
            recipient_messages: 10,
            recipient_window: seconds(600),
            deadline: seconds(24 * 60 * 60),
            keep: seconds(7 * 24 * 60 * 60),
            connections: 1024,
            drain: seconds(30),
            log: LevelFilter::INFO,
            log_form: LogForm::Text,
            otlp: None,
        }
    }
}

/// Why settings cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError(String);

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SettingsError {}

impl Settings {
    /// Reads settings in TOML; what is not there keeps its default.
    ///
    /// # Errors
    ///
    /// Fails where the text is no TOML, or has a setting that is unknown or no such value; says
    /// where.
    pub fn from_toml(text: &str) -> Result<Self, SettingsError> {
        toml::from_str(text).map_err(|error: toml::de::Error| {
            // The line itself may hold a password.
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let (line, start) = (before.matches('\n').count() + 1, before.rfind('\n'));
            let column = before[start.map_or(0, |start| start + 1)..].chars().count() + 1;
            SettingsError(format!("line {line}, column {column}: {}", error.message()))
        })
    }

    /// Takes the settings out of variables of an environment: `SMTP_CONNECTOR_` and the name of the
    /// setting in capitals.
    ///
    /// # Errors
    ///
    /// Fails where a variable with that beginning is no setting, or has no such value.
    pub fn with_environment(
        mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, SettingsError> {
        for (variable, value) in variables {
            if let Some(name) = variable.strip_prefix(PREFIX) {
                self.set(&name.to_ascii_lowercase(), &value)
                    .map_err(|problem| SettingsError(format!("{variable}: {problem}")))?;
            }
        }
        Ok(self)
    }

    /// Sets one setting by its name.
    ///
    /// # Errors
    ///
    /// Fails where there is no such setting, or the value is none for it.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), SettingsError> {
        let read = |value: toml::Value| -> Result<Self, toml::de::Error> {
            toml::Table::from_iter([(name.to_owned(), value)]).try_into()
        };
        // Which of the two it is, the setting knows: `8025` may be a text as well.
        let number = value.parse::<u32>().ok();
        let one = read(toml::Value::String(value.to_owned())).or_else(|error| {
            let number = number.and_then(|number| read(toml::Value::Integer(number.into())).ok());
            number.ok_or_else(|| SettingsError(error.message().to_owned()))
        })?;
        match name {
            "listen" => self.listen = one.listen,
            "tls_certificate" => self.tls_certificate = one.tls_certificate,
            "tls_key" => self.tls_key = one.tls_key,
            "store" => self.store = one.store,
            "key_file" => self.key_file = one.key_file,
            "keys" => self.keys = one.keys,
            "connectors" => self.connectors = one.connectors,
            "components" => self.components = one.components,
            "egress" => self.egress = one.egress,
            "recipient_messages" => self.recipient_messages = one.recipient_messages,
            "recipient_window" => self.recipient_window = one.recipient_window,
            "deadline" => self.deadline = one.deadline,
            "keep" => self.keep = one.keep,
            "connections" => self.connections = one.connections,
            "drain" => self.drain = one.drain,
            "log" => self.log = one.log,
            "log_form" => self.log_form = one.log_form,
            "otlp" => self.otlp = one.otlp,
            _ => return Err(SettingsError(format!("there is no setting `{name}`"))),
        }
        Ok(())
    }

    /// How many messages a recipient gets.
    pub(crate) fn recipient_limit(&self) -> Option<RecipientLimit> {
        let messages = Some(self.recipient_messages).filter(|messages| *messages > 0);
        messages.map(|messages| RecipientLimit::new(messages, self.recipient_window))
    }
}

impl fmt::Debug for Settings {
    /// Shows neither the keys nor the place of the store, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("listen", &self.listen)
            .field("connectors", &self.connectors)
            .field("egress", &self.egress)
            .finish_non_exhaustive()
    }
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "systemd" {
            return Ok(Self::Systemd);
        }
        match text.strip_prefix("unix:") {
            Some("") => Err("`unix:` needs a path".to_owned()),
            Some(path) => Ok(Self::Unix(path.into())),
            None => text.parse().map(Self::Tcp).map_err(|_| {
                format!(
                    "`{text}` is neither an address with a port, nor `unix:PATH`, nor `systemd`"
                )
            }),
        }
    }
}

/// A text in which several values are parted by commas, or a list of texts.
fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Listen>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a text or a list of texts")]
    enum List {
        One(String),
        Many(Vec<String>),
    }
    let texts = match List::deserialize(deserializer)? {
        List::One(text) => text.split(',').map(|part| part.trim().to_owned()).collect(),
        List::Many(texts) => texts,
    };
    texts.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
}

fn parsed<'de, D: Deserializer<'de>, T: FromStr<Err: fmt::Display>>(
    deserializer: D,
) -> Result<T, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(deserializer).map(Zeroizing::new)
}

/// The place of a store, of which a problem quotes no more than the scheme: a password may follow.
fn store<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
    let place = secret(deserializer)?;
    match place.split_once("://") {
        Some((scheme, _)) if !["postgres", "postgresql", "sqlite"].contains(&scheme) => {
            let problem = format!("a store is a file or `postgres://…`, not `{scheme}://…`");
            Err(D::Error::custom(problem))
        }
        _ => Ok(place),
    }
}

fn some_secret<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Zeroizing<String>>, D::Error> {
    secret(deserializer).map(Some)
}

/// The base of a collector's URLs.
fn collector<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Url>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    // It may hold a login.
    let problem = "it is no URL such as `http://localhost:4318`";
    url.map(Some).ok_or_else(|| D::Error::custom(problem))
}

/// A duration such as `90s`, `10m` or `1day`.
fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let problem =
        |error| D::Error::custom(format!("`{text}` is no duration such as `10m`: {error}"));
    humantime::parse_duration(&text).map_err(problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_file_is_said_with_its_place_and_without_its_line() {
        for (text, said) in [
            ("\nstore = \"postgres://u:hunter2@db/x\nkeep = \"1h\"", "line 2, column "),
            ("keep = \"1h\"\n  stor = \"hunter2\"", "line 2, column 3: unknown field `stor`"),
        ] {
            let error = Settings::from_toml(text).expect_err("it is wrong").to_string();
            assert!(error.contains(said), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn the_later_word_counts() {
        let settings = Settings::from_toml("store = \"a.db\"\ndeadline = \"10m\"\nkeep = \"1day\"");
        let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let environment = [
            variable("SMTP_CONNECTOR_STORE", "b.db"),
            variable("SMTP_CONNECTOR_RECIPIENT_MESSAGES", "0"),
            variable("HOME", "/root"),
        ];
        let mut settings = settings.expect("sound").with_environment(environment).expect("sound");
        settings.set("deadline", "5m").expect("sound");
        settings.set("connections", "7").expect("sound");
        assert_eq!(settings.connections, 7);
        settings.set("key_file", "123").expect("a file may have such a name");
        assert_eq!(settings.key_file.as_deref(), Some(std::path::Path::new("123")));
        settings.set("listen", "127.0.0.1:0, unix:/run/a.sock,systemd").expect("sound");
        assert_eq!((settings.store.as_str(), settings.deadline.as_secs()), ("b.db", 300));
        assert_eq!((settings.keep.as_secs(), settings.recipient_limit()), (86_400, None));
        settings.set("log", "warn").expect("sound");
        settings.set("log_form", "json").expect("sound");
        assert_eq!((settings.log, settings.log_form), (LevelFilter::WARN, LogForm::Json));
        assert_eq!(settings.listen[1..], [Listen::Unix("/run/a.sock".into()), Listen::Systemd]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let file = |text| Settings::from_toml(text).expect_err(text).to_string();
        assert!(file("stroe = \"a.db\"").contains("line 1"));
        assert!(file("\ndeadline = \"soon\"").contains("`soon` is no duration"));
        assert!(file("otlp = \"localhost:4318\"").contains("no URL such as"));
        assert!(file("log_form = \"xml\"").contains("expected `text` or `json`"));
        let variable = ("SMTP_CONNECTOR_LISTEN".to_owned(), "8025".to_owned());
        let error = Settings::default().with_environment([variable]).expect_err("no address");
        assert!(error.to_string().starts_with("SMTP_CONNECTOR_LISTEN: "), "{error}");
        let unknown = ("SMTP_CONNECTOR_COLOUR".to_owned(), "red".to_owned());
        let error = Settings::default().with_environment([unknown]).expect_err("no setting");
        assert!(error.to_string().contains("colour"), "{error}");
    }

    #[test]
    fn no_secret_is_shown() {
        let mut settings = Settings::default();
        settings.set("store", "postgres://u:hunter2@db/x").expect("sound");
        settings.set("keys", "c2VjcmV0").expect("sound");
        let shown = format!("{settings:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("c2VjcmV0"), "{shown}");
    }
}
