//! What to change after the usual mistakes. Facts about servers in the field, in our words; never a word of the
//! server's, and no secret.

use crate::error::{Error, ErrorKind, Stage};
use crate::plan::{Authentication, TlsMode, TransportPlan};
use crate::reply::Reply;

pub(super) const CLOCK: &str = "Check the clock of this machine and the server's certificate.";
pub(super) const EXPIRED: &str = "Have the server's certificate renewed.";
pub(super) const IMPLICIT_TLS_PORT: &str = "This port speaks implicit TLS, set `secure` to true.";
pub(super) const PLAINTEXT_PORT: &str = "This port speaks plaintext with STARTTLS, set `secure` to false.";
pub(super) const CLEAR_PORT: &str = "This port speaks plaintext without STARTTLS: set `secure` to false. Credentials \
    are then withheld unless `ignoreTLS` is true; better use a port with TLS.";
pub(super) const SILENT_PORT: &str = "This port takes connections and says nothing, neither in clear nor by TLS: \
    check `host` and `port`, and whether a firewall holds the server's answer back.";
pub(super) const WITHHELD: &str = "Use a port with TLS. Where the network is trusted, `ignoreTLS: true` sends \
    the credentials unencrypted; a relay that wants none needs no `auth`.";

/// The advice on a failure, where one is known.
pub(super) fn on(error: &Error, plan: &TransportPlan) -> Option<String> {
    let stage = error.stage()?;
    match error.reply() {
        Some(reply) => on_reply(stage, reply, plan),
        None if is_plaintext(error) && plan.tls == TlsMode::Implicit => Some(PLAINTEXT_PORT.to_owned()),
        None => on_silence(stage, error.kind(), plan),
    }
}

/// Whether a failed handshake was about a certificate, so that the peer does speak TLS.
pub(super) fn is_about_certificate(error: &Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref());
    matches!(source, Some(rustls::Error::InvalidCertificate(_) | rustls::Error::AlertReceived(_)))
}

/// Whether what arrived in the handshake was no TLS.
fn is_plaintext(error: &Error) -> bool {
    let source = std::error::Error::source(error);
    matches!(source.and_then(|source| source.downcast_ref()), Some(rustls::Error::InvalidMessage(_)))
}

/// The advice where the server said nothing.
fn on_silence(stage: Stage, kind: ErrorKind, plan: &TransportPlan) -> Option<String> {
    let port = plan.endpoint.port;
    let implicit = plan.tls == TlsMode::Implicit;
    let advice = match (stage, kind) {
        (Stage::Dns, _) => "Check `host` for typing errors, and whether this machine can resolve names.",
        (Stage::Connect, ErrorKind::Connect) if port == 25 => {
            "Many networks block port 25: try 587, or 465 with `secure` true."
        }
        (Stage::Connect, ErrorKind::Connect) => {
            "Check `host` and `port`, and whether a firewall lets this machine connect; the usual ports are 587 \
             and 465."
        }
        (Stage::Greeting, ErrorKind::Timeout | ErrorKind::Lost) if port == 465 && !implicit => {
            IMPLICIT_TLS_PORT
        }
        (Stage::Greeting, ErrorKind::Timeout) if !implicit => {
            "If this port speaks implicit TLS, set `secure` to true; otherwise the server is overloaded or a \
             firewall holds it back."
        }
        (Stage::Tls, ErrorKind::Timeout | ErrorKind::Lost) if implicit && matches!(port, 25 | 587 | 2525) => {
            PLAINTEXT_PORT
        }
        _ => return None,
    };
    Some(advice.to_owned())
}

/// The advice on the server's words.
fn on_reply(stage: Stage, reply: &Reply, plan: &TransportPlan) -> Option<String> {
    let authenticates = plan.authentication != Authentication::None;
    let advice = match (stage, reply.code) {
        (Stage::Ehlo, 500..=599) => {
            "The server does not like the name it was greeted with: set `name` to this machine's domain name in \
             ASCII, such as `mail.example.com`."
        }
        (Stage::Starttls, _) if plan.tls == TlsMode::RequiredStarttls => {
            "Use a port where the server offers STARTTLS (usually 587) or implicit TLS (465 with `secure` true)."
        }
        (Stage::Starttls, _) => {
            "The server offers STARTTLS and refuses it: use implicit TLS (465 with `secure` true), or accept \
             plaintext with `opportunisticTLS: true`."
        }
        (Stage::Auth, 500..=599) => on_refused_login(reply, plan),
        (Stage::Mail | Stage::Rcpt, 530) if !authenticates => {
            "The server wants credentials: set `auth.user` and `auth.pass`."
        }
        (Stage::Mail | Stage::Rcpt, 530) => {
            "The server wants a session that is encrypted and logged in: check `auth`, and use a port with TLS."
        }
        (Stage::Mail | Stage::Rcpt | Stage::Data | Stage::Content, 500..=599) => {
            on_refused_message(stage, reply, plan)?
        }
        _ => return None,
    };
    Some(advice.to_owned())
}

/// The advice on a refused sender, recipient or message.
fn on_refused_message(stage: Stage, reply: &Reply, plan: &TransportPlan) -> Option<&'static str> {
    let text = reply.text().to_ascii_lowercase();
    let says = |words: &str| text.contains(words);
    let at = |domain: &str| is_within(&plan.endpoint.host, domain);
    let status = reply.enhanced.map(|code| (code.subject, code.detail));
    let aliyun = says("must be same as authorization user") || says("must equal authorized user");
    if aliyun || (stage == Stage::Mail && (at("aliyun.com") || at("mxhichina.com"))) {
        return Some("The sender must be the account's own address: set `fromEmail` to `auth.user`.");
    }
    if at("sendgrid.net") && says("verified sender") {
        return Some("Verify the sender's address or domain at SendGrid, and use it in `fromEmail`.");
    }
    if says("relay") && plan.authentication == Authentication::None {
        return Some(
            "The server relays for those it knows only: set `auth.user` and `auth.pass`, or have this machine's \
             address allowed.",
        );
    }
    let denied = ["sendasdenied", "send as", "not owned by"].into_iter().any(says);
    if status == Some((7, 60)) || denied || (stage == Stage::Mail && matches!(status, Some((7, _)))) {
        return Some("The account may not send as this address: set `fromEmail` to one that belongs to it.");
    }
    None
}

/// The advice on refused credentials.
fn on_refused_login(reply: &Reply, plan: &TransportPlan) -> &'static str {
    let text = reply.text().to_ascii_lowercase();
    let at = |domain: &str| is_within(&plan.endpoint.host, domain);
    let gmail = at("gmail.com") || at("googlemail.com");
    let enhanced = reply.enhanced.map(|code| (code.subject, code.detail));
    if enhanced == Some((7, 139)) || text.contains("basic authentication is disabled") {
        "This Microsoft account does not accept passwords any more: use OAuth2."
    } else if gmail {
        "Gmail wants an app password instead of the account's own; it needs 2-step verification to be on. OAuth2 \
         works, too."
    } else if at("sendgrid.net") && plan.authentication.user() != Some("apikey") {
        "At SendGrid the user is literally `apikey`, and the password is the API key."
    } else if matches!(reply.code, 500 | 502 | 503) {
        "The server does not take credentials here: remove `auth` and `forceAuth`, or use another port."
    } else if reply.code == 504 {
        "The server does not know the mechanism: remove `authMethod`, or set it to one that it offers."
    } else if reply.code == 538 {
        "The server takes credentials on an encrypted connection only: do not set `ignoreTLS`."
    } else {
        "Check `auth.user` and `auth.pass`; some providers want the whole address as user, or a password made for \
         SMTP alone."
    }
}

/// Whether a host is a domain or within it.
fn is_within(host: &str, domain: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}
