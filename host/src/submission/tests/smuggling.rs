//! SMTP smuggling: whatever a message holds, receivers that disagree about where lines end agree
//! that it is one message.

use proptest::prelude::*;

use super::peer::Peer;
use super::{prepared, submit_message};
use crate::error::ErrorKind;
use crate::message::{Mailbox, Message};
use crate::receipt::Envelope;
use crate::submission::Prepared;
use crate::submission::message::prepare::prepare;
use crate::submission::message::transparency;

/// How a receiver reads what a client says.
#[derive(Debug, Clone, Copy)]
enum Receiver {
    /// Lines end with CRLF, and with nothing else.
    Strict,
    /// A lone LF ends a line, too; a CR before it is no part of the line.
    LoneLf,
    /// A lone CR ends a line, too, and so does a lone LF.
    LoneCr,
    /// As the one before, and NUL and blanks at the end of a line are nothing.
    Careless,
}

impl Receiver {
    const ALL: [Self; 4] = [Self::Strict, Self::LoneLf, Self::LoneCr, Self::Careless];

    fn lines(self, said: &str) -> Vec<String> {
        match self {
            Self::Strict => said.split("\r\n").map(str::to_owned).collect(),
            Self::LoneLf => {
                let lines = said.split('\n');
                lines.map(|line| line.strip_suffix('\r').unwrap_or(line).to_owned()).collect()
            }
            Self::LoneCr => said.split(['\r', '\n']).map(str::to_owned).collect(),
            Self::Careless => {
                let said = said.replace('\0', "");
                said.split(['\r', '\n']).map(|line| line.trim_end().to_owned()).collect()
            }
        }
    }

    /// The commands that this receiver hears, and how many messages.
    fn hear(self, said: &str) -> (Vec<String>, usize) {
        let (mut commands, mut messages, mut in_message) = (Vec::new(), 0, false);
        for line in self.lines(said) {
            if in_message {
                in_message = line != ".";
                messages += usize::from(!in_message);
            } else if !line.is_empty() {
                in_message = line == "DATA";
                commands.push(line);
            }
        }
        (commands, messages)
    }
}

/// Checks that every receiver hears one message and these commands.
fn check(said: &str, expected: &[&str]) {
    for receiver in Receiver::ALL {
        let (commands, messages) = receiver.hear(said);
        assert!(commands == expected && messages == 1, "{receiver:?}: {commands:?} in {said:?}");
    }
}

/// What a session says of a message from DATA to its end.
fn said(message: &Prepared) -> String {
    let content = std::str::from_utf8(&message.bytes).expect("a message is UTF-8");
    let mut said = "DATA\r\n".to_owned();
    transparency::encode(content, &mut said);
    said + "QUIT\r\n"
}

fn composed(text: Option<&str>, html: Option<&str>) -> crate::error::Result<Prepared> {
    let mailbox = |address: &str| Mailbox { name: None, address: address.to_owned() };
    let message = Message {
        from: mailbox("app@a.test"),
        reply_to: Vec::new(),
        to: mailbox("ann@b.test"),
        subject: "hi".to_owned(),
        text: text.map(str::to_owned),
        html: html.map(str::to_owned),
        headers: Vec::new(),
    };
    prepare(&message, None)
}

fn raw(content: &str) -> crate::error::Result<Prepared> {
    let envelope = Envelope {
        reverse_path: "app@a.test".to_owned(),
        forward_paths: vec!["ann@b.test".to_owned()],
    };
    Prepared::from_raw(envelope, format!("Subject: hi\r\n\r\n{content}").as_bytes())
}

/// What a smuggler puts behind an end of the message.
const SECOND: &str = "MAIL FROM:<evil@c.test>\r\nRCPT TO:<eve@d.test>\r\nDATA\r\nhello\r\n.\r\n";

#[tokio::test]
async fn one_message_stays_one() {
    let commands =
        ["EHLO app.test", "MAIL FROM:<app@a.test>", "RCPT TO:<ann@b.test>", "DATA", "QUIT"];
    let ends = [
        "\r\n.\r\n",
        "\n.\n",
        "\r.\r",
        "\r\n.\n",
        "\n.\r\n",
        "\r.\r\n",
        "\r\n.\r",
        "\n.\r",
        "\r.\n",
        "\r\r\n.\r\r\n",
        "\n\r.\n\r",
        "\r\n..\r\n",
        "\r\n.\r\n.\r\n",
        "\n\n.\n\n",
        "\r\n .\r\n",
        "\r\n. \r\n",
        "\r\n\t.\t\n",
    ];
    for end in ends {
        for content in [format!("x{end}{SECOND}"), format!("{end}{SECOND}"), format!("x{end}")] {
            let messages = [
                prepared(&["ann@b.test"], &content),
                raw(&content).expect("a message").into(),
                composed(Some(&content), None).expect("a message").into(),
                composed(Some("x"), Some(&content)).expect("a message").into(),
            ];
            for message in messages {
                let (result, heard) = submit_message(Peer::new(), |_| {}, &message).await;
                result.expect("acceptance");
                check(&heard, &commands);
            }
        }
    }
}

#[test]
fn nul_goes_nowhere() {
    // Some receivers drop it, and what stood before it and behind it comes together.
    for content in ["\r\n\0.\r\n", "\r\n.\0\r\n", "\r\0\n.\r\n", "\0"] {
        for refused in [raw(content), composed(Some(content), None), composed(None, Some(content))]
        {
            let error = refused.expect_err("NUL is refused");
            assert_eq!(error.kind(), ErrorKind::Message, "{content:?}");
        }
    }
}

/// Pieces that ends of messages are made of.
fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        Just("\r"),
        Just("\n"),
        Just("\r\n"),
        Just("."),
        Just(".."),
        Just("x"),
        Just(" "),
        Just("\t"),
        Just("\u{b}"),
        Just("\u{85}"),
        Just("\u{2028}"),
        Just("ü"),
        Just("DATA"),
        Just("\r\n.\r\n"),
        Just("QUIT\r\n"),
        Just(SECOND),
    ];
    prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_content_is_two_messages(content in hostile()) {
        let expected = ["DATA", "QUIT"];
        check(&said(&prepared(&["ann@b.test"], &content)), &expected);
        check(&said(&raw(&content).expect("a message")), &expected);
        let both = composed(Some(&content), Some(&content)).expect("a message");
        check(&said(&both), &expected);
    }

    #[test]
    fn a_strict_receiver_reads_what_was_written(content in hostile()) {
        let message = raw(&content).expect("a message");
        let said = said(&message);
        let body = said.strip_prefix("DATA\r\n").expect("a message");
        let body = body.strip_suffix(".\r\nQUIT\r\n").expect("its end");
        let read: String = body
            .split_inclusive("\r\n")
            .map(|line| line.strip_prefix('.').unwrap_or(line))
            .collect();
        let written = String::from_utf8(message.bytes).expect("a message is UTF-8");
        // The last line may lack its end.
        let ended = if written.ends_with("\r\n") { written } else { written + "\r\n" };
        prop_assert_eq!(read, ended);
    }
}
