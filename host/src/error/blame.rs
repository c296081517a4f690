//! Who is to blame for a refusal: the recipient, or somebody whom every message would meet.
//!
//! Servers put off what they have against a client or a sender until RCPT, so that the command
//! alone does not tell. Kind, hint, exit code and what `batch` does with a message follow from
//! this.

mod table;
#[cfg(test)]
mod tests;

use self::table::TABLE;
use super::Stage;
use crate::reply::Reply;

/// Whom or what a server's refusal concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Blame {
    /// The account that sends: it has reached a limit, or may not send.
    Account,
    /// This machine: its address, the name it greets with, or that the server does not relay for
    /// it.
    Client,
    /// What the message holds, or its size.
    Content,
    /// The login: one is wanted, or another one.
    Credentials,
    /// The connection: the server wants it encrypted.
    Encryption,
    /// A rule that names nobody.
    Policy,
    /// The recipient: the mailbox or its domain.
    Recipient,
    /// The author: the address, or its domain.
    Sender,
    /// The server: it has troubles of its own, or puts everybody off.
    Server,
}

impl Blame {
    /// Whom a refusal concerns: by the first row of the table that fits, or else by the stage.
    pub(crate) fn of(stage: Stage, reply: &Reply) -> Self {
        let words = Words::of(reply);
        let row = TABLE.iter().find(|(code, said, _)| has_code(reply, code) && words.say(said));
        let blame = row.map_or_else(|| by_stage(stage, reply), |(_, _, blame)| *blame);
        match blame {
            // There is no recipient yet.
            Self::Recipient if stage <= Stage::Mail => Self::Sender,
            Self::Policy if reply.is_transient() => Self::Server,
            // By then the server has taken everybody, and has read the message.
            Self::Policy if stage >= Stage::Data => Self::Content,
            blame => blame,
        }
    }

    /// Whether every further message would meet the same refusal.
    pub fn is_shared(self) -> bool {
        match self {
            Self::Account
            | Self::Client
            | Self::Credentials
            | Self::Encryption
            | Self::Policy
            | Self::Sender => true,
            Self::Content | Self::Recipient | Self::Server => false,
        }
    }

    /// Whether the message itself can be sent once the fault is mended elsewhere.
    pub fn is_curable(self) -> bool {
        match self {
            Self::Account
            | Self::Client
            | Self::Credentials
            | Self::Encryption
            | Self::Sender
            | Self::Server => true,
            Self::Content | Self::Policy | Self::Recipient => false,
        }
    }
}

/// Whether a reply has a code of the table: a reply code such as `530`, an enhanced one without its
/// class such as `7.1`, one of a whole subject such as `7.*`, or any where there is none.
fn has_code(reply: &Reply, code: &str) -> bool {
    let Some((subject, detail)) = code.split_once('.') else {
        return code.is_empty() || reply.code.to_string() == code;
    };
    reply.enhanced.is_some_and(|enhanced| {
        enhanced.subject.to_string() == subject
            && (detail == "*" || enhanced.detail.to_string() == detail)
    })
}

/// What a reply says in lower case, without the names and addresses that it repeats: whoever chose
/// those does not choose the blame.
struct Words(String);

impl Words {
    fn of(reply: &Reply) -> Self {
        let text = reply.lines.join(" ");
        let mut kept = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some((before, quoted)) = rest.split_once('<') {
            kept.push_str(before);
            rest = quoted.split_once('>').map_or("", |(_, behind)| behind);
        }
        kept.push_str(rest);
        let words = kept.split_whitespace().filter(|word| !word.contains('@'));
        Self(words.collect::<Vec<_>>().join(" ").to_lowercase())
    }

    fn say(&self, words: &str) -> bool {
        self.0.contains(words)
    }
}

/// Whom a refusal concerns that says nothing of it.
fn by_stage(stage: Stage, reply: &Reply) -> Blame {
    if reply.is_transient() {
        return Blame::Server;
    }
    match (stage, reply.code) {
        // RFC 5321 §4.2.3: storage exceeded, and a name that is not allowed.
        (Stage::Mail, 552) => return Blame::Content,
        (Stage::Mail, 553) => return Blame::Sender,
        _ => {}
    }
    match stage {
        Stage::Dns | Stage::Connect | Stage::Proxy | Stage::Quit => Blame::Server,
        Stage::Tls | Stage::Starttls => Blame::Encryption,
        Stage::Greeting | Stage::Ehlo => Blame::Client,
        Stage::Auth => Blame::Credentials,
        Stage::Mail => Blame::Policy,
        Stage::Rcpt => Blame::Recipient,
        Stage::Data | Stage::Content => Blame::Content,
    }
}
