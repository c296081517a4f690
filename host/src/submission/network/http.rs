//! HTTP/1.1 over a stream that is there already: a tunnel through a proxy, and a form to a token
//! endpoint. The only module that names the HTTP client. Head and body are bounded here, the time
//! by the caller.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt as _, Empty, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper::header::{ACCEPT, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, LOCATION};
use hyper::header::{
    HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION, TRANSFER_ENCODING, UPGRADE,
};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::join;
use url::{Position, Url};
use zeroize::Zeroizing;

use super::Stream;

/// The largest head of a response: proxies and token endpoints send some hundred bytes.
const MAX_HEAD: usize = 64 << 10;

/// The largest body of a token endpoint's answer. The longest tokens in the field have some
/// kilobytes.
const MAX_BODY: usize = 256 << 10;

/// Header fields that frame a request: whoever set them could smuggle a second request into the
/// first.
const FRAMING: [HeaderName; 5] = [CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING, UPGRADE];

type Io = TokioIo<Box<dyn Stream>>;

/// A proxy's answer to CONNECT.
pub(crate) enum Tunnel {
    /// The stream now leads to the target.
    Open(Box<dyn Stream>),
    /// The proxy refused, with this status code.
    Refused(u16),
}

/// Why there is no answer: the request cannot be written, or the exchange failed.
pub(crate) type HttpError = Box<dyn std::error::Error + Send + Sync>;

/// Asks an HTTP proxy for a tunnel to `target`, a host and a port (RFC 9110 §9.3.6). Any 2xx opens
/// it.
pub(crate) async fn connect(
    stream: Box<dyn Stream>,
    target: &str,
    login: Option<(&str, &str)>,
) -> Result<Tunnel, HttpError> {
    let mut request = Request::connect(target).header(HOST, target);
    if let Some((user, password)) = login {
        request = request.header(PROXY_AUTHORIZATION, basic(user, password)?);
    }
    let request = request.body(Empty::<Bytes>::new())?;
    let (sender, connection) = handshake(stream).await?;
    converse(connection, async move {
        let response = send(sender, request).await?;
        if !response.status().is_success() {
            return Ok(Tunnel::Refused(response.status().as_u16()));
        }
        let tunnel = hyper::upgrade::on(response).await?;
        let parts =
            tunnel.downcast::<Io>().map_err(|_| "the tunnel is not the stream that was given")?;
        Ok(Tunnel::Open(unread(parts.io.into_inner(), parts.read_buf)))
    })
    .await
}

/// Header fields to add to a request, or to replace its own. Their values are not shown.
#[derive(Default)]
pub(crate) struct Headers(HeaderMap);

impl Headers {
    /// Adds a field; fails where name or value cannot be those of one, and where the field frames
    /// the request.
    pub(crate) fn add(&mut self, name: &str, value: &str) -> Result<(), HttpError> {
        let name = HeaderName::from_bytes(name.as_bytes())?;
        if FRAMING.contains(&name) {
            return Err("the field frames the request".into());
        }
        let mut value = HeaderValue::from_str(value)?;
        value.set_sensitive(true);
        self.0.insert(name, value);
        Ok(())
    }
}

/// What a token endpoint answered.
pub(crate) struct FormAnswer {
    /// The status code.
    pub(crate) status: u16,
    /// Where it points instead.
    pub(crate) location: Option<String>,
    /// The body, or nothing where it was too large.
    pub(crate) body: Option<Bytes>,
}

/// Posts a form to a URL over a stream that leads to its host.
pub(crate) async fn post(
    stream: Box<dyn Stream>,
    url: &Url,
    headers: &Headers,
    form: &str,
) -> Result<FormAnswer, HttpError> {
    let mut request = Request::post(&url[Position::BeforePath..Position::AfterQuery])
        .header(HOST, &url[Position::BeforeHost..Position::AfterPort])
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(ACCEPT, "application/json")
        .header(CONNECTION, "close")
        .body(Full::new(Bytes::copy_from_slice(form.as_bytes())))?;
    request.headers_mut().extend(headers.0.clone());
    let (sender, connection) = handshake(stream).await?;
    converse(connection, async move {
        let response = send(sender, request).await?;
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let (status, location) = (response.status().as_u16(), location.map(str::to_owned));
        let body = match Limited::new(response.into_body(), MAX_BODY).collect().await {
            Ok(body) => Some(body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => None,
            Err(error) => return Err(error),
        };
        Ok(FormAnswer { status, location, body })
    })
    .await
}

type Sender<B> = SendRequest<B>;

async fn handshake<B>(
    stream: Box<dyn Stream>,
) -> Result<(Sender<B>, Connection<Io, B>), hyper::Error>
where
    B: hyper::body::Body<Data = Bytes, Error = std::convert::Infallible> + Send + 'static,
{
    Builder::new()
        .title_case_headers(true)
        .max_buf_size(MAX_HEAD)
        .handshake(TokioIo::new(stream))
        .await
}

async fn send<B>(
    mut sender: Sender<B>,
    request: Request<B>,
) -> Result<Response<Incoming>, hyper::Error>
where
    B: hyper::body::Body<Data = Bytes, Error = std::convert::Infallible> + Send + 'static,
{
    sender.send_request(request).await
}

/// Drives the connection until the exchange over it is done.
async fn converse<B, T>(
    connection: Connection<Io, B>,
    exchange: impl Future<Output = Result<T, HttpError>>,
) -> Result<T, HttpError>
where
    B: hyper::body::Body<Data = Bytes, Error = std::convert::Infallible> + Send + 'static,
{
    tokio::pin!(exchange);
    tokio::select! {
        biased;
        done = &mut exchange => done,
        ended = connection.with_upgrades() => match ended {
            Ok(()) => exchange.await,
            Err(error) => Err(error.into()),
        },
    }
}

/// A stream of which some bytes were read already.
fn unread(stream: Box<dyn Stream>, bytes: Bytes) -> Box<dyn Stream> {
    if bytes.is_empty() {
        return stream;
    }
    let (reader, writer) = tokio::io::split(stream);
    Box::new(join(tokio::io::AsyncReadExt::chain(std::io::Cursor::new(bytes), reader), writer))
}

/// The value of basic authentication (RFC 7617).
fn basic(user: &str, password: &str) -> Result<HeaderValue, HttpError> {
    let pair = Zeroizing::new(format!("{user}:{password}"));
    let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair.as_bytes())))?;
    value.set_sensitive(true);
    Ok(value)
}
