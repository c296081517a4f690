//! A network in memory: time can stand still while bytes travel, and the server's end of a
//! connection can be cut after any byte.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context as Task, Poll, ready};

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};

use crate::egress::EgressPolicy;
use crate::plan::TransportPlan;
use crate::secrets::{Observer, Secret, SecretStore, Source};
use crate::submission::Submitter;
use crate::submission::network::Context;
use crate::submission::network::dial::{Connect, Connected};
use crate::submission::pool::{Keeping, Pool};
use crate::submission::session::Opener;

/// How much is under way in each direction at most.
const IN_FLIGHT: usize = 64 << 10;

/// A submitter whose connections go to tasks: `serve` makes one of the address that was dialled and
/// the server's end.
pub(super) fn submitter<S, F>(plan: TransportPlan, serve: S) -> Submitter
where
    S: Fn(SocketAddr, Far) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    submitter_over(plan, IN_FLIGHT, serve)
}

/// The same, over connections on which so much is under way in each direction at most.
pub(super) fn submitter_over<S, F>(plan: TransportPlan, in_flight: usize, serve: S) -> Submitter
where
    S: Fn(SocketAddr, Far) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let mut secrets = SecretStore::default();
    for pointer in ["/auth/pass", "/auth/clientSecret"] {
        secrets.keep(pointer.to_owned(), Source::Inline(Secret::new("hunter2-and-more")));
    }
    let context = Context::new(plan, Arc::new(secrets), EgressPolicy::any());
    let mut context = context.expect("a plan within this host's means");
    let serve = move |to, far| drop(tokio::spawn(serve(to, far)));
    context.dialler.network = Arc::new(Memory { in_flight, serve });
    let opener = Opener::over(context, Observer::default()).expect("a plan");
    Submitter { signers: None, pool: Arc::new(Pool::new(opener, Keeping::default())) }
}

struct Memory<S> {
    in_flight: usize,
    serve: S,
}

impl<S> fmt::Debug for Memory<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory")
    }
}

#[async_trait]
impl<S: Fn(SocketAddr, Far) + Send + Sync> Connect for Memory<S> {
    async fn connect(&self, to: SocketAddr, _: Option<IpAddr>) -> io::Result<Connected> {
        let (near, far) = duplex(self.in_flight);
        let reset = Arc::new(AtomicBool::new(false));
        (self.serve)(to, Far { stream: Some(far), reset: reset.clone(), cut: None, written: 0 });
        let near = Near { stream: near, reset };
        Ok(Connected { stream: Box::new(near), local: ([127, 0, 0, 1], 1).into(), peer: to })
    }
}

/// The client's end, which behaves as a socket where the other one is gone.
struct Near {
    stream: DuplexStream,
    reset: Arc<AtomicBool>,
}

impl Near {
    fn was_reset(&self) -> bool {
        self.reset.load(Ordering::Relaxed)
    }
}

impl AsyncRead for Near {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Task<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
        if buffer.filled().len() == before && self.was_reset() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Poll::Ready(read)
    }
}

impl AsyncWrite for Near {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Task<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match ready!(Pin::new(&mut self.stream).poll_write(cx, bytes)) {
            Err(_) if self.was_reset() => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            // A socket takes what nobody will read until that is known here.
            Err(_) => Poll::Ready(Ok(bytes.len())),
            written => Poll::Ready(written),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// What becomes of a connection after a number of bytes from the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// It is closed.
    Close,
    /// It is reset.
    Reset,
    /// It stays, and nothing more comes.
    Stall,
    /// From there on each byte comes by itself.
    Drip,
}

/// The server's end.
pub(super) struct Far {
    stream: Option<DuplexStream>,
    reset: Arc<AtomicBool>,
    cut: Option<(usize, Cut)>,
    written: usize,
}

impl Far {
    /// Has the connection cut so.
    pub(super) fn cut(mut self, after: usize, cut: Cut) -> Self {
        self.cut = Some((after, cut));
        self
    }
}

impl AsyncRead for Far {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Task<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Some(stream) => Pin::new(stream).poll_read(cx, buffer),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Far {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Task<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut most = bytes.len();
        if let Some((after, cut)) = self.cut {
            let left = after.saturating_sub(self.written);
            match cut {
                _ if left > 0 => most = most.min(left),
                Cut::Close => self.stream = None,
                Cut::Reset => {
                    self.reset.store(true, Ordering::Relaxed);
                    self.stream = None;
                }
                Cut::Stall => return Poll::Ready(Ok(bytes.len())),
                Cut::Drip => {
                    // The other side has a turn between two bytes.
                    self.cut = Some((self.written + 1, cut));
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
            }
        }
        let Some(stream) = &mut self.stream else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        let written = ready!(Pin::new(stream).poll_write(cx, &bytes[..most]));
        self.written += written.as_ref().unwrap_or(&0);
        Poll::Ready(written)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Some(stream) => Pin::new(stream).poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        }
    }
}
