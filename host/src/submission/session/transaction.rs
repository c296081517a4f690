//! One mail transaction (RFC 5321 §3.3): MAIL, RCPT for each recipient, DATA, and the content.
//!
//! It ends in one of three ways, and says when nobody can know which.
//!
//! Where the server offers PIPELINING (RFC 2920), the commands go out together, and together with
//! the end of the message before. The content waits for its invitation: with BDAT (RFC 3030) it
//! need not, but then the end of each message is out before the first reply, and every lost
//! connection would leave messages of which nobody knows what became.

mod parameters;

use std::fmt::Display;
use std::io;
use std::sync::Arc;

use lettre::Address;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};

use self::parameters::parameters;
use super::Session;
use super::commit::Commit;
use super::dialogue::Unconfirmed;
use super::pipelining::{self, Together};
use crate::delivery::Delivery;
use crate::error::{Blame, Error, ErrorKind, Result, Stage};
use crate::plan::Protocol;
use crate::receipt::{Envelope, Rejection};
use crate::reply::Reply;
use crate::submission::message::Prepared;

/// What the server said to an envelope for which it takes a message.
pub(crate) struct Invitation {
    /// The recipients that the server takes.
    accepted: Vec<String>,
    /// The recipients that it refused.
    rejected: Vec<Rejection>,
}

/// Why a message was not invited.
pub(crate) struct Uninvited {
    /// The failure.
    pub(crate) error: Error,
    /// Whether the server lost its way because commands went out together. They do so no more, and
    /// the message can go over another connection at once: the server has not heard it.
    pub(crate) astray: bool,
}

/// What became of a transaction that the server took.
pub(crate) struct Outcome {
    /// The recipients that the server took.
    pub(crate) accepted: Vec<String>,
    /// The recipients that it refused.
    pub(crate) rejected: Vec<Rejection>,
    /// The reply to the end of the message.
    pub(crate) reply: Reply,
}

/// A command as it is written, its line end included.
type Command<'a> = &'a (dyn Display + Sync);

/// The commands that lead to an invitation.
pub(crate) struct Announcement {
    reset: bool,
    mail: Mail,
    recipients: Vec<Rcpt>,
}

impl Announcement {
    /// The commands for a message. What the server cannot do is refused before it hears of the
    /// message.
    pub(crate) fn of(session: &Session, prepared: &Prepared) -> Result<Self> {
        let reset = session.needs_reset;
        Ok(Self { reset, ..Self::new(session, &prepared.envelope, Some(&prepared.bytes))? })
    }

    fn new(session: &Session, envelope: &Envelope, content: Option<&[u8]>) -> Result<Self> {
        let parameters = parameters(session, envelope, content)?;
        let sender = match envelope.reverse_path.as_str() {
            "" => None,
            path => Some(address(path)?),
        };
        let recipients = envelope.forward_paths.iter().map(|path| address(path));
        let recipients = recipients.map(|to| to.map(|to| Rcpt::new(to, Vec::new())));
        Ok(Self {
            reset: false,
            mail: Mail::new(sender, parameters),
            recipients: recipients.collect::<Result<_>>()?,
        })
    }

    /// Says everything up to DATA behind the end of another message.
    pub(crate) fn say_ahead(&self, session: &mut Session, delivery: &Delivery) -> Result<()> {
        delivery.begin().map_err(unnoted)?;
        for command in self.commands() {
            session.dialogue.say_ahead(command);
        }
        Ok(())
    }

    fn commands(&self) -> impl Iterator<Item = Command<'_>> {
        let reset = self.reset.then_some(&Rset as Command<'_>).into_iter();
        let recipients = self.recipients.iter().map(|recipient| recipient as Command<'_>);
        reset.chain([&self.mail as Command<'_>]).chain(recipients).chain([&Data as Command<'_>])
    }
}

/// Has the server invite the message. `ahead` says that the commands were said already.
///
/// After a failure the session can be used on, unless it is over.
pub(crate) async fn invite(
    session: &mut Session,
    prepared: &Prepared,
    delivery: &Delivery,
    ahead: Option<Announcement>,
) -> Result<Invitation, Uninvited> {
    let together = match &ahead {
        Some(_) => Some(Together::Messages),
        None => session.pipelines().then_some(Together::Envelope),
    };
    // The end of the message before has been answered.
    session.in_suspense = together.filter(|way| *way == Together::Messages);
    let outcome = negotiate(session, prepared, delivery, ahead, together).await;
    session.in_suspense = None;
    match (outcome, together) {
        (Ok(invitation), together) => {
            together.into_iter().for_each(|way| session.pipelining.prove(way));
            Ok(invitation)
        }
        (Err(error), Some(way)) if session.pipelining.judge(way, &error) => {
            session.record.warn(
                "the server offers PIPELINING and cannot do it: commands go out one by one from \
                 now on",
            );
            session.dialogue.abort();
            Err(Uninvited { error, astray: true })
        }
        (Err(error), _) => Err(Uninvited { error, astray: false }),
    }
}

async fn negotiate(
    session: &mut Session,
    prepared: &Prepared,
    delivery: &Delivery,
    ahead: Option<Announcement>,
    together: Option<Together>,
) -> Result<Invitation> {
    let announcement = match ahead {
        Some(announcement) => {
            for command in announcement.commands() {
                session.record.client(command.to_string().trim_end());
            }
            announcement
        }
        None => {
            let announcement = Announcement::of(session, prepared)?;
            if together.is_some() {
                delivery.begin().map_err(unnoted)?;
                for command in announcement.commands() {
                    session.dialogue.say(command);
                }
            }
            announcement
        }
    };
    reset(session, &announcement, together).await?;
    session.needs_reset = true;
    let invitation = envelope(session, &prepared.envelope, &announcement, together).await?;
    let invitation = if together.is_some() {
        invitation
    } else {
        let invitation = invitation?;
        delivery.begin().map_err(unnoted)?;
        session.dialogue.say(Data);
        Ok(invitation)
    };
    let invitation = data(session, invitation).await?;
    // The end of the message will end the transaction, too.
    session.needs_reset = false;
    Ok(invitation)
}

/// Says the message behind its invitation. Its end goes out only through the commit.
pub(crate) fn say_content(
    session: &mut Session,
    prepared: &Prepared,
    commit: &Arc<Commit>,
) -> Result<()> {
    let content = std::str::from_utf8(&prepared.bytes).map_err(|_| {
        session.dialogue.abort();
        Error::new(ErrorKind::Message, "the message is not UTF-8").at(Stage::Data)
    })?;
    session.dialogue.say_content(content, commit.clone());
    Ok(())
}

/// Waits for what becomes of the message that was said.
pub(crate) async fn confirm(session: &mut Session, invitation: Invitation) -> Result<Outcome> {
    let Invitation { accepted, rejected } = invitation;
    let reply = match session.dialogue.hear_end().await {
        Ok(answer) => answer.reply,
        // The server may have taken the message and only its word be lost.
        Err(Unconfirmed { error, sent: true }) if error.reply().is_none() => {
            return Err(error.into_ambiguous());
        }
        Err(Unconfirmed { error, .. }) => return Err(error),
    };
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
            None => {
                session.dialogue.hear(Stage::Content).await.map_err(Error::into_ambiguous)?.reply
            }
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
pub(crate) async fn rehearse(session: &mut Session, to_try: &Envelope) -> Result<()> {
    let announcement = Announcement::new(session, to_try, None)?;
    envelope(session, to_try, &announcement, None).await??;
    session.dialogue.say(Rset);
    let answer = session.dialogue.hear(Stage::Quit).await?;
    if answer.reply.is_positive() {
        Ok(())
    } else {
        Err(Error::from_reply(Stage::Quit, answer.reply))
    }
}

/// Takes a transaction back that may still be open.
async fn reset(
    session: &mut Session,
    announcement: &Announcement,
    said: Option<Together>,
) -> Result<()> {
    if !announcement.reset {
        return Ok(());
    }
    let reply = ask(session, Stage::Mail, &Rset, said).await?;
    if !reply.is_positive() {
        // Without it nobody knows which recipients the next message would have.
        session.dialogue.abort();
        return Err(Error::from_reply(Stage::Mail, reply));
    }
    Ok(())
}

/// MAIL and RCPT: who may receive the message. The outer error is one after which nothing more can
/// be heard; after the inner one the server has still to answer what was said with it.
async fn envelope(
    session: &mut Session,
    envelope: &Envelope,
    announcement: &Announcement,
    said: Option<Together>,
) -> Result<Result<Invitation>> {
    let reply = ask(session, Stage::Mail, &announcement.mail, said).await?;
    in_step(session, Stage::Mail, said, &reply)?;
    let refused = match reply.is_positive() {
        true => {
            session.record.pass(Stage::Mail, &reply);
            None
        }
        false if said.is_some() => Some(refusal(session, Stage::Mail, reply)),
        false => return Ok(Err(refusal(session, Stage::Mail, reply))),
    };
    let (mut accepted, mut rejected) = (Vec::new(), Vec::new());
    for (address, command) in envelope.forward_paths.iter().zip(&announcement.recipients) {
        let address = address.clone();
        match (ask(session, Stage::Rcpt, command, said).await, &refused) {
            (Ok(reply), _) if reply.is_positive() => accepted.push(address),
            (Ok(reply), refused) => {
                if refused.is_none() {
                    in_step(session, Stage::Rcpt, said, &reply)?;
                }
                rejected.push(Rejection { address, reply });
            }
            (Err(error), None) => return Err(error),
            // What comes after a refusal does not change it.
            (Err(_), Some(_)) => break,
        }
    }
    if let Some(refused) = refused {
        return Ok(Err(refused));
    }
    if accepted.is_empty() {
        return Ok(Err(none_accepted(session, Stage::Rcpt, &rejected)));
    }
    session.record.pass(
        Stage::Rcpt,
        &format_args!("{} accepted, {} refused", accepted.len(), rejected.len()),
    );
    Ok(Ok(Invitation { accepted, rejected }))
}

/// The error where every recipient was refused: one refusal that may pass is reason enough to try
/// again.
fn none_accepted(session: &Session, stage: Stage, rejected: &[Rejection]) -> Error {
    let telling =
        rejected.iter().find(|rejection| rejection.reply.is_transient()).or(rejected.first());
    match telling {
        Some(rejection) => refusal(session, stage, rejection.reply.clone()),
        None => Error::new(ErrorKind::Address, "the message has no recipient").at(stage),
    }
}

/// Hears the answer to DATA. Only 354 invites the message: after anything else that is no refusal
/// the server may be elsewhere in the dialogue.
async fn data(session: &mut Session, invitation: Result<Invitation>) -> Result<Invitation> {
    let reply = match hear(session, Stage::Data).await {
        Ok(reply) => reply,
        Err(error) => return invitation.and(Err(error)),
    };
    if reply.code / 100 < 4 && reply.code != 354 {
        session.dialogue.abort();
    }
    if reply.code != 354 {
        return invitation.and_then(|_| Err(refusal(session, Stage::Data, reply)));
    }
    if invitation.is_err() {
        // The server waits for a message without recipients, and gets an empty one (RFC 2920 §3.1).
        session.dialogue.say(".\r\n");
        let _ = session.dialogue.hear(Stage::Data).await;
        return invitation;
    }
    session.record.pass(Stage::Data, &reply);
    invitation
}

/// Says a command, unless it is said, and hears the answer to it.
async fn ask(
    session: &mut Session,
    stage: Stage,
    command: Command<'_>,
    said: Option<Together>,
) -> Result<Reply> {
    if said.is_none() {
        session.dialogue.say(command);
    }
    let reply = hear(session, stage).await?;
    session.in_suspense = said;
    // Neither done nor refused: the server is elsewhere in the dialogue.
    if reply.code / 100 == 3 {
        session.dialogue.abort();
        return Err(Error::from_reply(stage, reply));
    }
    Ok(reply)
}

/// Fails where the first refusal among the answers to commands that were said together is that one
/// came at the wrong time. Such a server may never answer the rest.
fn in_step(
    session: &mut Session,
    stage: Stage,
    said: Option<Together>,
    reply: &Reply,
) -> Result<()> {
    let is_trial = said.is_some_and(|way| session.pipelining.is_unproved(way));
    if !is_trial || !pipelining::is_out_of_step(reply) {
        return Ok(());
    }
    session.dialogue.abort();
    Err(Error::from_reply(stage, reply.clone()))
}

/// Hears an answer. One that the server closes the connection with is an error.
async fn hear(session: &mut Session, stage: Stage) -> Result<Reply> {
    let reply = session.dialogue.hear(stage).await?.reply;
    if reply.code == 421 { Err(Error::from_reply(stage, reply)) } else { Ok(reply) }
}

/// The failure where the embedder could not write down that the message goes out.
fn unnoted(error: io::Error) -> Error {
    let message = format!("the message could not be noted as going out, and was not sent: {error}");
    Error::new(ErrorKind::Internal, message).with_source(error)
}

/// The reply by which the server took the message.
fn taken(session: &Session, reply: Reply) -> Result<Reply> {
    match reply.code / 100 {
        2 => {
            session.record.pass(Stage::Content, &reply);
            Ok(reply)
        }
        4 | 5 => Err(Error::from_reply(Stage::Content, reply)),
        _ => Err(Error::from_reply(Stage::Content, reply).into_ambiguous()),
    }
}

/// A refusal for want of credentials is one of the credentials.
fn refusal(session: &Session, stage: Stage, reply: Reply) -> Error {
    if reply.code == 530 && !session.authenticated {
        let message = match Blame::of(stage, &reply) {
            Blame::Encryption => format!("the server wants an encrypted session first: {reply}"),
            _ => format!("the server wants credentials and had none: {reply}"),
        };
        return Error::new(ErrorKind::Credentials, message).at(stage).with_reply(reply);
    }
    Error::from_reply(stage, reply)
}

/// An address of the envelope as a command takes it; the characters in it were looked at before.
fn address(path: &str) -> Result<Address> {
    let (user, domain) = path.rsplit_once('@').ok_or_else(|| {
        Error::new(ErrorKind::Address, "an address of the envelope has no `@`").at(Stage::Mail)
    })?;
    // lettre refuses some that servers take, such as those of domains with an underscore.
    Ok(Address::new_dangerous(user, domain))
}
