//! One mail transaction (RFC 5321 §3.3): MAIL, RCPT for each recipient, DATA, and the content. It ends in one of
//! three ways, and says when nobody can know which.

use std::io;

use super::Prepared;
use super::lettre_stream::ContentFault;
use super::session::Session;
use super::transparency;
use crate::delivery::Delivery;
use crate::error::{Error, ErrorKind, Result, Stage};
use crate::plan::Protocol;
use crate::receipt::{Envelope, Rejection};
use crate::reply::Reply;

/// What became of a transaction that the server took.
pub(super) struct Outcome {
    /// The recipients that the server took.
    pub(super) accepted: Vec<String>,
    /// The recipients that it refused.
    pub(super) rejected: Vec<Rejection>,
    /// The reply to the end of the message.
    pub(super) reply: Reply,
}

/// Hands the message over.
pub(super) async fn submit(
    session: &mut Session,
    prepared: &Prepared,
    delivery: &Delivery,
) -> Result<Outcome> {
    let parameters = parameters(session, &prepared.envelope, Some(&prepared.bytes))?;
    let encoded = String::from_utf8(transparency::encode(&prepared.bytes))
        .map_err(|_| Error::new(ErrorKind::Message, "the message is not UTF-8").at(Stage::Mail))?;
    mail(session, &prepared.envelope, &parameters).await?;
    let (accepted, rejected) = recipients(session, &prepared.envelope).await?;
    delivery.note().map_err(unnoted)?;
    data(session).await?;
    let reply = content(session, &encoded).await?;
    match session.protocol {
        Protocol::Smtp => Ok(Outcome { accepted, rejected, reply: taken(session, reply)? }),
        Protocol::Lmtp => by_recipient(session, accepted, rejected, reply).await,
    }
}

/// LMTP answers the message once for each recipient that it took before (RFC 2033 §4.2).
async fn by_recipient(
    session: &mut Session,
    recipients: Vec<String>,
    mut rejected: Vec<Rejection>,
    first: Reply,
) -> Result<Outcome> {
    let mut accepted: Vec<(String, Reply)> = Vec::new();
    let mut next = Some(first);
    for address in recipients {
        let reply = match next.take() {
            Some(reply) => reply,
            // What became of this recipient and of those after it only the server knows.
            None => session.dialogue.further(Stage::Content).await.map_err(Error::into_ambiguous)?.reply,
        };
        match reply.code / 100 {
            2 => accepted.push((address, reply)),
            4 | 5 => rejected.push(Rejection { address, reply }),
            _ => return Err(Error::from_reply(Stage::Content, reply).into_ambiguous()),
        }
    }
    match accepted.first() {
        Some((_, reply)) => {
            let reply = taken(session, reply.clone())?;
            let accepted = accepted.into_iter().map(|(address, _)| address).collect();
            Ok(Outcome { accepted, rejected, reply })
        }
        None => Err(none_accepted(session, Stage::Content, &rejected)),
    }
}

/// Asks whether the server would take a message from and to these, and takes the question back.
pub(super) async fn rehearse(session: &mut Session, envelope: &Envelope) -> Result<()> {
    let parameters = parameters(session, envelope, None)?;
    mail(session, envelope, &parameters).await?;
    recipients(session, envelope).await?;
    let answer = session.dialogue.command(Stage::Quit, "RSET").await?;
    if answer.reply.is_positive() { Ok(()) } else { Err(Error::from_reply(Stage::Quit, answer.reply)) }
}

async fn mail(session: &mut Session, envelope: &Envelope, parameters: &str) -> Result<()> {
    let command = format!("MAIL FROM:<{}>{parameters}", envelope.reverse_path);
    let answer = session.dialogue.command(Stage::Mail, &command).await?;
    if !answer.reply.is_positive() {
        return Err(refusal(session, Stage::Mail, answer.reply));
    }
    session.journal.pass(Stage::Mail, &answer.reply.to_string());
    Ok(())
}

/// Names each recipient; one at least must be taken.
async fn recipients(session: &mut Session, envelope: &Envelope) -> Result<(Vec<String>, Vec<Rejection>)> {
    let (mut accepted, mut rejected) = (Vec::new(), Vec::new());
    for address in &envelope.forward_paths {
        let answer = session.dialogue.command(Stage::Rcpt, &format!("RCPT TO:<{address}>")).await?;
        match answer.reply {
            reply if reply.is_positive() => accepted.push(address.clone()),
            // The server is about to close the connection.
            reply if reply.code == 421 || reply.code < 400 => {
                return Err(Error::from_reply(Stage::Rcpt, reply));
            }
            reply => rejected.push(Rejection { address: address.clone(), reply }),
        }
    }
    if accepted.is_empty() {
        return Err(none_accepted(session, Stage::Rcpt, &rejected));
    }
    session.journal.pass(Stage::Rcpt, &format!("{} accepted, {} refused", accepted.len(), rejected.len()));
    Ok((accepted, rejected))
}

/// The error where every recipient was refused: one refusal that may pass is reason enough to try again.
fn none_accepted(session: &Session, stage: Stage, rejected: &[Rejection]) -> Error {
    let telling = rejected.iter().find(|rejection| rejection.reply.is_transient()).or(rejected.first());
    match telling {
        Some(rejection) => refusal(session, stage, rejection.reply.clone()),
        None => Error::new(ErrorKind::Address, "the message has no recipient").at(stage),
    }
}

/// Only 354 invites the message: after anything else the server may be elsewhere in the dialogue.
async fn data(session: &mut Session) -> Result<()> {
    let answer = session.dialogue.command(Stage::Data, "DATA").await?;
    if answer.reply.code != 354 {
        return Err(refusal(session, Stage::Data, answer.reply));
    }
    session.journal.pass(Stage::Data, &answer.reply.to_string());
    Ok(())
}

/// The failure where the embedder could not write down that the message goes out.
fn unnoted(error: io::Error) -> Error {
    let message = format!("the message could not be noted as going out, and was not sent: {error}");
    Error::new(ErrorKind::Internal, message).with_source(error)
}

/// Says the message; gives the first reply to its end.
async fn content(session: &mut Session, encoded: &str) -> Result<Reply> {
    match session.dialogue.content(encoded).await {
        Ok(answer) => Ok(answer.reply),
        // The server may have taken the message and only its word be lost.
        Err(ContentFault { error, sent: true }) if error.reply().is_none() => Err(error.into_ambiguous()),
        Err(ContentFault { error, .. }) => Err(error),
    }
}

/// The reply by which the server took the message.
fn taken(session: &Session, reply: Reply) -> Result<Reply> {
    match reply.code / 100 {
        2 => {
            session.journal.pass(Stage::Content, &reply.to_string());
            Ok(reply)
        }
        4 | 5 => Err(Error::from_reply(Stage::Content, reply)),
        _ => Err(Error::from_reply(Stage::Content, reply).into_ambiguous()),
    }
}

/// A refusal for want of credentials is one of the credentials.
fn refusal(session: &Session, stage: Stage, reply: Reply) -> Error {
    if reply.code == 530 && !session.authenticated {
        let message = format!("the server wants credentials and had none: {reply}");
        return Error::new(ErrorKind::Credentials, message).at(stage).with_reply(reply);
    }
    Error::from_reply(stage, reply)
}

/// The parameters of MAIL that envelope and content need. What the server cannot do is refused before it
/// hears of the message.
fn parameters(session: &Session, envelope: &Envelope, content: Option<&[u8]>) -> Result<String> {
    let offered = &session.capabilities;
    let unfit = |kind, message: String| Err(Error::new(kind, message).at(Stage::Mail));
    for address in std::iter::once(&envelope.reverse_path).chain(&envelope.forward_paths) {
        if address.contains(|c: char| c.is_control() || matches!(c, '<' | '>')) {
            return unfit(
                ErrorKind::Address,
                "an address of the envelope holds a character it cannot".to_owned(),
            );
        }
    }
    let content = content.unwrap_or_default();
    if let Some(limit) = offered.size_limit.filter(|limit| content.len() as u64 > *limit) {
        let size = content.len();
        return unfit(
            ErrorKind::Message,
            format!("the message has {size} bytes, and the server takes {limit} at most"),
        );
    }
    let mut parameters = String::new();
    let addresses_are_ascii =
        envelope.reverse_path.is_ascii() && envelope.forward_paths.iter().all(|address| address.is_ascii());
    if !addresses_are_ascii || !header(content).is_ascii() {
        if !offered.smtputf8 {
            let message = "an address is not ASCII, and the server does not offer SMTPUTF8";
            return unfit(ErrorKind::Address, message.to_owned());
        }
        parameters.push_str(" SMTPUTF8");
    }
    if !content.is_ascii() {
        if !offered.eight_bit_mime {
            let message = "the message has bytes beyond ASCII, and the server does not offer 8BITMIME";
            return unfit(ErrorKind::Message, message.to_owned());
        }
        parameters.push_str(" BODY=8BITMIME");
    }
    Ok(parameters)
}

/// The header section of a message.
fn header(content: &[u8]) -> &[u8] {
    let end = content.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    &content[..end.unwrap_or(content.len())]
}
