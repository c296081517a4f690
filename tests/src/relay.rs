//! A server that takes mail on any number of connections and keeps count: which connection carried
//! what, when, and how many were open at once.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// What the server does otherwise than others.
#[derive(Debug, Clone, Default)]
pub struct Habits {
    /// Whether it offers PIPELINING.
    pub pipelining: bool,
    /// How long it takes to answer what arrived together.
    pub delay: Duration,
    /// After how many messages it closes a connection without a word.
    pub closes_after: Option<usize>,
    /// After how many messages it says nothing more on a connection.
    pub stalls_after: Option<usize>,
    /// The senders that it refuses, by a part of their address.
    pub refused_sender: Option<String>,
    /// The recipients that it refuses, by a part of their address.
    pub refused_recipient: Option<String>,
    /// What it says to every recipient.
    pub says_at_rcpt: Option<String>,
}

/// What a connection brought.
#[derive(Debug, Clone, Default)]
pub struct Visit {
    /// The commands, in order.
    pub commands: Vec<String>,
    /// The messages, and when each was accepted.
    pub messages: Vec<(String, Instant)>,
    /// Whether it is over.
    pub ended: bool,
}

/// The visits so far, in the order in which the connections were made, and the most that were open
/// at once.
#[derive(Debug, Clone, Default)]
pub struct Book {
    /// Every connection.
    pub visits: Vec<Visit>,
    /// How many were open at once at most.
    pub peak: usize,
}

impl Book {
    /// Every message of every connection.
    pub fn messages(&self) -> Vec<String> {
        let messages = self.visits.iter().flat_map(|visit| &visit.messages);
        messages.map(|(message, _)| message.clone()).collect()
    }

    /// When the messages were accepted, in order.
    pub fn times(&self) -> Vec<Instant> {
        let mut times: Vec<_> =
            self.visits.iter().flat_map(|visit| &visit.messages).map(|(_, time)| *time).collect();
        times.sort();
        times
    }
}

/// A running server. It stops when it is dropped.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    book: Arc<Mutex<Book>>,
    _stop: oneshot::Sender<()>,
}

impl Relay {
    /// Starts a server on a free port of loopback, on a thread of its own.
    pub fn start(habits: Habits) -> Self {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        listener.set_nonblocking(true).expect("a listener can be made non-blocking");
        let address = listener.local_addr().expect("a bound listener has an address");
        let (stop, stopped) = oneshot::channel();
        let book = Arc::new(Mutex::new(Book::default()));
        let kept = book.clone();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be made").block_on(async {
                tokio::select! {
                    () = serve(listener, habits, kept) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, book, _stop: stop }
    }

    /// The port at which the server listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What was brought so far.
    pub fn book(&self) -> Book {
        locked(&self.book).clone()
    }

    /// Waits until so many connections are over, and gives what was brought.
    ///
    /// # Panics
    ///
    /// Panics where that takes longer than ten seconds.
    pub async fn ended(&self, count: usize) -> Book {
        let begun = Instant::now();
        loop {
            let book = self.book();
            if book.visits.iter().filter(|visit| visit.ended).count() >= count {
                return book;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "{count} connections are not over: {book:#?}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn locked(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: std::net::TcpListener, habits: Habits, book: Arc<Mutex<Book>>) {
    let listener = TcpListener::from_std(listener).expect("the runtime can watch a socket");
    let mut visits = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        let number = {
            let mut book = locked(&book);
            book.visits.push(Visit::default());
            let open = book.visits.iter().filter(|visit| !visit.ended).count();
            book.peak = book.peak.max(open);
            book.visits.len() - 1
        };
        let (habits, book) = (habits.clone(), book.clone());
        visits.spawn(async move {
            // A client that goes away ends its visit.
            let _ =
                visit(socket, &habits, &|change| change(&mut locked(&book).visits[number])).await;
            locked(&book).visits[number].ended = true;
        });
    }
}

async fn visit(
    socket: TcpStream,
    habits: &Habits,
    note: &(impl Fn(&mut dyn FnMut(&mut Visit)) + Sync),
) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let mut stream = BufReader::new(socket);
    let mut replies = "220 relay\r\n".to_owned();
    let (mut sender, mut recipients, mut taken) = (false, 0, 0);
    loop {
        if stream.buffer().is_empty() && !replies.is_empty() {
            tokio::time::sleep(habits.delay).await;
            stream.write_all(std::mem::take(&mut replies).as_bytes()).await?;
        }
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let line = line.trim_end();
        note(&mut |visit| visit.commands.push(line.to_owned()));
        if habits.stalls_after == Some(taken) && line.starts_with("MAIL") {
            std::future::pending::<()>().await;
        }
        let refused =
            |part: &Option<String>| part.as_ref().is_some_and(|part| line.contains(part.as_str()));
        let reply = match line.split([' ', ':']).next() {
            Some("EHLO") if habits.pipelining => "250-relay\r\n250 PIPELINING\r\n",
            Some("EHLO") => "250 relay\r\n",
            Some("MAIL") if refused(&habits.refused_sender) => "550 5.7.1 sender refused\r\n",
            Some("MAIL") => {
                sender = true;
                "250 2.1.0 ok\r\n"
            }
            Some("RCPT") if !sender => "503 5.5.1 MAIL first\r\n",
            Some("RCPT") if habits.says_at_rcpt.is_some() => {
                replies.extend(habits.says_at_rcpt.iter().map(String::as_str));
                "\r\n"
            }
            Some("RCPT") if refused(&habits.refused_recipient) => "550 5.1.1 recipient refused\r\n",
            Some("RCPT") => {
                recipients += 1;
                "250 2.1.5 ok\r\n"
            }
            Some("DATA") if recipients == 0 => "554 5.5.1 no valid recipients\r\n",
            Some("DATA") => {
                tokio::time::sleep(habits.delay).await;
                stream.write_all((std::mem::take(&mut replies) + "354 go\r\n").as_bytes()).await?;
                let message = content(&mut stream).await?;
                (sender, recipients, taken) = (false, 0, taken + 1);
                note(&mut |visit| visit.messages.push((message.clone(), Instant::now())));
                if habits.closes_after == Some(taken) {
                    stream.write_all(b"250 2.0.0 kept\r\n").await?;
                    return stream.shutdown().await;
                }
                "250 2.0.0 kept\r\n"
            }
            Some("QUIT") => {
                stream.write_all((std::mem::take(&mut replies) + "221 bye\r\n").as_bytes()).await?;
                return stream.shutdown().await;
            }
            Some("RSET") => {
                (sender, recipients) = (false, 0);
                "250 2.0.0 ok\r\n"
            }
            _ => "250 2.0.0 ok\r\n",
        };
        replies += reply;
    }
}

async fn content(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut message = String::new();
    loop {
        let from = message.len();
        if stream.read_line(&mut message).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if &message[from..] == ".\r\n" {
            message.truncate(from);
            return Ok(message);
        }
    }
}
