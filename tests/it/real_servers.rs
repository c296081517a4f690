//! Mail through real servers: Postfix takes it in three ways, and independent parsers read what arrived.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use smtp_connector_tests::real::{DOMAIN, MailHost, PASSWORD, USER};

/// A configuration as the platform's console stores it.
const CONSOLE: &str = include_str!("../fixtures/logto-console.json");

/// How mail gets into a [`MailHost`].
#[derive(Debug, Clone, Copy)]
enum Way {
    Starttls,
    ImplicitTls,
    Relay,
}

#[test]
#[ignore = "needs Postfix and Dovecot; .ci/run installs them"]
fn the_servers_take_mail_from_another_client() {
    let host = MailHost::start();
    for (name, way) in [("starttls", Way::Starttls), ("smtps", Way::ImplicitTls), ("relay", Way::Relay)] {
        let port = way.port(&host).to_string();
        let output = python("send_mail.py")
            .args([name, &port])
            .arg(host.authority_file())
            .args([USER, PASSWORD, &format!("user@{DOMAIN}")])
            .output()
            .expect("python3 is installed");
        assert!(output.status.success(), "{name}: {}\n{}", errors(&output), host.logs());
        for mail in readings(&host.next_mail()) {
            assert_eq!(mail["from"], json!([["Größe", USER]]));
            assert_eq!(mail["to"], json!([["", format!("user@{DOMAIN}")]]));
            assert_eq!(mail["subject"], format!("Über {name}"));
            assert_eq!((text(&mail, "text"), text(&mail, "html")), ("Grüße", "<p>Grüße</p>"));
        }
    }
}

#[test]
#[ignore = "needs Postfix and Dovecot; .ci/run installs them"]
fn the_servers_refuse_mail_without_credentials_and_wrong_passwords() {
    let host = MailHost::start();
    let port = host.smtps_port().to_string();
    let to = format!("user@{DOMAIN}");
    let output = python("send_mail.py")
        .args(["smtps", &port])
        .arg(host.authority_file())
        .args([USER, "wrong", &to])
        .output()
        .expect("python3 is installed");
    assert!(errors(&output).starts_with("535 "), "{}", errors(&output));
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
    let host = MailHost::start();
    for way in [Way::Starttls, Way::ImplicitTls, Way::Relay] {
        let report = connector(&configuration(way, &host), &["verify", "-", "--json"]);
        assert_eq!(report["ok"], true, "{way:?}: {report}");
        let stages: Vec<_> = report["stages"].as_array().into_iter().flatten().map(|s| &s["stage"]).collect();
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
    let host = MailHost::start();
    let mut configuration = configuration(Way::Starttls, &host);
    configuration["auth"]["pass"] = json!("wrong");
    let report = connector(&configuration, &["verify", "-", "--json"]);
    assert_eq!((&report["ok"], &report["error"]["stage"]), (&json!(false), &json!("auth")), "{report}");
    assert_eq!((&report["error"]["kind"], &report["error"]["code"]), (&json!("credentials"), &json!(535)));
}

/// Sends the sign-in mail and compares what arrived, as each parser reads it, with what the configuration says.
fn assert_sends(way: Way) {
    let host = MailHost::start();
    let to = format!("user@{DOMAIN}");
    let payload = json!({ "code": "123456" }).to_string();
    let receipt = connector(
        &configuration(way, &host),
        &["send", "-", "--type", "SignIn", "--to", &to, "--payload", &payload, "--json"],
    );
    assert_eq!(receipt["accepted"], json!([to]), "{receipt}\n{}", host.logs());
    assert_eq!((&receipt["rejected"], &receipt["attempts"]), (&json!([]), &json!(1)));
    assert_eq!(receipt["envelope"], json!({ "from": USER, "to": [to] }));
    assert_eq!(receipt["reply"]["code"], 250);
    let mail_file = host.next_mail();
    for mail in readings(&mail_file) {
        assert_eq!(mail["from"], json!([["Größe & Söhne 🦊", USER]]));
        assert_eq!(mail["to"], json!([["", to]]));
        assert_eq!(mail["replyTo"], json!([["Hilfe, bitte", "hilfe@acme.test"]]));
        assert_eq!(
            mail["subject"],
            "123456 ist Ihr Anmeldecode – 登录验证码 – gültig für die nächsten zehn Minuten"
        );
        assert_eq!(text(&mail, "text"), "Grüß Gott!\n\nIhr Code: 123456\n.\nFrom Größe & Söhne");
        assert_eq!(text(&mail, "html"), "<!doctype html>\n<p>Grüß Gott! Ihr Code: <b>123456</b> 🦊</p>");
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

impl Way {
    fn port(self, host: &MailHost) -> u16 {
        match self {
            Self::Starttls => host.submission_port(),
            Self::ImplicitTls => host.smtps_port(),
            Self::Relay => host.relay_port(),
        }
    }
}

/// The console's configuration with what a person fills in for this server.
fn configuration(way: Way, host: &MailHost) -> Value {
    let mut configuration: Value = serde_json::from_str(CONSOLE).expect("the fixture is JSON");
    configuration["port"] = json!(way.port(host));
    configuration["secure"] = json!(matches!(way, Way::ImplicitTls));
    configuration["tls"]["ca"] = json!(host.authority());
    configuration["auth"] = match way {
        Way::Relay => json!({ "type": "login", "user": "", "pass": "" }),
        _ => json!({ "type": "login", "user": USER, "pass": PASSWORD }),
    };
    configuration
}

/// Runs the command line with a configuration on its standard input and reads the document that it prints.
fn connector(configuration: &Value, arguments: &[&str]) -> Value {
    use std::io::Write as _;

    let mut process = Command::new(binary())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("`cargo build --release` made the binary");
    let mut stdin = process.stdin.take().expect("it is piped");
    stdin.write_all(configuration.to_string().as_bytes()).expect("the connector reads its input");
    drop(stdin);
    let output = process.wait_with_output().expect("the connector ends");
    let errors = errors(&output);
    assert!(!errors.contains(PASSWORD), "the password is printed");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"))
}

/// The binary beside the directory of the test executables.
fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("the test knows itself");
    let profile = test.ancestors().nth(2).expect("it lies in `deps`");
    profile.join("smtp-connector")
}

/// What each parser that is there makes of a mail.
fn readings(mail: &Path) -> Vec<Value> {
    let mailparser = std::env::var_os("MAILPARSER_MODULES").map(|modules| {
        let mut command = Command::new("node");
        command.env("NODE_PATH", modules).arg(script("parse_mail.cjs")).arg(mail);
        document(command)
    });
    std::iter::once(python_reading(mail)).chain(mailparser).collect()
}

fn python_reading(mail: &Path) -> Value {
    let mut command = python("parse_mail.py");
    command.arg(mail);
    document(command)
}

fn python(name: &str) -> Command {
    let mut command = Command::new("python3");
    command.arg(script(name));
    command
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("real").join(name)
}

fn document(mut command: Command) -> Value {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", errors(&output)))
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A body without the line ends after its last line: servers add one.
fn text<'a>(mail: &'a Value, part: &str) -> &'a str {
    mail[part].as_str().unwrap_or_default().trim_end()
}

/// The values of a field whose name is written exactly so.
fn headers<'a>(mail: &'a Value, name: &str) -> Vec<&'a str> {
    let fields = mail["headers"].as_array().into_iter().flatten();
    fields.filter(|field| field[0] == name).filter_map(|field| field[1].as_str()).collect()
}
