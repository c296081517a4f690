//! The keys that platforms sign tokens with, fetched from where they publish them (RFC 7517).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::{Request, Uri, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use jsonwebtoken::jwk::JwkSet;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Url;

/// How long fetching keys may take: somebody waits for a code.
const PATIENCE: Duration = Duration::from_secs(3);

/// The largest set of keys.
const LARGEST: usize = 256 << 10;

/// How often keys are fetched at most, however many tokens name others.
const PAUSE: Duration = Duration::from_secs(30);

/// The keys of all platforms.
pub(crate) struct Keys {
    tls: TlsConnector,
    sets: Mutex<HashMap<Url, Set>>,
}

struct Set {
    keys: Arc<JwkSet>,
    fetched: Instant,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

impl Keys {
    /// None are known yet.
    pub(crate) fn new() -> Result<Self, rustls::Error> {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let configuration = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: TlsConnector::from(Arc::new(configuration)), sets: Mutex::default() })
    }

    /// The keys that are known of a place.
    pub(super) fn known(&self, url: &Url) -> Arc<JwkSet> {
        self.sets().get(url).map_or_else(none, |set| set.keys.clone())
    }

    /// The keys of a place as they are now, or as they were a moment ago.
    pub(super) async fn renewed(&self, url: &Url) -> Arc<JwkSet> {
        {
            let mut sets = self.sets();
            if let Some(set) = sets.get(url).filter(|set| set.fetched.elapsed() < PAUSE) {
                return set.keys.clone();
            }
            // Who comes meanwhile does not fetch them, too.
            let keys = sets.get(url).map_or_else(none, |set| set.keys.clone());
            sets.insert(url.clone(), Set { keys, fetched: Instant::now() });
        }
        let fetched = timeout(PATIENCE, self.fetch(url)).await;
        match fetched.unwrap_or_else(|_| Err("it took too long".into())) {
            Ok(keys) => {
                let keys = Arc::new(keys);
                let set = Set { keys: keys.clone(), fetched: Instant::now() };
                self.sets().insert(url.clone(), set);
                keys
            }
            Err(error) => {
                tracing::warn!(
                    target: "smtp_connector", %url, error,
                    "the keys of a platform cannot be fetched"
                );
                self.known(url)
            }
        }
    }

    async fn fetch(&self, url: &Url) -> Result<JwkSet, Box<dyn std::error::Error + Send + Sync>> {
        let host = url.host_str().ok_or("it has no host")?;
        let port = url.port_or_known_default().ok_or("it has no port")?;
        let stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
        match url.scheme() {
            "https" => {
                let name = ServerName::try_from(host.to_owned())?;
                ask(self.tls.connect(name, stream).await?, url).await
            }
            _ => ask(stream, url).await,
        }
    }

    fn sets(&self) -> MutexGuard<'_, HashMap<Url, Set>> {
        self.sets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn none() -> Arc<JwkSet> {
    Arc::new(JwkSet { keys: Vec::new() })
}

async fn ask<S>(stream: S, url: &Url) -> Result<JwkSet, Box<dyn std::error::Error + Send + Sync>>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let speaking = tokio::spawn(connection);
    let target: Uri = url[url::Position::BeforePath..url::Position::AfterQuery].parse()?;
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let request = Request::get(target)
        .header(header::HOST, host)
        .header(header::ACCEPT, "application/json")
        .body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    if !response.status().is_success() {
        return Err(format!("the answer has the status {}", response.status()).into());
    }
    let body = Limited::new(response.into_body(), LARGEST).collect().await?.to_bytes();
    speaking.abort();
    Ok(serde_json::from_slice(&body)?)
}
