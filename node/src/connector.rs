//! A loaded component: what it says of itself, and configurations checked with it.

use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{FnArgs, Function, PromiseRaw, block_on};
use napi_derive::napi;
use serde_json::json;
use smtp_connector::Options;

use crate::border::{failure, promise};
use crate::mailer::Mailer;
use crate::options::{self, Rotated};

/// A component that is ready to check configurations.
#[napi]
#[derive(Debug)]
pub struct Connector(smtp_connector::Connector);

impl Connector {
    pub(crate) fn new(connector: smtp_connector::Connector) -> Self {
        Self(connector)
    }
}

#[napi]
impl Connector {
    /// What the component says of itself, as JSON.
    #[napi(catch_unwind)]
    pub fn descriptor(&self) -> String {
        json!(self.0.descriptor()).to_string()
    }

    /// All findings on a configuration, as JSON.
    #[napi(catch_unwind)]
    pub fn check<'env>(
        &self,
        env: &'env Env,
        configuration: String,
        options: String,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let options = options::read(&options, None)?;
        promise(env, check(self.0.clone(), configuration, options))
    }

    /// The same while the program waits, for callers that cannot be told later. The bound on a
    /// component's time bounds it.
    #[napi(catch_unwind)]
    pub fn check_sync(&self, configuration: String, options: String) -> napi::Result<String> {
        let options = options::read(&options, None)?;
        block_on(check(self.0.clone(), configuration, options))
    }

    /// Makes a mailer of a configuration.
    #[napi(catch_unwind)]
    pub fn configure<'env>(
        &self,
        env: &'env Env,
        configuration: String,
        options: String,
        rotated: Option<Function<'_, FnArgs<(String, String)>, ()>>,
    ) -> napi::Result<PromiseRaw<'env, Mailer>> {
        let rotated = rotated.map(threadsafe).transpose()?;
        let options = options::read(&options, rotated)?;
        let connector = self.0.clone();
        promise(env, async move {
            let mailer = connector.configure_with(&configuration, &options).await;
            mailer.map(Mailer::new).map_err(|error| failure(&error))
        })
    }
}

async fn check(
    connector: smtp_connector::Connector,
    configuration: String,
    options: Options,
) -> napi::Result<String> {
    let check = connector.check(&configuration, &options).await;
    check.map(|check| json!(check).to_string()).map_err(|error| failure(&error))
}

/// A function that any thread may have called, and that keeps no program running.
fn threadsafe(function: Function<'_, FnArgs<(String, String)>, ()>) -> napi::Result<Arc<Rotated>> {
    function.build_threadsafe_function().weak::<true>().build().map(Arc::new)
}
