//! The engine: made once per process, it compiles components and keeps the clock that bounds their
//! calls.

use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::OnceCell;
use wasmtime::component::Linker;

use super::cache::Cache;
use super::component::Component;
use super::imports;
use super::instance::State;
use super::limits::Limits;
use crate::error::{Error, ErrorKind, Result};

/// How often running calls look at their deadline. Ten milliseconds are short beside any limit on a
/// call and cost an idle process nothing that can be measured.
const TICK: Duration = Duration::from_millis(10);

/// The largest component that is compiled, in bytes: thirty times the bundled one.
pub(crate) const MAX_COMPONENT_BYTES: usize = 16 << 20;

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
        let engine = wasmtime::Engine::new(&configuration(&self.limits))
            .map_err(|error| unusable(&error))?;
        let linker = imports::linker(&engine).map_err(|error| unusable(&error))?;
        let cache = self.cache.map(|path| Cache::new(path, &engine));
        let inner = Arc::new(Inner {
            engine,
            linker,
            limits: self.limits,
            cache,
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

    /// The component that comes with this library. It is compiled at the first call and kept.
    #[cfg(feature = "bundled")]
    pub(crate) async fn bundled_component(&self) -> Result<Arc<Component>> {
        let load = || Component::load(self, smtp_connector_component::COMPONENT.into(), true);
        self.0.bundled.get_or_try_init(load).await.cloned()
    }

    /// A component of somebody else.
    pub(crate) async fn component(&self, bytes: &[u8]) -> Result<Arc<Component>> {
        if bytes.len() > MAX_COMPONENT_BYTES {
            let message = format!("the component has more than {MAX_COMPONENT_BYTES} bytes");
            return Err(Error::new(ErrorKind::Component, message));
        }
        Component::load(self, bytes.into(), false).await
    }

    pub(super) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.0.engine
    }

    pub(super) fn linker(&self) -> &Linker<State> {
        &self.0.linker
    }

    pub(super) fn cache(&self) -> Option<&Cache> {
        self.0.cache.as_ref()
    }
}

fn configuration(limits: &Limits) -> wasmtime::Config {
    let mut config = wasmtime::Config::new();
    config
        .epoch_interruption(true)
        .max_wasm_stack(limits.stack_bytes)
        // wasmtime asks for room beside the guest's own stack, for the host functions that it
        // calls.
        .async_stack_size(limits.stack_bytes + (512 << 10))
        // A connector is plain computation: what it does not need is not offered.
        .wasm_simd(false)
        .wasm_relaxed_simd(false)
        .wasm_multi_memory(false)
        .wasm_memory64(false)
        .wasm_tail_call(false)
        .wasm_extended_const(false);
    config
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
