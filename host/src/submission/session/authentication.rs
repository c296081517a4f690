//! Who logs in, with which mechanism (RFC 4954), and above all when not: credentials cross an
//! unencrypted connection only if the configuration says so or the server is this machine.

mod exchange;

use std::sync::Arc;

use zeroize::Zeroizing;

use self::exchange::{Verdict, plain_message};
use super::Session;
use super::capabilities::Capabilities;
use super::token::Tokens;
use crate::error::{Error, ErrorKind, Result, Stage};
use crate::plan::{Authentication, Mechanism, TlsMode, TransportPlan};
use crate::reply::Reply;
use crate::secrets::Secret;
use crate::submission::network::Context;

/// Replies of servers that do not know the command, or do not take it here (RFC 4954 §6, RFC 5321
/// §4.2.4).
const UNKNOWN_COMMAND: [u16; 3] = [500, 502, 503];

const WITHHELD: &str = "Use a port with TLS. Where the network is trusted, `ignoreTLS: true` sends \
    the credentials unencrypted; a relay that wants none needs no `auth`.";

/// A login, resolved.
pub(crate) enum Login {
    /// By a password.
    Password { user: String, password: Secret, mechanism: Option<Mechanism> },
    /// By an access token (RFC 6750), which is had when it is needed.
    Token { user: String, tokens: Arc<Tokens>, mechanism: Option<Mechanism> },
}

impl Login {
    /// What the plan says; none where nobody logs in. PLAIN separates its parts by NUL, so no part
    /// can hold one.
    pub(crate) fn resolve(context: &Context, tokens: Option<&Arc<Tokens>>) -> Result<Option<Self>> {
        let login = match (&context.plan.authentication, tokens) {
            (Authentication::Password(login), _) => {
                let password = context.secrets.resolve(&login.password)?;
                if login.user.contains('\0') || password.expose().contains('\0') {
                    let message = "`auth.user` and `auth.pass` cannot hold a NUL character";
                    return Err(Error::new(ErrorKind::Configuration, message));
                }
                Self::Password { user: login.user.clone(), password, mechanism: login.mechanism }
            }
            (Authentication::OAuth2(login), Some(tokens)) => Self::Token {
                user: login.user.clone(),
                tokens: tokens.clone(),
                mechanism: login.mechanism,
            },
            (Authentication::None | Authentication::OAuth2(_), _) => return Ok(None),
        };
        Ok(Some(login))
    }

    fn user(&self) -> &str {
        match self {
            Self::Password { user, .. } | Self::Token { user, .. } => user,
        }
    }

    /// The mechanisms to try, in order.
    fn mechanisms(&self, offered: &[String]) -> Vec<Mechanism> {
        match self {
            Self::Password { mechanism, .. } => mechanisms_for_password(*mechanism, offered),
            Self::Token { mechanism, .. } => mechanisms_for_token(*mechanism, offered),
        }
    }

    /// The texts that must not be shown, as far as they are known by now.
    pub(crate) fn secrets(&self) -> Vec<Zeroizing<String>> {
        match self {
            Self::Password { user, password, .. } => {
                vec![Zeroizing::new(password.expose().to_owned()), plain_message(user, password)]
            }
            Self::Token { .. } => Vec::new(),
        }
    }
}

/// Logs in, if the server offers to or the plan insists.
pub(crate) async fn authenticate(
    session: &mut Session,
    login: &Login,
    plan: &TransportPlan,
) -> Result<()> {
    let insists = plan.force_authentication;
    let may = may_cross(session, plan);
    let offered = match session.capabilities.mechanisms.clone() {
        Some(offered) => offered,
        None if insists || (session.plain_helo && may) => Vec::new(),
        None => {
            go_without(session);
            return Ok(());
        }
    };
    if !may {
        let message = "the connection is not encrypted, so the credentials were withheld";
        session.record.warn(message);
        return Err(Error::new(ErrorKind::Credentials, message)
            .at(Stage::Starttls)
            .with_hint(WITHHELD));
    }
    let mechanisms = login.mechanisms(&offered);
    if mechanisms.is_empty() {
        let shown = Capabilities::listed(&session.record.capabilities()).mechanisms;
        return Err(nothing_fits(&shown.unwrap_or_default()));
    }
    let (mechanism, verdict) = in_turn(session, login, &mechanisms, plan).await?;
    let reply = verdict.answer.reply;
    if reply.is_positive() {
        session.authenticated = true;
        session.record.pass(Stage::Auth, &format_args!("{} as {}", name(mechanism), login.user()));
        return Ok(());
    }
    if session.plain_helo && !insists && UNKNOWN_COMMAND.contains(&reply.code) {
        go_without(session);
        return Ok(());
    }
    let error = Error::from_reply(Stage::Auth, reply);
    Err(match verdict.reason {
        Some(reason) => error.prefixed(&format!("on the access token the server said {reason}")),
        None => error,
    })
}

/// Logs in by the first of these mechanisms that the server does not object to; gives the last word
/// on it. A server that goes away at a further one has said its word before.
async fn in_turn(
    session: &mut Session,
    login: &Login,
    mechanisms: &[Mechanism],
    plan: &TransportPlan,
) -> Result<(Mechanism, Verdict)> {
    let mut refused = None;
    for &mechanism in mechanisms {
        let said = match login {
            Login::Password { user, password, .. } => {
                let answer = exchange::by_password(session, mechanism, user, password).await;
                answer.map(|answer| Verdict { answer, reason: None })
            }
            Login::Token { user, tokens, .. } => {
                by_token(session, mechanism, user, tokens, plan).await
            }
        };
        let verdict = match (said, refused.take()) {
            (Ok(verdict), _) => verdict,
            (Err(error), Some(refused)) if error.kind() == ErrorKind::Lost => return Ok(refused),
            (Err(error), _) => return Err(error),
        };
        if !is_about_mechanism(&verdict.answer.reply) || session.dialogue.is_over() {
            return Ok((mechanism, verdict));
        }
        let name = name(mechanism);
        session.record.remark(&format!("the server does not take the mechanism {name}"));
        refused = Some((mechanism, verdict));
    }
    refused.ok_or_else(|| nothing_fits(&[]))
}

/// Logs in by token; where the server refuses it and another can be had, by that one.
async fn by_token(
    session: &mut Session,
    mechanism: Mechanism,
    user: &str,
    tokens: &Arc<Tokens>,
    plan: &TransportPlan,
) -> Result<Verdict> {
    let token = tokens.obtain(None, &session.record).await?;
    let verdict = exchange::by_token(session, mechanism, user, &token, plan).await?;
    let reply = &verdict.answer.reply;
    if !reply.is_permanent() || !tokens.is_renewable() || !is_about_token(reply) {
        return Ok(verdict);
    }
    session.record.remark("the server refuses the access token, another one is asked for");
    let renewed = tokens.obtain(Some(&token), &session.record).await;
    let token = renewed.map_err(|error| {
        error.prefixed(&format!(
            "the server refuses the access token ({reply}), and no other is to be had"
        ))
    })?;
    exchange::by_token(session, mechanism, user, &token, plan).await
}

/// Whether another token may mend what a server objects to.
fn is_about_token(reply: &Reply) -> bool {
    !UNKNOWN_COMMAND.contains(&reply.code) && reply.code != 501 && !is_about_mechanism(reply)
}

/// Whether a server objects to the mechanism, so that another one may do (RFC 4954 §6). Where 534
/// wants another password or a browser, as Gmail's does, no mechanism would help.
fn is_about_mechanism(reply: &Reply) -> bool {
    match (reply.code, reply.enhanced.map(|enhanced| (enhanced.subject, enhanced.detail))) {
        (504 | 538 | 553, _) | (535, Some((7, 4))) => true,
        (534, _) => {
            let text = reply.text().to_ascii_lowercase();
            !text.contains("password") && !text.contains("browser")
        }
        _ => false,
    }
}

fn go_without(session: &Session) {
    session.record.warn("the server does not offer AUTH, the session goes on without credentials");
    session.record.pass(Stage::Auth, &"not offered, goes on without credentials");
}

/// Whether credentials may cross this connection.
fn may_cross(session: &Session, plan: &TransportPlan) -> bool {
    session.encrypted || plan.tls == TlsMode::None || session.loopback
}

/// The mechanism that the plan insists on, or the known ones that the server offers.
fn mechanisms_for_password(forced: Option<Mechanism>, offered: &[String]) -> Vec<Mechanism> {
    let known = [Mechanism::Plain, Mechanism::Login, Mechanism::CramMd5];
    match forced {
        Some(forced) => vec![forced],
        // Only a plan that insists on AUTH, or a server that cannot say what it offers, comes here
        // without an offer.
        None if offered.is_empty() => vec![Mechanism::Plain],
        None => known.into_iter().filter(|mechanism| is_offered(*mechanism, offered)).collect(),
    }
}

/// The error where no mechanism is left; the list is masked already.
fn nothing_fits(offered: &[String]) -> Error {
    let list: String = offered.join(", ").chars().take(200).collect();
    let message =
        format!("none of the server's mechanisms takes a password that this host can send: {list}");
    let error = Error::new(ErrorKind::Credentials, message).at(Stage::Auth);
    let takes_tokens = [Mechanism::Xoauth2, Mechanism::Oauthbearer]
        .iter()
        .any(|mechanism| is_offered(*mechanism, offered));
    error.with_hint(match takes_tokens {
        true => {
            "The server wants OAuth2 and no password: set `auth.type` to `OAuth2`, with what it \
             needs in place of `auth.pass`."
        }
        false => "Use a server of the provider that offers PLAIN, LOGIN, CRAM-MD5 or XOAUTH2.",
    })
}

/// The mechanism that the plan insists on, or the known ones that the server offers. Some servers
/// take XOAUTH2 without offering it.
fn mechanisms_for_token(forced: Option<Mechanism>, offered: &[String]) -> Vec<Mechanism> {
    let known = [Mechanism::Xoauth2, Mechanism::Oauthbearer];
    let fitting: Vec<_> = match forced {
        Some(forced) => vec![forced],
        None => known.into_iter().filter(|mechanism| is_offered(*mechanism, offered)).collect(),
    };
    if fitting.is_empty() { vec![Mechanism::Xoauth2] } else { fitting }
}

fn is_offered(mechanism: Mechanism, offered: &[String]) -> bool {
    offered.iter().any(|offer| offer == name(mechanism))
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

    fn list(offered: &[&str]) -> Vec<String> {
        offered.iter().map(|offer| (*offer).to_owned()).collect()
    }

    #[test]
    fn the_plan_decides_before_the_order_of_preference() {
        use Mechanism::{CramMd5, Login, Plain};
        let cases: [(Option<Mechanism>, &[&str], &[Mechanism]); 6] = [
            (None, &["LOGIN", "PLAIN"], &[Plain, Login]),
            (None, &["CRAM-MD5", "LOGIN"], &[Login, CramMd5]),
            (None, &["NTLM", "CRAM-MD5"], &[CramMd5]),
            (None, &[], &[Plain]),
            (Some(Login), &["PLAIN"], &[Login]),
            (None, &["NTLM", "GSSAPI"], &[]),
        ];
        for (forced, offered, expected) in cases {
            let found = mechanisms_for_password(forced, &list(offered));
            assert_eq!(found, expected, "{forced:?} of {offered:?}");
        }
        for (offered, hint) in [("NTLM", "offers PLAIN"), ("XOAUTH2", "`auth.type` to `OAuth2`")] {
            let error = nothing_fits(&list(&[offered]));
            assert_eq!((error.kind(), error.stage()), (ErrorKind::Credentials, Some(Stage::Auth)));
            assert!(error.to_string().ends_with(&format!("can send: {offered}")), "{error}");
            assert!(error.hint().is_some_and(|found| found.contains(hint)), "{error:?}");
        }
    }

    #[test]
    fn a_token_goes_by_xoauth2_unless_the_server_offers_only_the_standard() {
        use Mechanism::{Oauthbearer, Xoauth2};
        let cases: [(Option<Mechanism>, &[&str], &[Mechanism]); 5] = [
            (None, &["LOGIN", "XOAUTH2", "OAUTHBEARER"], &[Xoauth2, Oauthbearer]),
            (None, &["OAUTHBEARER", "PLAIN"], &[Oauthbearer]),
            (None, &["PLAIN"], &[Xoauth2]),
            (None, &[], &[Xoauth2]),
            (Some(Oauthbearer), &["XOAUTH2"], &[Oauthbearer]),
        ];
        for (forced, offered, expected) in cases {
            let found = mechanisms_for_token(forced, &list(offered));
            assert_eq!(found, expected, "{forced:?} of {offered:?}");
        }
    }

    #[test]
    fn another_mechanism_is_tried_where_the_server_objects_to_one() {
        for (text, expected) in [
            ("504 5.5.4 unrecognized authentication type", true),
            ("535 5.7.4 security features not supported", true),
            ("538 5.7.11 encryption required for this mechanism", true),
            ("534 5.7.9 mechanism too weak", true),
            ("553 not this way", true),
            ("534 5.7.9 Application-specific password required", false),
            ("534 5.7.14 Please log in via your web browser", false),
            ("535 5.7.8 authentication failed", false),
            ("535 authentication failed", false),
            ("503 5.5.1 AUTH not available", false),
            ("454 4.7.0 later", false),
        ] {
            let (code, words) = text.split_once(' ').expect("a code");
            let reply = Reply::new(code.parse().expect("a code"), vec![words.to_owned()]);
            assert_eq!(is_about_mechanism(&reply), expected, "{text}");
        }
    }
}
