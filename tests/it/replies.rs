//! Replies as servers write them: with blank lines, in pieces, in any charset, and cut off.

use std::time::Duration;

use serde_json::json;
use smtp_connector::{ErrorKind, Reply, Stage};
use smtp_connector_tests::peer::Script;

use crate::helpers::session::{check_failure, deliver};

const PAUSE: Duration = Duration::from_millis(1);

#[tokio::test]
async fn blank_lines_are_no_replies() {
    for greeting in ["\r\n220 peer\r\n", "\n\n \r\n220 peer\n", "220 peer\r\n\r\n"] {
        let script =
            Script::new().say(greeting).on("EHLO *", "250-peer\r\n250 SIZE 1000000\r\n\r\n");
        deliver(vec![script.takes_mail()], &json!({})).await.expect(greeting);
    }
}

#[tokio::test]
async fn a_reply_counts_once_its_last_line_is_there() {
    let script = Script::new()
        .drip("220-peer\r\n220 ESMTP\r\n", PAUSE)
        .hear("EHLO *")
        .drip("250-peer\r\n250-SMTPUTF8\r\n", PAUSE)
        .drip("250 AUTH LOGIN\r\n", PAUSE)
        .hear("AUTH LOGIN")
        .drip("334 VXNlcm5hbWU6\r\n", PAUSE)
        .on("YW5u", "334 \r\n")
        .hear("c2VjcmV0LXdvcmQ=")
        .drip("235-all\r\n235-of\r\n235 this\r\n", PAUSE);
    let auth = json!({ "auth": { "user": "ann", "pass": "secret-word" } });
    let receipt = deliver(vec![script.takes_mail()], &auth).await.expect("acceptance");
    let transcript = receipt.transcript.to_string();
    assert!(
        transcript.contains("S: 235-all") && transcript.contains("S: 235 this"),
        "{transcript}"
    );
}

/// nodemailer reads a whole reply byte by byte once a byte of it is not UTF-8; here only that byte.
#[tokio::test]
async fn refusals_are_told_in_the_servers_own_script() {
    let cases: [(&[u8], &str); 5] = [
        ("550 5.1.1 Empfänger unbekannt – прощай\r\n".as_bytes(), "Empfänger unbekannt – прощай"),
        (b"550 Empf\xe4nger unbekannt\r\n", "Empfänger unbekannt"),
        (b"550 caf\xc3\xa9 \xff\r\n", "café ÿ"),
        (b"550 plain words\r\n", "plain words"),
        ("550-żółw\r\n550 koniec\r\n".as_bytes(), "żółw\nkoniec"),
    ];
    for (reply, text) in cases {
        let asked = || Script::offering(&[]).on("MAIL *", "250 ok\r\n").hear("RCPT *");
        for script in [asked().say(reply), asked().drip(reply, PAUSE)] {
            let outcome = deliver(vec![script.quit()], &json!({})).await;
            let error = check_failure(outcome, Stage::Rcpt, ErrorKind::Refused);
            assert_eq!(error.reply().map(Reply::text), Some(text.to_owned()));
            assert!(error.to_string().contains(text.lines().next().expect("a line")), "{error}");
        }
    }
}

#[tokio::test]
async fn acceptance_is_told_in_the_servers_own_script() {
    let script = Script::greeting().on("EHLO *", "250-grüß gott\r\n250-X-ÜBER\r\n250 8BITMIME\r\n");
    let script =
        script.on("MAIL *", "250 ok\r\n").on("RCPT *", "250 ok\r\n").on("DATA", "354 go\r\n");
    let script = script.hear_any_content().drip("250 angenommen: schön\r\n", PAUSE).quit();
    let receipt = deliver(vec![script], &json!({})).await.expect("acceptance");
    assert_eq!(receipt.reply.to_string(), "250 angenommen: schön");
}

#[tokio::test]
async fn last_words_without_a_line_break_are_heard() {
    let cases = [
        (Script::new().say("554 auf Wiedersehen, grüß").close(), Stage::Greeting),
        (
            Script::offering(&[]).hear("MAIL *").say("554 auf Wiedersehen, grüß").close(),
            Stage::Mail,
        ),
    ];
    for (script, stage) in cases {
        let error =
            check_failure(deliver(vec![script], &json!({})).await, stage, ErrorKind::Refused);
        assert!(error.to_string().ends_with("554 auf Wiedersehen, grüß"), "{error}");
    }
}
