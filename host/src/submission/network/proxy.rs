//! A tunnel to the server through a proxy: HTTP CONNECT, in clear or inside TLS, and SOCKS.
//! Whatever goes wrong on the way to the proxy and with it is a failure of the stage `proxy`.

use std::io;
use std::net::SocketAddr;

use tokio::time::timeout;
use tokio_socks::TargetAddr;
use tokio_socks::tcp::{Socks4Stream, Socks5Stream};
use zeroize::Zeroizing;

use super::Context;
use super::Stream;
use super::dial::{Connected, Dialler};
use super::http::{self, Tunnel};
use super::wire_error::WireError;
use crate::error::{Error, ErrorKind, Result, Stage};
use crate::plan::{Endpoint, Proxy, ProxyProtocol};
use crate::secrets::Secret;
use crate::submission::record::Record;

const LOGIN: &str =
    "Check the user and the password in the URL of `proxy`; both are percent-encoded there.";
const POLICY: &str =
    "Have the proxy allow connections to this host and port, or set `proxy` to another one.";
const REACH: &str =
    "Check `host` and `port` as the proxy sees them, and whether it may connect there.";
const KIND: &str = "Check the scheme of `proxy`: http, https, socks4, socks4a or socks5.";

/// The longest user, password or name that the SOCKS protocols carry, in bytes.
const SOCKS_FIELD: usize = 255;

/// A stream that ends at the server, and this end's address.
pub(crate) async fn tunnel(
    context: &Context,
    proxy: &Proxy,
    dialler: &Dialler,
    record: &Record,
) -> Result<(Box<dyn Stream>, SocketAddr)> {
    let target = target(proxy, &context.plan.endpoint, dialler, record).await?;
    let at_proxy = |error: Error| blame(error, proxy);
    let addresses = dialler.resolve(&proxy.endpoint).await.map_err(at_proxy)?;
    let Connected { mut stream, local, .. } =
        dialler.connect(&proxy.endpoint, &addresses, record).await.map_err(at_proxy)?;
    let patience = dialler.connection;
    let dialogue = async {
        if let Some(tls) = &context.proxy_tls {
            (stream, _) = tls.negotiate(stream, patience, record).await?;
        }
        converse(context, proxy, target.clone(), stream, record).await
    };
    let stream = match timeout(patience, dialogue).await {
        Err(_) => Err(WireError::Overdue(patience).at(Stage::Proxy, record)),
        Ok(done) => done.map_err(at_proxy),
    }?;
    let Endpoint { host, port } = &proxy.endpoint;
    let protocol = name(proxy.protocol);
    record.pass(
        Stage::Proxy,
        &format_args!("{protocol} proxy {host}:{port}, tunnel to {}", written(&target)),
    );
    Ok((stream, local))
}

/// The server as the proxy is told: by name, unless it can take an address only. Then the name is
/// resolved here.
async fn target(
    proxy: &Proxy,
    server: &Endpoint,
    dialler: &Dialler,
    record: &Record,
) -> Result<TargetAddr<'static>> {
    let host = &server.host;
    if proxy.protocol == ProxyProtocol::Socks4 {
        let addresses = dialler.resolve(server).await?;
        let allowed = dialler.permitted(server, &addresses)?;
        let Some(address) = allowed.iter().find(|address| address.is_ipv4()) else {
            let message = format!("SOCKS 4 carries IPv4 only, and `{host}` has no such address");
            return Err(Error::new(ErrorKind::Proxy, message)
                .at(Stage::Proxy)
                .with_hint("Use `socks5` in `proxy`, if the proxy speaks it."));
        };
        record.pass(Stage::Dns, &address.ip());
        return Ok(TargetAddr::Ip(*address));
    }
    dialler.permit_unresolved(server)?;
    Ok(match host.address() {
        Some(address) => TargetAddr::Ip(SocketAddr::new(address, server.port)),
        None => TargetAddr::Domain(host.to_string().into(), server.port),
    })
}

async fn converse(
    context: &Context,
    proxy: &Proxy,
    target: TargetAddr<'static>,
    stream: Box<dyn Stream>,
    record: &Record,
) -> Result<Box<dyn Stream>> {
    let password =
        proxy.password.as_ref().map(|place| context.secrets.resolve(place)).transpose()?;
    let password = password.as_ref().map_or("", Secret::expose);
    let login = proxy.user.as_deref().map(|user| (user, password));
    if let Some((user, password)) = login.filter(|(_, password)| !password.is_empty()) {
        // The server behind the proxy may be the proxy itself, and say back what it was told.
        let pair = Zeroizing::new(format!("{user}:{password}"));
        record.redaction.redact([password, pair.as_str()]);
    }
    let broken = |error: tokio_socks::Error| socks_fault(&error, record);
    if !matches!(proxy.protocol, ProxyProtocol::Http | ProxyProtocol::Https) {
        check_socks_fields(login, &target)?;
    }
    match proxy.protocol {
        ProxyProtocol::Http | ProxyProtocol::Https => {
            match http::connect(stream, &written(&target), login).await {
                Ok(Tunnel::Open(stream)) => Ok(stream),
                Ok(Tunnel::Refused(status)) => Err(refused(status)),
                Err(error) => {
                    let message = format!(
                        "the dialogue with the proxy failed: {}",
                        record.redaction.mask(&innermost(&*error))
                    );
                    Err(Error::new(ErrorKind::Proxy, message).with_transience(true))
                }
            }
        }
        ProxyProtocol::Socks4 | ProxyProtocol::Socks4a => {
            let opened = match login {
                Some((user, _)) => {
                    Socks4Stream::connect_with_userid_and_socket(stream, target, user).await
                }
                None => Socks4Stream::connect_with_socket(stream, target).await,
            };
            opened.map(Socks4Stream::into_inner).map_err(broken)
        }
        ProxyProtocol::Socks5 => {
            let opened = match login {
                Some((user, password)) => {
                    Socks5Stream::connect_with_password_and_socket(stream, target, user, password)
                        .await
                }
                None => Socks5Stream::connect_with_socket(stream, target).await,
            };
            opened.map(Socks5Stream::into_inner).map_err(broken)
        }
    }
}

/// The protocols count in single bytes, and SOCKS 4 ends its texts with NUL: what does not fit
/// would be read as something else.
fn check_socks_fields(login: Option<(&str, &str)>, target: &TargetAddr<'_>) -> Result<()> {
    let name = match target {
        TargetAddr::Domain(name, _) => name.as_ref(),
        TargetAddr::Ip(_) => "",
    };
    let (user, password) = login.unwrap_or_default();
    if [name, user, password]
        .iter()
        .all(|field| field.len() <= SOCKS_FIELD && !field.contains('\0'))
    {
        return Ok(());
    }
    let message =
        format!("SOCKS carries names, users and passwords of {SOCKS_FIELD} bytes, without NUL");
    Err(Error::new(ErrorKind::Configuration, message).with_hint(LOGIN))
}

/// A failure on the way to the proxy is one of the proxy, unless it is a matter of names, time or
/// policy.
fn blame(error: Error, proxy: &Proxy) -> Error {
    let error = match error.kind() {
        ErrorKind::Connect | ErrorKind::Lost | ErrorKind::Protocol | ErrorKind::Tls => {
            error.of_kind(ErrorKind::Proxy)
        }
        _ => error,
    };
    let Endpoint { host, port } = &proxy.endpoint;
    error.prefixed(&format!("the proxy {host}:{port}")).at(Stage::Proxy)
}

/// What a status code other than 2xx means.
fn refused(status: u16) -> Error {
    let (kind, transient, what, hint) = match status {
        // Some proxies say 401, which is a web server's word.
        401 | 407 => (ErrorKind::Credentials, false, "wants other credentials", LOGIN),
        403 | 405 => (ErrorKind::Proxy, false, "does not allow the connection", POLICY),
        500.. => (ErrorKind::Proxy, true, "cannot reach the server", REACH),
        _ => (ErrorKind::Proxy, false, "refuses the connection", POLICY),
    };
    let message = format!("it {what}: it answered {status} to CONNECT");
    Error::new(kind, message).with_transience(transient).with_hint(hint)
}

/// What a failure of the SOCKS dialogue means.
fn socks_fault(error: &tokio_socks::Error, record: &Record) -> Error {
    use tokio_socks::Error as Socks;
    let (kind, transient, hint) = match error {
        Socks::Io(_) | Socks::ProxyServerUnreachable => (ErrorKind::Proxy, true, None),
        Socks::PasswordAuthFailure(_)
        | Socks::AuthorizationRequired
        | Socks::NoAcceptableAuthMethods
        | Socks::InvalidUserIdAuthFailure => (ErrorKind::Credentials, false, Some(LOGIN)),
        Socks::InvalidAuthValues(_) => (ErrorKind::Configuration, false, Some(LOGIN)),
        Socks::ConnectionNotAllowedByRuleset => (ErrorKind::Proxy, false, Some(POLICY)),
        Socks::GeneralSocksServerFailure
        | Socks::NetworkUnreachable
        | Socks::HostUnreachable
        | Socks::ConnectionRefused
        | Socks::TtlExpired
        // Some proxies say so of a server that they cannot reach.
        | Socks::IdentdAuthFailure => (ErrorKind::Proxy, true, Some(REACH)),
        _ => (ErrorKind::Proxy, false, Some(KIND)),
    };
    let message =
        format!("the SOCKS dialogue failed: {}", record.redaction.mask(&innermost(error)));
    let error = Error::new(kind, message).with_transience(transient);
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// The words of an error's last cause.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    match error.downcast_ref::<io::Error>() {
        Some(error) => super::wire_error::describe(error),
        None => error.to_string(),
    }
}

/// A target as it is written in a request: `host:port`, IPv6 addresses in brackets.
fn written(target: &TargetAddr<'_>) -> String {
    match target {
        TargetAddr::Ip(address) => address.to_string(),
        TargetAddr::Domain(name, port) => format!("{name}:{port}"),
    }
}

fn name(protocol: ProxyProtocol) -> &'static str {
    match protocol {
        ProxyProtocol::Http => "HTTP",
        ProxyProtocol::Https => "HTTPS",
        ProxyProtocol::Socks4 => "SOCKS 4",
        ProxyProtocol::Socks4a => "SOCKS 4a",
        ProxyProtocol::Socks5 => "SOCKS 5",
    }
}
