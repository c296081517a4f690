//! What a connector sets for the dialects that it is called in.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use aws_lc_rs::rand;
use axum::http::HeaderName;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use url::Url;

use super::dialect::Dialect;
use super::{casdoor, clerk, entra, hanko, kratos, logto, sendgrid, standard, supabase, zitadel};

/// The dialects that a connector is called in, each with its settings, by name:
/// `{"logto": {"secrets": ["Bearer …"]}}`. All that is secret stands in lists named `secrets`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(try_from = "Map<String, Value>")]
pub struct Hooks(BTreeMap<Dialect, Ingress>);

impl Hooks {
    /// The settings for a dialect; none where the connector is not called in it.
    pub fn of(&self, dialect: Dialect) -> Option<&Ingress> {
        self.0.get(&dialect)
    }
}

impl TryFrom<Map<String, Value>> for Hooks {
    type Error = IngressError;

    fn try_from(members: Map<String, Value>) -> Result<Self, IngressError> {
        let read = |(name, value): (String, Value)| {
            let dialect: Dialect =
                name.parse().map_err(|error| IngressError(format!("`{name}`: {error}")))?;
            Ok((dialect, Ingress::parse(dialect, value)?))
        };
        members.into_iter().map(read).collect::<Result<_, _>>().map(Self)
    }
}

/// A connector's settings for one dialect.
#[derive(Debug, Clone)]
pub struct Ingress {
    pub(super) settings: Settings,
    /// How long a mail is of use where the platform does not say it.
    pub(super) deadline: Option<Duration>,
}

#[derive(Debug, Clone)]
pub(super) enum Settings {
    Casdoor(casdoor::Settings),
    Clerk(clerk::Settings),
    Entra(entra::Settings),
    Hanko(hanko::Settings),
    Kratos(kratos::Settings),
    Logto(logto::Settings),
    SendGrid(sendgrid::Settings),
    Standard(standard::Settings),
    Supabase(supabase::Settings),
    Zitadel(zitadel::Settings),
}

impl Ingress {
    /// Reads the settings for a dialect: its own, and `deadline`, which says how long a mail is of
    /// use, such as `10m`.
    ///
    /// # Errors
    ///
    /// Says what is wrong with which of them; no secret is quoted.
    ///
    /// # Example
    ///
    /// ```
    /// use smtp_connector_server::hooks::{Dialect, Ingress};
    ///
    /// let settings = serde_json::json!({ "secret": "Bearer 3f0c6f9d2b1e4a58" });
    /// let error = Ingress::parse(Dialect::Logto, settings).unwrap_err();
    /// assert_eq!(error.to_string(), "`logto`: unknown field `secret`, expected `secrets`");
    /// ```
    pub fn parse(dialect: Dialect, settings: Value) -> Result<Self, IngressError> {
        let wrong = |problem: String| IngressError(format!("`{dialect}`: {problem}"));
        let Value::Object(mut members) = settings else {
            return Err(wrong("it is no JSON object".to_owned()));
        };
        let deadline =
            members.remove("deadline").as_ref().map(duration).transpose().map_err(wrong)?;
        let members = Value::Object(members);
        let settings = match dialect {
            Dialect::Casdoor => typed(members).map(Settings::Casdoor),
            Dialect::Clerk => typed(members).map(Settings::Clerk),
            Dialect::Entra => typed(members).map(Settings::Entra),
            Dialect::Hanko => typed(members).map(Settings::Hanko),
            Dialect::Kratos => typed(members).map(Settings::Kratos),
            Dialect::Logto => typed(members).map(Settings::Logto),
            Dialect::SendGrid => typed(members).map(Settings::SendGrid),
            Dialect::Standard => typed(members).map(Settings::Standard),
            Dialect::Supabase => typed(members).map(Settings::Supabase),
            Dialect::Zitadel => typed(members).map(Settings::Zitadel),
        };
        Ok(Self { settings: settings.map_err(wrong)?, deadline })
    }

    /// Settings that let nobody in, for calls to a connector that there is not: to read one takes
    /// as long as for a connector that there is. Made once, they serve for all.
    ///
    /// # Errors
    ///
    /// The system has no random bytes.
    pub fn of_nobody(dialect: Dialect) -> Result<Self, IngressError> {
        let mut secret = [0; 32];
        rand::fill(&mut secret).map_err(|_| IngressError("no random bytes".to_owned()))?;
        let secret = BASE64.encode(secret);
        let settings = match dialect {
            Dialect::Entra => {
                json!({ "issuer": "https://nobody.invalid/v2.0", "audience": secret })
            }
            Dialect::Hanko => json!({ "keys": "https://nobody.invalid", "audience": secret }),
            _ => json!({ "secrets": [secret] }),
        };
        Self::parse(dialect, settings)
    }

    /// The dialect that they are for.
    pub fn dialect(&self) -> Dialect {
        match self.settings {
            Settings::Casdoor(_) => Dialect::Casdoor,
            Settings::Clerk(_) => Dialect::Clerk,
            Settings::Entra(_) => Dialect::Entra,
            Settings::Hanko(_) => Dialect::Hanko,
            Settings::Kratos(_) => Dialect::Kratos,
            Settings::Logto(_) => Dialect::Logto,
            Settings::SendGrid(_) => Dialect::SendGrid,
            Settings::Standard(_) => Dialect::Standard,
            Settings::Supabase(_) => Dialect::Supabase,
            Settings::Zitadel(_) => Dialect::Zitadel,
        }
    }

    /// Where the platform publishes the keys that it signs tokens with (RFC 7517 §5); none where it
    /// signs none.
    pub fn keys_url(&self) -> Option<&Url> {
        match &self.settings {
            Settings::Entra(settings) => Some(settings.keys_url()),
            Settings::Hanko(settings) => Some(settings.keys_url()),
            _ => None,
        }
    }
}

/// Why settings cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngressError(String);

impl fmt::Display for IngressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for IngressError {}

/// The name of a header field.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct FieldName(pub(super) HeaderName);

impl TryFrom<String> for FieldName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let name = HeaderName::try_from(text.as_str());
        name.map(Self).map_err(|_| format!("`{text}` is no name of a header field"))
    }
}

fn typed<S: DeserializeOwned>(members: Value) -> Result<S, String> {
    serde_json::from_value(members).map_err(|error| error.to_string())
}

fn duration(value: &Value) -> Result<Duration, String> {
    let text = value.as_str().and_then(|text| humantime::parse_duration(text).ok());
    text.filter(|duration| !duration.is_zero())
        .ok_or_else(|| "`deadline` is no duration such as `10m`".to_owned())
}
