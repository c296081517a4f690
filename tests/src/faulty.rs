//! A faulty SMTP server on loopback: many connections, pipelining or not, and misdeeds of every
//! kind at every place of a session.
//!
//! It keeps a record of which message it took and which of them it said so of. It has a
//! thread of its own, so that it serves tests with and without an async runtime.

mod mischief;
mod session;

use std::collections::HashMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

pub use mischief::{Mischief, Misdeed, Place};

/// How a server is.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Whether PIPELINING is offered.
    pub pipelining: bool,
    /// Whether AUTH is offered. Any credentials will do.
    pub authentication: bool,
    /// What it does that it should not.
    pub mischief: Mischief,
}

/// A running server. It ends with the process of the test.
pub struct FaultyServer {
    address: SocketAddr,
    house: Arc<House>,
}

/// What became of a message, however often it came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// How often it was taken, and the client told so.
    pub told: u32,
    /// How often it was taken, and the client not told.
    pub untold: u32,
}

/// What the sessions of a server share.
struct House {
    options: Options,
    record: Mutex<HashMap<String, Kept>>,
    connections: AtomicU64,
    open: AtomicU64,
}

impl FaultyServer {
    /// Starts a server on a free port.
    ///
    /// # Panics
    ///
    /// Panics where loopback has no free port.
    pub fn start(options: Options) -> Self {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        listener.set_nonblocking(true).expect("a listener can be made non-blocking");
        let address = listener.local_addr().expect("a bound listener has an address");
        let (record, connections, open) = Default::default();
        let house = Arc::new(House { options, record, connections, open });
        let serving = house.clone();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be made").block_on(serve(listener, serving));
        });
        Self { address, house }
    }

    /// A server that does what a test chooses.
    pub fn choosing(
        choose: impl Fn(Place, &str) -> Option<Misdeed> + Send + Sync + 'static,
    ) -> Self {
        Self::start(Options { mischief: Mischief::Chosen(Arc::new(choose)), ..Options::default() })
    }

    /// The port at which it listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many connections were made.
    pub fn connections(&self) -> u64 {
        self.house.connections.load(Ordering::Relaxed)
    }

    /// How many connections are open.
    pub fn open(&self) -> u64 {
        self.house.open.load(Ordering::SeqCst)
    }

    /// Waits until all clients have gone, and tells what became of each message: by the token that
    /// begins with `tok-` and stands somewhere in its content.
    ///
    /// # Panics
    ///
    /// Panics where a client stays.
    pub async fn record(&self) -> HashMap<String, Kept> {
        let gone = async {
            while self.open() > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), gone).await.expect("all clients go");
        self.house.record().clone()
    }
}

impl fmt::Debug for FaultyServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyServer").field("address", &self.address).finish_non_exhaustive()
    }
}

impl House {
    fn record(&self) -> std::sync::MutexGuard<'_, HashMap<String, Kept>> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve(listener: TcpListener, house: Arc<House>) {
    let listener =
        tokio::net::TcpListener::from_std(listener).expect("the runtime can watch a socket");
    loop {
        let Ok((socket, _)) = listener.accept().await else { continue };
        let number = house.connections.fetch_add(1, Ordering::Relaxed);
        house.open.fetch_add(1, Ordering::SeqCst);
        let house = house.clone();
        tokio::spawn(async move {
            session::serve(socket, number, &house).await;
            house.open.fetch_sub(1, Ordering::SeqCst);
        });
    }
}
