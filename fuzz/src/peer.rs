//! A peer on loopback that says what an input says, in step with whoever talks to it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The octet between what is said at once and what is said next: the client is heard in between.
/// No text in UTF-8 holds it.
const SEPARATOR: u8 = 0xff;

/// How long a client's words are waited for: a client that is there answers sooner on loopback, and
/// one that waits itself hears the next words early.
const PATIENCE: Duration = Duration::from_millis(5);

/// How long a connection may stay open after the peer has said its last word and closed its side.
const LINGER: Duration = Duration::from_secs(5);

/// A peer that listens.
#[derive(Debug)]
pub struct Peer {
    listener: TcpListener,
    address: SocketAddr,
}

/// What was said and heard on one connection.
#[derive(Debug, Default)]
pub(crate) struct Talk {
    pub(crate) said: Vec<u8>,
    pub(crate) heard: Vec<u8>,
}

impl Peer {
    /// A peer on a free port.
    pub async fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        Self { listener, address }
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Says the same on every connection, until `client` is done; then what was said and heard.
    pub(crate) async fn talk<T>(
        &self,
        script: &[u8],
        client: impl Future<Output = T>,
    ) -> (T, Vec<Talk>) {
        let script: Arc<[u8]> = script.into();
        let talks = Arc::new(Mutex::new(Vec::new()));
        let mut visits = JoinSet::new();
        let serve = async {
            loop {
                let (stream, _) = self.listener.accept().await.expect("loopback accepts");
                let (script, talks) = (script.clone(), talks.clone());
                visits.spawn(async move {
                    let talk = visit(stream, &script).await;
                    talks.lock().expect("nobody panics with it").push(talk);
                });
            }
        };
        let outcome = tokio::select! {
            outcome = client => outcome,
            () = serve => unreachable!("it serves for ever"),
        };
        while let Some(visited) = visits.join_next().await {
            visited.expect("a visit does not panic");
        }
        let talks = std::mem::take(&mut *talks.lock().expect("nobody panics with it"));
        (outcome, talks)
    }
}

/// Says the script, and hears the client to its end, so that all that it wrote is known.
async fn visit(mut stream: TcpStream, script: &[u8]) -> Talk {
    let mut talk = Talk::default();
    let said = script.split(|octet| *octet == SEPARATOR).enumerate();
    for (number, words) in said.filter(|(_, words)| !words.is_empty()) {
        let is_gone = number > 0
            && matches!(timeout(PATIENCE, hear(&mut stream, &mut talk)).await, Ok(false));
        if is_gone {
            return talk;
        }
        if stream.write_all(words).await.is_err() {
            break;
        }
        talk.said.extend(words);
    }
    // A client that is gone already needs no end.
    let _ = stream.shutdown().await;
    let rest = async { while hear(&mut stream, &mut talk).await {} };
    timeout(LINGER, rest).await.expect("a client hangs up where the peer has");
    talk
}

/// Hears some words; false where none will follow.
async fn hear(stream: &mut TcpStream, talk: &mut Talk) -> bool {
    matches!(stream.read_buf(&mut talk.heard).await, Ok(1..))
}
