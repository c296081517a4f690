//! The signature of Zitadel's calls: `t=1732660000,v1=…,v1=…`, in hexadecimal.

use std::fmt;

use aws_lc_rs::hmac;
use serde::Deserialize;
use serde_json::Value;

use super::{MOST_SIGNATURES, WRONG, current, maker};
use crate::hooks::call::Call;
use crate::hooks::refusal::Refusal;
use crate::hooks::seal::Seal;
use crate::hooks::secrets::{long_enough, texts};

const FIELD: &str = "zitadel-signature";

/// Keys that sign Zitadel's calls, as text.
#[derive(Clone, Deserialize)]
#[serde(try_from = "Value")]
pub(in crate::hooks) struct Keys(Vec<hmac::Key>);

impl Keys {
    /// Lets a caller in whose signature one of the keys made, now, over this body.
    pub(in crate::hooks) fn admit(&self, call: &Call<'_>) -> Result<Seal, Refusal> {
        let (timestamp, signatures) = parts(call.text(FIELD).unwrap_or_default());
        let signed = [timestamp.as_bytes(), b".", call.body];
        let key = maker(&self.0, &signed, &signatures).ok_or(WRONG)?;
        current(timestamp, call.now)?;
        Ok(key.clone().into())
    }
}

impl TryFrom<Value> for Keys {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let read = |text: String| {
            long_enough(text.as_bytes())?;
            Ok(hmac::Key::new(hmac::HMAC_SHA256, text.as_bytes()))
        };
        texts(value)?.into_iter().map(read).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} keys", self.0.len())
    }
}

/// The timestamp and the signatures of a field; parts of other names are skipped.
pub(super) fn parts(field: &str) -> (&str, Vec<Vec<u8>>) {
    let mut timestamp = "";
    let mut signatures = Vec::new();
    for part in field.split(',') {
        match part.trim().split_once('=') {
            Some(("t", value)) => timestamp = value,
            Some(("v1", value)) if signatures.len() < MOST_SIGNATURES => {
                signatures.extend(unhex(value));
            }
            _ => {}
        }
    }
    (timestamp, signatures)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let pair = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(high)? << 4 | digit(low)?).ok(),
        _ => None,
    };
    text.as_bytes().chunks(2).map(pair).collect()
}
