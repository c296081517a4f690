//! Requests to places that connectors name: the egress policy judges each address that a name
//! resolves to, that address is dialled, no redirect is followed, and time and answer are bounded.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use smtp_connector::{EgressPolicy, Host};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::{Position, Url};

/// The largest answer: sets of keys have some kilobytes.
const LARGEST: usize = 256 << 10;

/// How the service calls itself.
const USER_AGENT: &str = concat!("smtp-connector/", env!("CARGO_PKG_VERSION"));

/// The way out.
pub(crate) struct Outbound {
    tls: TlsConnector,
    egress: EgressPolicy,
    /// Whether requests in clear may leave this machine.
    clear_anywhere: bool,
}

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Inquiry<'a> {
    /// How.
    pub method: Method,
    /// Where.
    pub url: &'a Url,
    /// With which fields of the head, besides those that every request has.
    pub headers: HeaderMap,
    /// With what.
    pub body: Bytes,
    /// How long it may take, from the name's resolution to the end of the answer.
    pub patience: Duration,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answered {
    /// The status.
    pub status: StatusCode,
    /// The body.
    pub body: Bytes,
}

/// Why there is no answer. None of it quotes more of a URL than its host.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// The exchange broke.
    Broken(Box<dyn std::error::Error + Send + Sync>),
    /// The egress policy allows no address of the host.
    Forbidden(String),
    /// The answer is too large.
    Large,
    /// It took too long.
    Late,
    /// The URL is of no use.
    Unfit(&'static str),
    /// No address of the host could be connected to.
    Unreachable(io::Error),
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(error) => write!(f, "the exchange failed: {error}"),
            Self::Forbidden(reason) => f.write_str(reason),
            Self::Large => write!(f, "the answer has more than {LARGEST} bytes"),
            Self::Late => f.write_str("it took too long"),
            Self::Unfit(problem) => f.write_str(problem),
            Self::Unreachable(error) => write!(f, "it cannot be reached: {error}"),
        }
    }
}

impl std::error::Error for Unanswered {}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("egress", &self.egress).finish_non_exhaustive()
    }
}

impl Outbound {
    /// The way out, under a policy.
    ///
    /// # Errors
    ///
    /// Fails where the TLS library cannot be used.
    pub(crate) fn new(egress: EgressPolicy) -> Result<Self, rustls::Error> {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let configuration = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let tls = TlsConnector::from(Arc::new(configuration));
        Ok(Self { tls, egress, clear_anywhere: false })
    }

    /// The way to places that the operator has named: wherever these are, also in clear.
    ///
    /// # Errors
    ///
    /// As [`Outbound::new`].
    pub(crate) fn unbounded() -> Result<Self, rustls::Error> {
        Ok(Self { clear_anywhere: true, ..Self::new(EgressPolicy::any())? })
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    ///
    /// See [`Unanswered`]. An answer with a bad status is one.
    pub(crate) async fn ask(&self, inquiry: Inquiry<'_>) -> Result<Answered, Unanswered> {
        let patience = inquiry.patience;
        timeout(patience, self.go(inquiry)).await.unwrap_or(Err(Unanswered::Late))
    }

    async fn go(&self, inquiry: Inquiry<'_>) -> Result<Answered, Unanswered> {
        let url = inquiry.url;
        let host = url.host_str().ok_or(Unanswered::Unfit("the URL has no host"))?;
        let stream = self.connect(url, host, inquiry.patience).await?;
        match url.scheme() {
            "https" => {
                let name = host.trim_matches(['[', ']']).to_owned();
                let name = ServerName::try_from(name)
                    .map_err(|_| Unanswered::Unfit("the URL's host is no name for TLS"))?;
                let secured = self.tls.connect(name, stream).await;
                exchange(secured.map_err(|error| Unanswered::Broken(error.into()))?, inquiry).await
            }
            _ => exchange(stream, inquiry).await,
        }
    }

    /// Connects to the first address of the host that may be and can be connected to.
    async fn connect(
        &self,
        url: &Url,
        host: &str,
        patience: Duration,
    ) -> Result<TcpStream, Unanswered> {
        let port = url.port_or_known_default().ok_or(Unanswered::Unfit("the URL has no port"))?;
        let is_clear = url.scheme() == "http" && !self.clear_anywhere;
        let addresses = self.addresses(host, port, is_clear).await?;
        // One that does not answer leaves time for the others.
        let patience = patience / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
        let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in addresses {
            match timeout(patience, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => failure = error,
                Err(_) => failure = io::ErrorKind::TimedOut.into(),
            }
        }
        Err(Unanswered::Unreachable(failure))
    }

    /// The addresses of a host that may be connected to; in clear those of this machine only.
    async fn addresses(
        &self,
        host: &str,
        port: u16,
        is_clear: bool,
    ) -> Result<Vec<SocketAddr>, Unanswered> {
        let named: Host = host.parse().map_err(|_| Unanswered::Unfit("the URL has no host"))?;
        let resolved =
            lookup_host((named.as_str(), port)).await.map_err(Unanswered::Unreachable)?;
        let (mut allowed, mut refusal) = (Vec::new(), None);
        for address in resolved {
            if is_clear && !address.ip().to_canonical().is_loopback() {
                let reason = "it is reached by http, and is not on this machine";
                refusal = Some(reason.to_owned());
            } else if let Err(reason) = self.egress.check(&named, address.ip(), port) {
                refusal = Some(reason);
            } else {
                allowed.push(address);
            }
        }
        match refusal {
            Some(reason) if allowed.is_empty() => Err(Unanswered::Forbidden(reason)),
            _ => Ok(allowed),
        }
    }
}

/// Says a request over a stream of its own and hears the answer.
async fn exchange<S>(stream: S, inquiry: Inquiry<'_>) -> Result<Answered, Unanswered>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let broken = |error: hyper::Error| Unanswered::Broken(error.into());
    let request = request(inquiry)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let conversation = async move {
        let response = sender.send_request(request).await.map_err(broken)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), LARGEST).collect().await;
        let body = body.map_err(|error| match error.is::<LengthLimitError>() {
            true => Unanswered::Large,
            false => Unanswered::Broken(error),
        })?;
        Ok(Answered { status, body: body.to_bytes() })
    };
    tokio::pin!(conversation);
    // The connection is driven for as long as somebody waits for the answer.
    tokio::select! {
        biased;
        answered = &mut conversation => answered,
        ended = connection => match ended {
            Ok(()) => conversation.await,
            Err(error) => Err(broken(error)),
        },
    }
}

fn request(inquiry: Inquiry<'_>) -> Result<Request<Full<Bytes>>, Unanswered> {
    let Inquiry { method, url, headers, body, .. } = inquiry;
    let unfit = Unanswered::Unfit("the URL cannot stand in a request");
    let target: Result<Uri, _> = url[Position::BeforePath..Position::AfterQuery].parse();
    let host = HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort]);
    let (Ok(target), Ok(host)) = (target, host) else { return Err(unfit) };
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = target;
    *request.headers_mut() = headers;
    let headers = request.headers_mut();
    headers.insert(header::HOST, host);
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    Ok(request)
}

#[cfg(test)]
mod tests;
