//! One connection to one address.

use std::io;
use std::net::{IpAddr, SocketAddr};

use async_trait::async_trait;
use tokio::net::TcpSocket;

use crate::submission::network::Stream;

/// A connection, and which ends it has.
pub(crate) struct Connected {
    /// What goes over it.
    pub(crate) stream: Box<dyn Stream>,
    /// This end's address.
    pub(crate) local: SocketAddr,
    /// The address that was dialled.
    pub(crate) peer: SocketAddr,
}

/// Makes connections.
#[async_trait]
pub(crate) trait Connect: std::fmt::Debug + Send + Sync {
    /// Connects to an address, from a local one where that is given.
    async fn connect(&self, to: SocketAddr, from: Option<IpAddr>) -> io::Result<Connected>;
}

/// Makes connections by TCP.
#[derive(Debug)]
pub(crate) struct Tcp;

#[async_trait]
impl Connect for Tcp {
    async fn connect(&self, to: SocketAddr, from: Option<IpAddr>) -> io::Result<Connected> {
        let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if let Some(from) = from {
            socket.bind(SocketAddr::new(from, 0))?;
        }
        let stream = socket.connect(to).await?;
        // Otherwise the end of a message waits 40 ms for an acknowledgement.
        stream.set_nodelay(true)?;
        let local = stream.local_addr()?;
        Ok(Connected { stream: Box::new(stream), local, peer: to })
    }
}
