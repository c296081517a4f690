//! The scripted SMTP peer: says and hears exactly what a script prescribes, on loopback, within a
//! deadline.
//!
//! Whatever the client does otherwise fails the test with the transcript. The peer has a thread of
//! its own, so that it serves tests with and without an async runtime.

mod script;
mod session;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

pub use script::Script;

use session::Session;

/// How long a connection may take, and be waited for in the end: longer than any test needs,
/// shorter than anyone's patience.
const LIFETIME: Duration = Duration::from_secs(20);

/// A running peer. [`Peer::finish`] must be called: it says whether the script was kept to.
#[must_use = "a peer that is not finished proves nothing"]
pub struct Peer {
    address: SocketAddr,
    outcome: Option<oneshot::Receiver<Vec<Outcome>>>,
    released: watch::Sender<bool>,
}

/// What a connection exchanged.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    /// Every octet that the client sent, decrypted.
    pub received: Vec<u8>,
    /// Each message as it was on the wire: with doubled dots and with the final dot.
    pub contents: Vec<Vec<u8>>,
    /// The dialogue, one line each, for people.
    pub transcript: Vec<String>,
}

type Outcome = Result<Recording, Failure>;

/// A departure from the script.
struct Failure {
    reason: String,
    recording: Recording,
}

impl Peer {
    /// Starts a peer for one connection.
    pub fn start(script: Script) -> Self {
        Self::start_all(vec![script])
    }

    /// Starts a peer for as many connections as there are scripts, in the order in which they are
    /// made.
    pub fn start_all(scripts: Vec<Script>) -> Self {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        listener.set_nonblocking(true).expect("a listener can be made non-blocking");
        let address = listener.local_addr().expect("a bound listener has an address");
        let (report, outcome) = oneshot::channel();
        let (released, release) = watch::channel(false);
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let outcomes =
                runtime.expect("a runtime can be made").block_on(serve(listener, scripts, release));
            // Nobody listens where the test has failed already.
            let _ = report.send(outcomes);
        });
        Self { address, outcome: Some(outcome), released }
    }

    /// Where the peer listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port at which the peer listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Waits for the end of all connections and returns what they exchanged.
    ///
    /// # Panics
    ///
    /// Panics with the transcript where a client departed from its script.
    pub async fn finish(mut self) -> Vec<Recording> {
        let outcome = self.release();
        judge(outcome.await.expect("the peer reports"))
    }

    /// Does as [`Peer::finish`] outside of a runtime.
    ///
    /// # Panics
    ///
    /// Panics with the transcript where a client departed from its script.
    pub fn finish_blocking(mut self) -> Vec<Recording> {
        let outcome = self.release();
        judge(outcome.blocking_recv().expect("the peer reports"))
    }

    fn release(&mut self) -> oneshot::Receiver<Vec<Outcome>> {
        self.released.send_replace(true);
        self.outcome.take().expect("finishing consumes the peer")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        assert!(self.outcome.is_none() || thread::panicking(), "the test does not finish its peer");
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("address", &self.address).finish_non_exhaustive()
    }
}

fn judge(outcomes: Vec<Outcome>) -> Vec<Recording> {
    let judged = outcomes.into_iter().enumerate().map(|(number, outcome)| {
        outcome.unwrap_or_else(|Failure { reason, recording }| {
            panic!("connection {}: {reason}\n{}", number + 1, recording.transcript.join("\n"))
        })
    });
    judged.collect()
}

/// Plays each script on the next connection, and refuses any further one by failing.
async fn serve(
    listener: TcpListener,
    scripts: Vec<Script>,
    release: watch::Receiver<bool>,
) -> Vec<Outcome> {
    let listener =
        tokio::net::TcpListener::from_std(listener).expect("the runtime can watch a socket");
    let mut sessions = JoinSet::new();
    let mut outcomes = Vec::new();
    let count = scripts.len();
    let accept = async {
        for (number, script) in scripts.into_iter().enumerate() {
            let Ok((socket, _)) = listener.accept().await else { return };
            let session = Session::new(socket, release.clone());
            sessions.spawn(async move { (number, session.play(script, LIFETIME).await) });
        }
    };
    // Before the test finishes the peer, its client may still have to be built.
    let mut released = release.clone();
    let overdue = async {
        let _ = released.wait_for(|released| *released).await;
        tokio::time::sleep(LIFETIME).await;
    };
    let accepted = tokio::select! {
        () = accept => true,
        () = overdue => false,
    };
    while let Some(ended) = sessions.join_next().await {
        outcomes.push(ended.expect("a session does not panic"));
    }
    outcomes.sort_by_key(|(number, _)| *number);
    let mut outcomes: Vec<_> = outcomes.into_iter().map(|(_, outcome)| outcome).collect();
    if !accepted {
        let reason = format!("{} of {count} connections were made", outcomes.len());
        outcomes.push(Err(Failure { reason, recording: Recording::default() }));
    } else if further(&listener).await {
        let reason = format!("the client made more than {count} connections");
        outcomes.push(Err(Failure { reason, recording: Recording::default() }));
    }
    outcomes
}

async fn further(listener: &tokio::net::TcpListener) -> bool {
    timeout(Duration::ZERO, listener.accept()).await.is_ok()
}

/// A TLS configuration to play.
pub type ServerTls = Arc<rustls::ServerConfig>;
