//! A server that goes on only where it is told to, one step at a time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{Notify, Semaphore};

use crate::submission::tests::memory::Far;

/// Steps enough for the rest of a run.
const ALL: usize = 10_000;

/// What the server has of the messages, each known by its number.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// The messages that were invited.
    pub(super) invited: Vec<usize>,
    /// The messages that came whole and were not refused.
    pub(super) kept: Vec<usize>,
}

/// A server under control. It serves one connection after the other.
#[derive(Debug)]
pub(super) struct Steered {
    pipelining: bool,
    steps: Semaphore,
    is_ready: AtomicBool,
    is_open: AtomicBool,
    refuses: AtomicBool,
    hang_up: Notify,
    book: Mutex<Book>,
}

impl Steered {
    pub(super) fn new(pipelining: bool) -> Arc<Self> {
        Arc::new(Self {
            pipelining,
            steps: Semaphore::new(0),
            is_ready: AtomicBool::new(false),
            is_open: AtomicBool::new(false),
            refuses: AtomicBool::new(false),
            hang_up: Notify::new(),
            book: Mutex::default(),
        })
    }

    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("nobody panics with it")
    }

    /// Whether there is something to do: a reply to say, or a part of a message to read.
    pub(super) fn is_ready(&self) -> bool {
        self.is_ready.load(Ordering::Relaxed)
    }

    /// Whether a client is connected.
    pub(super) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    /// Has it do that.
    pub(super) fn step(&self) {
        self.steps.add_permits(1);
    }

    /// Has it do that, and refuse where it can.
    pub(super) fn refuse(&self) {
        self.refuses.store(true, Ordering::Relaxed);
        self.step();
    }

    /// Closes the connection.
    pub(super) fn hang_up(&self) {
        self.hang_up.notify_one();
    }

    /// Has it do all that is left.
    pub(super) fn run(&self) {
        self.steps.add_permits(ALL);
    }

    /// Serves a connection.
    pub(super) async fn serve(self: Arc<Self>, far: Far) {
        self.is_open.store(true, Ordering::Relaxed);
        tokio::select! {
            biased;
            () = self.hang_up.notified() => {}
            // What ends it otherwise is the client.
            _ = self.take_mail(far) => {}
        }
        self.is_open.store(false, Ordering::Relaxed);
        self.is_ready.store(false, Ordering::Relaxed);
    }

    async fn take_mail(&self, mut far: Far) -> std::io::Result<()> {
        let mut message = 0;
        self.say(&mut far, "220 mx").await?;
        loop {
            let line = hear(&mut far).await?;
            let reply = match line.split([' ', ':', '\r']).next().unwrap_or_default() {
                "EHLO" if self.pipelining => "250-mx\r\n250 PIPELINING",
                "RCPT" => {
                    message = usize::from(line.contains("<b@"));
                    "250 to"
                }
                "DATA" => "354 go",
                "QUIT" => return self.say(&mut far, "221 bye").await.map(drop),
                _ => "250 ok",
            };
            let is_said = self.say(&mut far, reply).await?;
            if reply.starts_with("354") && is_said {
                self.take_message(&mut far, message).await?;
            }
        }
    }

    /// Reads a message, one line in each step. One without content is what a client sends that was
    /// invited without a recipient.
    async fn take_message(&self, far: &mut Far, message: usize) -> std::io::Result<()> {
        self.book().invited.push(message);
        let mut lines = 0;
        loop {
            self.wait().await;
            if hear(far).await? == ".\r\n" {
                break;
            }
            lines += 1;
        }
        if lines > 0 {
            self.book().kept.push(message);
        }
        if !self.say(far, "250 kept").await? && lines > 0 {
            self.book().kept.pop();
        }
        Ok(())
    }

    /// Says a reply when it is told to; whether it was no refusal.
    async fn say(&self, far: &mut Far, reply: &str) -> std::io::Result<bool> {
        self.wait().await;
        let refuses = self.refuses.swap(false, Ordering::Relaxed);
        let reply = if refuses { "554 no" } else { reply };
        far.write_all(format!("{reply}\r\n").as_bytes()).await?;
        Ok(!refuses)
    }

    async fn wait(&self) {
        self.is_ready.store(true, Ordering::Relaxed);
        self.steps.acquire().await.expect("it is not closed").forget();
        self.is_ready.store(false, Ordering::Relaxed);
    }
}

/// Hears a line.
async fn hear(far: &mut Far) -> std::io::Result<String> {
    let mut heard = Vec::new();
    while !heard.ends_with(b"\r\n") {
        heard.push(far.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&heard).into_owned())
}
