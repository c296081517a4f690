//! The keys that say how to reach the server become the transport plan.
//!
//! Each concept has a reader of its own below; this file puts their answers together.

mod auth;
mod dkim;
mod endpoint;
#[cfg(test)]
mod fixture;
mod identity;
mod inert;
mod logging;
mod pool;
mod proxy;
mod service;
mod starttls;
mod timeouts;
mod tls;
mod url;

use crate::bindings::exports::smtp_connector::contract::transport as plan;
use crate::config::Object;
use crate::config::object::Misplaced;
use crate::findings::Findings;
use plan::{Protocol, ProxyProtocol, TlsMode, TlsOptions, TransportPlan};

/// Keys that people write at the top level, and where they belong.
pub(super) const MISPLACED: &[Misplaced] = &[
    ("user", "write it inside `auth`"),
    ("username", "write it inside `auth`, as `user`"),
    ("pass", "write it inside `auth`"),
    ("password", "write it inside `auth`, as `pass`"),
    ("clientId", "write it inside `auth`"),
    ("clientSecret", "write it inside `auth`"),
    ("refreshToken", "write it inside `auth`"),
    ("accessToken", "write it inside `auth`"),
    ("rejectUnauthorized", "write it inside `tls`"),
    ("ca", "write it inside `tls`"),
    ("cert", "write it inside `tls`"),
    ("key", "write it inside `tls`"),
    ("passphrase", "write it inside `tls`"),
    ("ciphers", "write it inside `tls`"),
    ("minVersion", "write it inside `tls`"),
    ("maxVersion", "write it inside `tls`"),
    ("hostname", "did you mean `host`?"),
    ("server", "did you mean `host`?"),
    ("ssl", "did you mean `secure`?"),
    ("secureConnection", "did you mean `secure`?"),
    ("timeout", "use `connectionTimeout`, `greetingTimeout` and `socketTimeout`"),
    ("fromName", "write the name into `fromEmail`: `Name <address@example.com>`"),
];

/// Reads the plan; none where something that it needs cannot be read.
pub(super) fn read(root: &mut Object<'_>, findings: &mut Findings) -> Option<TransportPlan> {
    inert::read(root, findings);
    let given = root.has("url");
    let url = root.text("url", findings);
    if !given {
        return options(root, findings);
    }
    // Even a URL that cannot be read replaces the keys beside it: to judge them would only
    // distract.
    let plan = url.and_then(|url| url::read(url, &root.pointer_to("url"), findings));
    url::report_replaced(root, findings);
    plan
}

/// Reads the plan from keys of their own.
fn options(root: &mut Object<'_>, findings: &mut Findings) -> Option<TransportPlan> {
    inert::other_transports(root, findings);
    inert::access(root, findings);
    let service = service::read(root, findings);
    let (endpoint, implicit_tls) = endpoint::read(root, service, findings);
    let encryption = starttls::read(root, service, implicit_tls, findings);
    let tls_options = tls_options(root, findings);
    let login = auth::read(root, service, findings);
    let proxy = proxy::read(root, findings);
    report_idle_tls(root, encryption.mode, proxy.as_ref(), findings);
    let protocol = if root.flag("lmtp", findings) { Protocol::Lmtp } else { Protocol::Smtp };
    let ehlo_name = identity::ehlo_name(root, findings);
    let local_address = identity::local_address(root, findings);
    let timeouts = timeouts::read(root, findings);
    let pool = pool::read(root, findings);
    let pipelining = pool::pipelining(root, findings);
    let dkim = dkim::read(root, findings);
    let logging = logging::read(root, findings);
    let auth::Login { authentication, force } = login?;
    Some(TransportPlan {
        endpoint: endpoint?,
        protocol,
        tls: encryption.mode,
        plaintext_after_refusal: encryption.plaintext_after_refusal,
        tls_options,
        authentication,
        force_authentication: force,
        ehlo_name,
        local_address,
        proxy,
        timeouts,
        pool,
        pipelining,
        dkim,
        logging,
    })
}

/// `tls`, and `servername` beside it, over which the one inside goes.
fn tls_options(root: &mut Object<'_>, findings: &mut Findings) -> TlsOptions {
    let mut options = tls::read(root, findings);
    let outer = tls::server_name(root, findings);
    match (&options.server_name, outer) {
        (None, outer) => options.server_name = outer,
        (Some(inner), Some(outer)) if *inner != outer => {
            findings
                .no_effect(root.pointer_to("servername"), "`tls.servername` goes before it")
                .help("remove one of the two");
        }
        _ => {}
    }
    options
}

/// The proxy's own TLS follows the same options, so they have a use even where the session is in
/// clear.
fn report_idle_tls(
    root: &Object<'_>,
    mode: TlsMode,
    proxy: Option<&plan::Proxy>,
    findings: &mut Findings,
) {
    let proxied = proxy.is_some_and(|proxy| proxy.protocol == ProxyProtocol::Https);
    if mode == TlsMode::None && !proxied {
        let idle = ["tls", "servername"].into_iter().filter(|key| root.says(key));
        for key in idle {
            findings
                .no_effect(
                    root.pointer_to(key),
                    "`ignoreTLS` is true, and the session is never encrypted",
                )
                .help("remove it, or remove `ignoreTLS`");
        }
    }
}

#[cfg(test)]
mod tests;
