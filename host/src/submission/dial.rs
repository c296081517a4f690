//! From a host name to a TCP connection: resolves, asks the egress policy about each address, and dials those
//! it allows in turn. The address that was checked is the address that is dialled.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::timeout;

use super::fault::describe;
use super::journal::Journal;
use crate::egress::EgressPolicy;
use crate::error::{Error, ErrorKind, Result, Stage};
use crate::plan::{Endpoint, Timeouts};

/// Connects to the endpoint, from `local` if given.
pub(super) async fn dial(
    endpoint: &Endpoint,
    local: Option<IpAddr>,
    timeouts: &Timeouts,
    egress: &EgressPolicy,
    journal: &Journal,
) -> Result<TcpStream> {
    let addresses = resolve(endpoint, timeouts.dns).await?;
    journal.pass(Stage::Dns, &list(addresses.iter().map(SocketAddr::ip)));
    let allowed = permitted(endpoint, &addresses, egress)?;
    let mut failures = Vec::new();
    for address in allowed {
        journal.remark(&format!("connecting to {address}"));
        match connect(address, local, timeouts.connection).await {
            Ok(stream) => {
                journal.pass(Stage::Connect, &address.to_string());
                return Ok(stream);
            }
            Err(problem) => failures.push(format!("{address}: {problem}")),
        }
    }
    let message = format!("cannot connect to `{}`: {}", endpoint.host, failures.join("; "));
    Err(Error::new(ErrorKind::Connect, message).at(Stage::Connect))
}

/// The addresses of the endpoint, each once.
async fn resolve(endpoint: &Endpoint, patience: Duration) -> Result<Vec<SocketAddr>> {
    let host = bare(&endpoint.host);
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, endpoint.port)]);
    }
    let failure = |problem: &str, transient| {
        let message = format!("the name `{host}` could not be resolved: {problem}");
        Error::new(ErrorKind::Dns, message).at(Stage::Dns).with_transience(transient)
    };
    let found = match timeout(patience, lookup_host((host, endpoint.port))).await {
        Err(_) => return Err(failure(&format!("no answer within {patience:?}"), true)),
        // The system's resolver tells "not now" from "not at all" in words only.
        Ok(Err(error)) => {
            let passing = error.to_string().to_ascii_lowercase().contains("temporary failure");
            let problem = if passing { "the resolver cannot answer now" } else { "no such name" };
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
fn permitted(
    endpoint: &Endpoint,
    addresses: &[SocketAddr],
    egress: &EgressPolicy,
) -> Result<Vec<SocketAddr>> {
    let host = bare(&endpoint.host);
    let mut refusals = Vec::new();
    let mut allowed = Vec::new();
    for address in addresses {
        match egress.check(host, address.ip(), address.port()) {
            Ok(()) => allowed.push(*address),
            Err(refusal) if !refusals.contains(&refusal) => refusals.push(refusal),
            Err(_) => {}
        }
    }
    if allowed.is_empty() {
        let message = format!("no connection to `{host}`: {}", refusals.join("; "));
        return Err(Error::new(ErrorKind::Egress, message).at(Stage::Connect));
    }
    Ok(allowed)
}

async fn connect(
    address: SocketAddr,
    local: Option<IpAddr>,
    patience: Duration,
) -> Result<TcpStream, String> {
    let attempt = async {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if let Some(local) = local {
            socket.bind(SocketAddr::new(local, 0))?;
        }
        let stream = socket.connect(address).await?;
        // Otherwise the end of a message waits 40 ms for an acknowledgement.
        stream.set_nodelay(true)?;
        Ok::<_, io::Error>(stream)
    };
    if let Some(local) = local.filter(|local| local.is_ipv4() != address.is_ipv4()) {
        return Err(format!("the local address {local} is of the other IP version"));
    }
    match timeout(patience, attempt).await {
        Err(_) => Err(format!("no answer within {patience:?}")),
        Ok(Err(error)) => Err(describe(&error)),
        Ok(Ok(stream)) => Ok(stream),
    }
}

/// An IPv6 address without its brackets.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

fn list(addresses: impl Iterator<Item = IpAddr>) -> String {
    addresses.map(|address| address.to_string()).collect::<Vec<_>>().join(", ")
}
