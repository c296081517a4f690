//! What a configuration may do, as the program says it.

use std::sync::Arc;

use napi::Status;
use napi::bindgen_prelude::FnArgs;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use serde::Deserialize;
use smtp_connector::{EgressPolicy, Options};

use crate::border::misuse;

/// What is told of a replaced refresh token: the user and the token. It keeps no program running.
pub(crate) type Rotated =
    ThreadsafeFunction<FnArgs<(String, String)>, (), FnArgs<(String, String)>, Status, false, true>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    egress: Option<String>,
    ports: Option<Vec<u16>>,
    #[serde(default)]
    author_domains: Vec<String>,
    #[serde(default)]
    keep_instances: usize,
    #[serde(default)]
    secret_sources: bool,
}

/// Reads options from JSON.
pub(crate) fn read(json: &str, rotated: Option<Arc<Rotated>>) -> napi::Result<Options> {
    let settings: Settings = serde_json::from_str(json).map_err(misuse)?;
    let mut egress = match &settings.egress {
        None => EgressPolicy::default(),
        Some(policy) => {
            policy.parse::<EgressPolicy>().map_err(|error| misuse(format!("`egress`: {error}")))?
        }
    };
    if let Some(ports) = settings.ports {
        egress = egress.with_ports(ports);
    }
    let options = Options::default()
        .author_domains(settings.author_domains)
        .egress(egress)
        .keep_instances(settings.keep_instances)
        .secret_sources(settings.secret_sources);
    Ok(match rotated {
        None => options,
        Some(rotated) => options.on_rotated_token(move |token| {
            let told = (token.user().to_owned(), token.expose().to_owned());
            // Where the program is about to end, nobody is there to be told.
            let _ = rotated.call(told.into(), ThreadsafeFunctionCallMode::NonBlocking);
        }),
    })
}
