//! Who logs in, with which mechanism (RFC 4954), and above all when not: credentials cross an unencrypted
//! connection only if the configuration says so or the server is on this machine.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::advice;
use super::answer::Answer;
use super::session::Session;
use crate::error::{Error, ErrorKind, Result, Stage};
use crate::plan::{Mechanism, TlsMode, TransportPlan};
use crate::secret::Secret;

/// A user and a password, resolved.
pub(super) struct Credentials {
    user: String,
    password: Secret,
    mechanism: Option<Mechanism>,
}

impl Credentials {
    /// Refuses what cannot be sent: PLAIN separates its parts by NUL.
    pub(super) fn new(user: &str, password: Secret, mechanism: Option<Mechanism>) -> Result<Self> {
        if user.contains('\0') || password.expose().contains('\0') {
            let message = "`auth.user` and `auth.pass` cannot hold a NUL character";
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        Ok(Self { user: user.to_owned(), password, mechanism })
    }

    /// The texts that must not be shown.
    pub(super) fn secrets(&self) -> [Zeroizing<String>; 2] {
        [Zeroizing::new(self.password.expose().to_owned()), self.plain()]
    }

    /// The message of PLAIN (RFC 4616 §2).
    fn plain(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("\0{}\0{}", self.user, self.password.expose()))
    }
}

/// Logs in, if the server offers to or the plan insists.
pub(super) async fn authenticate(
    session: &mut Session,
    credentials: &Credentials,
    plan: &TransportPlan,
) -> Result<()> {
    let Some(offered) = session.capabilities.mechanisms.clone().or(plan.force_authentication.then(Vec::new))
    else {
        session.journal.warn("the server does not offer AUTH, the session goes on without credentials");
        session.journal.pass(Stage::Auth, "not offered, goes on without credentials");
        return Ok(());
    };
    permit(session, plan)?;
    let mechanism = choose(credentials.mechanism, &offered)?;
    let answer = match mechanism {
        Mechanism::Plain => plain(session, credentials).await?,
        Mechanism::Login => login(session, credentials).await?,
        Mechanism::CramMd5 | Mechanism::Oauthbearer | Mechanism::Xoauth2 => {
            return Err(unbuilt(mechanism).at(Stage::Auth));
        }
    };
    if !answer.reply.is_positive() {
        return Err(Error::from_reply(Stage::Auth, answer.reply));
    }
    session.authenticated = true;
    session.journal.pass(Stage::Auth, &format!("{} as {}", name(mechanism), credentials.user));
    Ok(())
}

/// The error for a mechanism that this host does not know.
pub(super) fn unbuilt(mechanism: Mechanism) -> Error {
    let message = format!("the mechanism {} at `auth.method` is not supported", name(mechanism));
    Error::new(ErrorKind::Unsupported, message).with_hint("Remove it, or use PLAIN or LOGIN.")
}

/// Whether credentials may cross this connection.
fn permit(session: &Session, plan: &TransportPlan) -> Result<()> {
    if may_cross(session.encrypted, plan.tls, session.peer.ip()) {
        return Ok(());
    }
    let message = "the connection is not encrypted, so the credentials were withheld";
    session.journal.warn(message);
    Err(Error::new(ErrorKind::Credentials, message).at(Stage::Starttls).with_hint(advice::WITHHELD))
}

fn may_cross(encrypted: bool, tls: TlsMode, peer: IpAddr) -> bool {
    encrypted || tls == TlsMode::None || peer.to_canonical().is_loopback()
}

/// The mechanism that the plan insists on, or the first known one that the server offers.
fn choose(forced: Option<Mechanism>, offered: &[String]) -> Result<Mechanism> {
    if let Some(mechanism) = forced {
        return Ok(mechanism);
    }
    let known = [Mechanism::Plain, Mechanism::Login];
    let fitting = known.into_iter().find(|mechanism| offered.iter().any(|offer| offer == name(*mechanism)));
    // Only a plan that insists on AUTH comes here without an offer.
    fitting.or(offered.is_empty().then_some(Mechanism::Plain)).ok_or_else(|| {
        let list: String = offered.join(", ").chars().filter(|c| !c.is_control()).take(200).collect();
        let message =
            format!("none of the server's mechanisms takes a password that this host can send: {list}");
        Error::new(ErrorKind::Credentials, message).at(Stage::Auth)
    })
}

async fn plain(session: &mut Session, credentials: &Credentials) -> Result<Answer> {
    let message = encode(&credentials.plain());
    let command = Zeroizing::new(format!("AUTH PLAIN {}", *message));
    let answer = session.dialogue.discreetly(Stage::Auth, &command, "AUTH PLAIN ***").await?;
    if answer.reply.code != 334 {
        return Ok(answer);
    }
    // The server takes no initial response and asks for it again.
    session.dialogue.discreetly(Stage::Auth, &message, "***").await
}

/// Servers word the two prompts of LOGIN as they like; their order is fixed.
async fn login(session: &mut Session, credentials: &Credentials) -> Result<Answer> {
    let mut answer = session.dialogue.command(Stage::Auth, "AUTH LOGIN").await?;
    for text in [&credentials.user, credentials.password.expose()] {
        if answer.reply.code != 334 {
            break;
        }
        answer = session.dialogue.discreetly(Stage::Auth, &encode(text), "***").await?;
    }
    Ok(answer)
}

fn encode(text: &str) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(text))
}

/// The mechanism's registered name.
fn name(mechanism: Mechanism) -> &'static str {
    match mechanism {
        Mechanism::CramMd5 => "CRAM-MD5",
        Mechanism::Login => "LOGIN",
        Mechanism::Oauthbearer => "OAUTHBEARER",
        Mechanism::Plain => "PLAIN",
        Mechanism::Xoauth2 => "XOAUTH2",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_cross_an_unencrypted_connection_by_consent_or_to_this_machine_only() {
        let cases = [
            (true, TlsMode::OpportunisticStarttls, "192.0.2.1", true),
            (false, TlsMode::OpportunisticStarttls, "192.0.2.1", false),
            (false, TlsMode::RequiredStarttls, "10.0.0.1", false),
            (false, TlsMode::None, "192.0.2.1", true),
            (false, TlsMode::OpportunisticStarttls, "127.0.0.1", true),
            (false, TlsMode::OpportunisticStarttls, "::1", true),
            (false, TlsMode::OpportunisticStarttls, "::ffff:127.0.0.2", true),
        ];
        for (encrypted, tls, peer, expected) in cases {
            let peer = peer.parse().expect("an address");
            assert_eq!(may_cross(encrypted, tls, peer), expected, "{tls:?} {peer}");
        }
    }

    #[test]
    fn the_plan_decides_before_the_order_of_preference() {
        let cases = [
            (None, vec!["LOGIN", "PLAIN"], Some(Mechanism::Plain)),
            (None, vec!["CRAM-MD5", "LOGIN"], Some(Mechanism::Login)),
            (None, vec![], Some(Mechanism::Plain)),
            (Some(Mechanism::Login), vec!["PLAIN"], Some(Mechanism::Login)),
            (None, vec!["NTLM", "GSSAPI"], None),
        ];
        for (forced, offered, expected) in cases {
            let offered: Vec<_> = offered.into_iter().map(str::to_owned).collect();
            assert_eq!(choose(forced, &offered).ok(), expected, "{forced:?} of {offered:?}");
        }
        let error = choose(None, &["NTLM".to_owned()]).expect_err("no password mechanism");
        assert_eq!((error.kind(), error.stage()), (ErrorKind::Credentials, Some(Stage::Auth)));
        assert!(error.to_string().ends_with("can send: NTLM"), "{error}");
    }
}
