//! The webhooks of connectors: each end of a message is told, signed, at least once and in any
//! order, again and again for a day where it cannot be.

mod event;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use tokio::task::JoinSet;
use tokio::time::sleep;

use self::event::Event;
use crate::connectors::{Connectors, Webhook};
use crate::figures;
use crate::outbound::{Inquiry, Outbound};
use crate::store::{SECOND, Store, StoreError, Telling, Turn, Untold};

/// How often it is looked for something to tell.
const ASK: Duration = Duration::from_millis(500);

/// How many connectors have their turn at once.
const TURNS: usize = 64;

/// How many ends one turn tells, all of them at once.
const AT_ONCE: i64 = 8;

/// How long a webhook has to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a turn lasts at most: as long as its webhook's answer, and some time for the store.
const LEASE: i64 = 30 * SECOND;

/// How long a connector is left alone that this process does not have.
const NO_CONNECTOR: i64 = 30 * SECOND;

/// Tells the webhooks.
#[derive(Debug)]
pub(crate) struct Teller {
    store: Arc<Store>,
    connectors: Arc<Connectors>,
    outbound: Arc<Outbound>,
}

impl Teller {
    /// One that begins with [`Teller::tell`].
    pub(crate) fn new(
        store: Arc<Store>,
        connectors: Arc<Connectors>,
        outbound: Arc<Outbound>,
    ) -> Arc<Self> {
        Arc::new(Self { store, connectors, outbound })
    }

    /// Tells for ever what is to be told.
    pub(crate) async fn tell(self: Arc<Self>) {
        let mut turns = JoinSet::new();
        loop {
            while turns.try_join_next().is_some() {}
            let room = i64::try_from(TURNS - turns.len()).unwrap_or_default();
            if room == 0 {
                turns.join_next().await;
                continue;
            }
            match self.store.webhooks(room, LEASE).await {
                Ok(due) if due.is_empty() => sleep(ASK).await,
                Ok(due) => {
                    for turn in due {
                        let teller = self.clone();
                        turns.spawn(async move {
                            if let Err(error) = teller.take(&turn).await {
                                let connector = turn.connector;
                                tracing::warn!(
                                    target: "smtp_connector", connector, %error,
                                    "what was told may be told again"
                                );
                            }
                        });
                    }
                }
                Err(error) => {
                    tracing::warn!(target: "smtp_connector", %error, "no webhook can be told");
                    sleep(ASK).await;
                }
            }
        }
    }

    /// Has the turn of a connector.
    async fn take(self: &Arc<Self>, turn: &Turn) -> Result<(), StoreError> {
        let connector = self.connectors.find(&turn.connector);
        let webhook = connector.as_ref().and_then(|connector| connector.document().webhook());
        let (untold, too_old) = self.store.untold(&turn.connector, AT_ONCE).await?;
        for _ in 0..too_old {
            drop_one(&turn.connector, "it could not be told for a day");
        }
        if untold.is_empty() {
            return self.store.end_turn(turn, &[]).await;
        }
        let Some(webhook) = webhook else {
            return self.store.put_off(turn, NO_CONNECTOR).await;
        };
        let mut telling = JoinSet::new();
        for untold in untold {
            let (teller, webhook) = (self.clone(), webhook.clone());
            telling.spawn(async move {
                let told = teller.tell_one(&untold, &webhook).await;
                (untold, told)
            });
        }
        let tellings: Vec<_> = telling.join_all().await;
        let tellings = tellings.into_iter().map(|(untold, told)| Ok((untold, told?)));
        let tellings = tellings.collect::<Result<Vec<_>, StoreError>>()?;
        self.store.end_turn(turn, &tellings).await
    }

    /// Tells one end.
    async fn tell_one(&self, untold: &Untold, webhook: &Webhook) -> Result<Telling, StoreError> {
        let Some(record) = self.store.message(&untold.message).await? else {
            // It was forgotten meanwhile.
            return Ok(Telling::Done);
        };
        let (connector, event) = (&record.connector, Event::of(&record));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let inquiry = Inquiry {
            method: Method::POST,
            url: webhook.url(),
            headers: headers(&event, now, webhook),
            body: Bytes::from(event.body.clone()),
            patience: PATIENCE,
        };
        let problem = match self.outbound.ask(inquiry).await {
            Ok(answered) if answered.status.is_success() => {
                figures::told(connector, "told");
                return Ok(Telling::Done);
            }
            Ok(answered) if answered.status == StatusCode::GONE => {
                drop_one(connector, "the webhook is gone (410)");
                return Ok(Telling::Done);
            }
            Ok(answered) => format!("the answer has the status {}", answered.status.as_u16()),
            Err(error) => error.to_string(),
        };
        figures::told(connector, "failed");
        tracing::info!(
            target: "smtp_connector", connector, id = untold.message, problem,
            attempts = untold.attempts + 1, "a webhook could not be told"
        );
        Ok(Telling::Failed)
    }
}

/// Gives up telling an end.
fn drop_one(connector: &str, problem: &str) {
    figures::told(connector, "dropped");
    tracing::warn!(
        target: "smtp_connector", connector, problem,
        "the end of a message is not told"
    );
}

/// The head by Standard Webhooks.
fn headers(event: &Event, now: u64, webhook: &Webhook) -> HeaderMap {
    let timestamp = now.to_string();
    let signature = webhook.sign(&event.id, &timestamp, event.body.as_bytes());
    let fields = [
        (HeaderName::from_static("webhook-id"), event.id.as_str()),
        (HeaderName::from_static("webhook-timestamp"), timestamp.as_str()),
        (HeaderName::from_static("webhook-signature"), signature.as_str()),
        (header::CONTENT_TYPE, "application/json"),
    ];
    // All of it is ASCII: names of messages, digits and base64.
    let fields = fields
        .into_iter()
        .filter_map(|(name, value)| HeaderValue::from_str(value).ok().map(|value| (name, value)));
    fields.collect()
}
