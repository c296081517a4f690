//! The faulty server itself: what it takes in one segment, and what it keeps a record of.

use std::collections::HashMap;

use smtp_connector_tests::faulty::{FaultyServer, Kept, Misdeed, Options, Place};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Says everything in one write; the codes of the replies.
async fn codes(server: &FaultyServer, input: &str) -> Vec<String> {
    let mut socket = TcpStream::connect(("127.0.0.1", server.port())).await.expect("it listens");
    socket.write_all(input.as_bytes()).await.expect("it reads");
    let mut output = String::new();
    socket.read_to_string(&mut output).await.expect("it says goodbye");
    let last = output.lines().filter(|line| line.as_bytes().get(3) == Some(&b' '));
    last.map(|line| line[..3].to_owned()).collect()
}

#[tokio::test]
async fn pipelined_commands_are_taken_one_by_one() {
    let server = FaultyServer::choosing(|place, recipient| {
        (place == Place::Rcpt && recipient.starts_with("never")).then_some(Misdeed::RefuseForGood)
    });
    let input = "EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n\
                 Subject: x\r\n\r\ntok-1\r\n.\r\n\
                 MAIL FROM:<a@b>\r\nRCPT TO:<never@d>\r\nDATA\r\n.\r\n\
                 MAIL FROM:<a@b>\r\nMAIL FROM:<a@b>\r\nRSET\r\nRCPT \
                 TO:<c@d>\r\nDATA\r\nNOOP\r\nQUIT\r\n";
    let expected = [
        "220", "250", "250", "250", "354", "250", "250", "550", "354", "554", "250", "503", "250",
        "503", "503", "250", "221",
    ];
    assert_eq!(codes(&server, input).await, expected);
    assert_eq!(
        server.record().await,
        HashMap::from([("tok-1".to_owned(), Kept { told: 1, untold: 0 })])
    );
}

#[tokio::test]
async fn a_message_that_is_taken_in_silence_is_recorded_as_such() {
    let server = FaultyServer::choosing(|place, _| (place == Place::Dot).then_some(Misdeed::Close));
    let input = "HELO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\ntok-2\r\n.\r\n";
    assert_eq!(codes(&server, input).await, ["220", "250", "250", "250", "354"]);
    assert_eq!(
        server.record().await,
        HashMap::from([("tok-2".to_owned(), Kept { told: 0, untold: 1 })])
    );
    let sound = FaultyServer::start(Options::default());
    assert_eq!(
        codes(&sound, &format!("{input}QUIT\r\n")).await.last().map(String::as_str),
        Some("221")
    );
    assert_eq!((sound.connections(), sound.record().await["tok-2"].told), (1, 1));
}
