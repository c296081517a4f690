//! Composers: instances in which one configuration is open. A few are kept warm for each
//! configuration and never serve another; in isolation mode each message gets a fresh one.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;
use wasmtime::component::ResourceAny;

use super::bindings::exports::smtp_connector::contract::messages as wit;
use super::component::Component;
use super::convert;
use super::instance::{Fault, Instance};
use crate::error::{Error, ErrorKind, Result};
use crate::message::Message;
use crate::request::Request;

/// How many composers one configuration has at most. A render takes some ten microseconds, so that
/// two serve a hundred thousand messages a second; each keeps about 80 KiB.
const MAX_COMPOSERS: usize = 2;

/// An instance that has grown beyond this is not kept: one large message must not cost its tenant
/// the memory for good.
const MAX_KEPT_BYTES: usize = 4 << 20;

/// The composers of one configuration.
pub(crate) struct Composers {
    component: Arc<Component>,
    /// The configuration, its secrets masked.
    configuration: String,
    warm: Mutex<Vec<Composer>>,
    turns: Semaphore,
    isolated: bool,
}

struct Composer {
    instance: Instance,
    handle: ResourceAny,
}

impl std::fmt::Debug for Composers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Composers").field("isolated", &self.isolated).finish_non_exhaustive()
    }
}

impl Composers {
    /// Prepares to compose with a configuration; `isolated` asks for a fresh instance per message.
    pub(crate) fn new(component: Arc<Component>, configuration: String, isolated: bool) -> Self {
        let turns = Semaphore::new(MAX_COMPOSERS);
        Self { component, configuration, warm: Mutex::default(), turns, isolated }
    }

    /// Composes one message. Dropping the future drops the instance, so that no call is ever half
    /// done.
    pub(crate) async fn compose(&self, request: &Request) -> Result<Message> {
        admit(request, self.component.limits().payload_bytes)?;
        let _turn =
            self.turns.acquire().await.map_err(|_| Error::new(ErrorKind::Internal, "closed"))?;
        let parked = self.warm.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let composer = match parked {
            Some(composer) => composer,
            None => self.open().await?,
        };
        let request = convert::request(request);
        let called = composer.compose(&self.component, &request).await;
        let (composer, composed) = called.map_err(|fault| self.blame(fault))?;
        if !self.isolated && composer.instance.memory_bytes() <= MAX_KEPT_BYTES {
            self.warm.lock().unwrap_or_else(PoisonError::into_inner).push(composer);
        }
        convert::message(composed, self.component.limits())
    }

    async fn open(&self) -> Result<Composer> {
        let limits = self.component.limits();
        let opened = async {
            let instance = Instance::new(&self.component).await?;
            instance
                .call(limits, async |exports, store| {
                    let connector = exports.smtp_connector_contract_connector();
                    connector.composer().call_open(store, &self.configuration).await
                })
                .await
        };
        match opened.await {
            Ok((instance, Ok(handle))) => Ok(Composer { instance, handle }),
            Ok((_, Err(diagnostics))) => {
                Err(Error::configuration(convert::diagnostics(diagnostics)))
            }
            Err(fault) => Err(fault.blame_component("open")),
        }
    }

    fn blame(&self, fault: Fault) -> Error {
        match fault {
            Fault::Exceeded(exceeded) if self.component.is_bundled() => {
                Error::new(ErrorKind::Template, format!("rendering the template {exceeded}"))
                    .with_hint("simplify the template, or send it less data")
            }
            fault => fault.blame_component("compose"),
        }
    }
}

/// Refuses what no component needs to see.
fn admit(request: &Request, most: usize) -> Result<()> {
    let length = request.payload.len();
    if length > most {
        let message = format!("the payload has {length} bytes; at most {most} are read");
        return Err(Error::new(ErrorKind::Payload, message));
    }
    if request.to.contains(char::is_control) {
        let message = "`to`: an address holds a line break or a control character";
        return Err(Error::new(ErrorKind::Address, message));
    }
    Ok(())
}

impl Composer {
    async fn compose(
        self,
        component: &Component,
        request: &wit::Request,
    ) -> Result<(Self, Result<wit::Message, wit::ComposeError>), Fault> {
        let Self { instance, handle } = self;
        let called = instance.call(component.limits(), async |exports, store| {
            let connector = exports.smtp_connector_contract_connector();
            connector.composer().call_compose(store, handle, request).await
        });
        called.await.map(|(instance, composed)| (Self { instance, handle }, composed))
    }
}
