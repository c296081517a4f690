//! A service mails codes on request, each within a deadline: `POST /codes` with `{"to","code"}`.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request as HttpRequest, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use smtp_connector::{EgressPolicy, Engine, Error, ErrorKind, Mailer, Options, Request};
use smtp_connector_catch_all::{CatchAll, Options as ServerOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Who waits for a code gives up after that, and an answer by then is worth more than a late mail.
const DEADLINE: Duration = Duration::from_secs(20);

/// The largest request that is read, in bytes.
const LARGEST: usize = 64 << 10;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = CatchAll::start(ServerOptions::default()).await?;
    let configuration = server.configuration().to_string();
    let options = Options::default().egress(EgressPolicy::only(["127.0.0.1"]));
    let mailer = Engine::new()?.bundled().await?.configure_with(&configuration, &options).await?;

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(serve(listener, Arc::new(mailer)));

    for body in [r#"{"to":"jo@example.org","code":"482913"}"#, r#"{"to":"jo","code":"482913"}"#] {
        println!("{body}\n{}\n", post(address, body).await?);
    }
    println!("{} mail arrived", server.caught().len());
    Ok(())
}

async fn serve(listener: TcpListener, mailer: Arc<Mailer>) {
    while let Ok((socket, _)) = listener.accept().await {
        let mailer = mailer.clone();
        tokio::spawn(async move {
            let handler = service_fn(|request| {
                let mailer = mailer.clone();
                async move { Ok::<_, Infallible>(handle(&mailer, request).await) }
            });
            // A client that goes away drops the handler, and with it the send: no mail goes out
            // that nobody waits for.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), handler).await;
        });
    }
}

async fn handle(mailer: &Mailer, request: HttpRequest<Incoming>) -> Response<String> {
    if (request.method(), request.uri().path()) != (&Method::POST, "/codes") {
        return answer(StatusCode::NOT_FOUND, "there is only POST /codes");
    }
    let body = match Limited::new(request.into_body(), LARGEST).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return answer(StatusCode::PAYLOAD_TOO_LARGE, "the request is too large"),
    };
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (Some(to), Some(code)) = (body["to"].as_str(), body["code"].as_str()) else {
        return answer(StatusCode::BAD_REQUEST, "`to` and `code` must be strings");
    };
    let message = Request::new("SignIn", to).payload(serde_json::json!({ "code": code }));
    match mailer.send_within(&message, DEADLINE).await {
        Ok(receipt) => answer(StatusCode::OK, &receipt.message_id),
        Err(error) => answer(status(&error), &error.to_string()),
    }
}

/// What a failure is to the one who asked.
fn status(error: &Error) -> StatusCode {
    match error.kind() {
        // The mail may arrive: asking again at once could send it twice.
        _ if error.is_ambiguous() => StatusCode::ACCEPTED,
        ErrorKind::Address | ErrorKind::Payload => StatusCode::BAD_REQUEST,
        ErrorKind::Expired => StatusCode::GATEWAY_TIMEOUT,
        _ if error.is_transient() => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_GATEWAY,
    }
}

fn answer(status: StatusCode, text: &str) -> Response<String> {
    let mut response = Response::new(format!("{text}\n"));
    *response.status_mut() = status;
    response
}

/// Asks the service, as its users would.
async fn post(address: SocketAddr, body: &str) -> std::io::Result<String> {
    let mut socket = TcpStream::connect(address).await?;
    let length = body.len();
    let fields = format!("host: {address}\r\ncontent-length: {length}\r\nconnection: close\r\n");
    let head = format!("POST /codes HTTP/1.1\r\n{fields}\r\n");
    socket.write_all(format!("{head}{body}").as_bytes()).await?;
    let mut response = String::new();
    socket.read_to_string(&mut response).await?;
    let (head, text) = response.split_once("\r\n\r\n").unwrap_or_default();
    Ok(format!("{}: {}", head.lines().next().unwrap_or_default(), text.trim_end()))
}
