//! The engine: made once, it loads components.

use std::path::PathBuf;
use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::{PromiseRaw, Uint8Array};
use napi_derive::napi;
use serde::Deserialize;
use smtp_connector::Limits;

use crate::border::{failure, misuse, promise};
use crate::connector::Connector;
use crate::log;

/// Loads components and bounds what they use.
#[napi]
#[derive(Debug)]
pub struct Engine(smtp_connector::Engine);

/// Settings of an engine, as JSON has them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    cache_directory: Option<PathBuf>,
    #[serde(default)]
    limits: Bounds,
}

/// Those of the bounds that are not to be the default.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Bounds {
    memory_bytes: Option<usize>,
    time_ms: Option<u64>,
    output_bytes: Option<usize>,
    stack_bytes: Option<usize>,
    configuration_bytes: Option<usize>,
    program_bytes: Option<usize>,
    payload_bytes: Option<usize>,
    part_bytes: Option<usize>,
}

impl Bounds {
    fn limits(self) -> Limits {
        let mut limits = Limits::default();
        let sizes = [
            (&mut limits.memory_bytes, self.memory_bytes),
            (&mut limits.output_bytes, self.output_bytes),
            (&mut limits.stack_bytes, self.stack_bytes),
            (&mut limits.configuration_bytes, self.configuration_bytes),
            (&mut limits.program_bytes, self.program_bytes),
            (&mut limits.payload_bytes, self.payload_bytes),
            (&mut limits.part_bytes, self.part_bytes),
        ];
        for (limit, set) in sizes {
            *limit = set.unwrap_or(*limit);
        }
        limits.time = self.time_ms.map_or(limits.time, Duration::from_millis);
        limits
    }
}

#[napi]
impl Engine {
    /// Makes an engine of settings in JSON.
    #[napi(constructor, catch_unwind)]
    pub fn new(settings: String) -> napi::Result<Self> {
        let settings: Settings = serde_json::from_str(&settings).map_err(misuse)?;
        log::start();
        let mut builder = smtp_connector::Engine::builder().limits(settings.limits.limits());
        if let Some(path) = settings.cache_directory {
            builder = builder.cache_directory(path);
        }
        builder.build().map(Self).map_err(|error| failure(&error))
    }

    /// Loads the component that comes with the library.
    #[napi(catch_unwind)]
    pub fn bundled<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, Connector>> {
        let engine = self.0.clone();
        promise(env, async move {
            engine.bundled().await.map(Connector::new).map_err(|error| failure(&error))
        })
    }

    /// Loads a component from its bytes.
    #[napi(catch_unwind)]
    pub fn load<'env>(
        &self,
        env: &'env Env,
        bytes: Uint8Array,
    ) -> napi::Result<PromiseRaw<'env, Connector>> {
        let engine = self.0.clone();
        // A copy, since the program may write into its own.
        let bytes = bytes.to_vec();
        promise(env, async move {
            engine.load(&bytes).await.map(Connector::new).map_err(|error| failure(&error))
        })
    }

    /// Loads a component from a file.
    #[napi(catch_unwind)]
    pub fn load_file<'env>(
        &self,
        env: &'env Env,
        path: String,
    ) -> napi::Result<PromiseRaw<'env, Connector>> {
        let engine = self.0.clone();
        promise(env, async move {
            engine.load_file(path).await.map(Connector::new).map_err(|error| failure(&error))
        })
    }
}
