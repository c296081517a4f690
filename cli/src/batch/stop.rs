//! Why a run stops before the end of its requests: a person or the system asks, or going on makes
//! no sense.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::failure::Problem;
use crate::terminal::tell;

/// How long a run that was asked to stop waits for the messages that are in flight.
const PATIENCE: Duration = Duration::from_secs(30);

/// Tells all parts of a run to stop. Once set it stays.
pub(super) struct Stop(watch::Sender<State>);

#[derive(Default)]
struct State {
    reason: Option<Reason>,
    at_once: bool,
}

/// Why a run stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reason {
    /// SIGINT or SIGTERM.
    Signal,
    /// Failures that each further message would share.
    Hopeless(String),
    /// A result or a note could not be written, or there is a bug.
    Broken(String),
}

impl Stop {
    pub(super) fn new() -> Self {
        Self(watch::Sender::default())
    }

    /// Stops taking up requests. The first reason counts.
    pub(super) fn ask(&self, reason: Reason) {
        self.0.send_if_modified(|state| {
            let first = state.reason.is_none();
            state.reason.get_or_insert(reason);
            first
        });
    }

    /// Why the run stops, if it does.
    pub(super) fn reason(&self) -> Option<Reason> {
        self.0.borrow().reason.clone()
    }

    /// Waits until no further request is to be taken up.
    pub(super) async fn asked(&self) {
        self.wait(|state| state.reason.is_some()).await;
    }

    /// Waits until not even what is in flight is to be waited for.
    pub(super) async fn overdue(&self) {
        let patience = async {
            self.wait(|state| state.reason == Some(Reason::Signal)).await;
            sleep(PATIENCE).await;
        };
        tokio::select! {
            () = patience => (),
            () = self.wait(|state| state.at_once) => (),
        }
    }

    async fn wait(&self, reached: impl FnMut(&State) -> bool) {
        // The sender lives as long as `self`.
        let _ = self.0.subscribe().wait_for(reached).await;
    }

    /// Obeys the process's signals: the first asks to stop, the second to stop at once.
    pub(super) async fn obey(&self, mut signals: Signals) {
        signals.next().await;
        tell(format_args!(
            "stopping: the messages in flight are waited for, {PATIENCE:?} at most; once more to \
             stop at once\n"
        ));
        self.ask(Reason::Signal);
        signals.next().await;
        self.0.send_modify(|state| state.at_once = true);
    }
}

/// SIGINT and SIGTERM, caught from when this is made.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(super) fn catch() -> Result<Self, Problem> {
        let catch = |kind| {
            signal(kind)
                .map_err(|error| Problem::internal(format!("cannot catch signals: {error}")))
        };
        Ok(Self {
            interrupt: catch(SignalKind::interrupt())?,
            terminate: catch(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => (),
            _ = self.terminate.recv() => (),
        }
    }
}
