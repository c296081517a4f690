//! From a host name to a connection: resolves, asks the egress policy about each address, and dials
//! those it allows, in a race (RFC 8305).
//!
//! The address that was checked is the address that is dialled.

mod connect;
mod order;
mod race;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::timeout;

pub(crate) use self::connect::{Connect, Connected, Tcp};
pub(crate) use self::order::LastGood;
use self::race::race;
use super::wire_error::describe;
use crate::egress::EgressPolicy;
use crate::error::{Error, ErrorKind, Result, Stage};
use crate::host::Host;
use crate::plan::Endpoint;
use crate::submission::record::Record;

/// How many addresses of a name are tried. The large mail services have less, and whoever owns a
/// name decides how many there are.
const MOST_ADDRESSES: usize = 20;

/// How this host connects: to servers, proxies and token endpoints alike.
#[derive(Debug, Clone)]
pub(crate) struct Dialler {
    /// The local address to connect from.
    pub(crate) local: Option<IpAddr>,
    /// How long resolving a name may take.
    pub(crate) dns: Duration,
    /// How long each address may take to answer.
    pub(crate) connection: Duration,
    /// Which addresses may be dialled.
    pub(crate) egress: EgressPolicy,
    /// What makes the connections.
    pub(crate) network: Arc<dyn Connect>,
    /// Which addresses have answered.
    pub(crate) last_good: LastGood,
}

impl Dialler {
    /// The addresses of an endpoint, each once.
    pub(crate) async fn resolve(&self, endpoint: &Endpoint) -> Result<Vec<SocketAddr>> {
        let host = &endpoint.host;
        if let Some(address) = host.address() {
            return Ok(vec![SocketAddr::new(address, endpoint.port)]);
        }
        let failure = |problem: &str, transient| {
            let message = format!("the name `{host}` could not be resolved: {problem}");
            Error::new(ErrorKind::Dns, message).at(Stage::Dns).with_transience(transient)
        };
        let found = match timeout(self.dns, lookup_host((host.as_str(), endpoint.port))).await {
            Err(_) => return Err(failure(&format!("no answer within {:?}", self.dns), true)),
            // The system's resolver tells "not now" from "not at all" in words only.
            Ok(Err(error)) => {
                let passing = error.to_string().to_ascii_lowercase().contains("temporary failure");
                let problem =
                    if passing { "the resolver cannot answer now" } else { "no such name" };
                return Err(failure(problem, passing).with_source(error));
            }
            Ok(Ok(found)) => found,
        };
        let mut addresses = Vec::new();
        for address in found {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        if addresses.is_empty() { Err(failure("it has no address", false)) } else { Ok(addresses) }
    }

    /// The addresses that the policy allows; an error where that is none.
    pub(crate) fn permitted(
        &self,
        endpoint: &Endpoint,
        addresses: &[SocketAddr],
    ) -> Result<Vec<SocketAddr>> {
        let host = &endpoint.host;
        let mut refusals = Vec::new();
        let mut allowed = Vec::new();
        for address in addresses {
            match self.egress.check(host, address.ip(), address.port()) {
                Ok(()) => allowed.push(*address),
                Err(refusal) if !refusals.contains(&refusal) => refusals.push(refusal),
                Err(_) => {}
            }
        }
        if allowed.is_empty() { Err(forbidden(host, &refusals.join("; "))) } else { Ok(allowed) }
    }

    /// Whether the policy allows an endpoint that another machine is to resolve.
    pub(crate) fn permit_unresolved(&self, endpoint: &Endpoint) -> Result<()> {
        let host = &endpoint.host;
        let refusal = self.egress.check_unresolved(host, endpoint.port);
        refusal.map_err(|refusal| forbidden(host, &refusal))
    }

    /// Connects to one of these addresses of an endpoint that the policy allows: the first that
    /// answers, with a head start for those before it.
    ///
    /// So all of it takes no longer than one address may, and the head starts of the others.
    pub(crate) async fn connect(
        &self,
        endpoint: &Endpoint,
        addresses: &[SocketAddr],
        record: &Record,
    ) -> Result<Connected> {
        let mut ordered = self.last_good.order(endpoint, self.permitted(endpoint, addresses)?);
        ordered.truncate(MOST_ADDRESSES);
        let attempts = ordered.into_iter().map(|address| async move {
            record.remark(&format!("connecting to {address}"));
            let attempt = self.connect_to(address).await;
            attempt.map_err(|problem| format!("{address}: {problem}"))
        });
        match race(attempts).await {
            Ok(connected) => {
                self.last_good.note(endpoint, connected.peer);
                Ok(connected)
            }
            Err(failures) => {
                let message =
                    format!("cannot connect to `{}`: {}", endpoint.host, failures.join("; "));
                Err(Error::new(ErrorKind::Connect, message).at(Stage::Connect))
            }
        }
    }

    async fn connect_to(&self, address: SocketAddr) -> Result<Connected, String> {
        if let Some(local) = self.local.filter(|local| local.is_ipv4() != address.is_ipv4()) {
            return Err(format!("the local address {local} is of the other IP version"));
        }
        match timeout(self.connection, self.network.connect(address, self.local)).await {
            Err(_) => Err(format!("no answer within {:?}", self.connection)),
            Ok(connected) => connected.map_err(|error| describe(&error)),
        }
    }
}

fn forbidden(host: &Host, refusal: &str) -> Error {
    Error::new(ErrorKind::Egress, format!("no connection to `{host}`: {refusal}"))
        .at(Stage::Connect)
}

#[cfg(test)]
mod tests;
