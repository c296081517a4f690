//! What to change after the usual mistakes.
//!
//! Facts about servers in the field, in our words; never a word of the server's, and no secret.

mod later;
mod login;
mod message;
pub(super) mod probe;
mod provider;
#[cfg(test)]
mod tests;

use self::provider::Provider;
use crate::error::{Blame, Error, ErrorKind, Stage};
use crate::plan::{TlsMode, TransportPlan};
use crate::reply::Reply;
use crate::submission::network::wire_error::IMPLICIT_TLS_PORT;
use crate::submission::record::Record;

const PLAINTEXT_PORT: &str = "This port speaks plaintext with STARTTLS, set `secure` to false.";
const CLEAR_PORT: &str = "This port speaks plaintext without STARTTLS: set `secure` to false. \
    Credentials are then withheld unless `ignoreTLS` is true; better use a port with TLS.";
const SILENT_PORT: &str = "This port takes connections and says nothing, neither in clear nor by \
    TLS: check `host` and `port`, and whether a firewall holds the server's answer back.";

/// What a refusal says in lower case, and what to do about it. The first row that fits counts.
type Cures = [(&'static str, &'static str)];

/// Completes an error by what is known of the session.
pub(super) fn complete(error: Error, plan: &TransportPlan, record: &Record) -> Error {
    let error = error.with_transcript(record.transcript());
    let advice = if error.hint().is_some() { None } else { on(&error, plan) };
    match advice {
        Some(advice) => error.with_hint(advice),
        None => error,
    }
}

/// The advice on a failure, where one is known.
pub(crate) fn on(error: &Error, plan: &TransportPlan) -> Option<String> {
    let stage = error.stage()?;
    let advice = match error.reply() {
        Some(reply) => {
            let provider = Provider::recognise(plan.endpoint.host.name(), error.transcript());
            on_refusal(&Refusal::new(stage, reply, provider, plan))
        }
        None if is_plaintext(error) && plan.tls == TlsMode::Implicit => Some(PLAINTEXT_PORT),
        None if stage == Stage::Greeting && error.kind() == ErrorKind::Protocol => {
            on_another_protocol(&error.to_string())
        }
        None => on_silence(stage, error.kind(), plan),
    };
    advice.map(str::to_owned)
}

/// Whether a failed handshake was about a certificate, so that the peer does speak TLS.
pub(crate) fn is_about_certificate(error: &Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref());
    matches!(source, Some(rustls::Error::InvalidCertificate(_) | rustls::Error::AlertReceived(_)))
}

/// Whether what arrived in the handshake was no TLS.
fn is_plaintext(error: &Error) -> bool {
    let source = std::error::Error::source(error);
    matches!(
        source.and_then(|source| source.downcast_ref()),
        Some(rustls::Error::InvalidMessage(_))
    )
}

/// The server's no, and what is known of the server.
struct Refusal<'a> {
    stage: Stage,
    code: u16,
    blame: Blame,
    /// The reply in lower case, codes included; a space follows each word.
    words: String,
    provider: Option<Provider>,
    plan: &'a TransportPlan,
}

impl<'a> Refusal<'a> {
    fn new(
        stage: Stage,
        reply: &Reply,
        provider: Option<Provider>,
        plan: &'a TransportPlan,
    ) -> Self {
        let words = format!("{reply} ").to_ascii_lowercase();
        Self { stage, code: reply.code, blame: Blame::of(stage, reply), words, provider, plan }
    }

    fn says(&self, words: &str) -> bool {
        self.words.contains(words)
    }

    fn is_transient(&self) -> bool {
        self.code / 100 == 4
    }

    /// The cure for what the server says, if it is among these.
    fn among(&self, cures: &Cures) -> Option<&'static str> {
        cures.iter().find(|(words, _)| self.says(words)).map(|(_, cure)| *cure)
    }
}

/// The advice on the server's words.
fn on_refusal(refusal: &Refusal<'_>) -> Option<&'static str> {
    let advice = match (refusal.stage, refusal.code) {
        (Stage::Starttls, 500..=599) if refusal.plan.tls == TlsMode::RequiredStarttls => {
            "Use a port where the server offers STARTTLS (usually 587) or implicit TLS (465 with \
             `secure` true)."
        }
        (Stage::Starttls, 500..=599) => {
            "The server offers STARTTLS and refuses it: use implicit TLS (465 with `secure` true), \
             or accept plaintext with `opportunisticTLS: true`."
        }
        (Stage::Auth | Stage::Mail | Stage::Rcpt, _) if refusal.blame == Blame::Encryption => {
            tls_first(refusal.plan)
        }
        (Stage::Greeting, 500..=599) => {
            "The server does not serve this machine: use the submission port (587, or 465 with \
             `secure` true), or have this machine's address allowed."
        }
        (Stage::Ehlo, 500..=599) => {
            "The server does not like the name it was greeted with: set `name` to this machine's \
             domain name in ASCII, such as `mail.example.com`."
        }
        (Stage::Ehlo, 421) if refusal.provider == Some(Provider::Gmail) => {
            "Google answers so to names such as `localhost`: set `name` to this machine's domain \
             name, such as `mail.example.com`. Otherwise wait some minutes."
        }
        (Stage::Auth, _) => login::on(refusal),
        (Stage::Mail | Stage::Rcpt | Stage::Data | Stage::Content, _) => message::on(refusal)?,
        (_, 400..=499) => later::on(refusal),
        _ => return None,
    };
    Some(advice)
}

/// What to change where the server wants TLS first.
fn tls_first(plan: &TransportPlan) -> &'static str {
    match plan.tls {
        TlsMode::None => {
            "The server takes mail and logins on an encrypted connection only: remove `ignoreTLS`."
        }
        TlsMode::OpportunisticStarttls if plan.plaintext_after_refusal => {
            "The server takes mail and logins on an encrypted connection only, and refused to \
             encrypt this one: remove `opportunisticTLS`, and use another port (465 with `secure` \
             true)."
        }
        TlsMode::Implicit | TlsMode::OpportunisticStarttls | TlsMode::RequiredStarttls => {
            "The server takes mail and logins on an encrypted connection only: set `requireTLS` to \
             true, or use its port with implicit TLS (465 with `secure` true)."
        }
    }
}

/// The advice where the greeting is one of another protocol. `problem` quotes how it begins.
fn on_another_protocol(problem: &str) -> Option<&'static str> {
    let greetings = [
        (
            "`+OK",
            "This port speaks POP3, which fetches mail: for sending set `port` to 587, or to 465 \
             with `secure` true.",
        ),
        (
            "`* OK",
            "This port speaks IMAP, which fetches mail: for sending set `port` to 587, or to 465 \
             with `secure` true.",
        ),
        ("`SSH-", "This port speaks SSH: set `port` to the mail server's, usually 587 or 465."),
        (
            "`HTTP/",
            "This port speaks HTTP: set `host` and `port` to the mail server's, usually 587 or \
             465.",
        ),
    ];
    greetings.into_iter().find(|(greeting, _)| problem.contains(greeting)).map(|(_, advice)| advice)
}

/// The advice where the server said nothing.
fn on_silence(stage: Stage, kind: ErrorKind, plan: &TransportPlan) -> Option<&'static str> {
    let port = plan.endpoint.port;
    let implicit = plan.tls == TlsMode::Implicit;
    let advice = match (stage, kind) {
        (Stage::Dns, _) => {
            "Check `host` for typing errors, and whether this machine can resolve names."
        }
        (Stage::Auth, ErrorKind::Connect | ErrorKind::Dns) => {
            "Check `auth.accessUrl`, and whether a firewall lets this machine connect there."
        }
        (_, ErrorKind::Egress) => {
            "The egress policy of this host forbids it: allow it with `--egress`, or in a program \
             with `Options::egress`."
        }
        (Stage::Proxy, ErrorKind::Dns | ErrorKind::Proxy | ErrorKind::Timeout) => {
            "Check the host and the port in `proxy`, and whether a firewall lets this machine \
             connect there."
        }
        (Stage::Connect, ErrorKind::Connect) if port == 25 => {
            "Many networks block port 25: try 587, or 465 with `secure` true."
        }
        (Stage::Connect, ErrorKind::Connect) => {
            "Check `host` and `port`, and whether a firewall lets this machine connect; the usual \
             ports are 587 and 465."
        }
        (Stage::Ehlo, ErrorKind::Protocol) => {
            "What answers there is no mail server, or one whose reply to EHLO has no end: check \
             `host` and `port`."
        }
        (Stage::Greeting, ErrorKind::Timeout | ErrorKind::Lost) if port == 465 && !implicit => {
            IMPLICIT_TLS_PORT
        }
        (Stage::Greeting, ErrorKind::Timeout) if !implicit => {
            "If this port speaks implicit TLS, set `secure` to true; otherwise the server is \
             overloaded or a firewall holds it back."
        }
        (Stage::Tls, ErrorKind::Timeout | ErrorKind::Lost)
            if implicit && matches!(port, 25 | 587 | 2525) =>
        {
            PLAINTEXT_PORT
        }
        _ => return None,
    };
    Some(advice)
}
