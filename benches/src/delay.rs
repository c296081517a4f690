//! A proxy that puts a server further away: what goes through it arrives later, in order, and as
//! fast.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::Outcome;

/// A running proxy, which ends with this value. Threads, not tasks: their sleep is exact to some
/// ten microseconds, that of tasks to a millisecond.
#[derive(Debug)]
pub(crate) struct DelayProxy {
    pub(crate) port: u16,
    ended: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
}

impl DelayProxy {
    /// Starts a proxy to a port of loopback, which is `one_way` away.
    pub(crate) fn start(target: u16, one_way: Duration) -> Outcome<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let (ended, sent) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let (over, counter) = (ended.clone(), sent.clone());
        thread::spawn(move || {
            for client in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                // A connection that cannot be relayed is closed, which the client reports.
                let _ = client.and_then(|client| relay(client, target, one_way, &counter));
            }
        });
        Ok(Self { port, ended, sent })
    }

    /// How many bytes clients have sent so far.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }
}

impl Drop for DelayProxy {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the listener; one that is gone needs no waking.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

fn relay(
    client: TcpStream,
    target: u16,
    one_way: Duration,
    sent: &Arc<AtomicU64>,
) -> std::io::Result<()> {
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, target))?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    pass(client.try_clone()?, server.try_clone()?, one_way, Some(sent.clone()));
    pass(server, client, one_way, None);
    Ok(())
}

/// Passes on what comes from one side to the other. Whatever is under way is kept meanwhile, so
/// that the delay does not bound how much goes through.
fn pass(mut from: TcpStream, mut to: TcpStream, delay: Duration, sent: Option<Arc<AtomicU64>>) {
    let (sender, receiver) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let due = Instant::now() + delay;
            if let Some(sent) = &sent {
                sent.fetch_add(length as u64, Ordering::SeqCst);
            }
            if sender.send((due, buffer[..length].to_vec())).is_err() {
                break;
            }
        }
    });
    thread::spawn(move || {
        for (due, bytes) in receiver {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        // The other side may have closed it before.
        let _ = to.shutdown(Shutdown::Write);
    });
}
