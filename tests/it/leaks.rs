//! No secret and no one-time code is printed, whatever the log level, the command and the server's
//! replies.
//!
//! The message itself is where the code belongs: `render` and the server may see it.

mod tokens;
mod ways;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use smtp_connector_tests::certificates::Authority;
use smtp_connector_tests::cli::{Cli, Outcome};
use smtp_connector_tests::peer::{Peer, Script};

use crate::helpers::command::{command, configuration};

const PASSWORD: &str = "pw/Zebra+4711=quagga";
const CODE: &str = "739164285";
const LINK: &str = "https://id.example/verify?token=okapi-0815";
const TOKEN: &str = "tok-ibex-2342";
const PASSPHRASE: &str = "phrase-tapir-1138";
const PROXY_PASSWORD: &str = "proxy-gnu-9000";
const CLIENT_SECRET: &str = "8Q~kudu*sec/ret 5";
const REFRESH_TOKEN: &str = "1//oryx=refresh&7";
const ROTATED_TOKEN: &str = "1//eland_refresh+8";

fn plain_login() -> String {
    STANDARD.encode(format!("\0mailer\0{PASSWORD}"))
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// Everything that must not be shown.
fn secrets() -> Vec<String> {
    let texts = [
        PASSWORD,
        CODE,
        LINK,
        TOKEN,
        PASSPHRASE,
        PROXY_PASSWORD,
        CLIENT_SECRET,
        REFRESH_TOKEN,
        ROTATED_TOKEN,
    ];
    let mut secrets: Vec<_> =
        texts.iter().flat_map(|text| [(*text).to_owned(), STANDARD.encode(text)]).collect();
    secrets.extend([percent_encoded(PASSWORD), percent_encoded(LINK), plain_login()]);
    // Whatever the form, these words are in it.
    let words = ["Zebra", "quagga", "okapi", "ibex", "tapir", "proxy-gnu", "kudu", "oryx", "eland"];
    secrets.extend(words.map(str::to_owned));
    secrets
}

#[track_caller]
fn check_silence(outcome: &Outcome, case: &str) {
    for (stream, text) in [("stdout", &outcome.stdout), ("stderr", &outcome.stderr)] {
        let leaked: Vec<_> =
            secrets().into_iter().filter(|secret| text.contains(secret.as_str())).collect();
        assert!(leaked.is_empty(), "{case}: {leaked:?} on {stream}:\n{text}");
    }
}

/// Says back all that the server was told, in one reply.
fn echo(code: u16) -> String {
    format!(
        "{code}-5.7.8 password {PASSWORD} is wrong\r\n{code}-5.7.8 or \"{}\", or <{}>\r\n\
         {code}-5.7.8 login {} failed\r\n{code} 5.7.8 code {CODE}, link {LINK}\r\n",
        STANDARD.encode(PASSWORD),
        percent_encoded(PASSWORD),
        plain_login(),
    )
}

/// A long line that is no reply, in which secrets stand wherever it may be cut.
fn no_reply() -> String {
    format!("{}{}\r\n", "x ".repeat(7), format!("{PASSWORD} ").repeat(60))
}

fn with_login(port: u16, members: &Value) -> Value {
    let mut configuration = configuration(port, members);
    configuration["auth"] = json!({ "user": "mailer", "pass": PASSWORD });
    configuration["debug"] = json!(true);
    configuration["logger"] = json!(true);
    configuration
}

fn traced(arguments: &[&str], configuration: &Value) -> Cli {
    command(arguments)
        .args(&["--log", "trace"])
        .env("RUST_LOG", "trace")
        .env("RUST_BACKTRACE", "full")
        .file("config.json", configuration.to_string())
}

fn payload() -> String {
    json!({ "code": CODE, "link": LINK }).to_string()
}

fn send(configuration: &Value) -> Cli {
    let payload = payload();
    traced(
        &[
            "send",
            "config.json",
            "--type",
            "SignIn",
            "--to",
            "jo@example.org",
            "--payload",
            &payload,
        ],
        configuration,
    )
}

fn logged_in(script: Script) -> Script {
    script.on("AUTH PLAIN *", "235 2.7.0 welcome\r\n")
}

fn mailed(script: Script) -> Script {
    logged_in(script).on("MAIL *", "250 ok\r\n").on("RCPT *", "250 ok\r\n")
}

fn content(script: Script) -> Script {
    mailed(script).on("DATA", "354 go\r\n").hear_any_content()
}

#[test]
fn replies_that_echo_secrets_are_masked_at_every_stage() {
    let authority = Authority::new();
    let identity = authority.localhost();
    for encrypted in [false, true] {
        let members = if encrypted {
            json!({ "tls": { "ca": authority.pem() } })
        } else {
            json!({ "ignoreTLS": true })
        };
        let open = || match encrypted {
            true => {
                Script::offering(&["STARTTLS"]).starttls(&identity.server()).ehlo(&["AUTH PLAIN"])
            }
            false => Script::offering(&["AUTH PLAIN"]),
        };
        let scripts = [
            ("greeting", Script::new().say(echo(554))),
            ("auth", open().on("AUTH PLAIN *", echo(535)).quit()),
            ("mail", logged_in(open()).on("MAIL *", echo(550)).quit()),
            ("rcpt", logged_in(open()).on("MAIL *", "250 ok\r\n").on("RCPT *", echo(550)).quit()),
            ("data", mailed(open()).on("DATA", echo(554)).quit()),
            ("content", content(open()).say(echo(554)).quit()),
            ("accepted", content(open()).say(echo(250)).on("QUIT", echo(221))),
            ("not a reply", content(open()).say(format!("{CODE} {PASSWORD} {LINK}\r\n")).stall()),
            ("a long text that is no reply", content(open()).say(no_reply()).stall()),
        ];
        for (stage, script) in scripts {
            let scripts = vec![script.clone(), script];
            let peer = Peer::start_all(scripts);
            let configuration = with_login(peer.port(), &members);
            for format in [&[][..], &["--json"]] {
                let outcome = send(&configuration).args(format).run_blocking();
                check_silence(&outcome, stage);
                assert_eq!(outcome.code == Some(0), stage == "accepted", "{stage}: {outcome:#?}");
                assert!(
                    outcome.stderr.contains("AUTH PLAIN ***") || stage == "greeting",
                    "{}",
                    outcome.stderr
                );
                if !stage.ends_with("reply") {
                    assert!(
                        outcome.stderr.contains("password *** is wrong"),
                        "{stage}: {}",
                        outcome.stderr
                    );
                }
            }
            peer.finish_blocking();
        }
    }
}

#[test]
fn a_verification_masks_its_transcript_and_its_capabilities() {
    let script = Script::greeting()
        .on("EHLO *", format!("250-peer {PASSWORD}\r\n250-X-ECHO {PASSWORD}\r\n250 AUTH PLAIN\r\n"))
        .on("AUTH PLAIN *", format!("535 {PASSWORD} and {} are wrong\r\n", plain_login()))
        .quit();
    let peer = Peer::start_all(vec![script.clone(), script]);
    let configuration = with_login(peer.port(), &json!({ "ignoreTLS": true }));
    for format in [&[][..], &["--json"]] {
        let outcome =
            traced(&["verify", "config.json"], &configuration).args(format).run_blocking();
        assert_eq!(outcome.code, Some(77));
        check_silence(&outcome, "verify");
        assert!(outcome.stdout.contains("X-ECHO ***"), "{}", outcome.stdout);
    }
    peer.finish_blocking();
}

#[test]
fn a_check_quotes_no_secret_wherever_it_stands() {
    let everywhere = json!({
        "host": ["x", PASSWORD],
        "port": PASSWORD,
        "colour": PASSWORD,
        "pasword": { "deep": [PASSWORD] },
        "auth": {
            "user": { "token": TOKEN }, "pass": [PASSWORD], "passphrase": PASSPHRASE,
            "type": [PASSWORD],
        },
        "proxy": format!("http://user:{PROXY_PASSWORD}@proxy.example:99999"),
        "url": format!("smtps://mailer:{}@smtp.example:x", percent_encoded(PASSWORD)),
        "tls": { "key": PASSWORD, "passphrase": PASSPHRASE, "ca": 5, "pfx": PASSWORD },
        "dkim": { "privateKey": PASSWORD, "domainName": 5 },
        "secure": PASSWORD,
    });
    let flat = everywhere.to_string();
    let without_url = format!("{everywhere:#}").replace("\"url\"", "\"uri\"");
    for text in [format!("{everywhere:#}"), without_url, flat.clone(), flat.replace('}', "")] {
        for format in [&[][..], &["--json"]] {
            let outcome = traced(&["check", "config.json"], &everywhere)
                .args(format)
                .file("config.json", &text)
                .run_blocking();
            assert_eq!(outcome.code, Some(78));
            check_silence(&outcome, "check");
        }
        for arguments in [&["verify", "config.json"][..], &["verify", "config.json", "--json"]] {
            let outcome = traced(arguments, &everywhere).file("config.json", &text).run_blocking();
            assert_eq!(outcome.code, Some(78));
            check_silence(&outcome, "verify");
        }
    }
}

#[test]
fn a_sound_configuration_shows_no_secret_in_its_plan() {
    let mut configuration = with_login(587, &json!({}));
    configuration["proxy"] = json!(format!("http://user:{PROXY_PASSWORD}@proxy.example:3128"));
    let outcome = traced(&["check", "config.json", "--json"], &configuration).run_blocking();
    assert_eq!((outcome.code, &outcome.json()["ok"]), (Some(0), &json!(true)), "{outcome:#?}");
    check_silence(&outcome, "check");
    configuration["proxy"] = Value::Null;
    configuration["auth"] = json!({ "type": "OAuth2", "user": "mailer", "accessToken": TOKEN });
    let outcome = traced(&["check", "config.json", "--json"], &configuration).run_blocking();
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    check_silence(&outcome, "check");
}

#[test]
fn secrets_from_the_environment_and_files_are_masked_alike() {
    let sources = [json!({ "env": "SMTP_PASSWORD" }), json!({ "file": "password" })];
    for source in sources {
        let peer =
            Peer::start(Script::offering(&["AUTH PLAIN"]).on("AUTH PLAIN *", echo(535)).quit());
        let mut configuration = with_login(peer.port(), &json!({ "ignoreTLS": true }));
        configuration["auth"]["pass"] = source;
        let cli = send(&configuration)
            .env("SMTP_PASSWORD", PASSWORD)
            .file("password", format!("{PASSWORD}\n"));
        let outcome = cli.run_blocking();
        assert_eq!(outcome.code, Some(77), "{outcome:#?}");
        check_silence(&outcome, "source");
        peer.finish_blocking();
    }
}

#[test]
fn errors_of_payloads_and_templates_quote_neither() {
    let configuration = with_login(9, &json!({}));
    let render = |arguments: &[&str]| {
        traced(
            &["render", "config.json", "--type", "SignIn", "--to", "jo@example.org"],
            &configuration,
        )
        .args(arguments)
    };
    for payload in [
        format!("[{CODE}]"),
        format!("{{\"code\":{CODE} x}}"),
        format!("\"{LINK}\""),
        CODE.to_owned(),
    ] {
        let outcome = render(&["--payload", &payload]).run_blocking();
        assert_eq!(outcome.code, Some(65));
        check_silence(&outcome, &payload);
    }
    let templates = [
        json!({ "subject": "s", "content": "{{#if code}}{{/each}}" }),
        json!({ "subject": "s", "content": "{{nothing code}}" }),
        json!({ "subject": "s", "content": "c", "sendFrom": "{{code}}" }),
        json!({ "subject": "s", "content": "c", "replyTo": "{{link}}, {{link}}" }),
        json!({ "subject": "s", "content": "c", "contentType": PASSWORD }),
        json!({ "subject": [PASSWORD], "content": "c" }),
        json!({ "subject": format!("{{{{#if}}}} {PASSWORD}"), "content": "c" }),
    ];
    for template in templates {
        let cli = render(&["--payload", &payload(), "--template", "template.json"]);
        let outcome = cli.file("template.json", template.to_string()).run_blocking();
        assert_eq!(outcome.code, Some(65), "{template}: {outcome:#?}");
        check_silence(&outcome, &template.to_string());
    }
}

#[test]
fn the_code_is_in_the_message_and_nowhere_else() {
    let configuration = with_login(9, &json!({}));
    let arguments = ["render", "config.json", "--type", "SignIn", "--to", "jo@example.org"];
    let outcome =
        traced(&arguments, &configuration).args(&["--payload", &payload()]).run_blocking();
    assert_eq!(outcome.code, Some(0));
    assert_eq!(outcome.json()["text"], format!("Code {CODE} for {{{{user.name}}}}"));
    check_silence(&Outcome { stdout: outcome.stdout.replace(CODE, ""), ..outcome }, "render");
}
