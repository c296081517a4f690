//! One instance: a component at work, with bounds on what each call may use.
//!
//! An instance that traps or exceeds a bound is never entered again: its calls take it by value and
//! give it back only when they succeed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::AsyncWrite;
use wasmtime::component::ResourceTable;
use wasmtime::{ResourceLimiter, Store, Trap, UpdateDeadline};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView, async_trait};

use super::bindings::MailConnector;
use super::component::Component;
use super::limits::Limits;
use crate::error::{Error, ErrorKind};

/// Handles that a component may hold at once; a connector needs one or two.
const MAX_HANDLES: usize = 1024;

/// How much of what a component says on its standard error is kept: a panic message.
const MAX_LAST_WORDS: usize = 2048;

/// How many elements a table may have: function pointers of a connector are some hundreds.
const MAX_TABLE_ELEMENTS: usize = 100_000;

/// A running copy of a component.
pub(super) struct Instance {
    store: Store<State>,
    exports: MailConnector,
}

/// What an instance carries on the host's side.
pub(super) struct State {
    wasi: WasiCtx,
    table: ResourceTable,
    memory_limit: usize,
    memory_bytes: usize,
    memory_refused: bool,
    call_began: Instant,
    last_words: LastWords,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
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
    Stack,
    Time(Duration),
}

impl std::fmt::Display for Exceeded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Memory(bytes) => write!(f, "needs more than {} MiB of memory", bytes >> 20),
            Self::Output(bytes) => write!(f, "returns more than {} MiB", bytes >> 20),
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
        match component.pre().instantiate_async(&mut store).await {
            Ok(exports) => Ok(Self { store, exports }),
            Err(error) => Err(fault(&error, &store, limits)),
        }
    }

    /// Makes one call. The instance comes back only with an answer.
    pub(super) async fn call<T>(
        mut self,
        limits: &Limits,
        call: impl AsyncFnOnce(&MailConnector, &mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<(Self, T), Fault> {
        self.store.data_mut().call_began = Instant::now();
        self.store.set_epoch_deadline(1);
        match call(&self.exports, &mut self.store).await {
            Ok(answer) => Ok((self, answer)),
            Err(error) => Err(fault(&error, &self.store, limits)),
        }
    }

    /// How much linear memory the instance has grown to, in bytes.
    pub(super) fn memory_bytes(&self) -> usize {
        self.store.data().memory_bytes
    }
}

impl State {
    fn new(limits: &Limits) -> Self {
        let last_words = LastWords::default();
        // No arguments, environment, files or sockets, and the same seed each time: the same input
        // gives the same output.
        let wasi = WasiCtx::builder().stderr(last_words.clone()).insecure_random_seed(0).build();
        Self {
            wasi,
            table: ResourceTable::new(),
            memory_limit: limits.memory_bytes,
            memory_bytes: 0,
            memory_refused: false,
            call_began: Instant::now(),
            last_words,
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
    let words = state.last_words.text();
    if words.is_empty() {
        Fault::Trapped(error.root_cause().to_string())
    } else {
        Fault::Trapped(words)
    }
}

/// What a component said last on its standard error, such as a panic message.
#[derive(Clone, Default)]
struct LastWords(Arc<Mutex<Vec<u8>>>);

impl LastWords {
    fn append(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(&bytes[bytes.len().saturating_sub(MAX_LAST_WORDS)..]);
        let surplus = kept.len().saturating_sub(MAX_LAST_WORDS);
        kept.drain(..surplus);
    }

    fn text(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&kept);
        text.split(|c: char| c.is_control())
            .filter(|line| !line.trim().is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

impl IsTerminal for LastWords {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LastWords {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        // Preview 2 asks for the stream below; nothing here is linked that would ask for this one.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for LastWords {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.append(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(4096)
    }
}

#[async_trait]
impl Pollable for LastWords {
    async fn ready(&mut self) {}
}
