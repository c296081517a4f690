//! What a webhook is told: which message ended, and how. It has neither the recipient nor anything
//! of the content: who knows the message by its id can ask for the rest.

use serde::Serialize;

use crate::reason::Reason;
use crate::store::{Record, State};
use crate::time::rfc3339;

/// An event that is to be signed and posted.
#[derive(Debug)]
pub(super) struct Event {
    /// Its name, by which a receiver knows it again. A message that was held to be ambiguous and
    /// turns out otherwise has a second event.
    pub(super) id: String,
    /// Its words.
    pub(super) body: String,
}

/// The body, in the form that Standard Webhooks proposes.
#[derive(Serialize)]
struct Body<'r> {
    r#type: String,
    timestamp: String,
    data: Data<'r>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'r> {
    id: &'r str,
    connector: &'r str,
    through: &'r str,
    r#type: &'r str,
    state: State,
    created: String,
    ended: String,
    attempts: i64,
    message_id: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Reason>,
}

impl Event {
    /// The event of a message that has ended.
    pub(super) fn of(record: &Record) -> Self {
        let state = record.state();
        let ended = rfc3339(record.ended.unwrap_or(record.created));
        let kept = record.result.as_deref().filter(|_| state != State::Accepted);
        let body = Body {
            r#type: format!("message.{state}"),
            timestamp: ended.clone(),
            data: Data {
                id: &record.id,
                connector: &record.connector,
                through: &record.through,
                r#type: &record.usage_type,
                state,
                created: rfc3339(record.created),
                ended,
                attempts: record.attempts,
                message_id: &record.message_id,
                error: kept.and_then(Reason::read),
            },
        };
        let body = serde_json::to_string(&body).unwrap_or_default();
        Self { id: format!("{}_{state}", record.id), body }
    }
}
