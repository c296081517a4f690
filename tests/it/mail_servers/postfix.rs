//! Postfix, with Dovecot for its passwords, takes mail in three ways; independent parsers read what
//! arrived.

use serde_json::{Value, json};
use smtp_connector_tests::real::{PASSWORD, Postfix, RECIPIENT, Site, USER};

use crate::helpers::reading::{headers, python_reading, readings, text};
use crate::helpers::real::{
    configuration, connector, curl_logs_in, implicit_tls, logs_in, python_sends, send,
};

/// How mail gets into a [`Postfix`].
#[derive(Debug, Clone, Copy)]
enum Way {
    Starttls,
    ImplicitTls,
    Relay,
}

#[test]
#[ignore = "needs Postfix and Dovecot; .ci/run installs them"]
fn the_servers_take_mail_from_another_client() {
    let site = Site::new();
    let postfix = Postfix::start(&site);
    for (name, way) in
        [("starttls", Way::Starttls), ("smtps", Way::ImplicitTls), ("relay", Way::Relay)]
    {
        assert_eq!(
            python_sends(&site, name, way.port(&postfix), PASSWORD, RECIPIENT),
            "",
            "{name}:\n{}",
            site.logs()
        );
        for mail in readings(&site.next_mail()) {
            assert_eq!(mail["from"], json!([["Größe", USER]]));
            assert_eq!(mail["to"], json!([["", RECIPIENT]]));
            assert_eq!(mail["subject"], format!("Über {name}"));
            assert_eq!((text(&mail, "text"), text(&mail, "html")), ("Grüße", "<p>Grüße</p>"));
        }
    }
}

#[test]
#[ignore = "needs Postfix and Dovecot; .ci/run installs them"]
fn the_servers_refuse_mail_without_credentials_and_wrong_passwords() {
    let site = Site::new();
    let postfix = Postfix::start(&site);
    let complaint = python_sends(&site, "smtps", postfix.smtps_port(), "wrong", RECIPIENT);
    assert!(complaint.starts_with("535 "), "{complaint}");
}

#[test]
#[ignore = "needs Postfix and Dovecot; .ci/run installs them"]
fn postfix_takes_each_mechanism_from_another_client() {
    let site = Site::new();
    let postfix = Postfix::start(&site);
    for mechanism in ["PLAIN", "LOGIN", "CRAM-MD5"] {
        curl_logs_in(&site, postfix.submission_port(), mechanism);
        assert_eq!(python_reading(&site.next_mail())["subject"], "curl");
    }
}

#[test]
#[ignore = "needs Postfix and Dovecot; .ci/run installs them"]
fn postfix_takes_plain_and_login() {
    takes(&["PLAIN", "LOGIN"]);
}

#[test]
#[ignore = "needs Postfix and Dovecot; .ci/run installs them"]
fn postfix_takes_cram_md5() {
    takes(&["CRAM-MD5"]);
}

#[test]
#[ignore = "needs Postfix and Dovecot; .ci/run installs them"]
fn a_console_configuration_sends_over_starttls() {
    assert_sends(Way::Starttls);
}

#[test]
#[ignore = "needs Postfix and Dovecot; .ci/run installs them"]
fn a_console_configuration_sends_over_implicit_tls() {
    assert_sends(Way::ImplicitTls);
}

#[test]
#[ignore = "needs Postfix and Dovecot; .ci/run installs them"]
fn a_console_configuration_sends_to_a_relay_without_credentials() {
    assert_sends(Way::Relay);
}

#[test]
#[ignore = "needs Postfix and Dovecot; .ci/run installs them"]
fn verify_passes_every_stage_of_every_way() {
    let site = Site::new();
    let postfix = Postfix::start(&site);
    for way in [Way::Starttls, Way::ImplicitTls, Way::Relay] {
        let report = connector(&way.configuration(&site, &postfix), &["verify", "-", "--json"]);
        assert_eq!(report["ok"], true, "{way:?}: {report}");
        let stages: Vec<_> =
            report["stages"].as_array().into_iter().flatten().map(|s| &s["stage"]).collect();
        let has = |stage: &str| stages.iter().any(|known| *known == stage);
        assert_eq!(has("starttls"), matches!(way, Way::Starttls), "{way:?}: {report}");
        assert_eq!(has("auth"), !matches!(way, Way::Relay), "{way:?}: {report}");
        let version = report["tls"]["version"].as_str();
        assert_eq!(
            version,
            if matches!(way, Way::Relay) { None } else { Some("TLSv1.3") },
            "{way:?}: {report}"
        );
    }
}

#[test]
#[ignore = "needs Postfix and Dovecot; .ci/run installs them"]
fn verify_fails_at_auth_with_a_wrong_password() {
    let site = Site::new();
    let postfix = Postfix::start(&site);
    let mut configuration = Way::Starttls.configuration(&site, &postfix);
    configuration["auth"]["pass"] = json!("wrong");
    let report = connector(&configuration, &["verify", "-", "--json"]);
    assert_eq!(
        (&report["ok"], &report["error"]["stage"]),
        (&json!(false), &json!("auth")),
        "{report}"
    );
    assert_eq!(
        (&report["error"]["kind"], &report["error"]["code"]),
        (&json!("credentials"), &json!(535))
    );
}

/// Sends the sign-in mail and compares what arrived, as each parser reads it, with what the
/// configuration says.
#[track_caller]
fn assert_sends(way: Way) {
    let site = Site::new();
    let postfix = Postfix::start(&site);
    let receipt = send(&way.configuration(&site, &postfix), RECIPIENT);
    assert_eq!(receipt["accepted"], json!([RECIPIENT]), "{receipt}\n{}", site.logs());
    assert_eq!((&receipt["rejected"], &receipt["attempts"]), (&json!([]), &json!(1)));
    assert_eq!(receipt["envelope"], json!({ "from": USER, "to": [RECIPIENT] }));
    assert_eq!(receipt["reply"]["code"], 250);
    let mail_file = site.next_mail();
    for mail in readings(&mail_file) {
        assert_eq!(mail["from"], json!([["Größe & Söhne 🦊", USER]]));
        assert_eq!(mail["to"], json!([["", RECIPIENT]]));
        assert_eq!(mail["replyTo"], json!([["Hilfe, bitte", "hilfe@acme.test"]]));
        assert_eq!(
            mail["subject"],
            "123456 ist Ihr Anmeldecode – 登录验证码 – gültig für die nächsten zehn Minuten"
        );
        assert_eq!(text(&mail, "text"), "Grüß Gott!\n\nIhr Code: 123456\n.\nFrom Größe & Söhne");
        assert_eq!(
            text(&mail, "html"),
            "<!doctype html>\n<p>Grüß Gott! Ihr Code: <b>123456</b> 🦊</p>"
        );
    }
    let mail = python_reading(&mail_file);
    assert_eq!(mail["defects"], json!([]));
    assert_eq!(headers(&mail, "Message-ID"), [receipt["messageId"].as_str().unwrap_or_default()]);
    assert_eq!(headers(&mail, "X-Campaign"), ["first", "zweite – Runde"]);
    assert_eq!(headers(&mail, "List-Unsubscribe"), ["<https://acme.test/unsubscribe?user=1>"]);
    assert_eq!(headers(&mail, "x-lower-Case"), ["kept"]);
    assert_eq!(headers(&mail, "Auto-Submitted"), ["auto-generated"]);
    assert_eq!((headers(&mail, "Date").len(), headers(&mail, "From").len()), (1, 1));
}

#[track_caller]
fn takes(mechanisms: &[&str]) {
    let site = Site::new();
    let postfix = Postfix::start(&site);
    for mechanism in mechanisms {
        let identifier = logs_in(&site, postfix.submission_port(), mechanism);
        assert_eq!(
            headers(&python_reading(&site.next_mail()), "Message-ID"),
            [identifier],
            "{mechanism}"
        );
    }
}

impl Way {
    fn port(self, postfix: &Postfix) -> u16 {
        match self {
            Self::Starttls => postfix.submission_port(),
            Self::ImplicitTls => postfix.smtps_port(),
            Self::Relay => postfix.relay_port(),
        }
    }

    fn configuration(self, site: &Site, postfix: &Postfix) -> Value {
        let port = self.port(postfix);
        match self {
            Self::Starttls => configuration(site, port),
            Self::ImplicitTls => implicit_tls(site, port),
            Self::Relay => {
                let mut configuration = configuration(site, port);
                configuration["auth"] = json!({ "type": "login", "user": "", "pass": "" });
                configuration
            }
        }
    }
}
