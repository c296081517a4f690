//! The adapter for version 0.2 of the contract: its functions, with the host's own types.
//!
//! What a component answers is not trusted: whatever the host's types cannot hold is a breach of
//! the contract, and the error says which part of the answer it was. Each released version of the
//! contract has an adapter of this shape; the rest of the sandbox knows none of their types.

mod bindings;
mod descriptor;
mod message;
mod plan;

use wasmtime::Store;
use wasmtime::component::{InstancePre, ResourceAny};

use self::bindings::exports::smtp_connector::contract::{connector, diagnostics};
use self::bindings::{MailConnector, MailConnectorPre};
use super::component::{Checked, Outcome, Program};
use super::instance::State;
use super::limits::Limits;
use crate::descriptor::Descriptor;
use crate::diagnostic::{Diagnostic, Severity};
use crate::error::{Error, ErrorKind, Result};
use crate::message::{Mailbox, Message};
use crate::request::Request;

/// A component of this version, ready to be instantiated.
pub(super) struct Adapter(MailConnectorPre<State>);

impl Adapter {
    /// Finds the contract's exports.
    pub(super) fn new(pre: InstancePre<State>) -> wasmtime::Result<Self> {
        MailConnectorPre::new(pre).map(Self)
    }

    /// Makes an instance.
    pub(super) async fn instantiate(&self, store: &mut Store<State>) -> wasmtime::Result<Exports> {
        self.0.instantiate_async(store).await.map(Exports)
    }
}

/// The functions of one instance. The outer result is the call's, the inner one the answer's.
pub(super) struct Exports(MailConnector);

/// A program that an instance has opened.
pub(super) struct Opened(ResourceAny);

impl Exports {
    pub(super) async fn describe(
        &self,
        store: &mut Store<State>,
    ) -> wasmtime::Result<Result<Descriptor>> {
        self.connector().call_describe(store).await.map(descriptor::descriptor)
    }

    pub(super) async fn check(
        &self,
        store: &mut Store<State>,
        masked: &str,
    ) -> wasmtime::Result<Result<Checked>> {
        self.connector().call_check(store, masked).await.map(checked)
    }

    pub(super) async fn open(
        &self,
        store: &mut Store<State>,
        program: &Program,
    ) -> wasmtime::Result<Result<Opened>> {
        let opened = self.connector().composer().call_open(store, program.bytes()).await?;
        Ok(opened.map(Opened).map_err(|problem| {
            breach(format!("it cannot open the program that it made: {problem}"))
        }))
    }

    /// Composes the message for a recipient.
    pub(super) async fn compose(
        &self,
        store: &mut Store<State>,
        opened: &Opened,
        request: &Request,
        to: Mailbox,
        limits: &Limits,
    ) -> wasmtime::Result<Result<Message>> {
        let asked = message::request(request);
        let composer = self.connector().composer();
        let composed = composer.call_compose(store, opened.0, &asked).await?;
        Ok(message::message(composed, request, to, limits))
    }

    fn connector(&self) -> &connector::Guest {
        self.0.smtp_connector_contract_connector()
    }
}

fn checked(report: connector::Report) -> Result<Checked> {
    let diagnostics: Vec<_> = report.diagnostics.into_iter().map(diagnostic).collect();
    let failed = diagnostics.iter().any(Diagnostic::is_error);
    let outcome = match report.outcome {
        Some(outcome) if !failed => Some(Outcome {
            plan: plan::transport_plan(outcome.plan),
            program: Program::new(outcome.program),
        }),
        None if failed => None,
        Some(_) => return Err(breach("a check that found errors gave a plan")),
        None => return Err(breach("a check without errors gave no plan")),
    };
    Ok(Checked { diagnostics, outcome })
}

fn diagnostic(diagnostic: diagnostics::Diagnostic) -> Diagnostic {
    Diagnostic {
        severity: match diagnostic.severity {
            diagnostics::Severity::Error => Severity::Error,
            diagnostics::Severity::Warning => Severity::Warning,
        },
        code: diagnostic.code,
        path: diagnostic.path,
        message: diagnostic.message,
        help: diagnostic.help,
        quotable: diagnostic.quotable,
    }
}

/// A component's answer that the contract does not allow.
fn breach(what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Component, format!("the component breaks the contract: {what}"))
}
