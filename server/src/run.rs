//! The life of the service: it starts, serves, hears signals, and ends without losing anything.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use smtp_connector::{Connector as Component, Engine};
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::connectors::Connectors;
use crate::figures;
use crate::http::hooks::Nobody;
use crate::http::keys::Keys;
use crate::http::serve::{Connections, Listener, tls};
use crate::http::{Service, router, tokens};
use crate::outbound::Outbound;
use crate::queue::{Policy, Queue};
use crate::seal::{Digester, SealError, Sealer, random};
use crate::settings::{Listen, Settings};
use crate::store::{Store, StoreError};
use crate::webhooks::Teller;

/// How long the last refresh tokens have to be kept when the service is stopped.
const LAST_TOKENS: Duration = Duration::from_secs(5);

/// What the secret of the store's digests is sealed for.
const DIGESTS: &str = "setting/digests";

/// Why the service could not start.
#[derive(Debug)]
pub enum StartError {
    /// A setting cannot be used.
    Setting(String),
    /// The keys of the store cannot be used.
    Keys(SealError),
    /// An address cannot be listened at.
    Listen(String, io::Error),
    /// The store cannot be used.
    Store(StoreError),
    /// The system refuses something.
    System(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting(problem) => f.write_str(problem),
            Self::Keys(error) => write!(f, "the keys of the store cannot be used: {error}"),
            Self::Listen(place, error) => write!(f, "cannot listen at {place}: {error}"),
            Self::Store(error) => error.fmt(f),
            Self::System(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StartError {}

impl From<StoreError> for StartError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What is to be told when the service has started.
#[derive(Debug)]
#[non_exhaustive]
pub struct Started {
    /// Where it listens.
    pub places: Vec<String>,
    /// The first administrator's token, where there was none before.
    pub first_token: Option<String>,
    /// The file in which keys were made for the store, where there were none before.
    pub new_keys: Option<PathBuf>,
}

/// Serves until a signal says that it is enough (SIGTERM, SIGINT). `component` is what reads the
/// configuration of connectors that name no other; others are loaded by `engine`. `tell` is called
/// once the service has started.
///
/// # Errors
///
/// Fails where the service cannot start; see [`StartError`].
pub async fn serve(
    settings: &Settings,
    engine: Engine,
    component: Component,
    tell: impl FnOnce(Started),
) -> Result<(), StartError> {
    boxed(settings, (engine, component), Box::new(tell)).await
}

/// Serves, behind a box: the service is compiled here, once, and not into each program that awaits
/// it.
fn boxed<'a>(
    settings: &'a Settings,
    components: (Engine, Component),
    tell: Box<dyn FnOnce(Started) + 'a>,
) -> Pin<Box<dyn Future<Output = Result<(), StartError>> + 'a>> {
    Box::pin(run(settings, components, tell))
}

async fn run(
    settings: &Settings,
    components: (Engine, Component),
    tell: Box<dyn FnOnce(Started) + '_>,
) -> Result<(), StartError> {
    let tls = match (&settings.tls_certificate, &settings.tls_key) {
        (Some(certificate), Some(key)) => Some(tls(certificate, key).map_err(StartError::Setting)?),
        (None, None) => None,
        _ => {
            let problem = "`tls_certificate` and `tls_key` need each other";
            return Err(StartError::Setting(problem.to_owned()));
        }
    };
    let listeners = listen(&settings.listen).await?;
    let store = Arc::new(Store::open(&settings.store).await?);
    let (sealer, new_keys) = keys(settings, &store)?;
    let sealer = Arc::new(sealer);
    let digester = Arc::new(digester(&store, &sealer).await?);
    let secrecy = (sealer.clone(), digester.clone());
    let connectors = Connectors::new(components, settings, store.clone(), secrecy);
    let connectors = Arc::new(connectors);
    connectors.refresh().await?;
    if !store.is_shared() {
        // No other process has the file, and so none of its workers lives.
        store.recover(true).await?;
    }
    let policy = Policy {
        recipient: settings.recipient_limit(),
        deadline: settings.deadline,
        keep: settings.keep,
    };
    let queue = Queue::new(store.clone(), connectors.clone(), sealer, digester, policy);
    let first_token = tokens::first(&store).await.map_err(|problem| match problem {
        tokens::NoToken::Away(error) => error.into(),
        tokens::NoToken::NoRandomness(error) => StartError::Keys(error),
    })?;
    let mut signals = Signals::new().map_err(StartError::System)?;

    let outbound = Outbound::new(settings.egress.clone())
        .map_err(|error| StartError::Setting(error.to_string()))?;
    let outbound = Arc::new(outbound);
    let teller = Teller::new(store.clone(), connectors.clone(), outbound.clone());
    let service = Service {
        store: store.clone(),
        connectors: connectors.clone(),
        queue: queue.clone(),
        nobody: Nobody::new().map_err(|_| StartError::Keys(SealError::NoRandomness))?,
        keys: Keys::new(outbound),
        metrics: figures::recorder(),
    };
    let (stop, stopping) = watch::channel(false);
    let connections =
        Connections::new(router(Arc::new(service)), tls, settings.connections, stopping);
    let places = listeners.iter().map(Listener::place).collect();
    let mut serving = JoinSet::new();
    for listener in listeners {
        serving.spawn(connections.clone().serve(listener));
    }
    let (working, drain) = (queue.clone(), settings.drain);
    let working = tokio::spawn(async move { working.work(drain).await });
    let mut following = JoinSet::new();
    following.spawn(connectors.clone().follow());
    following.spawn(connectors.clone().follow_store());
    following.spawn(teller.tell());
    let keeping = tokio::spawn(connectors.clone().keep_tokens());
    notify(&[sd_notify::NotifyState::Ready]);
    tell(Started { places, first_token, new_keys });

    while signals.next().await == Signal::Reload {
        let reloading = sd_notify::NotifyState::monotonic_usec_now().ok();
        notify(&[[sd_notify::NotifyState::Reloading].as_slice(), reloading.as_slice()].concat());
        if let Err(error) = connectors.refresh().await {
            tracing::warn!(target: "smtp_connector", %error, "the connectors cannot be read");
        }
        notify(&[sd_notify::NotifyState::Ready]);
    }
    notify(&[sd_notify::NotifyState::Stopping]);
    queue.stop();
    stop.send_replace(true);
    following.shutdown().await;
    // It ends by itself once nothing is under way, or its patience does.
    let _ = working.await;
    while serving.join_next().await.is_some() {}
    connectors.close().await;
    // A store that is away may be away for long.
    let _ = timeout(LAST_TOKENS, keeping).await;
    store.close().await;
    Ok(())
}

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signal {
    Reload,
    Stop,
}

struct Signals {
    hangup: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.hangup.recv() => Signal::Reload,
            _ = self.interrupt.recv() => Signal::Stop,
            _ = self.terminate.recv() => Signal::Stop,
        }
    }
}

/// Tells systemd, where it listens.
fn notify(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(target: "smtp_connector", %error, "systemd was not told");
    }
}

/// Opens every place to listen at.
async fn listen(places: &[Listen]) -> Result<Vec<Listener>, StartError> {
    let mut listeners = Vec::new();
    for place in places {
        match place {
            Listen::Tcp(address) => {
                let listener = TcpListener::bind(address).await;
                let failed = |error| StartError::Listen(address.to_string(), error);
                listeners.push(Listener::Tcp(listener.map_err(failed)?));
            }
            Listen::Unix(path) => {
                let failed = |error| StartError::Listen(format!("unix:{}", path.display()), error);
                // One that a process left behind which is gone.
                let _ = std::fs::remove_file(path);
                listeners.push(Listener::Unix(UnixListener::bind(path).map_err(failed)?));
            }
            Listen::Systemd => {
                let failed = |error| StartError::Listen("the sockets of systemd".to_owned(), error);
                listeners.extend(inherited().map_err(failed)?);
            }
        }
    }
    Ok(listeners)
}

/// The sockets that systemd has opened.
fn inherited() -> io::Result<Vec<Listener>> {
    let mut handed = listenfd::ListenFd::from_env();
    let mut listeners = Vec::new();
    for at in 0..handed.len() {
        match handed.take_tcp_listener(at) {
            Ok(Some(listener)) => {
                listener.set_nonblocking(true)?;
                listeners.push(Listener::Tcp(TcpListener::from_std(listener)?));
            }
            _ => {
                if let Some(listener) = handed.take_unix_listener(at)? {
                    listener.set_nonblocking(true)?;
                    listeners.push(Listener::Unix(UnixListener::from_std(listener)?));
                }
            }
        }
    }
    match listeners.is_empty() {
        true => Err(io::Error::new(io::ErrorKind::NotFound, "systemd has handed over none")),
        false => Ok(listeners),
    }
}

/// The keys of the store: those that are set, or those of a file beside the store's own, which is
/// made where there is none.
fn keys(settings: &Settings, store: &Store) -> Result<(Sealer, Option<PathBuf>), StartError> {
    if let Some(keys) = &settings.keys {
        return Ok((Sealer::new(keys).map_err(StartError::Keys)?, None));
    }
    let unusable = |path: &Path, error: io::Error| {
        StartError::Setting(format!("the key file `{}`: {error}", path.display()))
    };
    if let Some(path) = &settings.key_file {
        let text = std::fs::read_to_string(path).map_err(|error| unusable(path, error))?;
        return Ok((Sealer::new(&text).map_err(StartError::Keys)?, None));
    }
    if store.is_shared() {
        let problem = "a store that several processes share needs `key_file` or `keys`";
        return Err(StartError::Setting(problem.to_owned()));
    }
    let path = PathBuf::from(format!("{}.key", settings.store.trim_start_matches("sqlite://")));
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok((Sealer::new(&text).map_err(StartError::Keys)?, None)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = Sealer::generate().map_err(StartError::Keys)?;
            write_secret(&path, &key).map_err(|error| unusable(&path, error))?;
            Ok((Sealer::new(&key).map_err(StartError::Keys)?, Some(path)))
        }
        Err(error) => Err(unusable(&path, error)),
    }
}

/// Writes a file that only its owner may read.
fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = std::fs::File::options().create_new(true).write(true).mode(0o600).open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

/// What makes digests: with a secret that the store keeps, sealed, so that all processes share it.
async fn digester(store: &Store, sealer: &Sealer) -> Result<Digester, StartError> {
    let secret: [u8; 32] = random().map_err(StartError::Keys)?;
    let sealed = sealer.seal(DIGESTS, &secret).map_err(StartError::Keys)?;
    let kept = store.setting("digests", &sealed).await?;
    let secret = sealer.open(DIGESTS, &kept).map_err(StartError::Keys)?;
    Ok(Digester::new(&secret))
}
