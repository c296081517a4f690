//! npm's smtp-server takes submissions over STARTTLS.

use serde_json::json;
use smtp_connector_tests::real::{RECIPIENT, Site, SmtpServer, USER};

use crate::helpers::real::{configuration, curl_logs_in, logs_in, refuses_recipients};

#[test]
#[ignore = "needs smtp-server; .ci/run installs it"]
fn smtp_server_works_with_another_client() {
    let site = Site::new();
    let server = SmtpServer::start(&site);
    for mechanism in ["PLAIN", "LOGIN", "CRAM-MD5"] {
        curl_logs_in(&site, server.port(), mechanism);
        assert_eq!(server.next_mail()["mechanism"], mechanism);
    }
}

#[test]
#[ignore = "needs smtp-server; .ci/run installs it"]
fn smtp_server_takes_plain_and_login() {
    takes(&["PLAIN", "LOGIN"]);
}

#[test]
#[ignore = "needs smtp-server; .ci/run installs it"]
fn smtp_server_takes_cram_md5() {
    takes(&["CRAM-MD5"]);
}

#[test]
#[ignore = "needs smtp-server; .ci/run installs it"]
fn smtp_server_refuses_recipients_for_good_and_for_now() {
    let site = Site::new();
    let server = SmtpServer::start(&site);
    refuses_recipients(&configuration(&site, server.port()), &site);
}

#[track_caller]
fn takes(mechanisms: &[&str]) {
    let site = Site::new();
    let server = SmtpServer::start(&site);
    for &mechanism in mechanisms {
        let identifier = logs_in(&site, server.port(), mechanism);
        let mail = server.next_mail();
        assert_eq!((&mail["mechanism"], &mail["tls"]), (&json!(mechanism), &json!(true)), "{mail}");
        assert_eq!((&mail["from"], &mail["to"]), (&json!(USER), &json!([RECIPIENT])), "{mail}");
        assert!(
            mail["message"].as_str().is_some_and(|message| message.contains(&identifier)),
            "{mail}"
        );
    }
}
