//! A message as the API shows it.

use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::store::{Record, State};

/// What is known of a message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message {
    /// The name of the message.
    pub(super) id: String,
    /// The connector that sends it.
    connector: String,
    /// The connector through which it goes, or went: that one, or one that it names as a fallback.
    through: String,
    /// What the message is for.
    #[serde(rename = "type")]
    usage_type: String,
    /// Where it stands.
    pub(super) state: State,
    /// When it was accepted (RFC 3339).
    created: String,
    /// Until when it is worth sending.
    deadline: String,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<String>,
    /// How often it was tried.
    attempts: i64,
    /// The Message-ID.
    message_id: String,
    /// The relay's receipt.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(super) receipt: Option<Value>,
    /// Why it was not accepted, the last time it was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(super) error: Option<Value>,
}

impl From<Record> for Message {
    fn from(record: Record) -> Self {
        let state = record.state();
        let result = record.result.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let (receipt, error) = match state {
            State::Accepted => (result, None),
            _ => (None, result),
        };
        Self {
            state,
            created: time(record.created),
            deadline: time(record.deadline),
            ended: record.ended.map(time),
            id: record.id,
            connector: record.connector,
            through: record.through,
            usage_type: record.usage_type,
            attempts: record.attempts,
            message_id: record.message_id,
            receipt,
            error,
        }
    }
}

/// A time of the store as people write it.
pub(super) fn time(micros: i64) -> String {
    // The year 9999 is the last that can be written.
    let micros = u64::try_from(micros).unwrap_or_default().min(253_402_300_799_000_000);
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_micros(micros)).to_string()
}
