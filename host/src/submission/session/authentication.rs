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
    let (mechanism, user, verdict) = match login {
        Login::Password { user, password, mechanism } => {
            let mechanism = choose_for_password(*mechanism, &offered).ok_or_else(|| {
                let shown = Capabilities::listed(&session.record.capabilities()).mechanisms;
                nothing_fits(&shown.unwrap_or_default())
            })?;
            let answer = exchange::by_password(session, mechanism, user, password).await?;
            (mechanism, user, Verdict { answer, reason: None })
        }
        Login::Token { user, tokens, mechanism } => {
            let mechanism = choose_for_token(*mechanism, &offered);
            (mechanism, user, by_token(session, mechanism, user, tokens, plan).await?)
        }
    };
    let reply = verdict.answer.reply;
    if reply.is_positive() {
        session.authenticated = true;
        session.record.pass(Stage::Auth, &format_args!("{} as {user}", name(mechanism)));
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
    if !reply.is_permanent() || !tokens.is_renewable() || is_about_mechanism(reply) {
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

/// Whether a server objects to the mechanism or the command, which no other token would mend.
fn is_about_mechanism(reply: &Reply) -> bool {
    UNKNOWN_COMMAND.contains(&reply.code) || matches!(reply.code, 501 | 504 | 538)
}

fn go_without(session: &Session) {
    session.record.warn("the server does not offer AUTH, the session goes on without credentials");
    session.record.pass(Stage::Auth, &"not offered, goes on without credentials");
}

/// Whether credentials may cross this connection.
fn may_cross(session: &Session, plan: &TransportPlan) -> bool {
    session.encrypted || plan.tls == TlsMode::None || session.loopback
}

/// The mechanism that the plan insists on, or the first known one that the server offers.
fn choose_for_password(forced: Option<Mechanism>, offered: &[String]) -> Option<Mechanism> {
    let known = [Mechanism::Plain, Mechanism::Login, Mechanism::CramMd5];
    // Only a plan that insists on AUTH, or a server that cannot say what it offers, comes here
    // without an offer.
    let fallback = offered.is_empty().then_some(Mechanism::Plain);
    forced.or_else(|| first_offered(&known, offered)).or(fallback)
}

/// The error where no mechanism is left; the list is masked already.
fn nothing_fits(offered: &[String]) -> Error {
    let list: String = offered.join(", ").chars().take(200).collect();
    let message =
        format!("none of the server's mechanisms takes a password that this host can send: {list}");
    Error::new(ErrorKind::Credentials, message).at(Stage::Auth)
}

/// The mechanism that the plan insists on, or the first known one that the server offers. Some
/// servers take XOAUTH2 without offering it.
fn choose_for_token(forced: Option<Mechanism>, offered: &[String]) -> Mechanism {
    let known = [Mechanism::Xoauth2, Mechanism::Oauthbearer];
    forced.or_else(|| first_offered(&known, offered)).unwrap_or(Mechanism::Xoauth2)
}

fn first_offered(known: &[Mechanism], offered: &[String]) -> Option<Mechanism> {
    known.iter().copied().find(|mechanism| offered.iter().any(|offer| offer == name(*mechanism)))
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
        let cases: [(Option<Mechanism>, &[&str], Option<Mechanism>); 6] = [
            (None, &["LOGIN", "PLAIN"], Some(Mechanism::Plain)),
            (None, &["CRAM-MD5", "LOGIN"], Some(Mechanism::Login)),
            (None, &["NTLM", "CRAM-MD5"], Some(Mechanism::CramMd5)),
            (None, &[], Some(Mechanism::Plain)),
            (Some(Mechanism::Login), &["PLAIN"], Some(Mechanism::Login)),
            (None, &["NTLM", "GSSAPI"], None),
        ];
        for (forced, offered, expected) in cases {
            assert_eq!(
                choose_for_password(forced, &list(offered)),
                expected,
                "{forced:?} of {offered:?}"
            );
        }
        let error = nothing_fits(&list(&["NTLM"]));
        assert_eq!((error.kind(), error.stage()), (ErrorKind::Credentials, Some(Stage::Auth)));
        assert!(error.to_string().ends_with("can send: NTLM"), "{error}");
    }

    #[test]
    fn a_token_goes_by_xoauth2_unless_the_server_offers_only_the_standard() {
        let cases: [(Option<Mechanism>, &[&str], Mechanism); 5] = [
            (None, &["LOGIN", "XOAUTH2", "OAUTHBEARER"], Mechanism::Xoauth2),
            (None, &["OAUTHBEARER", "PLAIN"], Mechanism::Oauthbearer),
            (None, &["PLAIN"], Mechanism::Xoauth2),
            (None, &[], Mechanism::Xoauth2),
            (Some(Mechanism::Oauthbearer), &["XOAUTH2"], Mechanism::Oauthbearer),
        ];
        for (forced, offered, expected) in cases {
            assert_eq!(
                choose_for_token(forced, &list(offered)),
                expected,
                "{forced:?} of {offered:?}"
            );
        }
    }
}
