//! One message over a connection whose other end says what it likes: it has one outcome, and the
//! true one.

use serde_json::{Value, json};
use smtp_connector::{Delivery, EgressPolicy, ErrorKind, Options, Receipt, Request, Result};

use crate::peer::{Peer, Talk};
use crate::{BENCH, templates};

/// How a message ends on the wire (RFC 5321 §4.1.1.4).
const END: &[u8] = b"\r\n.\r\n";

/// What a mail server says that takes a token and a message.
const MAIL_SERVER: &[u8] =
    b"220 mx\r\n\xff250-mx\r\n250 AUTH XOAUTH2\r\n\xff235 in\r\n\xff250 from\r\n\xff\
    250 to\r\n\xff354 go\r\n\xff250 taken\r\n\xff221 bye\r\n";

/// A peer, and the configuration that leads to it.
#[derive(Debug)]
pub struct Session {
    peer: Peer,
    configuration: Value,
}

impl Session {
    /// A peer and a configuration to which `settings` adds what leads to the peer's port.
    pub fn new(settings: impl Fn(u16) -> Value) -> Self {
        let peer = BENCH.runtime.block_on(Peer::bind());
        let mut configuration = json!({
            "host": "127.0.0.1",
            "port": peer.port(),
            "fromEmail": "no-reply@example.com",
            "templates": templates(),
        });
        let Value::Object(settings) = settings(peer.port()) else {
            panic!("settings are an object");
        };
        for (key, value) in settings {
            configuration[key] = value;
        }
        Self { peer, configuration }
    }
}

/// Sends one message to a peer that says `script`, and judges the outcome.
pub fn deliver(session: &Session, script: &[u8]) {
    let (outcome, talks) = BENCH.runtime.block_on(session.peer.talk(script, send(session)));
    judge(&outcome, &talks);
}

/// Sends one message to a peer that does everything right, with the token that `endpoint` gives in
/// its answer, and judges the outcome.
pub fn deliver_with_token(session: &Session, endpoint: &Peer, answer: &[u8]) {
    let mail = session.peer.talk(MAIL_SERVER, send(session));
    let ((outcome, talks), _) = BENCH.runtime.block_on(endpoint.talk(answer, mail));
    judge(&outcome, &talks);
}

fn judge(outcome: &Result<Receipt>, talks: &[Talk]) {
    let told = || format!("{outcome:?}\n{talks:#?}");
    let was_ended = talks.iter().any(Talk::has_end);
    match outcome {
        Ok(receipt) => {
            assert!(talks.iter().any(Talk::is_accepted), "nobody accepted it: {}", told());
            assert_eq!(receipt.accepted, ["jo@example.org"], "{}", told());
        }
        Err(error) => {
            assert_ne!(error.kind(), ErrorKind::Internal, "{}", told());
            assert_ne!(error.kind(), ErrorKind::Configuration, "{}", told());
            let is_refused = error.reply().is_some_and(|reply| reply.code >= 400);
            if error.is_ambiguous() {
                assert!(was_ended, "the end was not on the wire: {}", told());
            } else {
                assert!(!was_ended || is_refused, "the server may have it: {}", told());
            }
        }
    }
}

async fn send(session: &Session) -> Result<Receipt> {
    let options = Options::default().egress(EgressPolicy::only(["127.0.0.1"]));
    let text = session.configuration.to_string();
    let mailer = BENCH.connector.configure_with(&text, &options).await?;
    let request = Request::new("SignIn", "jo@example.org").payload(json!({ "code": "482913" }));
    let outcome = mailer.deliver(&request, &Delivery::default().once()).await;
    mailer.close().await;
    outcome
}

impl Talk {
    /// Whether the whole message was on the wire.
    fn has_end(&self) -> bool {
        self.heard.windows(END.len()).any(|octets| octets == END)
    }

    /// Whether the message was on the wire, and after asking for it the peer said yes.
    fn is_accepted(&self) -> bool {
        let begins = |line: &&[u8], digit: u8| line.first() == Some(&digit);
        let lines = self.said.split(|octet| *octet == b'\n');
        let mut rest = lines.skip_while(|line| !begins(line, b'3'));
        self.has_end() && rest.any(|line| begins(&line, b'2'))
    }
}
