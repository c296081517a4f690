//! The connections of clients: how many, how patient the service is with them, how they end.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::unix::SocketAddr;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

/// How long the head of a request may take, and how long a connection is kept without one.
const PATIENCE: Duration = Duration::from_secs(10);

/// How much of the head of a request is read ahead; twice as much is the most that is taken.
const LARGEST_HEAD: usize = 64 << 10;

/// How long the service rests where the system gives no connection, such as for want of files.
const REST: Duration = Duration::from_millis(100);

/// How long requests have to end when the service does.
const FAREWELL: Duration = Duration::from_secs(35);

/// A place to listen at.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// What all connections share.
#[derive(Clone)]
pub(crate) struct Connections {
    router: Router,
    tls: Option<TlsAcceptor>,
    room: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
}

impl Connections {
    /// Connections to a router, so many at once. They end when `stop` says so.
    pub(crate) fn new(
        router: Router,
        tls: Option<TlsAcceptor>,
        most: usize,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self { router, tls, room: Arc::new(Semaphore::new(most.max(1))), stop }
    }

    /// Takes connections until it is to stop, and then waits for requests under way.
    pub(crate) async fn serve(self, listener: Listener) {
        let mut tasks = JoinSet::new();
        let mut stop = self.stop.clone();
        loop {
            while tasks.try_join_next().is_some() {}
            // Those that wait for room wait in the system's queue.
            let Ok(room) = self.room.clone().acquire_owned().await else { break };
            let accepted = tokio::select! {
                biased;
                () = stopped(&mut stop) => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok(stream) => {
                    let connections = self.clone();
                    tasks.spawn(async move {
                        connections.connection(stream).await;
                        drop(room);
                    });
                }
                Err(error) => {
                    tracing::warn!(
                        target: "smtp_connector::http", %error,
                        "no connection can be taken"
                    );
                    sleep(REST).await;
                }
            }
        }
        drop(listener);
        let all = async { while tasks.join_next().await.is_some() {} };
        // What takes longer is broken off with the tasks.
        let _ = timeout(FAREWELL, all).await;
    }

    async fn connection(self, stream: Box<dyn Stream>) {
        let Some(tls) = &self.tls else { return self.speak(stream).await };
        if let Ok(Ok(secured)) = timeout(PATIENCE, tls.accept(stream)).await {
            self.speak(Box::new(secured)).await;
        }
    }

    async fn speak(&self, stream: Box<dyn Stream>) {
        let mut stop = self.stop.clone();
        let service = TowerToHyperService::new(self.router.clone());
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .max_buf_size(LARGEST_HEAD)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = stopped(&mut stop) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(target: "smtp_connector::http", %error, "a connection ended early");
        }
    }
}

/// Waits until the service is to stop.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // One whose sender is gone is to stop, too.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// What bytes come and go over.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Listener {
    async fn accept(&self) -> io::Result<Box<dyn Stream>> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // An answer is one write, which nothing is to hold back.
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
            Self::Unix(listener) => Ok(Box::new(listener.accept().await?.0)),
        }
    }

    /// Where it listens, for people.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Tcp(listener) => listener
                .local_addr()
                .map_or_else(|_| "an unknown address".to_owned(), |address| address.to_string()),
            Self::Unix(listener) => {
                let path = listener.local_addr().ok();
                let path = path.as_ref().and_then(SocketAddr::as_pathname);
                path.map_or_else(
                    || "a socket".to_owned(),
                    |path| format!("unix:{}", path.display()),
                )
            }
        }
    }
}

/// Reads the certificates and the key that the service speaks TLS with.
pub(crate) fn tls(certificate: &Path, key: &Path) -> Result<TlsAcceptor, String> {
    let unusable = |path: &Path, problem: String| format!("`{}`: {problem}", path.display());
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| unusable(certificate, error.to_string()));
    let private =
        PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, error.to_string()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let configuration = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_no_client_auth()
        .with_single_cert(certificates?, private)
        .map_err(|error| unusable(certificate, error.to_string()))?;
    Ok(TlsAcceptor::from(Arc::new(configuration)))
}
