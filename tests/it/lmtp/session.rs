//! LMTP: LHLO, and an answer for each recipient after the message.

use serde_json::json;
use smtp_connector::{ErrorKind, Stage};
use smtp_connector_tests::peer::Script;

use crate::helpers::session::{check_failure, deliver};

fn lhlo() -> Script {
    Script::greeting().on("LHLO *", "250-peer\r\n250 8BITMIME\r\n")
}

fn to_content() -> Script {
    let taken = lhlo().on("MAIL FROM:*", "250 ok\r\n").on("RCPT TO:*", "250 ok\r\n");
    taken.on("DATA", "354 go\r\n").hear_any_content()
}

#[tokio::test]
async fn an_lmtp_server_takes_mail() {
    let script = to_content().say("250 2.0.0 delivered\r\n").quit();
    let receipt = deliver(vec![script], &json!({ "lmtp": true })).await.expect("acceptance");
    assert_eq!(receipt.accepted, ["user@example.com"]);
    assert_eq!(receipt.reply.to_string(), "250 2.0.0 delivered");
}

#[tokio::test]
async fn what_an_lmtp_server_refuses_after_the_message_is_refused() {
    let cases = [
        ("552 5.2.2 mailbox full\r\n", ErrorKind::Refused, false),
        ("nonsense\r\n", ErrorKind::Protocol, true),
    ];
    for (reply, kind, ambiguous) in cases {
        let mut script = to_content().say(reply);
        if kind == ErrorKind::Refused {
            script = script.quit();
        }
        let error = check_failure(
            deliver(vec![script], &json!({ "lmtp": true })).await,
            Stage::Content,
            kind,
        );
        assert_eq!(error.is_ambiguous(), ambiguous);
    }
    let later = || to_content().say("450 4.2.1 busy\r\n").quit();
    let outcome = deliver(vec![later(), later()], &json!({ "lmtp": true })).await;
    assert!(check_failure(outcome, Stage::Content, ErrorKind::Temporary).is_transient());
}

#[tokio::test]
async fn an_lmtp_server_has_nothing_to_fall_back_to() {
    let script = Script::greeting().on("LHLO *", "500 what?\r\n");
    let outcome = deliver(vec![script], &json!({ "lmtp": true })).await;
    check_failure(outcome, Stage::Ehlo, ErrorKind::Refused);
}
