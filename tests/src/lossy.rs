//! A link to a server that loses answers: what was asked for is done, and nobody hears of it.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The link. It is cut when this is dropped.
#[derive(Debug)]
pub struct LossyLink {
    port: u16,
    answers: Arc<Answers>,
    _connections: JoinSet<()>,
}

#[derive(Debug)]
struct Answers {
    words: &'static [u8],
    one_in: usize,
    count: AtomicUsize,
    is_lossy: AtomicBool,
}

impl LossyLink {
    /// A link to a server on loopback. While it is lossy it loses one answer in so many of those
    /// with these words, and the connection with it.
    ///
    /// # Panics
    ///
    /// Panics where this machine has no loopback.
    pub async fn start(server: u16, words: &'static [u8], one_in: usize) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback");
        let port = listener.local_addr().expect("it is bound").port();
        let (count, is_lossy) = (AtomicUsize::new(0), AtomicBool::new(false));
        let answers = Arc::new(Answers { words, one_in, count, is_lossy });
        let (mut connections, kept) = (JoinSet::new(), answers.clone());
        connections.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let answers = answers.clone();
                open.spawn(async move {
                    if let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).await {
                        answers.pass(client, server).await;
                    }
                });
                while open.try_join_next().is_some() {}
            }
        });
        Self { port, answers: kept, _connections: connections }
    }

    /// Where it listens on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Has it lose answers.
    pub fn lose(&self) {
        self.answers.is_lossy.store(true, Ordering::SeqCst);
    }

    /// Loses nothing any more; how many answers it has lost.
    pub fn mend(&self) -> usize {
        self.answers.is_lossy.store(false, Ordering::SeqCst);
        self.answers.count.load(Ordering::SeqCst) / self.answers.one_in
    }
}

impl Answers {
    /// Passes on what both sides say, until either ends or an answer is lost.
    async fn pass(&self, mut client: TcpStream, mut server: TcpStream) {
        let (mut asked, mut asks) = client.split();
        let (mut answered, mut answers) = server.split();
        let back = async {
            let mut answer = vec![0; 64 * 1024];
            while let Ok(length @ 1..) = answered.read(&mut answer).await {
                if self.is_lost(&answer[..length])
                    || asks.write_all(&answer[..length]).await.is_err()
                {
                    return;
                }
            }
        };
        tokio::select! {
            _ = copy(&mut asked, &mut answers) => {}
            () = back => {}
        }
    }

    fn is_lost(&self, answer: &[u8]) -> bool {
        let mut windows = answer.windows(self.words.len());
        self.is_lossy.load(Ordering::SeqCst)
            && windows.any(|words| words == self.words)
            && self.count.fetch_add(1, Ordering::SeqCst) % self.one_in == self.one_in - 1
    }
}
