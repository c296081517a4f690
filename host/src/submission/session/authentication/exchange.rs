//! What the SASL mechanisms say: PLAIN (RFC 4616), LOGIN, CRAM-MD5 (RFC 2195), XOAUTH2 and
//! OAUTHBEARER (RFC 7628). Nothing of it is recorded but that it was said.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use zeroize::Zeroizing;

use super::name;
use crate::error::{Error, ErrorKind, Result, Stage};
use crate::plan::{Mechanism, TransportPlan};
use crate::secrets::Secret;
use crate::submission::session::Session;
use crate::submission::session::reply_parser::Answer;

/// How much of a server's account of a refused token is shown.
const SHOWN: usize = 300;

/// Separates the parts of the bearer mechanisms.
const CTRL_A: char = '\u{1}';

/// Logs in by a password; gives the server's last word.
pub(super) async fn by_password(
    session: &mut Session,
    mechanism: Mechanism,
    user: &str,
    password: &Secret,
) -> Result<Answer> {
    match mechanism {
        Mechanism::CramMd5 => cram_md5(session, user, password).await,
        Mechanism::Login => login(session, user, password).await,
        Mechanism::Plain => initial(session, mechanism, &plain_message(user, password)).await,
        Mechanism::Oauthbearer | Mechanism::Xoauth2 => {
            let message =
                format!("the mechanism {} takes a token and no password", name(mechanism));
            Err(Error::new(ErrorKind::Component, message).at(Stage::Auth))
        }
    }
}

/// A server's last word on an access token, and what it gave as the reason for refusing it.
pub(super) struct Verdict {
    pub(super) answer: Answer,
    pub(super) reason: Option<String>,
}

/// Logs in by an access token.
pub(super) async fn by_token(
    session: &mut Session,
    mechanism: Mechanism,
    user: &str,
    token: &Secret,
    plan: &TransportPlan,
) -> Result<Verdict> {
    let token = token.expose();
    let (message, farewell) = match mechanism {
        Mechanism::Oauthbearer => {
            // A comma or an equals sign would end the user's name (RFC 5801 §4).
            let user = user.replace('=', "=3D").replace(',', "=2C");
            let (host, port) = (&plan.endpoint.host, plan.endpoint.port);
            let text = format!(
                "n,a={user},{CTRL_A}host={host}{CTRL_A}port={port}{CTRL_A}auth=Bearer \
                {token}{CTRL_A}{CTRL_A}"
            );
            (text, "AQ==")
        }
        _ => (format!("user={user}{CTRL_A}auth=Bearer {token}{CTRL_A}{CTRL_A}"), ""),
    };
    let message = Zeroizing::new(message);
    session.record.redaction.redact([message.as_str()]);
    let command = Zeroizing::new(format!("AUTH {} {}", name(mechanism), *encode(&message)));
    let answer = say(session, &command, &format!("AUTH {} ***", name(mechanism))).await?;
    if answer.reply.code != 334 {
        return Ok(Verdict { answer, reason: None });
    }
    // The server says why in JSON, and refuses only after it was answered (RFC 7628 §3.2.3).
    let reason = decode(&answer);
    let reason = reason
        .map(|reason| session.record.redaction.excerpt(&String::from_utf8_lossy(&reason), SHOWN));
    if let Some(reason) = &reason {
        session.record.remark(&format!("the server on the access token: {reason}"));
    }
    Ok(Verdict { answer: say(session, farewell, "(acknowledged)").await?, reason })
}

/// The message of PLAIN (RFC 4616 §2).
pub(super) fn plain_message(user: &str, password: &Secret) -> Zeroizing<String> {
    Zeroizing::new(format!("\0{user}\0{}", password.expose()))
}

/// Says a message with the command, or after it where the server takes it only then.
async fn initial(session: &mut Session, mechanism: Mechanism, message: &str) -> Result<Answer> {
    let message = encode(message);
    let command = Zeroizing::new(format!("AUTH {} {}", name(mechanism), *message));
    let answer = say(session, &command, &format!("AUTH {} ***", name(mechanism))).await?;
    if answer.reply.code == 334 { say(session, &message, "***").await } else { Ok(answer) }
}

/// Servers word the two prompts of LOGIN as they like; their order is fixed.
async fn login(session: &mut Session, user: &str, password: &Secret) -> Result<Answer> {
    let mut answer = say(session, "AUTH LOGIN", "AUTH LOGIN").await?;
    for text in [user, password.expose()] {
        if answer.reply.code != 334 {
            break;
        }
        answer = say(session, &encode(text), "***").await?;
    }
    Ok(answer)
}

async fn cram_md5(session: &mut Session, user: &str, password: &Secret) -> Result<Answer> {
    let answer = say(session, "AUTH CRAM-MD5", "AUTH CRAM-MD5").await?;
    if answer.reply.code != 334 {
        return Ok(answer);
    }
    let Some(challenge) = decode(&answer) else {
        // The server waits for an answer: this one takes the command back (RFC 4954 §4).
        say(session, "*", "*").await?;
        let message = "the server's challenge for CRAM-MD5 is not base64";
        return Err(Error::new(ErrorKind::Protocol, message).at(Stage::Auth));
    };
    let response = cram_md5_response(user, password, &challenge);
    // Whoever knows the challenge can try passwords on the digest.
    session.record.redaction.redact([response.as_str()]);
    say(session, &encode(&response), "***").await
}

fn cram_md5_response(user: &str, password: &Secret, challenge: &[u8]) -> Zeroizing<String> {
    let mut mac =
        Hmac::<Md5>::new_from_slice(password.expose().as_bytes()).expect("HMAC takes any key");
    mac.update(challenge);
    let digest = mac.finalize().into_bytes();
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Zeroizing::new(format!("{user} {digest}"))
}

async fn say(session: &mut Session, line: &str, shown: &str) -> Result<Answer> {
    session.dialogue.discreetly(Stage::Auth, line, shown).await
}

fn encode(text: &str) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(text))
}

/// What a 334 says, decoded.
fn decode(answer: &Answer) -> Option<Vec<u8>> {
    STANDARD.decode(answer.words.first()?.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_2195_comes_out() {
        let challenge = "<1896.697170952@postoffice.reston.mci.net>";
        let response =
            cram_md5_response("tim", &Secret::new("tanstaaftanstaaf"), challenge.as_bytes());
        assert_eq!(response.as_str(), "tim b913a602c7eda7a495b4e6e7334d3890");
    }
}
