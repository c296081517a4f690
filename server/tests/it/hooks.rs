//! The dialects, spoken by the libraries that platforms use: those of Standard Webhooks for npm and
//! Python, and Logto's connector `http-email`. `.ci/run` installs them into the folder that
//! `REAL_SERVERS` names.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode};
use jsonwebtoken::jwk::JwkSet;
use serde_json::{Value, json};
use smtp_connector::{Error, ErrorKind, Stage};
use smtp_connector_server::hooks::{Asked, Call, Dialect, Ingress, Job, Refusal, Verdict};
use smtp_connector_server::hooks::{answer, read};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

const KEYS: [&str; 2] = [
    "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "whsec_YW5vdGhlci1rZXktdGhhdC1yb3RhdGVzLW91dC4uLg==",
];

#[test]
#[ignore = "needs the libraries of Standard Webhooks; .ci/run installs them"]
fn webhooks_are_signed_by_the_libraries_for_npm_and_python() {
    let body = json!({ "to": "jö@example.org", "type": "SignIn", "payload": { "code": "482913" } });
    let body = body.to_string();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let ingress = Ingress::parse(Dialect::Standard, json!({ "secrets": KEYS }));
    let ingress = ingress.expect("the settings are sound");
    for signer in [node as fn(&str) -> Command, python] {
        for key in KEYS {
            let call =
                json!({ "secret": key, "id": "evt_7", "timestamp": now, "body": body }).to_string();
            let signature = run(signer("sign_webhook"), &call);
            let foreign = run(signer("sign_webhook"), &call.replace(key, "whsec_Zm9yZWlnbg=="));
            for (signature, is_sound) in [
                (signature.clone(), true),
                // As a platform sends it while its keys rotate, and as Supabase does.
                (format!("{foreign} {signature}"), true),
                (format!("{signature}, {foreign}"), true),
                (foreign, false),
            ] {
                let outcome = judge(&ingress, &signature, now, &body);
                assert_eq!(outcome.is_ok(), is_sound, "{signature}: {outcome:?}");
                let tampered = body.replace("482913", "482914");
                assert!(judge(&ingress, &signature, now, &tampered).is_err(), "{signature}");
            }
        }
    }
}

fn judge(ingress: &Ingress, signature: &str, at: u64, body: &str) -> Result<Asked, Refusal> {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("webhook-id", "evt_7"),
        ("webhook-timestamp", &at.to_string()),
        ("webhook-signature", signature),
    ] {
        headers.insert(name, value.parse().expect("a value"));
    }
    let now = UNIX_EPOCH + Duration::from_secs(at);
    let call = Call { method: &Method::POST, headers: &headers, body: body.as_bytes(), now };
    read(ingress, &call, &JwkSet { keys: Vec::new() })
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Logto's connector; .ci/run installs it"]
async fn logtos_connector_hands_over_a_code_and_shows_a_refusal() {
    const SECRET: &str = "Bearer 5f1d0c9a7b3e4f28";
    let (address, mut jobs) = serve(SECRET).await;
    let send = |authorization: &str, to: &str| {
        let call = json!({
            "config": { "endpoint": address, "authorization": authorization },
            "message": {
                "to": to, "type": "SignIn",
                "payload": { "code": "482913", "locale": "fr-CA", "uiLocales": "fr-CA fr" },
                "ip": "192.0.2.7",
            },
        });
        async move {
            let running = tokio::task::spawn_blocking(move || {
                run(node("logto_http_email"), &call.to_string())
            });
            let outcome = running.await.expect("it ends");
            serde_json::from_str::<Value>(&outcome).expect("JSON")
        }
    };
    assert_eq!(send(SECRET, "jo@example.org").await, json!({}));
    let job = jobs.recv().await.expect("a job");
    assert_eq!((job.to.as_str(), &job.types[..]), ("jo@example.org", &["SignIn".to_owned()][..]));
    assert_eq!(job.payload["code"], "482913");
    assert_eq!(job.payload["uiLocales"], "fr-CA fr");

    let shown = |message: &str| json!({ "error": { "code": "general", "message": message } });
    let refused = "credentials at auth: the server answered 535 no. Check `auth.pass`.";
    assert_eq!(send(SECRET, "refused@example.org").await, shown(refused));
    let stranger = "the credentials are missing or wrong";
    assert_eq!(send("Bearer 00000000000000000", "jo@example.org").await, shown(stranger));
}

/// A service without a queue: its address, and the jobs that it takes. It has no luck with the
/// recipient `refused@example.org`.
async fn serve(secret: &str) -> (String, mpsc::UnboundedReceiver<Job>) {
    let ingress = Ingress::parse(Dialect::Logto, json!({ "secrets": [secret] }));
    let ingress = ingress.expect("the settings are sound");
    let (taken, jobs) = mpsc::unbounded_channel();
    let handle = move |method: Method, headers: HeaderMap, body: Bytes| async move {
        let call = Call { method: &method, headers: &headers, body: &body, now: SystemTime::now() };
        let error = Error::new(ErrorKind::Credentials, "the server answered 535 no")
            .at(Stage::Auth)
            .with_hint("Check `auth.pass`.");
        let answer = match read(&ingress, &call, &JwkSet { keys: Vec::new() }) {
            Ok(Asked::Mail(jobs)) if jobs[0].to == "refused@example.org" => {
                answer(Dialect::Logto, &Verdict::Failed(&error))
            }
            Ok(Asked::Mail(jobs)) => {
                jobs.into_iter().for_each(|job| taken.send(job).expect("the test listens"));
                answer(Dialect::Logto, &Verdict::Queued)
            }
            Ok(Asked::Nothing) => answer(Dialect::Logto, &Verdict::Nothing),
            Err(refusal) => answer(Dialect::Logto, &Verdict::Refused(&refusal)),
        };
        (StatusCode::from(answer.status), answer.body)
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let router = Router::new().fallback(handle);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (format!("http://{address}/hooks/acme/logto"), jobs)
}

/// A command for Node with a script of `tests/real`.
fn node(script: &str) -> Command {
    let mut command = Command::new("node");
    command
        .env("NODE_PATH", installed("node/node_modules"))
        .arg(script_file(script).with_extension("cjs"));
    command
}

/// A command for Python with a script of `tests/real`.
fn python(script: &str) -> Command {
    let mut command = Command::new(installed("python/bin/python"));
    command.arg(script_file(script).with_extension("py"));
    command
}

fn script_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/real").join(name)
}

fn installed(path: &str) -> PathBuf {
    let folder = std::env::var_os("REAL_SERVERS").expect("REAL_SERVERS is set, as .ci/run does");
    Path::new(&folder).join(path)
}

/// What a command prints when it has read this.
fn run(mut command: Command, input: &str) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{command:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}
