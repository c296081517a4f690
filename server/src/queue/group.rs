//! Group commit: what comes while one transaction is under way goes into the next one together, so
//! that a slow disk costs each of many little.

use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::store::{Store, StoreError};

/// How many go into one transaction at most: it stays short for those that wait behind it.
const MOST: usize = 128;

/// How often a transaction is tried again that another one got in the way of.
const TRIES: u32 = 3;

/// What a transaction does with all that goes into it.
type Commit<T, R> =
    for<'s> fn(
        &'s Store,
        Arc<Vec<T>>,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<R>, StoreError>> + Send + 's>>;

/// One waiting item, and where its result goes.
type Waiting<T, R> = (T, oneshot::Sender<Result<R, Arc<StoreError>>>);

/// The way into the transactions of one kind.
pub(super) struct Group<T, R> {
    waiting: mpsc::UnboundedSender<Waiting<T, R>>,
}

impl<T: Send + Sync + 'static, R: Send + 'static> Group<T, R> {
    /// Starts the task that commits.
    pub(super) fn new(store: Arc<Store>, commit: Commit<T, R>) -> Self {
        // What waits is bounded by those who wait: requests and messages under way.
        let (waiting, mut arriving) = mpsc::unbounded_channel::<Waiting<T, R>>();
        tokio::spawn(async move {
            let mut batch = Vec::new();
            while arriving.recv_many(&mut batch, MOST).await > 0 {
                let (items, answers): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
                match commit_all(&store, commit, Arc::new(items)).await {
                    Ok(results) => {
                        for (answer, result) in answers.into_iter().zip(results) {
                            // Who no longer waits has lost interest, not the result.
                            let _ = answer.send(Ok(result));
                        }
                    }
                    Err(error) => {
                        let error = Arc::new(error);
                        for answer in answers {
                            let _ = answer.send(Err(error.clone()));
                        }
                    }
                }
            }
        });
        Self { waiting }
    }

    /// Has an item committed, together with others.
    pub(super) async fn commit(&self, item: T) -> Result<R, Arc<StoreError>> {
        let (answer, result) = oneshot::channel();
        let closed = || Arc::new(StoreError::Closed);
        self.waiting.send((item, answer)).map_err(|_| closed())?;
        result.await.map_err(|_| closed())?
    }
}

impl<T, R> Clone for Group<T, R> {
    fn clone(&self) -> Self {
        Self { waiting: self.waiting.clone() }
    }
}

async fn commit_all<T, R>(
    store: &Store,
    commit: Commit<T, R>,
    items: Arc<Vec<T>>,
) -> Result<Vec<R>, StoreError> {
    let mut tries = 1;
    loop {
        match commit(store, items.clone()).await {
            Err(error) if error.is_collision() && tries < TRIES => tries += 1,
            done => return done,
        }
    }
}
