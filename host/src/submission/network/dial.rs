//! From a host name to a TCP connection: resolves, asks the egress policy about each address, and
//! dials those it allows in turn. The address that was checked is the address that is dialled.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::timeout;

use super::wire_error::describe;
use crate::egress::EgressPolicy;
use crate::error::{Error, ErrorKind, Result, Stage};
use crate::host::Host;
use crate::plan::Endpoint;
use crate::submission::record::Record;

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

    /// Connects to the first of these addresses of an endpoint that the policy allows and that
    /// answers.
    pub(crate) async fn connect(
        &self,
        endpoint: &Endpoint,
        addresses: &[SocketAddr],
        record: &Record,
    ) -> Result<TcpStream> {
        let mut failures = Vec::new();
        for address in self.permitted(endpoint, addresses)? {
            record.remark(&format!("connecting to {address}"));
            match self.connect_to(address).await {
                Ok(stream) => return Ok(stream),
                Err(problem) => failures.push(format!("{address}: {problem}")),
            }
        }
        let message = format!("cannot connect to `{}`: {}", endpoint.host, failures.join("; "));
        Err(Error::new(ErrorKind::Connect, message).at(Stage::Connect))
    }

    async fn connect_to(&self, address: SocketAddr) -> Result<TcpStream, String> {
        if let Some(local) = self.local.filter(|local| local.is_ipv4() != address.is_ipv4()) {
            return Err(format!("the local address {local} is of the other IP version"));
        }
        let attempt = async {
            let socket =
                if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            if let Some(local) = self.local {
                socket.bind(SocketAddr::new(local, 0))?;
            }
            let stream = socket.connect(address).await?;
            // Otherwise the end of a message waits 40 ms for an acknowledgement.
            stream.set_nodelay(true)?;
            Ok::<_, io::Error>(stream)
        };
        match timeout(self.connection, attempt).await {
            Err(_) => Err(format!("no answer within {:?}", self.connection)),
            Ok(Err(error)) => Err(describe(&error)),
            Ok(Ok(stream)) => Ok(stream),
        }
    }
}

fn forbidden(host: &Host, refusal: &str) -> Error {
    Error::new(ErrorKind::Egress, format!("no connection to `{host}`: {refusal}"))
        .at(Stage::Connect)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::plan::Logging;
    use crate::redactor::Redactor;

    const SHORT: Duration = Duration::from_millis(300);

    fn dialler() -> Dialler {
        Dialler { local: None, dns: SHORT, connection: SHORT, egress: EgressPolicy::any() }
    }

    async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream> {
        let endpoint = Endpoint { host: "mx.test".parse().expect("a host"), port: 25 };
        let record = Record::new(Redactor::default(), Logging::None);
        dialler().connect(&endpoint, addresses, &record).await
    }

    async fn listener() -> TcpListener {
        TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port")
    }

    /// A listener that takes no further connection, so that another attempt waits for an answer.
    async fn full() -> (SocketAddr, Vec<TcpStream>, TcpListener) {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
        let listener = socket.listen(0).expect("a listener");
        let address = listener.local_addr().expect("it is bound");
        let mut waiting = Vec::new();
        while let Ok(Ok(stream)) = timeout(SHORT, TcpStream::connect(address)).await {
            waiting.push(stream);
        }
        (address, waiting, listener)
    }

    async fn closed() -> SocketAddr {
        listener().await.local_addr().expect("it was bound")
    }

    #[tokio::test]
    async fn every_address_is_tried_in_turn_and_each_has_its_own_deadline() {
        let open = listener().await;
        let open = open.local_addr().expect("it is bound");
        let (silent, _waiting, _listener) = full().await;
        let begun = std::time::Instant::now();
        let stream =
            connect(&[closed().await, silent, silent, open]).await.expect("the last one answers");
        assert_eq!(stream.peer_addr().ok(), Some(open));
        assert!(begun.elapsed() >= 2 * SHORT, "each silent address has its time");
        assert!(stream.nodelay().expect("a socket tells"));
    }

    #[tokio::test]
    async fn where_no_address_answers_each_problem_is_told() {
        let (silent, _waiting, _listener) = full().await;
        let closed = closed().await;
        let error = connect(&[closed, silent]).await.expect_err("nobody answers");
        assert_eq!((error.kind(), error.stage()), (ErrorKind::Connect, Some(Stage::Connect)));
        let expected = format!(
            "cannot connect to `mx.test`: {closed}: connection refused; {silent}: no answer within \
            300ms"
        );
        assert_eq!(error.to_string(), expected);
    }

    #[tokio::test]
    async fn a_name_that_does_not_exist_fails_at_its_stage() {
        let host = "no-such-host.invalid".parse().expect("a host");
        let endpoint = Endpoint { host, port: 25 };
        let error = dialler().resolve(&endpoint).await.expect_err("there is no such name");
        assert_eq!((error.kind(), error.stage()), (ErrorKind::Dns, Some(Stage::Dns)));
    }
}
