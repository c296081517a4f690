//! From a plan to a stream that ends at the server: directly, or through a proxy.

use std::net::SocketAddr;

use super::Context;
use super::Stream;
use super::dial::{Connected, Dialler};
use super::proxy;
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
        let Connected { stream, local, peer } =
            dialler.connect(&plan.endpoint, &addresses, record).await?;
        record.pass(Stage::Connect, &peer);
        Ok(Self { stream, local, loopback: peer.ip().to_canonical().is_loopback() })
    }
}
