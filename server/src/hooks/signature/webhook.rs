//! Standard Webhooks, which Svix and Supabase sign by, too.

use std::fmt;
use std::time::SystemTime;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde_json::Value;

use super::{MOST_SIGNATURES, STALE, WRONG, current, maker};
use crate::hooks::call::Call;
use crate::hooks::refusal::Refusal;
use crate::hooks::secrets::{long_enough, texts};

/// The version of symmetric signatures; others are skipped.
const VERSION: &str = "v1";

/// What stands before the names of the fields: the standard's own, and Svix's.
const PREFIXES: [&str; 2] = ["webhook", "svix"];

/// What stands before a key; Supabase writes the version there, too.
const KEY_PREFIX: &str = "whsec_";

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Keys that sign webhooks.
#[derive(Clone, Deserialize)]
#[serde(try_from = "Value")]
pub(crate) struct Keys(Vec<hmac::Key>);

/// What a signature says beside the body.
pub(in crate::hooks) struct Signed<'a> {
    pub(in crate::hooks) id: &'a str,
    pub(in crate::hooks) at: SystemTime,
}

impl Keys {
    /// Reads keys in base64, with or without what platforms write before it.
    pub(in crate::hooks) fn parse<'t>(
        texts: impl IntoIterator<Item = &'t str>,
    ) -> Result<Self, String> {
        let read = |text: &str| {
            let text = text.strip_prefix("v1,").unwrap_or(text);
            let encoded = text.strip_prefix(KEY_PREFIX).unwrap_or(text);
            let key = BASE64.decode(encoded.trim());
            let key = key.map_err(|_| {
                format!("one of `secrets` is no base64; copy it with its `{KEY_PREFIX}`")
            })?;
            long_enough(&key)?;
            Ok(hmac::Key::new(hmac::HMAC_SHA256, &key))
        };
        texts.into_iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// The signatures of a message, one with each key.
    pub(crate) fn sign(&self, id: &str, timestamp: &str, body: &[u8]) -> String {
        let sign = |key: &hmac::Key| {
            let mut context = hmac::Context::with_key(key);
            for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
                context.update(part);
            }
            format!("{VERSION},{}", BASE64.encode(context.sign()))
        };
        self.0.iter().map(sign).collect::<Vec<_>>().join(" ")
    }

    /// Whether a secret is written as such a key.
    pub(in crate::hooks) fn is_key(text: &str) -> bool {
        text.strip_prefix("v1,").unwrap_or(text).starts_with(KEY_PREFIX)
    }

    /// Whether a call is signed at all.
    pub(in crate::hooks) fn are_used(call: &Call<'_>) -> bool {
        field(call, "signature").is_some()
    }

    /// Lets a caller in whose signature one of the keys made, now, over this body.
    pub(in crate::hooks) fn admit<'a>(&self, call: &Call<'a>) -> Result<Signed<'a>, Refusal> {
        let id = field(call, "id").unwrap_or_default();
        let timestamp = field(call, "timestamp").unwrap_or_default();
        let signatures = signatures(field(call, "signature").unwrap_or_default());
        let parts = [id.as_bytes(), b".", timestamp.as_bytes(), b".", call.body];
        maker(&self.0, &parts, &signatures).ok_or(WRONG)?;
        // With a dot in it, an id could pass for another one with another timestamp.
        if id.is_empty() || id.contains('.') {
            return Err(STALE);
        }
        Ok(Signed { id, at: current(timestamp, call.now)? })
    }
}

impl TryFrom<Value> for Keys {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        Self::parse(texts(value)?.iter().map(String::as_str))
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} keys", self.0.len())
    }
}

/// The field of this name by the standard, or else by Svix.
fn field<'a>(call: &Call<'a>, name: &str) -> Option<&'a str> {
    PREFIXES.iter().find_map(|prefix| call.text(&format!("{prefix}-{name}")))
}

/// The signatures of a field: pairs of version and base64, which the standard joins by a blank and
/// Supabase by comma and blank.
pub(super) fn signatures(field: &str) -> Vec<Vec<u8>> {
    let mut words = field.split([',', ' ', '\t']).filter(|word| !word.is_empty());
    let mut found = Vec::new();
    while let (Some(version), Some(signature)) = (words.next(), words.next()) {
        if version == VERSION
            && let Ok(signature) = BASE64.decode(signature)
            && found.len() < MOST_SIGNATURES
        {
            found.push(signature);
        }
    }
    found
}
