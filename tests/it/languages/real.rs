//! Mail that the connectors compose goes through Postfix; independent parsers read what arrived.

use serde_json::{Value, json};
use smtp_connector_tests::real::{PASSWORD, Postfix, RECIPIENT, Site, USER};

use super::{Language, configuration};
use crate::helpers::reading::{headers, python_reading, readings, text};
use crate::helpers::real::connector;

#[test]
#[ignore = "needs Postfix, Dovecot and the components; .ci/run installs and builds them"]
fn postfix_takes_mail_over_starttls_with_a_login() {
    let site = Site::new();
    let postfix = Postfix::start(&site);
    for language in Language::ALL {
        let receipt = send(language, &for_site(&site, &postfix, PASSWORD));
        assert_eq!(receipt["accepted"], json!([RECIPIENT]), "{language:?}: {receipt}");
        let mail_file = site.next_mail();
        for mail in readings(&mail_file) {
            assert_eq!(mail["from"], json!([["Größe & Söhne", USER]]), "{language:?}");
            assert_eq!(mail["to"], json!([["", RECIPIENT]]), "{language:?}");
            assert_eq!(mail["subject"], "Code 123456 für Jo", "{language:?}");
            assert_eq!(text(&mail, "text"), "Grüße, Jo: 123456 |{{absent.name}} 🦊");
            assert_eq!(text(&mail, "html"), "<p>Jo: <b>123456</b></p>", "{language:?}");
        }
        let mail = python_reading(&mail_file);
        assert_eq!(mail["defects"], json!([]), "{language:?}");
        assert_eq!(headers(&mail, "Message-ID"), [receipt["messageId"].as_str().unwrap_or("")]);
    }
}

#[test]
#[ignore = "needs Postfix, Dovecot and the components; .ci/run installs and builds them"]
fn a_wrong_password_is_told_at_auth() {
    let site = Site::new();
    let postfix = Postfix::start(&site);
    for language in Language::ALL {
        let answer = send(language, &for_site(&site, &postfix, "wrong"));
        let error = &answer["error"];
        let found = (&error["kind"], &error["stage"], &error["code"]);
        assert_eq!(found, (&json!("credentials"), &json!("auth"), &json!(535)), "{language:?}");
    }
}

/// A configuration for the port where STARTTLS and a login are required.
fn for_site(site: &Site, postfix: &Postfix, password: &str) -> Value {
    let mut configuration = configuration();
    configuration["host"] = json!("localhost");
    configuration["port"] = json!(postfix.submission_port());
    configuration["tls"]["ca"] = json!(site.authority());
    configuration["auth"] = json!({ "user": USER, "pass": password });
    configuration
}

fn send(language: Language, configuration: &Value) -> Value {
    let payload = json!({ "code": "123456", "user": { "name": "Jo" } }).to_string();
    let path = language.path();
    let path = path.to_str().expect("the path is text");
    let arguments = ["--component", path, "send", "-", "--type", "SignIn", "--to", RECIPIENT];
    let arguments = [&arguments[..], &["--payload", &payload, "--json"]].concat();
    connector(configuration, &arguments)
}
