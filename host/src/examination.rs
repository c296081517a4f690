//! The examination of a component: what a platform does with one that somebody offers it, before it
//! lets any tenant use it.

mod probes;

use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;

use crate::boxed::Boxed;
use crate::connector::{Connector, Options};
use crate::diagnostic::Diagnostic;
use crate::error::{Error, ErrorKind, Result};
use crate::load::read_component;
use crate::message::Message;
use crate::request::Request;
use crate::sandbox::{Border, Engine};

/// How often a message is composed to know what it costs.
const REPETITIONS: u32 = 50;

/// What an examination found.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Examination {
    /// The size of the component, in bytes.
    pub bytes: usize,
    /// The version of the contract that it is built for, where it is a connector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract: Option<String>,
    /// What it imports.
    pub imports: Vec<Import>,
    /// What it exports.
    pub exports: Vec<String>,
    /// The identifier that it gives itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its own examples, as far as they were tried.
    pub examples: Vec<Trial>,
    /// What it costs, where it could be run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub costs: Option<Costs>,
    /// Why a platform would refuse it. Nothing speaks against it where there are none.
    pub refusals: Vec<String>,
    /// What its author should look at.
    pub remarks: Vec<String>,
}

/// One import of a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Import {
    /// The interface, with its version.
    pub name: String,
    /// Whether it is linked, to nothing.
    pub tolerated: bool,
}

/// What became of one of a component's own examples.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Trial {
    /// The example's name.
    pub id: String,
    /// The findings of its check, once what stands in angle brackets was replaced.
    pub diagnostics: Vec<Diagnostic>,
    /// The size of its program, in bytes; none where the check found errors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program_bytes: Option<usize>,
    /// How many messages were composed, each in fresh and in kept instances.
    pub messages: usize,
}

/// What a component costs on this machine, in milliseconds and microseconds by the clock.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Costs {
    /// Admitting, compiling and describing it, or finding it in the cache.
    pub load_ms: f64,
    /// Checking an example.
    pub check_ms: f64,
    /// Opening the program in a fresh instance and composing one message.
    pub fresh_us: f64,
    /// Composing one message in an instance that is kept.
    pub kept_us: f64,
}

impl Examination {
    /// Whether nothing speaks against the component.
    pub fn is_passed(&self) -> bool {
        self.refusals.is_empty()
    }

    fn of(border: &Border, bytes: usize) -> Self {
        let foreign: Vec<_> = border.foreign().collect();
        let import = |name: &String| Import {
            name: name.clone(),
            tolerated: !foreign.contains(&name.as_str()),
        };
        Self {
            bytes,
            contract: border.contract_version().map(str::to_owned),
            imports: border.imports.iter().map(import).collect(),
            exports: border.exports.clone(),
            id: None,
            examples: Vec::new(),
            costs: None,
            refusals: Vec::new(),
            remarks: Vec::new(),
        }
    }

    fn refuse(&mut self, error: &Error) {
        let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
        self.refusals.push(format!("{error}{hint}"));
    }
}

impl Engine {
    /// Examines a component: reads what it imports and exports, describes it, runs each of its own
    /// examples through check and compose, in fresh instances and in kept ones, and compares; then
    /// feeds it configurations and payloads that are broken, and measures what it costs.
    ///
    /// A component that misbehaves is an answer, not an error: [`Examination::refusals`] say why a
    /// platform would refuse it.
    ///
    /// # Example
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> smtp_connector::Result<()> {
    /// let engine = smtp_connector::Engine::new()?;
    /// let examination = engine.examine(b"#!/bin/sh").await;
    /// assert_eq!(examination.is_passed(), false);
    /// assert!(examination.refusals[0].starts_with("this is no WebAssembly component"));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn examine(&self, bytes: &[u8]) -> Examination {
        let border = Border::read(bytes).unwrap_or_default();
        let mut examination = Examination::of(&border, bytes.len());
        let began = Instant::now();
        let connector = match self.load(bytes).await {
            Ok(connector) => connector,
            Err(error) => {
                examination.refuse(&error);
                return examination;
            }
        };
        let load = began.elapsed();
        Examiner { connector, examination: &mut examination, load }.run().await;
        examination
    }

    /// Examines the component in a file, as [`Engine::examine`] does.
    ///
    /// # Example
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use smtp_connector::{Engine, ErrorKind};
    ///
    /// let error = Engine::new()?.examine_file("absent.wasm").await.expect_err("no file");
    /// assert_eq!(error.kind(), ErrorKind::Input);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Input`] where the file cannot be read.
    pub async fn examine_file(&self, path: impl AsRef<Path>) -> Result<Examination> {
        Ok(self.examine(&read_component(path.as_ref()).await?).await)
    }
}

struct Examiner<'a> {
    connector: Connector,
    examination: &'a mut Examination,
    load: Duration,
}

impl Examiner<'_> {
    fn run(&mut self) -> Boxed<'_, ()> {
        Box::pin(self.examine())
    }

    async fn examine(&mut self) {
        let descriptor = self.connector.descriptor().clone();
        for (what, missing) in [
            ("identifier", descriptor.id.is_empty()),
            ("target", descriptor.target.is_empty()),
            ("name", descriptor.names.is_empty()),
            ("example", descriptor.examples.is_empty()),
        ] {
            if missing {
                self.examination.remarks.push(format!("its descriptor has no {what}"));
            }
        }
        if !descriptor.configuration_schema.is_object() {
            self.examination.refusals.push("its configuration's schema is no object".to_owned());
        }
        self.examination.id = Some(descriptor.id.clone());
        let mut model = None;
        for example in &descriptor.examples {
            let configuration = probes::filled(&example.configuration);
            if self.try_example(&example.id, &configuration).await {
                model.get_or_insert(configuration);
            }
        }
        let broken = probes::configurations(model.as_ref());
        for configuration in &broken {
            self.try_configuration(configuration).await;
        }
        if let Some(model) = model {
            self.try_payloads(&model).await;
            self.examination.costs = self.measure(&model).await;
        }
        self.examination.refusals.dedup();
    }

    /// Runs an example through check and compose; whether it can be used.
    async fn try_example(&mut self, id: &str, configuration: &Value) -> bool {
        let text = configuration.to_string();
        let mut trial =
            Trial { id: id.to_owned(), diagnostics: Vec::new(), program_bytes: None, messages: 0 };
        let checked = self.connector.examine(&text, &Options::default()).await;
        let usable = match checked {
            Ok((check, prepared)) => {
                trial.program_bytes = prepared.map(|prepared| prepared.program.length());
                trial.diagnostics = check.diagnostics;
                trial.program_bytes.is_some() && self.compare(&text, &mut trial).await
            }
            Err(error) => {
                self.examination.refuse(&error);
                false
            }
        };
        if trial.diagnostics.iter().any(Diagnostic::is_error) {
            self.examination.remarks.push(format!("its example `{id}` has errors"));
        }
        self.examination.examples.push(trial);
        usable
    }

    /// Composes messages in fresh and in kept instances, which must be the same.
    async fn compare(&mut self, text: &str, trial: &mut Trial) -> bool {
        let configure = async |kept| {
            self.connector.configure_with(text, &Options::default().keep_instances(kept)).await
        };
        let (fresh, kept) = match (configure(0).await, configure(2).await) {
            (Ok(fresh), Ok(kept)) => (fresh, kept),
            (Err(error), _) | (_, Err(error)) => {
                self.examination.refuse(&error);
                return false;
            }
        };
        for request in probes::requests() {
            let messages = [
                outcome(fresh.compose(&request).await),
                outcome(kept.compose(&request).await),
                outcome(kept.compose(&request).await),
            ];
            if let Err((ErrorKind::Component, error)) = &messages[0] {
                self.examination.refusals.push(error.clone());
                return false;
            }
            if messages.iter().any(|message| *message != messages[0]) {
                let id = &trial.id;
                self.examination.refusals.push(format!(
                    "it composes other messages in an instance that is kept than in a fresh one \
                     (example `{id}`)"
                ));
                return false;
            }
            trial.messages += 1;
        }
        true
    }

    async fn try_configuration(&mut self, configuration: &str) {
        match self.connector.check(configuration, &Options::default()).await {
            Ok(check) => {
                for found in check.diagnostics {
                    if !(found.path.is_empty() || found.path.starts_with('/')) {
                        let path = &found.path;
                        let refusal = format!("it reports a finding at `{path}`, no JSON Pointer");
                        self.examination.refusals.push(refusal);
                    }
                }
            }
            Err(error) => self.examination.refuse(&error),
        }
    }

    async fn try_payloads(&mut self, model: &Value) {
        let Ok(mailer) = self.connector.configure(&model.to_string()).await else { return };
        for payload in probes::PAYLOADS {
            let request = Request::new("Generic", probes::RECIPIENT).payload_text(*payload);
            match mailer.render(&request).await {
                Err(error) if error.kind() == ErrorKind::Component => {
                    self.examination.refuse(&error);
                }
                _ => {}
            }
        }
    }

    async fn measure(&self, model: &Value) -> Option<Costs> {
        let text = model.to_string();
        let began = Instant::now();
        self.connector.check(&text, &Options::default()).await.ok()?;
        let check = began.elapsed();
        let mut costs = [Duration::ZERO; 2];
        for (cost, kept) in costs.iter_mut().zip([0, 2]) {
            let options = Options::default().keep_instances(kept);
            let mailer = self.connector.configure_with(&text, &options).await.ok()?;
            let request = probes::requests().next()?;
            mailer.compose(&request).await.ok()?;
            let began = Instant::now();
            for _ in 0..REPETITIONS {
                mailer.compose(&request).await.ok()?;
            }
            *cost = began.elapsed() / REPETITIONS;
        }
        Some(Costs {
            load_ms: self.load.as_secs_f64() * 1e3,
            check_ms: check.as_secs_f64() * 1e3,
            fresh_us: costs[0].as_secs_f64() * 1e6,
            kept_us: costs[1].as_secs_f64() * 1e6,
        })
    }
}

fn outcome(composed: Result<Message>) -> Result<Message, (ErrorKind, String)> {
    composed.map_err(|error| (error.kind(), error.to_string()))
}
