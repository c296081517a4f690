//! Python's aiosmtpd takes submissions over STARTTLS and over implicit TLS.

use serde_json::json;
use smtp_connector_tests::real::{Aiosmtpd, PASSWORD, RECIPIENT, REFUSED, Site, USER, curl};

use crate::helpers::real::{accepted, configuration, curl_logs_in, fails, implicit_tls, logs_in};

#[test]
#[ignore = "needs aiosmtpd; .ci/run installs it"]
fn aiosmtpd_works_with_another_client() {
    let site = Site::new();
    let server = Aiosmtpd::start(&site);
    for mechanism in ["PLAIN", "LOGIN"] {
        curl_logs_in(&site, server.submission_port(), mechanism);
        assert_eq!(server.next_mail()["mechanism"], mechanism);
    }
    let url = format!("smtps://localhost:{}", server.smtps_port());
    assert_eq!(curl(&site, &url, &["--user", &format!("{USER}:{PASSWORD}")]), 0, "{}", site.logs());
    assert_eq!(server.next_mail()["to"], json!([RECIPIENT]));
}

#[test]
#[ignore = "needs aiosmtpd; .ci/run installs it"]
fn aiosmtpd_takes_plain_and_login_over_starttls() {
    let site = Site::new();
    let server = Aiosmtpd::start(&site);
    for mechanism in ["PLAIN", "LOGIN"] {
        let identifier = logs_in(&site, server.submission_port(), mechanism);
        let mail = server.next_mail();
        assert_eq!(
            (&mail["mechanism"], &mail["from"]),
            (&json!(mechanism), &json!(USER)),
            "{mail}"
        );
        assert!(
            mail["message"].as_str().is_some_and(|message| message.contains(&identifier)),
            "{mail}"
        );
    }
}

#[test]
#[ignore = "needs aiosmtpd; .ci/run installs it"]
fn aiosmtpd_takes_mail_over_implicit_tls() {
    let site = Site::new();
    let server = Aiosmtpd::start(&site);
    let identifier = accepted(&implicit_tls(&site, server.smtps_port()), &site);
    let mail = server.next_mail();
    assert!(
        mail["message"].as_str().is_some_and(|message| message.contains(&identifier)),
        "{mail}"
    );
}

#[test]
#[ignore = "needs aiosmtpd; .ci/run installs it"]
fn aiosmtpd_refuses_a_recipient() {
    let site = Site::new();
    let server = Aiosmtpd::start(&site);
    let configuration = configuration(&site, server.submission_port());
    let error = fails(&configuration, REFUSED, ("refused", "rcpt"), &site);
    assert_eq!((&error["code"], &error["enhanced"]), (&json!(550), &json!("5.1.1")), "{error}");
}
