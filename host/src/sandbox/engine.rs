//! The engine: made once per process, it compiles components and keeps the clock that bounds their
//! calls.

use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{OnceCell, Semaphore};
use wasmtime::component::Linker;
use wasmtime::{Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::activity::{Activity, Tally};
use super::cache::Cache;
use super::component::Component;
use super::inert;
use super::instance::State;
use super::limits::Limits;
use crate::boxed::Boxed;
use crate::error::{Error, ErrorKind, Result};

/// How often running calls look at their deadline. Ten milliseconds are short beside any limit on a
/// call and cost an idle process nothing that can be measured.
const TICK: Duration = Duration::from_millis(10);

/// The largest component that is compiled, in bytes. One in Python takes 19.5 MB, most of it the
/// interpreter; one in Rust a megabyte.
pub(crate) const MAX_COMPONENT_BYTES: usize = 32 << 20;

/// How many places for linear memories an engine has: as many instances at once, for most have one
/// memory. A place that is free costs address space only. Two hundred calls at once are more than
/// any processor of today runs; the others wait.
pub(super) const PLACES: u32 = 256;

/// How many core instances there may be for each place, and in one component. The runtime of a
/// language comes in modules, each an instance of its own: a dozen for JavaScript, 38 for Python.
/// They are counted and take no room, so that whoever has its places never wants for them.
const CORE_INSTANCES: u32 = 64;

/// How many elements a table may have: function pointers of a connector are some hundreds, those of
/// an interpreter some thousands.
pub(super) const MAX_TABLE_ELEMENTS: usize = 100_000;

/// How much of a memory stays resident in a place that is free, in bytes. An instance of the
/// bundled component touches less for a message, so that the next needs no page from the kernel.
/// What stays is cleaned each time, whatever touched it: more would make each message pay for what
/// a check left behind.
const KEPT_RESIDENT: usize = 128 << 10;

/// How much of a table stays resident in a place that is free, in bytes. The bundled component's
/// has some hundred elements of eight bytes.
const KEPT_OF_TABLE: usize = 16 << 10;

/// Compiles and runs components. Make one per process and share it: cloning is cheap.
///
/// # Example
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> smtp_connector::Result<()> {
/// let engine = smtp_connector::Engine::new()?;
/// let connector = engine.bundled().await?;
/// assert_eq!(connector.descriptor().target, "smtp");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    engine: wasmtime::Engine,
    linker: Linker<State>,
    limits: Limits,
    cache: Option<Cache>,
    /// Places for instances that serve one call.
    places: Arc<Semaphore>,
    /// How many instances may be kept beyond a call: half of all places, so that whoever keeps none
    /// is served as well.
    keeping: Arc<Semaphore>,
    tally: Arc<Tally>,
    #[cfg(feature = "bundled")]
    bundled: OnceCell<Arc<Component>>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("limits", &self.0.limits).finish_non_exhaustive()
    }
}

/// Settings of an [`Engine`].
#[derive(Debug, Default)]
pub struct EngineBuilder {
    limits: Limits,
    cache: Option<PathBuf>,
}

impl EngineBuilder {
    /// Bounds every call of a component.
    ///
    /// # Example
    ///
    /// ```
    /// use smtp_connector::{Engine, Limits};
    ///
    /// let mut limits = Limits::default();
    /// limits.memory_bytes = 32 << 20;
    /// let engine = Engine::builder().limits(limits.clone()).build()?;
    /// assert_eq!(engine.limits(), &limits);
    /// # Ok::<(), smtp_connector::Error>(())
    /// ```
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Keeps compiled components in a directory, so that the next process needs no compiler.
    ///
    /// The directory must belong to the current user and be closed to others; it is made so if it
    /// does not exist. What is found there is authenticated before it is used.
    ///
    /// # Example
    ///
    /// ```no_run
    /// let engine = smtp_connector::Engine::builder()
    ///     .cache_directory("/var/cache/my-platform/components")
    ///     .build()?;
    /// # Ok::<(), smtp_connector::Error>(())
    /// ```
    #[must_use]
    pub fn cache_directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.cache = Some(path.into());
        self
    }

    /// Makes the engine.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Internal`] where this machine cannot run WebAssembly.
    pub fn build(self) -> Result<Engine> {
        let engine = engine(&self.limits).map_err(|error| unusable(&error))?;
        let linker = inert::linker(&engine).map_err(|error| unusable(&error))?;
        let cache = self.cache.map(|path| Cache::new(path, &engine));
        let inner = Arc::new(Inner {
            engine,
            linker,
            limits: self.limits,
            cache,
            places: Arc::new(Semaphore::new(PLACES as usize)),
            keeping: Arc::new(Semaphore::new(PLACES as usize / 2)),
            tally: Arc::default(),
            #[cfg(feature = "bundled")]
            bundled: OnceCell::new(),
        });
        start_clock(&inner)?;
        Ok(Engine(inner))
    }
}

impl Engine {
    /// Makes an engine with the default limits and without a cache.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Internal`] where this machine cannot run WebAssembly.
    pub fn new() -> Result<Self> {
        Self::builder().build()
    }

    /// Begins an engine with other settings.
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }

    /// The bounds on every call.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// What its sandbox does and has done, for those who watch it.
    ///
    /// # Example
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> smtp_connector::Result<()> {
    /// let engine = smtp_connector::Engine::new()?;
    /// engine.bundled().await?;
    /// // The component was asked what it is.
    /// let activity = engine.activity();
    /// assert_eq!((activity.taken, activity.instances, activity.faults), (0, 1, 0));
    /// # Ok(())
    /// # }
    /// ```
    pub fn activity(&self) -> Activity {
        let (places, free) = (PLACES as usize, self.0.places.available_permits());
        Activity {
            places,
            taken: places.saturating_sub(free),
            instances: self.0.tally.instances(),
            faults: self.0.tally.faults(),
        }
    }

    /// The component that comes with this library. It is compiled at the first call and kept.
    #[cfg(feature = "bundled")]
    pub(crate) fn bundled_component(&self) -> Boxed<'_, Result<Arc<Component>>> {
        Box::pin(async {
            let load = || Component::load(self, smtp_connector_component::COMPONENT.into(), true);
            self.0.bundled.get_or_try_init(load).await.cloned()
        })
    }

    /// A component of somebody else.
    pub(crate) fn component<'a>(&'a self, bytes: &'a [u8]) -> Boxed<'a, Result<Arc<Component>>> {
        Box::pin(async {
            if bytes.len() > MAX_COMPONENT_BYTES {
                let message = format!("the component has more than {MAX_COMPONENT_BYTES} bytes");
                return Err(Error::new(ErrorKind::Component, message));
            }
            Component::load(self, bytes.into(), false).await
        })
    }

    pub(super) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.0.engine
    }

    pub(super) fn linker(&self) -> &Linker<State> {
        &self.0.linker
    }

    pub(super) fn places(&self) -> &Arc<Semaphore> {
        &self.0.places
    }

    pub(super) fn keeping(&self) -> &Arc<Semaphore> {
        &self.0.keeping
    }

    pub(super) fn tally(&self) -> &Arc<Tally> {
        &self.0.tally
    }

    pub(super) fn cache(&self) -> Option<&Cache> {
        self.0.cache.as_ref()
    }
}

/// An engine whose instances have their places ready, which makes a fresh one for each message
/// cheap; where the address space for them is not to be had, each gets its own when it is made.
fn engine(limits: &Limits) -> wasmtime::Result<wasmtime::Engine> {
    let mut config = configuration(limits);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(limits)));
    wasmtime::Engine::new(&config).or_else(|error| {
        tracing::debug!(target: "smtp_connector", %error, "instances have no places ready");
        wasmtime::Engine::new(&configuration(limits))
    })
}

fn configuration(limits: &Limits) -> wasmtime::Config {
    let mut config = wasmtime::Config::new();
    config
        .epoch_interruption(true)
        .max_wasm_stack(limits.stack_bytes)
        // wasmtime asks for room beside the guest's own stack, for the host functions that it
        // calls.
        .async_stack_size(limits.stack_bytes + (512 << 10))
        // A connector is plain computation: what no language's runtime needs is not offered.
        // Several memories and extended constants are what JavaScript's and Python's need.
        .wasm_simd(false)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .wasm_tail_call(false);
    config
}

fn pool(limits: &Limits) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(PLACES)
        .total_core_instances(PLACES * CORE_INSTANCES)
        .total_memories(PLACES)
        .total_tables(PLACES)
        .total_stacks(PLACES)
        .max_memories_per_component(PLACES)
        .max_tables_per_component(PLACES)
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_memory_size(limits.memory_bytes)
        .table_elements(MAX_TABLE_ELEMENTS)
        .table_keep_resident(KEPT_OF_TABLE);
    // Only with the kernel's help is it cheaper to clean a page than to give it back.
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        pool.pagemap_scan(Enabled::Yes).linear_memory_keep_resident(KEPT_RESIDENT);
    }
    pool
}

/// Advances the engine's epoch until the engine is gone.
fn start_clock(inner: &Arc<Inner>) -> Result<()> {
    let weak: Weak<Inner> = Arc::downgrade(inner);
    let clock = move || {
        while let Some(inner) = weak.upgrade() {
            inner.engine.increment_epoch();
            drop(inner);
            std::thread::sleep(TICK);
        }
    };
    std::thread::Builder::new().name("smtp-connector-clock".to_owned()).spawn(clock).map_err(
        |error| {
            Error::new(ErrorKind::Internal, "cannot start the thread that bounds the calls")
                .with_source(error)
        },
    )?;
    Ok(())
}

fn unusable(error: &wasmtime::Error) -> Error {
    Error::new(ErrorKind::Internal, format!("cannot run WebAssembly on this machine: {error:#}"))
}
