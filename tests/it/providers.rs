//! The example configurations against peers that behave as the four providers document it.
//!
//! Only host, port and CA are changed; then every usual mistake, one change at a time, must be told
//! with its cure.

mod aliyun;
mod gmail;
mod outlook365;
mod sendgrid;

use serde_json::{Value, json};
use smtp_connector_tests::certificates::Authority;
use smtp_connector_tests::cli::Outcome;
use smtp_connector_tests::providers::Server;
use smtp_connector_tests::token_endpoint::{Answer, TokenEndpoint};

use crate::helpers::command::command;

/// Who the mails are for.
const RECIPIENT: &str = "jo@example.org";

/// Which port of a provider.
#[derive(Clone, Copy)]
enum Port {
    /// 587: begins in clear.
    Submission,
    /// 465: implicit TLS.
    Submissions,
}

/// An example with its placeholders filled in, which sends through this server in place of the
/// provider's.
fn example(name: &str, values: &[(&str, &str)], server: &Server, port: Port) -> Value {
    let printed = command(["example", name]).run_blocking();
    let mut text = printed.stdout;
    for (placeholder, value) in values {
        assert!(text.contains(placeholder), "{placeholder} is not in the example {name}");
        text = text.replace(placeholder, value);
    }
    assert!(!text.contains("\"<your") && !text.contains("\"<the"), "a placeholder is left: {text}");
    let mut configuration: Value = serde_json::from_str(&text).expect("an example is JSON");
    configuration["host"] = json!("127.0.0.1");
    configuration["port"] = json!(number(server, port));
    configuration["tls"] = json!({ "ca": server.ca() });
    configuration
}

/// A token endpoint by https, and the certificate of the authority that vouches for it.
struct Tokens {
    endpoint: TokenEndpoint,
    ca: String,
}

impl Tokens {
    /// Gives a token to whoever sends these fields, and the error to all others.
    fn start(expected: &[(&str, &str)], token: &str, error: &'static str) -> Self {
        let authority = Authority::new();
        let answers = vec![Answer::grant(expected, token, error)];
        let endpoint = TokenEndpoint::start_tls(&authority.localhost().server(), answers);
        Self { endpoint, ca: authority.pem().to_owned() }
    }
}

/// Has an example's tokens come from this endpoint.
fn ask_for_tokens(configuration: &mut Value, tokens: &Tokens) {
    configuration["auth"]["accessUrl"] = json!(tokens.endpoint.url());
    configuration["auth"]["tls"] = json!({ "ca": tokens.ca });
}

fn number(server: &Server, port: Port) -> u16 {
    match port {
        Port::Submission => server.submission(),
        Port::Submissions => server.submissions(),
    }
}

fn send(configuration: &Value, to: &str) -> Outcome {
    let arguments = ["send", "config.json", "--json", "--type", "SignIn", "--to", to];
    let payload = ["--payload", r#"{"code":"482913"}"#];
    command(arguments).args(&payload).file("config.json", configuration.to_string()).run_blocking()
}

/// Checks that a configuration sends its code, and that the server kept exactly this mail.
#[track_caller]
fn check_sent(server: &Server, configuration: &Value, user: &str) {
    let before = server.kept().len();
    let outcome = send(configuration, RECIPIENT);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""), "{outcome:#?}");
    let kept = server.kept();
    let [mail] = &kept[before..] else { panic!("{} mails were kept", kept.len() - before) };
    assert_eq!(
        (mail.user.as_deref(), mail.to.as_slice()),
        (Some(user), [RECIPIENT.to_owned()].as_slice())
    );
    assert!(mail.content.contains("482913") && mail.content.contains("Subject: Your sign-in code"));
}

/// What must be told of a mistake: kind, stage, exit code, reply code, and words of the cure.
type Told = (&'static str, &'static str, i32, Option<u16>, &'static [&'static str]);

/// Makes the changes, each at its pointer, and checks what is told of them.
#[track_caller]
fn check_mistake(sound: &Value, changes: &Value, told: Told) {
    let mut configuration = sound.clone();
    for (pointer, value) in changes.as_object().into_iter().flatten() {
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer begins with a slash");
        configuration.pointer_mut(parent).expect("an object is there")[key] = value.clone();
    }
    check_refused(&send(&configuration, RECIPIENT), &changes.to_string(), told);
}

#[track_caller]
fn check_refused(outcome: &Outcome, case: &str, (kind, stage, exit, code, cure): Told) {
    let document = outcome.json();
    let error = &document["error"];
    assert_eq!(
        (&error["kind"], &error["stage"]),
        (&json!(kind), &json!(stage)),
        "{case}: {outcome:#?}"
    );
    assert_eq!(
        (outcome.code, error.get("code")),
        (Some(exit), code.map(Value::from).as_ref()),
        "{case}"
    );
    let hint = error["hint"].as_str().unwrap_or_default();
    for words in cure {
        assert!(hint.contains(words), "{case}: `{words}` is not in `{hint}`");
    }
}

/// The two ways to take one kind of port for the other.
fn check_wrong_port(server: &Server, sound: &Value) {
    let implicit = json!({ "/port": server.submission(), "/secure": true, "/requireTLS": null });
    check_mistake(sound, &implicit, ("tls", "tls", 69, None, &["set `secure` to false"]));
    let clear = json!({
        "/port": server.submissions(), "/secure": false, "/requireTLS": null,
        "/greetingTimeout": 500,
    });
    check_mistake(sound, &clear, ("timeout", "greeting", 75, None, &["set `secure` to true"]));
}
