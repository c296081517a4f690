//! From a plan to a stream that ends at the server: directly, or through a proxy.

use std::net::{IpAddr, SocketAddr};

use super::Context;
use super::Stream;
use super::dial::{Dialler, bare};
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
            return Ok(Self { stream, local, loopback: is_loopback(&plan.endpoint.host) });
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

/// Whether a host is this machine by its name (RFC 6761 §6.3) or address.
fn is_loopback(host: &str) -> bool {
    let host = bare(host).trim_end_matches('.').to_ascii_lowercase();
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn this_machine_is_known_by_name_and_address() {
        for (host, loopback) in [
            ("localhost", true),
            ("LocalHost.", true),
            ("mail.localhost", true),
            ("127.0.0.1", true),
            ("127.8.9.1", true),
            ("[::1]", true),
            ("::ffff:127.0.0.1", true),
            ("localhost.example", false),
            ("10.0.0.1", false),
            ("mx.example", false),
        ] {
            assert_eq!(is_loopback(host), loopback, "{host}");
        }
    }
}
