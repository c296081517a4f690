//! Dovecot and npm's smtp-server take mail over LMTP.

use serde_json::{Value, json};
use smtp_connector_tests::real::{DEFERRED, Dovecot, RECIPIENT, REFUSED, Site, SmtpServer, USER};

use crate::helpers::reading::{headers, python_reading};
use crate::helpers::real::{accepted, configuration, fails, python_sends, refuses_recipients};

#[test]
#[ignore = "needs Dovecot and Python; .ci/run installs them"]
fn dovecot_takes_mail_from_another_client() {
    let site = Site::new();
    let dovecot = Dovecot::start(&site);
    assert_eq!(python_sends(&site, "lmtp", dovecot.lmtp_port(), "", RECIPIENT), "");
    assert_eq!(python_reading(&site.next_mail())["subject"], "Über lmtp");
    let unknown = python_sends(&site, "lmtp", dovecot.lmtp_port(), "", "unknown@mail.test");
    assert!(unknown.contains("(550, "), "{unknown}");
}

#[test]
#[ignore = "needs Dovecot; .ci/run installs it"]
fn dovecot_delivers_with_tls_and_without() {
    let site = Site::new();
    let dovecot = Dovecot::start(&site);
    for ignore_tls in [false, true] {
        let mut configuration = lmtp(&site, dovecot.lmtp_port());
        configuration["ignoreTLS"] = json!(ignore_tls);
        let identifier = accepted(&configuration, &site);
        let mail = python_reading(&site.next_mail());
        assert_eq!(headers(&mail, "Message-ID"), [identifier]);
        let received = headers(&mail, "Received").concat();
        assert_eq!(
            (received.contains("LMTP"), received.contains("TLS")),
            (true, !ignore_tls),
            "{received}"
        );
    }
}

#[test]
#[ignore = "needs Dovecot; .ci/run installs it"]
fn dovecot_refuses_an_unknown_recipient() {
    let site = Site::new();
    let dovecot = Dovecot::start(&site);
    let configuration = lmtp(&site, dovecot.lmtp_port());
    let error = fails(&configuration, "unknown@mail.test", ("refused", "rcpt"), &site);
    assert_eq!((&error["code"], &error["enhanced"]), (&json!(550), &json!("5.1.1")), "{error}");
}

#[test]
#[ignore = "needs smtp-server and Python; .ci/run installs them"]
fn smtp_server_answers_another_client_for_each_recipient() {
    let site = Site::new();
    let server = SmtpServer::start_lmtp(&site);
    assert_eq!(python_sends(&site, "lmtp", server.port(), "", RECIPIENT), "");
    assert_eq!(server.next_mail()["to"], json!([RECIPIENT]));
    for (to, code) in [(REFUSED, "(550, "), (DEFERRED, "(451, "), (SmtpServer::FULL, "(552, ")] {
        let refusal = python_sends(&site, "lmtp", server.port(), "", to);
        assert!(refusal.contains(code), "{to}: {refusal}");
    }
}

#[test]
#[ignore = "needs smtp-server; .ci/run installs it"]
fn smtp_server_takes_mail_over_lmtp_with_a_login_and_without() {
    let site = Site::new();
    let server = SmtpServer::start_lmtp(&site);
    let identifier = accepted(&lmtp(&site, server.port()), &site);
    let mail = server.next_mail();
    assert!(
        mail["message"].as_str().is_some_and(|message| message.contains(&identifier)),
        "{mail}"
    );
    assert_eq!((&mail["from"], &mail["to"]), (&json!(USER), &json!([RECIPIENT])));
    assert_eq!((&mail["mechanism"], &mail["tls"]), (&json!(null), &json!(true)));
    let mut configuration = configuration(&site, server.port());
    configuration["lmtp"] = json!(true);
    accepted(&configuration, &site);
    assert_eq!(server.next_mail()["mechanism"], "PLAIN");
}

#[test]
#[ignore = "needs smtp-server; .ci/run installs it"]
fn smtp_server_refuses_recipients_before_the_message_and_after_it() {
    let site = Site::new();
    let server = SmtpServer::start_lmtp(&site);
    let configuration = lmtp(&site, server.port());
    refuses_recipients(&configuration, &site);
    let error = fails(&configuration, SmtpServer::FULL, ("refused", "content"), &site);
    assert_eq!((&error["code"], &error["attempts"]), (&json!(552), &json!(1)), "{error}");
}

/// A configuration for LMTP without a login.
fn lmtp(site: &Site, port: u16) -> Value {
    let mut configuration = configuration(site, port);
    configuration["lmtp"] = json!(true);
    configuration["auth"].take();
    configuration
}
