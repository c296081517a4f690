//! The queue: takes messages, has workers carry them, and knows what became of each.

mod acceptance;
mod again;
mod carry;
mod group;
mod judge;
mod reach;
mod route;
mod under_way;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};
use tracing::{Instrument as _, Span};

pub(crate) use self::acceptance::{Refusal, Wish};
use self::carry::lease;
use self::group::Group;
use self::under_way::UnderWay;
use self::watch::Watch;
use crate::connectors::Connectors;
use crate::figures;
use crate::limits::RecipientLimit;
use crate::reason::Reason;
use crate::seal::{Digester, Sealer};
use crate::store::{
    Acceptance, Claimed, Diverted, Ended, Finish, Lease, NewMessage, Record, State, Store,
    StoreError,
};
use crate::telemetry;

/// How many messages of all connectors are under way at once in this process: some hundred
/// connectors may have a relay that does not answer, and the others go on.
const CAPACITY: usize = 2048;

/// How often the store is asked for work that nobody has told of, such as second attempts.
const ASK: Duration = Duration::from_millis(250);

/// How often a worker says what it carries; a lease lasts four times as long.
const BEAT: Duration = Duration::from_secs(15);

/// How often it is looked for messages of dead workers.
const RECOVER: Duration = Duration::from_secs(10);

/// How often it is looked for messages that wait for a relay that is down, and may go through
/// another one.
const DIVERT: Duration = Duration::from_millis(250);

/// How often it is looked for messages that are too late.
const EXPIRE: Duration = Duration::from_secs(1);

/// How often old messages are forgotten.
const FORGET: Duration = Duration::from_secs(60);

/// How long nothing is asked of a store that is away.
const AWAY: Duration = Duration::from_secs(1);

/// What the operator decides about the queue.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    /// How many messages a recipient gets; any number where absent.
    pub recipient: Option<RecipientLimit>,
    /// How long a message without a deadline of its own is worth sending.
    pub deadline: Duration,
    /// How long it is known what became of a message.
    pub keep: Duration,
}

/// The queue of one process.
pub(crate) struct Queue {
    store: Arc<Store>,
    connectors: Arc<Connectors>,
    sealer: Arc<Sealer>,
    digester: Arc<Digester>,
    policy: Policy,
    /// The name of this process's workers.
    worker: String,
    accepts: Group<Vec<NewMessage>, Acceptance>,
    permits: Group<Lease, bool>,
    finishes: Group<Finish, bool>,
    under_way: UnderWay,
    room: Arc<Semaphore>,
    wake: Notify,
    watch: Watch,
    stopping: AtomicBool,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("worker", &self.worker).finish_non_exhaustive()
    }
}

impl Queue {
    /// A queue over a store. Nothing is carried until [`Queue::work`].
    pub(crate) fn new(
        store: Arc<Store>,
        connectors: Arc<Connectors>,
        sealer: Arc<Sealer>,
        digester: Arc<Digester>,
        policy: Policy,
    ) -> Arc<Self> {
        Arc::new(Self {
            accepts: Group::new(store.clone(), |store, batch| {
                Box::pin(async move { store.accept(&batch).await })
            }),
            permits: Group::new(store.clone(), |store, batch| {
                Box::pin(async move { store.permit(&batch).await })
            }),
            finishes: Group::new(store.clone(), |store, batch| {
                Box::pin(async move { store.finish(&batch).await })
            }),
            worker: uuid::Uuid::now_v7().to_string(),
            under_way: UnderWay::default(),
            room: Arc::new(Semaphore::new(CAPACITY)),
            wake: Notify::new(),
            watch: Watch::default(),
            stopping: AtomicBool::new(false),
            store,
            connectors,
            sealer,
            digester,
            policy,
        })
    }

    /// Carries messages until [`Queue::stop`], and then those that are under way, no longer than
    /// `patience`; what is not done by then is given back where the relay cannot have it.
    pub(crate) async fn work(self: &Arc<Self>, patience: Duration) {
        let mut upkeep = JoinSet::new();
        self.keep_up(&mut upkeep);
        let mut carriers = JoinSet::new();
        while !self.is_stopping() {
            while carriers.try_join_next().is_some() {}
            match self.claim().await {
                Ok(claimed) if claimed.is_empty() => {
                    // What is told while this begins to wait is not missed.
                    let _ = timeout(ASK, self.wake.notified()).await;
                }
                Ok(claimed) => {
                    for message in claimed {
                        self.start(&mut carriers, message);
                    }
                }
                Err(error) => {
                    tracing::warn!(target: "smtp_connector", %error, "nothing can be claimed");
                    sleep(AWAY).await;
                }
            }
        }
        let all = async { while carriers.join_next().await.is_some() {} };
        let done = timeout(patience, all).await.is_ok();
        carriers.shutdown().await;
        if let Err(error) = self.store.give_back(&self.worker).await {
            tracing::warn!(
                target: "smtp_connector", %error,
                "messages come back with their leases"
            );
        }
        tracing::info!(target: "smtp_connector", done, "no message is under way any more");
        upkeep.shutdown().await;
    }

    /// Has no further messages claimed.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.wake.notify_one();
    }

    /// Whether no further messages are claimed.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// What is known of a message, once it has ended or the time is over.
    ///
    /// # Errors
    ///
    /// Fails where the store does.
    pub(crate) async fn await_end(
        &self,
        id: &str,
        patience: Duration,
    ) -> Result<Option<Record>, StoreError> {
        self.watch.until_ended(&self.store, id, patience).await
    }

    /// Takes a message back that waits; whether it did.
    ///
    /// # Errors
    ///
    /// Fails where the store does.
    pub(crate) async fn cancel(&self, id: &str) -> Result<bool, StoreError> {
        let cancelled = self.store.cancel(id).await?;
        if cancelled {
            self.watch.tell(id);
        }
        Ok(cancelled)
    }

    /// Ends all that waits for a connector that is gone.
    ///
    /// # Errors
    ///
    /// Fails where the store does.
    pub(crate) async fn abandon(&self, connector: &str) -> Result<(), StoreError> {
        self.tell(&self.store.abandon(connector).await?);
        Ok(())
    }

    async fn claim(&self) -> Result<Vec<Claimed>, StoreError> {
        let capacity = self.room.available_permits();
        if capacity == 0 {
            return Ok(Vec::new());
        }
        self.store.claim(&self.worker, capacity).await
    }

    fn start(self: &Arc<Self>, carriers: &mut JoinSet<()>, message: Claimed) {
        let queue = self.clone();
        let place = self.room.clone().try_acquire_owned();
        let span = message.trace.as_deref().map_or_else(Span::none, |trace| {
            let (id, connector) = (&message.id, &message.lane);
            let span = tracing::info_span!(target: "smtp_connector::queue", "send", id, connector);
            telemetry::follow(&span, trace);
            span
        });
        let carried = self.under_way.add(lease(&message));
        let carrying = async move {
            queue.carry(message).await;
            drop((carried, place));
            // There is room for another one, and perhaps the lane has it.
            queue.wake.notify_one();
        };
        carriers.spawn(carrying.instrument(span));
    }

    fn keep_up(self: &Arc<Self>, tasks: &mut JoinSet<()>) {
        let queue = self.clone();
        tasks.spawn(async move { queue.listen().await });
        let queue = self.clone();
        tasks.spawn(async move {
            every(BEAT, || async { queue.store.beat(&queue.under_way.leases()).await }).await;
        });
        let queue = self.clone();
        tasks.spawn(async move {
            let recover = || async {
                queue.tell(&queue.store.recover(false).await?);
                Ok(())
            };
            every(RECOVER, recover).await;
        });
        let queue = self.clone();
        tasks.spawn(async move { every(DIVERT, || queue.divert()).await });
        let queue = self.clone();
        tasks.spawn(async move {
            let expire = || async {
                queue.tell(&queue.store.expire().await?);
                Ok(())
            };
            every(EXPIRE, expire).await;
        });
        let queue = self.clone();
        tasks.spawn(async move {
            let keep = crate::limits::micros(queue.policy.keep);
            every(FORGET, || async { queue.store.forget(keep).await.map(drop) }).await;
        });
    }

    /// Has messages go through other connectors whose relay is down.
    async fn divert(&self) -> Result<(), StoreError> {
        let diverted = self.store.divert().await?;
        for Diverted { connector, from, through, count } in &diverted {
            tracing::warn!(
                target: "smtp_connector", connector, from, through, count,
                "messages go through another connector"
            );
        }
        if !diverted.is_empty() {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Has work claimed when other processes tell of it.
    async fn listen(&self) {
        loop {
            match self.store.listen().await {
                Ok(None) => return,
                Ok(Some(mut word)) => {
                    while word.heard().await.is_ok() {
                        self.wake.notify_one();
                    }
                }
                Err(error) => {
                    tracing::warn!(target: "smtp_connector", %error, "nobody tells of work");
                }
            }
            sleep(AWAY).await;
        }
    }

    /// Tells of messages that ended without a worker.
    fn tell(&self, ended: &[Ended]) {
        let last = |result: &Option<String>| result.as_deref().and_then(Reason::read);
        for Ended { id, connector, state, result } in ended {
            tracing::info!(
                target: "smtp_connector", id, connector, state = state.name(),
                "message ended"
            );
            let reason = match state {
                // Its worker has died, and nobody knows more.
                State::Ambiguous => None,
                State::Expired => Some(last(result).unwrap_or_else(Reason::expired)),
                _ => last(result),
            };
            figures::ended(connector, state.name(), reason.as_ref());
            self.watch.tell(id);
        }
    }
}

/// Does something again and again. Where the store is away, the next time may do.
async fn every<F>(period: Duration, act: impl Fn() -> F)
where
    F: Future<Output = Result<(), StoreError>>,
{
    let mut ticks = interval(period);
    loop {
        ticks.tick().await;
        if let Err(error) = act().await {
            tracing::warn!(target: "smtp_connector", %error, "upkeep of the queue failed");
        }
    }
}
