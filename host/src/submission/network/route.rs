//! From a plan to a stream that ends at the server: directly, or through a proxy.

use std::net::SocketAddr;

use super::Context;
use super::Stream;
use super::dial::Dialler;
use super::proxy;
use super::wire_error::WireError;
use crate::error::{Result, Stage};
use crate::submission::record::Record;

/// A stream that ends at the server.
pub(crate) struct Route {
    /// The stream.
    pub(crate) stream: Box<dyn Stream>,
    /// This end's address.
    pub(crate) local: SocketAddr,
    /// Whether the server is this machine, so that nobody is on the way.
    pub(crate) loopback: bool,
}

impl Route {
    /// Connects as the plan says.
    pub(crate) async fn open(
        context: &Context,
        dialler: &Dialler,
        record: &Record,
    ) -> Result<Self> {
        let plan = &context.plan;
        if let Some(proxy) = &plan.proxy {
            let (stream, local) = proxy::tunnel(context, proxy, dialler, record).await?;
            // What the proxy connects to only the proxy knows.
            return Ok(Self { stream, local, loopback: plan.endpoint.host.is_loopback() });
        }
        let addresses = dialler.resolve(&plan.endpoint).await?;
        let listed: Vec<_> = addresses.iter().map(|address| address.ip().to_string()).collect();
        record.pass(Stage::Dns, &listed.join(", "));
        let tcp = dialler.connect(&plan.endpoint, &addresses, record).await?;
        let ends = tcp.peer_addr().and_then(|peer| Ok((peer, tcp.local_addr()?)));
        let (peer, local) =
            ends.map_err(|error| WireError::Lost(Some(error)).at(Stage::Connect, record))?;
        record.pass(Stage::Connect, &peer);
        Ok(Self { stream: Box::new(tcp), local, loopback: peer.ip().to_canonical().is_loopback() })
    }
}
