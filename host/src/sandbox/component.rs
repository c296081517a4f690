//! A loaded component: compiled, admitted and described, ready to be instantiated.

use std::sync::Arc;

use serde::{Serialize, Serializer};
use wasmtime::component::Component as Compiled;

use super::bindings::{MailConnectorPre, exports::smtp_connector::contract::connector};
use super::convert::{self, FormItem, LocalizedText};
use super::engine::Engine;
use super::imports;
use super::instance::{Exceeded, Fault, Instance, State};
use super::limits::Limits;
use crate::diagnostic::Diagnostic;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::TransportPlan;

/// A component that is ready to work.
pub(crate) struct Component {
    engine: Engine,
    pre: MailConnectorPre<State>,
    descriptor: Descriptor,
    bundled: bool,
}

/// What a component says of itself.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Descriptor {
    /// The identifier under which a platform knows the connector.
    pub id: String,
    /// The short name of what it connects to.
    pub target: String,
    /// Its name by language, the default first.
    #[serde(rename = "name", serialize_with = "by_language")]
    pub names: Vec<LocalizedText>,
    /// Its description by language, the default first.
    #[serde(rename = "description", serialize_with = "by_language")]
    pub descriptions: Vec<LocalizedText>,
    /// A logo as a data URL.
    pub logo: Option<String>,
    /// The logo for a dark background, as a data URL.
    pub logo_dark: Option<String>,
    /// The form for a configuration.
    pub form_items: Vec<FormItem>,
    /// Where secrets stand: JSON Pointers in which `*` stands for any member or element.
    pub secret_pointers: Vec<String>,
    /// Ready configurations.
    pub examples: Vec<Example>,
    /// The JSON Schema of the configuration.
    pub configuration_schema: serde_json::Value,
}

/// A configuration to begin with.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Example {
    /// A short name, such as `gmail`.
    pub id: String,
    /// What it is for.
    pub title: String,
    /// The configuration.
    pub configuration: serde_json::Value,
}

/// What a check found.
pub(crate) struct Checked {
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// The plan, or how it breaks the contract.
    pub(crate) plan: Option<Result<TransportPlan>>,
}

impl std::fmt::Debug for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Component").field("id", &self.descriptor.id).finish_non_exhaustive()
    }
}

impl Component {
    /// Compiles, admits and describes a component.
    pub(super) async fn load(engine: &Engine, bytes: Vec<u8>, bundled: bool) -> Result<Arc<Self>> {
        let compiler = engine.clone();
        let compiled = tokio::task::spawn_blocking(move || compile(&compiler, &bytes)).await;
        let compiled = compiled.map_err(|error| {
            Error::new(ErrorKind::Internal, "the compiler of components failed").with_source(error)
        })??;
        imports::admit(&compiled)?;
        let pre = engine.linker().instantiate_pre(&compiled).and_then(MailConnectorPre::new);
        let pre = pre.map_err(|error| {
            Error::new(
                ErrorKind::Component,
                format!("the component does not keep to the contract: {error:#}"),
            )
        })?;
        let mut component =
            Self { engine: engine.clone(), pre, descriptor: Descriptor::default(), bundled };
        component.descriptor = component.describe().await?;
        Ok(Arc::new(component))
    }

    /// What the component says of itself.
    pub(crate) fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// Checks a configuration whose secrets are masked, in an instance of its own.
    pub(crate) async fn check(&self, masked: &str) -> Result<Checked> {
        let report =
            self.call(async |exports, store| exports.call_check(store, masked).await).await;
        match report {
            Ok(report) => convert::report(report),
            // The bundled check is linear in its input: what exceeds a bound is the configuration.
            Err(Fault::Exceeded(exceeded)) if self.bundled => Ok(Checked::failed(&exceeded)),
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

    pub(super) fn wasmtime(&self) -> &wasmtime::Engine {
        self.engine.wasmtime()
    }

    pub(super) fn pre(&self) -> &MailConnectorPre<State> {
        &self.pre
    }

    async fn describe(&self) -> Result<Descriptor> {
        let descriptor = self.call(async |exports, store| exports.call_describe(store).await).await;
        convert::descriptor(descriptor.map_err(|fault| fault.blame_component("describe"))?)
    }

    async fn call<T>(
        &self,
        call: impl AsyncFnOnce(&connector::Guest, &mut wasmtime::Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, Fault> {
        let instance = Instance::new(self).await?;
        let answer = instance
            .call(self.limits(), async |exports, store| {
                call(exports.smtp_connector_contract_connector(), store).await
            })
            .await;
        answer.map(|(_, answer)| answer)
    }
}

impl Checked {
    fn failed(exceeded: &Exceeded) -> Self {
        let diagnostic =
            Diagnostic::error("", "too-complex", format!("checking this configuration {exceeded}"))
                .with_help("shorten it");
        Self { diagnostics: vec![diagnostic], plan: None }
    }
}

fn by_language<S: Serializer>(texts: &[LocalizedText], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(texts.iter().map(|text| (&text.language, &text.text)))
}

fn compile(engine: &Engine, bytes: &[u8]) -> Result<Compiled> {
    if let Some(compiled) = engine.cache().and_then(|cache| cache.find(engine.wasmtime(), bytes)) {
        return Ok(compiled);
    }
    let compiled = Compiled::new(engine.wasmtime(), bytes).map_err(|error| {
        let message = match bytes {
            [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => {
                "this is a core WebAssembly module, not a component".to_owned()
            }
            _ if !bytes.starts_with(b"\0asm") => "this is no WebAssembly component".to_owned(),
            _ => {
                format!("this is not a component that the sandbox can run: {}", first_line(&error))
            }
        };
        Error::new(ErrorKind::Component, message)
            .with_hint("build the component for the target `wasm32-wasip2`")
    })?;
    if let Some(cache) = engine.cache() {
        cache.keep(bytes, &compiled);
    }
    Ok(compiled)
}

fn first_line(error: &wasmtime::Error) -> String {
    format!("{error:#}").lines().next().unwrap_or_default().to_owned()
}
