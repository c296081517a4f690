//! One instance: a component at work, with bounds on what each call may use.
//!
//! An instance that traps or exceeds a bound is never entered again: its calls take it by value and
//! give it back only when they succeed.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::OwnedSemaphorePermit;
use wasmtime::{ResourceLimiter, Store, Trap, UpdateDeadline};

use super::activity::Tally;
use super::component::Component;
use super::engine::MAX_TABLE_ELEMENTS;
use super::inert::Inert;
use super::limits::Limits;
use super::v0_2::Exports;
use crate::error::{Error, ErrorKind};

/// Handles that a component may hold at once; a connector needs one or two.
const MAX_HANDLES: usize = 1024;

/// A running copy of a component.
pub(super) struct Instance {
    store: Store<State>,
    exports: Exports,
    /// Linear memory at the beginning, before any call.
    born_with: usize,
    tally: Arc<Tally>,
    /// Given back after the store, which gives its place back to the engine.
    _places: Option<OwnedSemaphorePermit>,
}

/// What an instance carries on the host's side.
pub(super) struct State {
    pub(super) inert: Inert,
    memory_limit: usize,
    memory_bytes: usize,
    memory_refused: bool,
    call_began: Instant,
}

impl ResourceLimiter for State {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // One bound for all memories of the instance together.
        let total = self.memory_bytes - current.min(self.memory_bytes) + desired;
        if total > self.memory_limit {
            self.memory_refused = true;
            return Ok(false);
        }
        self.memory_bytes = total;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= MAX_TABLE_ELEMENTS)
    }
}

/// A bound that a call exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exceeded {
    Memory(usize),
    Output(usize),
    Program(usize),
    Stack,
    Time(Duration),
}

impl std::fmt::Display for Exceeded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Memory(bytes) => write!(f, "needs more than {} MiB of memory", bytes >> 20),
            Self::Output(bytes) => write!(f, "returns more than {} MiB", bytes >> 20),
            Self::Program(bytes) => write!(f, "makes a program of more than {} KiB", bytes >> 10),
            Self::Stack => f.write_str("recurses too deeply"),
            Self::Time(limit) => write!(f, "takes longer than {limit:?}"),
        }
    }
}

impl std::error::Error for Exceeded {}

/// Why a call gave no answer.
#[derive(Debug)]
pub(super) enum Fault {
    /// The call used more than it may.
    Exceeded(Exceeded),
    /// The component trapped.
    Trapped(String),
}

impl Fault {
    /// The error that this fault is where the component is to blame.
    pub(super) fn blame_component(self, call: &str) -> Error {
        let message = match self {
            Self::Exceeded(exceeded) => format!("the component's `{call}` {exceeded}"),
            Self::Trapped(reason) => format!("the component's `{call}` trapped: {reason}"),
        };
        Error::new(ErrorKind::Component, message)
    }
}

impl Instance {
    /// Instantiates a component in a store of its own.
    pub(super) async fn new(component: &Component) -> Result<Self, Fault> {
        let places = component.places().await;
        let limits = component.limits();
        let mut store = Store::new(component.wasmtime(), State::new(limits));
        store.limiter(|state| state);
        store.set_hostcall_fuel(limits.output_bytes);
        store.set_max_component_handles(MAX_HANDLES);
        let time = limits.time;
        store.epoch_deadline_callback(move |context| {
            if context.data().call_began.elapsed() > time {
                return Err(wasmtime::Error::from(Exceeded::Time(time)));
            }
            Ok(UpdateDeadline::Yield(1))
        });
        store.set_epoch_deadline(1);
        let tally = component.engine().tally().clone();
        tally.count_instance();
        match caught(component.adapter().instantiate(&mut store)).await {
            Ok(exports) => {
                let born_with = store.data().memory_bytes;
                Ok(Self { store, exports, born_with, tally, _places: places })
            }
            Err(error) => {
                tally.count_fault();
                Err(fault(&error, &store, limits))
            }
        }
    }

    /// Makes one call. The instance comes back only with an answer.
    pub(super) async fn call<T>(
        mut self,
        limits: &Limits,
        call: impl AsyncFnOnce(&Exports, &mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<(Self, T), Fault> {
        self.store.data_mut().call_began = Instant::now();
        self.store.set_epoch_deadline(1);
        match caught(call(&self.exports, &mut self.store)).await {
            Ok(answer) => Ok((self, answer)),
            Err(error) => {
                self.tally.count_fault();
                Err(fault(&error, &self.store, limits))
            }
        }
    }

    /// How much its linear memory has grown since it was born, in bytes. The runtime of a language
    /// is born with megabytes.
    pub(super) fn growth(&self) -> usize {
        self.store.data().memory_bytes - self.born_with
    }
}

impl State {
    fn new(limits: &Limits) -> Self {
        Self {
            inert: Inert::default(),
            memory_limit: limits.memory_bytes,
            memory_bytes: 0,
            memory_refused: false,
            call_began: Instant::now(),
        }
    }
}

fn fault(error: &wasmtime::Error, store: &Store<State>, limits: &Limits) -> Fault {
    let state = store.data();
    if let Some(exceeded) = error.downcast_ref::<Exceeded>() {
        return Fault::Exceeded(*exceeded);
    }
    if state.memory_refused {
        return Fault::Exceeded(Exceeded::Memory(limits.memory_bytes));
    }
    match error.downcast_ref::<Trap>() {
        // A guest whose own stack grows over the edge of its memory shows as an access out of
        // bounds.
        Some(Trap::StackOverflow | Trap::MemoryOutOfBounds) => {
            return Fault::Exceeded(Exceeded::Stack);
        }
        Some(_) => {}
        None if format!("{error:#}").contains("fuel allocated for hostcalls") => {
            return Fault::Exceeded(Exceeded::Output(limits.output_bytes));
        }
        None => {}
    }
    let words = state.inert.last_words();
    if words.is_empty() {
        Fault::Trapped(error.root_cause().to_string())
    } else {
        Fault::Trapped(words)
    }
}

/// The answer of a call; a panic of the engine, for which the component gave the occasion, is one
/// of its errors.
async fn caught<T>(call: impl Future<Output = wasmtime::Result<T>>) -> wasmtime::Result<T> {
    let mut call = pin!(call);
    // Safe to look at afterwards: the store is dropped with the instance wherever a call fails.
    let answer =
        poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(answer)) => Poll::Ready(answer),
            Err(_) => Poll::Ready(Err(wasmtime::Error::msg("the engine failed on it"))),
        });
    answer.await
}
