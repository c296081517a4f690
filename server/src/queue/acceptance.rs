//! From what a caller asks for to a message that is accepted: composed at once, so that what is
//! wrong with it is said to the caller, and every attempt sends the same bytes.

use std::sync::Arc;
use std::time::Duration;

use smtp_connector::{Error, ErrorKind, Request};
use zeroize::Zeroizing;

use super::Queue;
use super::carry::place;
use crate::connectors::Connector;
use crate::figures;
use crate::limits::micros;
use crate::store::{Accepted, Declined, NewMessage, StoreError};
use crate::telemetry;

/// A message that somebody asks for.
#[derive(Debug)]
pub(crate) struct Wish {
    /// What to compose.
    pub request: Request,
    /// What it is for.
    pub usage_type: String,
    /// How long it is worth sending.
    pub within: Option<Duration>,
    /// The caller's name for the request, with the words of the request.
    pub key: Option<(String, Vec<u8>)>,
}

/// Why nothing was accepted.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The request cannot become a message.
    Unfit(Error),
    /// Another request has the same key.
    KeyReused,
    /// The recipient had enough messages for now.
    Limited(Duration),
    /// The store is away.
    Away(Arc<StoreError>),
    /// The service is at fault.
    Internal(String),
}

impl Queue {
    /// Composes the messages of a call and accepts them, all or none: where it returns, they are
    /// durable.
    ///
    /// # Errors
    ///
    /// See [`Refusal`].
    pub(crate) async fn accept(
        &self,
        connector: &Connector,
        wishes: Vec<Wish>,
    ) -> Result<Vec<Accepted>, Refusal> {
        let mut messages = Vec::new();
        for wish in wishes {
            messages.push(self.compose(connector, wish).await?);
        }
        let accepted = match self.accepts.commit(messages).await.map_err(Refusal::Away)? {
            Ok(accepted) => accepted,
            Err(Declined::Conflict) => return Err(Refusal::KeyReused),
            Err(Declined::Limited(wait)) => {
                let wait = u64::try_from(wait).unwrap_or_default();
                return Err(Refusal::Limited(Duration::from_micros(wait)));
            }
        };
        let new = accepted.iter().filter(|accepted| !accepted.replayed).count() as u64;
        if new > 0 {
            figures::accepted(connector.name(), new);
        }
        if accepted.iter().any(|accepted| accepted.is_due) {
            self.wake.notify_one();
        }
        Ok(accepted)
    }

    async fn compose(&self, connector: &Connector, wish: Wish) -> Result<NewMessage, Refusal> {
        let rendered = connector.mailer().render(&wish.request).await;
        let rendered = rendered.map_err(|error| match error.kind() {
            ErrorKind::Internal => Refusal::Internal(error.to_string()),
            _ => Refusal::Unfit(error),
        })?;
        let stored = rendered.to_stored();
        let id = uuid::Uuid::now_v7().to_string();
        let content = serde_json::to_vec(&stored).map_err(|error| error.to_string());
        let content = Zeroizing::new(content.map_err(Refusal::Internal)?);
        let sealed = self.sealer.seal(&place(&id), &content);
        let content = sealed.map_err(|error| Refusal::Internal(error.to_string()))?;
        let recipient = stored.to.join(",").to_lowercase();
        let name = connector.name();
        Ok(NewMessage {
            connector: name.to_owned(),
            usage_type: wish.usage_type,
            within: micros(wish.within.unwrap_or(self.policy.deadline)),
            own_deadline: wish.within.is_some(),
            key: wish.key.map(|(key, words)| {
                let digest = self.digester.digest(&[b"request", name.as_bytes(), &words]);
                (key, digest)
            }),
            recipient: self.digester.digest(&[b"recipient", recipient.as_bytes()]),
            limit: self.policy.recipient,
            message_id: stored.message_id,
            content,
            trace: telemetry::context(),
            id,
        })
    }
}
