//! Mail through servers that others wrote: the configuration for them, what is sent, and the other
//! clients that prove each of them first.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use smtp_connector_tests::cli::Cli;
use smtp_connector_tests::real::{
    DEFERRED, PASSWORD, RECIPIENT, REFUSED, Site, USER, curl, python,
};

/// A configuration as the platform's console stores it.
pub(crate) const CONSOLE: &str = include_str!("../../fixtures/logto-console.json");

/// curl's exit code for a refused login.
pub(crate) const CURL_LOGIN_DENIED: i32 = 67;

/// The console's configuration with what a person fills in for a server with STARTTLS and a login.
pub(crate) fn configuration(site: &Site, port: u16) -> Value {
    let mut configuration: Value = serde_json::from_str(CONSOLE).expect("the fixture is JSON");
    configuration["port"] = json!(port);
    configuration["tls"]["ca"] = json!(site.authority());
    configuration["auth"] = json!({ "type": "login", "user": USER, "pass": PASSWORD });
    configuration
}

/// The same for a server with implicit TLS.
pub(crate) fn implicit_tls(site: &Site, port: u16) -> Value {
    let mut configuration = configuration(site, port);
    configuration["secure"] = json!(true);
    configuration
}

/// Runs the command line with a configuration on its standard input and reads the document that it
/// prints.
pub(crate) fn connector(configuration: &Value, arguments: &[&str]) -> Value {
    // The component is compiled once for all tests and not for each command.
    let command = Cli::new(arguments).env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    let outcome = command.stdin(configuration.to_string()).run_blocking();
    for printed in [&outcome.stdout, &outcome.stderr] {
        assert!(!printed.contains(PASSWORD), "the password is printed");
    }
    outcome.json()
}

/// The sign-in mail in the folder, as it would be submitted.
#[track_caller]
pub(crate) fn render(configuration: &Value, folder: &Path) -> PathBuf {
    let payload = json!({ "code": "123456" }).to_string();
    let arguments = [
        "render",
        "-",
        "--type",
        "SignIn",
        "--to",
        RECIPIENT,
        "--format",
        "eml",
        "--payload",
        &payload,
    ];
    let command = Cli::new(arguments).env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    let outcome = command.stdin(configuration.to_string()).run_blocking();
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    let mail = folder.join("mail.eml");
    std::fs::write(&mail, outcome.stdout).expect("the folder is ours");
    mail
}

/// The console's configuration with other texts for the sign-in mail.
pub(crate) fn with_sign_in(forms: &[&str], subject: &str, content: &str) -> Value {
    let mut configuration: Value = serde_json::from_str(CONSOLE).expect("the fixture is JSON");
    let templates = configuration["templates"].as_array_mut().expect("the fixture has some");
    templates.retain(|template| template["usageType"] != "SignIn");
    templates.extend(forms.iter().map(|form| {
        json!({
            "usageType": "SignIn", "contentType": form, "subject": subject, "content": content,
        })
    }));
    configuration
}

/// Sends the sign-in mail.
pub(crate) fn send(configuration: &Value, to: &str) -> Value {
    let payload = json!({ "code": "123456" }).to_string();
    connector(
        configuration,
        &["send", "-", "--type", "SignIn", "--to", to, "--payload", &payload, "--json"],
    )
}

/// Sends the sign-in mail to [`RECIPIENT`] and returns the identifier of the message, which must be
/// accepted.
#[track_caller]
pub(crate) fn accepted(configuration: &Value, site: &Site) -> String {
    let receipt = send(configuration, RECIPIENT);
    assert_eq!(receipt["accepted"], json!([RECIPIENT]), "{receipt}\n{}", site.logs());
    assert_eq!((&receipt["rejected"], &receipt["attempts"]), (&json!([]), &json!(1)), "{receipt}");
    receipt["messageId"].as_str().expect("a receipt has an identifier").to_owned()
}

/// Sends the sign-in mail, which must fail with this kind and at this stage; returns the error.
#[track_caller]
pub(crate) fn fails(
    configuration: &Value,
    to: &str,
    (kind, stage): (&str, &str),
    site: &Site,
) -> Value {
    let answer = send(configuration, to);
    let error = &answer["error"];
    assert_eq!(
        (&error["kind"], &error["stage"]),
        (&json!(kind), &json!(stage)),
        "{answer}\n{}",
        site.logs()
    );
    error.clone()
}

/// Fails to send the sign-in mail to a recipient whom the server refuses with 550, and to one with
/// 451.
#[track_caller]
pub(crate) fn refuses_recipients(configuration: &Value, site: &Site) {
    let error = fails(configuration, REFUSED, ("refused", "rcpt"), site);
    assert_eq!((&error["code"], &error["attempts"]), (&json!(550), &json!(1)), "{error}");
    let error = fails(configuration, DEFERRED, ("temporary", "rcpt"), site);
    assert_eq!((&error["code"], &error["attempts"]), (&json!(451), &json!(2)), "{error}");
}

/// Sends with Python's client by `starttls`, `smtps`, `relay` or `lmtp`; returns what it complains
/// about.
pub(crate) fn python_sends(site: &Site, way: &str, port: u16, password: &str, to: &str) -> String {
    let output = python("send_mail.py")
        .args([way, &port.to_string()])
        .arg(site.authority_file())
        .args([USER, password, to])
        .output()
        .expect("Python is installed");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Proves with curl that the server at this port takes mail by this mechanism, and no wrong
/// password.
#[track_caller]
pub(crate) fn curl_logs_in(site: &Site, port: u16, mechanism: &str) {
    let url = format!("smtp://localhost:{port}");
    let option = format!("AUTH={mechanism}");
    for (password, code) in [(PASSWORD, 0), ("wrong", CURL_LOGIN_DENIED)] {
        let options = ["--login-options", &option, "--user", &format!("{USER}:{password}")];
        assert_eq!(curl(site, &url, &options), code, "{mechanism} {password}:\n{}", site.logs());
    }
}

/// Sends over STARTTLS by this mechanism, after a wrong password was refused.
#[track_caller]
pub(crate) fn logs_in(site: &Site, port: u16, mechanism: &str) -> String {
    let mut configuration = configuration(site, port);
    configuration["authMethod"] = json!(mechanism);
    let right = configuration["auth"]["pass"].take();
    configuration["auth"]["pass"] = json!("wrong");
    let error = fails(&configuration, RECIPIENT, ("credentials", "auth"), site);
    assert_eq!(
        (&error["code"], &error["attempts"]),
        (&json!(535), &json!(1)),
        "{mechanism}: {error}"
    );
    configuration["auth"]["pass"] = right;
    accepted(&configuration, site)
}
