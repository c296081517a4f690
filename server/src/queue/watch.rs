//! Waiting for the end of a message.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::store::{Record, Store, StoreError};

/// How often the store is asked, where another process may carry the message.
const ASK: Duration = Duration::from_millis(500);

/// Who waits for which message.
#[derive(Default)]
pub(super) struct Watch {
    waiting: Mutex<HashMap<String, Arc<Notify>>>,
}

impl Watch {
    /// Tells those who wait that a message has ended.
    pub(super) fn tell(&self, id: &str) {
        if let Some(ended) = self.waiting().remove(id) {
            ended.notify_waiters();
        }
    }

    /// What is known of a message, once it has ended or the time is over.
    pub(super) async fn until_ended(
        &self,
        store: &Store,
        id: &str,
        patience: Duration,
    ) -> Result<Option<Record>, StoreError> {
        let deadline = Instant::now() + patience;
        loop {
            let ended = self.waiting().entry(id.to_owned()).or_default().clone();
            let notified = ended.notified();
            let record = store.message(id).await?;
            let wants_more = record.as_ref().is_some_and(|record| !record.state().is_final());
            if !wants_more || Instant::now() >= deadline {
                self.forget(id, &ended);
                return Ok(record);
            }
            let _ = timeout_at(deadline.min(Instant::now() + ASK), notified).await;
        }
    }

    /// Takes a message off the list that nobody else waits for.
    fn forget(&self, id: &str, ended: &Arc<Notify>) {
        let mut waiting = self.waiting();
        // One in the list and one here.
        if Arc::strong_count(ended) <= 2 {
            waiting.remove(id);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<String, Arc<Notify>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
