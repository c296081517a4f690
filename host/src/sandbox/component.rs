//! A loaded component: admitted, compiled and described, ready to be instantiated.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use wasmtime::component::Component as Compiled;

use super::admission::Border;
use super::engine::{Engine, PLACES};
use super::instance::{Exceeded, Fault, Instance, State};
use super::limits::Limits;
use super::v0_2::{Adapter, Exports};
use crate::descriptor::Descriptor;
use crate::diagnostic::Diagnostic;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::TransportPlan;

/// A component that is ready to work.
pub(crate) struct Component {
    engine: Engine,
    adapter: Adapter,
    descriptor: Descriptor,
    /// How many of the engine's places an instance takes.
    places: u32,
    bundled: bool,
}

/// What a check found.
pub(crate) struct Checked {
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// None where there are errors.
    pub(crate) outcome: Option<Outcome>,
}

/// What a configuration without errors comes to.
pub(crate) struct Outcome {
    /// The plan, or how it breaks the contract.
    pub(crate) plan: Result<TransportPlan>,
    pub(crate) program: Program,
}

/// What a component has put down of a configuration to compose messages with. Nobody but the
/// component knows what it says.
#[derive(Clone)]
pub(crate) struct Program(Arc<[u8]>);

impl Program {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// How many bytes a tenant costs, beyond its configuration.
    pub(crate) fn length(&self) -> usize {
        self.0.len()
    }
}

impl std::fmt::Debug for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Component").field("id", &self.descriptor.id).finish_non_exhaustive()
    }
}

impl Component {
    /// Admits, compiles and describes a component.
    pub(super) async fn load(engine: &Engine, bytes: Vec<u8>, bundled: bool) -> Result<Arc<Self>> {
        let compiler = engine.clone();
        let prepared = tokio::task::spawn_blocking(move || {
            Border::read(&bytes)?.admit()?;
            compile(&compiler, &bytes)
        });
        // The compiler panics on nothing but what it was given.
        let compiled = prepared.await.map_err(|error| {
            Error::new(ErrorKind::Component, "the compiler fails on this component")
                .with_source(error)
        })??;
        let needed = compiled.resources_required();
        let places = needed.map_or(1, |needed| needed.num_memories.max(needed.num_tables).max(1));
        if places > PLACES {
            let message = format!("the component has {places} memories or tables");
            return Err(Error::new(ErrorKind::Component, message));
        }
        let adapter = engine.linker().instantiate_pre(&compiled).and_then(Adapter::new);
        let adapter = adapter.map_err(|error| {
            let message = format!("the component does not keep to the contract: {error:#}");
            Error::new(ErrorKind::Component, message)
        })?;
        let descriptor = Descriptor::default();
        let mut component = Self { engine: engine.clone(), adapter, descriptor, places, bundled };
        component.descriptor = component.describe().await?;
        Ok(Arc::new(component))
    }

    /// What the component says of itself.
    pub(crate) fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// Checks a configuration whose secrets are masked, in an instance of its own.
    pub(crate) async fn check(&self, masked: &str) -> Result<Checked> {
        let checked = self.call(async |exports, store| exports.check(store, masked).await).await;
        match checked {
            Ok(checked) => self.within_bounds(checked?),
            // The bundled check is linear in its input: what exceeds a bound is the configuration.
            Err(Fault::Exceeded(exceeded)) if self.bundled => Ok(Checked::too_complex(&exceeded)),
            Err(fault) => Err(fault.blame_component("check")),
        }
    }

    /// Whether an exceeded bound is the template's fault rather than the component's: the bundled
    /// component's own work is bounded by its input.
    pub(super) fn is_bundled(&self) -> bool {
        self.bundled
    }

    /// The bounds on every call.
    pub(crate) fn limits(&self) -> &Limits {
        self.engine.limits()
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(super) fn wasmtime(&self) -> &wasmtime::Engine {
        self.engine.wasmtime()
    }

    pub(super) fn adapter(&self) -> &Adapter {
        &self.adapter
    }

    /// How many of the engine's places an instance takes.
    pub(super) fn places_needed(&self) -> u32 {
        self.places
    }

    /// Waits for the places of one instance.
    pub(super) async fn places(&self) -> Option<OwnedSemaphorePermit> {
        // None only of a semaphore that was closed, which nobody does.
        self.engine.places().clone().acquire_many_owned(self.places).await.ok()
    }

    async fn describe(&self) -> Result<Descriptor> {
        let described = self.call(async |exports, store| exports.describe(store).await).await;
        described.map_err(|fault| fault.blame_component("describe"))?
    }

    async fn call<T>(
        &self,
        call: impl AsyncFnOnce(&Exports, &mut wasmtime::Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, Fault> {
        let instance = Instance::new(self).await?;
        let answer = instance.call(self.limits(), call).await;
        answer.map(|(_, answer)| answer)
    }

    fn within_bounds(&self, checked: Checked) -> Result<Checked> {
        let most = self.limits().program_bytes;
        let length = checked.outcome.as_ref().map_or(0, |outcome| outcome.program.length());
        if length <= most {
            return Ok(checked);
        }
        let exceeded = Exceeded::Program(most);
        match self.bundled {
            true => Ok(Checked::too_complex(&exceeded)),
            false => Err(Fault::Exceeded(exceeded).blame_component("check")),
        }
    }
}

impl Checked {
    fn too_complex(exceeded: &Exceeded) -> Self {
        let diagnostic =
            Diagnostic::error("", "too-complex", format!("checking this configuration {exceeded}"))
                .with_help("shorten it");
        Self { diagnostics: vec![diagnostic], outcome: None }
    }
}

fn compile(engine: &Engine, bytes: &[u8]) -> Result<Compiled> {
    if let Some(compiled) = engine.cache().and_then(|cache| cache.find(engine.wasmtime(), bytes)) {
        return Ok(compiled);
    }
    let compiled = Compiled::new(engine.wasmtime(), bytes).map_err(|error| {
        let reason = first_line(&error);
        let message = format!("this is not a component that the sandbox can run: {reason}");
        Error::new(ErrorKind::Component, message)
    })?;
    if let Some(cache) = engine.cache() {
        cache.keep(bytes, &compiled);
    }
    Ok(compiled)
}

fn first_line(error: &wasmtime::Error) -> String {
    format!("{error:#}").lines().next().unwrap_or_default().to_owned()
}
