//! Composers: instances in which one program is open. Each message gets a fresh one, unless the
//! embedder asks to keep some; those serve no other configuration.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::component::{Component, Program};
use super::instance::{Fault, Instance};
use super::v0_2::Opened;
use crate::error::{Error, ErrorKind, Result};
use crate::message::{Mailbox, Message};
use crate::request::Request;

/// How many messages of one configuration are composed at once. A render takes some ten
/// microseconds, so that two serve a hundred thousand messages a second; more would only let one
/// tenant's slow template take the processors from all others.
const AT_ONCE: usize = 2;

/// An instance that has grown by more is not kept: one large message must not cost its tenant the
/// memory for good.
const MAX_KEPT_GROWTH: usize = 4 << 20;

/// The composers of one configuration.
pub(crate) struct Composers {
    component: Arc<Component>,
    program: Program,
    turns: Semaphore,
    /// How many may be kept.
    keep: usize,
    kept: Mutex<Vec<Composer>>,
}

struct Composer {
    instance: Instance,
    opened: Opened,
    /// The right to be kept, of which an engine has few; none where it serves one message.
    keeping: Option<OwnedSemaphorePermit>,
}

impl std::fmt::Debug for Composers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Composers").field("keep", &self.keep).finish_non_exhaustive()
    }
}

impl Composers {
    /// Prepares to compose with a program; at most `keep` instances are kept for further messages.
    pub(crate) fn new(component: Arc<Component>, program: Program, keep: usize) -> Self {
        let turns = Semaphore::new(AT_ONCE);
        Self { component, program, turns, keep: keep.min(AT_ONCE), kept: Mutex::default() }
    }

    /// Composes one message for a recipient. Dropping the future drops the instance, so that no
    /// call is ever half done.
    pub(crate) async fn compose(&self, request: &Request, to: Mailbox) -> Result<Message> {
        let limits = self.component.limits();
        within_bound(request, limits.payload_bytes)?;
        let _turn =
            self.turns.acquire().await.map_err(|_| Error::new(ErrorKind::Internal, "closed"))?;
        let Composer { instance, opened, keeping } = match self.take_kept() {
            Some(composer) => composer,
            None => self.open().await?,
        };
        let called = instance.call(limits, async |exports, store| {
            exports.compose(store, &opened, request, to, limits).await
        });
        let (instance, composed) = called.await.map_err(|fault| self.blame(fault))?;
        if keeping.is_some() && instance.growth() <= MAX_KEPT_GROWTH {
            self.put_back(Composer { instance, opened, keeping });
        }
        composed
    }

    fn take_kept(&self) -> Option<Composer> {
        if self.keep == 0 {
            return None;
        }
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn put_back(&self, composer: Composer) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < self.keep {
            kept.push(composer);
        }
    }

    async fn open(&self) -> Result<Composer> {
        let opened = async {
            let instance = Instance::new(&self.component).await?;
            let limits = self.component.limits();
            let program = &self.program;
            instance.call(limits, async |exports, store| exports.open(store, program).await).await
        };
        let (instance, opened) = opened.await.map_err(|fault| fault.blame_component("open"))?;
        Ok(Composer { instance, opened: opened?, keeping: self.may_keep() })
    }

    /// The right to keep one more instance, where this configuration and the engine have one left.
    fn may_keep(&self) -> Option<OwnedSemaphorePermit> {
        let keeping = self.component.engine().keeping().clone();
        let places = self.component.places_needed();
        (self.keep > 0).then(|| keeping.try_acquire_many_owned(places).ok()).flatten()
    }

    fn blame(&self, fault: Fault) -> Error {
        match fault {
            Fault::Exceeded(exceeded) if self.component.is_bundled() => {
                Error::new(ErrorKind::Template, format!("rendering the template {exceeded}"))
                    .with_hint("simplify the template, or send it less data")
            }
            fault => fault.blame_component("compose"),
        }
    }
}

/// Refuses what no component needs to see.
fn within_bound(request: &Request, most: usize) -> Result<()> {
    let length = request.payload.len();
    if length > most {
        let message = format!("the payload has {length} bytes; at most {most} are read");
        return Err(Error::new(ErrorKind::Payload, message));
    }
    Ok(())
}
