//! The adapter for version 0.2 of the contract: its functions, with the host's own types.
//!
//! What a component answers is not trusted: whatever the host's types cannot hold is a breach of
//! the contract, and the error says which part of the answer it was. Each released version of the
//! contract has an adapter of this shape; the rest of the sandbox knows none of their types.

mod bindings;
mod descriptor;
mod message;
mod plan;

use std::sync::Arc;

use wasmtime::Store;
use wasmtime::component::{ComponentExportIndex, Instance, InstancePre, ResourceAny};

use self::bindings::exports::smtp_connector::contract::{connector, diagnostics, messages};
use self::bindings::{MailConnector, MailConnectorIndices};
use super::component::{Checked, Outcome, Program};
use super::instance::State;
use super::limits::Limits;
use crate::descriptor::Descriptor;
use crate::diagnostic::{Diagnostic, Severity};
use crate::error::{Error, ErrorKind, Result};
use crate::message::{Mailbox, Message};
use crate::request::Request;

/// The interface that a component exports.
const CONNECTOR: &str = "smtp-connector:contract/connector@0.2.0";

/// A component of this version, ready to be instantiated.
#[derive(Clone)]
pub(super) struct Adapter(Arc<Ready>);

struct Ready {
    component: InstancePre<State>,
    /// Where all exports are.
    all: MailConnectorIndices,
    /// Where the two are that each message needs. Looking up all of them compares the types of the
    /// whole contract, which takes longer than to compose a message.
    open: ComponentExportIndex,
    compose: ComponentExportIndex,
}

impl Adapter {
    /// Finds the contract's exports.
    pub(super) fn new(component: InstancePre<State>) -> wasmtime::Result<Self> {
        let all = MailConnectorIndices::new(&component)?;
        let export = |within: Option<&ComponentExportIndex>, name: &str| {
            let found = component.component().get_export_index(within, name);
            found.ok_or_else(|| wasmtime::Error::msg(format!("there is no export `{name}`")))
        };
        let connector = export(None, CONNECTOR)?;
        let open = export(Some(&connector), "[static]composer.open")?;
        let compose = export(Some(&connector), "[method]composer.compose")?;
        Ok(Self(Arc::new(Ready { component, all, open, compose })))
    }

    /// Makes an instance.
    pub(super) async fn instantiate(&self, store: &mut Store<State>) -> wasmtime::Result<Exports> {
        let instance = self.0.component.instantiate_async(store).await?;
        Ok(Exports { adapter: self.clone(), instance })
    }
}

/// The functions of one instance. The outer result is the call's, the inner one the answer's.
pub(super) struct Exports {
    adapter: Adapter,
    instance: Instance,
}

/// A program that an instance has opened.
pub(super) struct Opened(ResourceAny);

impl Exports {
    pub(super) async fn describe(
        &self,
        store: &mut Store<State>,
    ) -> wasmtime::Result<Result<Descriptor>> {
        let all = self.all(store)?;
        let connector = all.smtp_connector_contract_connector();
        connector.call_describe(store).await.map(descriptor::descriptor)
    }

    pub(super) async fn check(
        &self,
        store: &mut Store<State>,
        masked: &str,
    ) -> wasmtime::Result<Result<Checked>> {
        let all = self.all(store)?;
        let connector = all.smtp_connector_contract_connector();
        connector.call_check(store, masked).await.map(checked)
    }

    pub(super) async fn open(
        &self,
        store: &mut Store<State>,
        program: &Program,
    ) -> wasmtime::Result<Result<Opened>> {
        type Opening = (std::result::Result<ResourceAny, String>,);
        let index = &self.adapter.0.open;
        let open = self.instance.get_typed_func::<(&[u8],), Opening>(&mut *store, index)?;
        let (opened,) = open.call_async(store, (program.bytes(),)).await?;
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
        type Asking<'a> = (ResourceAny, &'a messages::Request);
        type Composing = (std::result::Result<messages::Message, messages::ComposeError>,);
        let index = &self.adapter.0.compose;
        let compose = self.instance.get_typed_func::<Asking<'_>, Composing>(&mut *store, index)?;
        let asked = message::request(request);
        let (composed,) = compose.call_async(store, (opened.0, &asked)).await?;
        Ok(message::message(composed, request, to, limits))
    }

    fn all(&self, store: &mut Store<State>) -> wasmtime::Result<MailConnector> {
        self.adapter.0.all.load(store, &self.instance)
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
