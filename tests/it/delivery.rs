//! Delivery through the library against the scripted peer: the exact bytes, what is tried again and
//! what is not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use smtp_connector::{
    Connector, Delivery, EgressPolicy, Engine, Error, ErrorKind, Mailer, Options, Receipt, Request,
    Result, Stage,
};
use smtp_connector_tests::peer::{Peer, Recording, Script};
use tokio::sync::OnceCell;

/// A configuration as small as the check allows.
fn configuration(port: u16) -> Value {
    let template = |usage_type| {
        json!({
            "usageType": usage_type, "contentType": "text/plain", "subject": "Code",
            "content": "It is {{code}}",
        })
    };
    let templates = ["Register", "SignIn", "ForgotPassword", "Generic"].map(template);
    json!({
        "host": "127.0.0.1",
        "port": port,
        "name": "app.test",
        "fromEmail": "App <app@a.test>",
        "socketTimeout": 2000,
        "templates": templates,
    })
}

async fn mailer(configuration: &Value) -> Mailer {
    static CONNECTOR: OnceCell<Connector> = OnceCell::const_new();
    let load = async || Engine::new().expect("an engine").bundled().await.expect("the component");
    let connector = CONNECTOR.get_or_init(load).await;
    let options = Options::default().egress(EgressPolicy::any());
    connector
        .configure_with(&configuration.to_string(), &options)
        .await
        .expect("a clean configuration")
}

fn request() -> Request {
    Request::new("SignIn", "ann@b.test").payload(json!({ "code": "482913" }))
}

/// Plays one script per connection, sends one message, and gives what became of it and what was
/// exchanged.
async fn deliver(
    scripts: Vec<Script>,
    change: impl FnOnce(&mut Value),
    deadline: Option<Duration>,
) -> (Result<Receipt>, Vec<Recording>) {
    let peer = Peer::start_all(scripts);
    let mut configuration = configuration(peer.port());
    change(&mut configuration);
    let mailer = mailer(&configuration).await;
    let outcome = match deadline {
        None => mailer.send(&request()).await,
        Some(deadline) => mailer.send_within(&request(), deadline).await,
    };
    // The farewell is said in the background.
    drop(mailer);
    (outcome, peer.finish().await)
}

async fn failure(scripts: Vec<Script>, deadline: Option<Duration>) -> Error {
    let (outcome, _) = deliver(scripts, |_| (), deadline).await;
    outcome.expect_err("a failure")
}

fn to_data() -> Script {
    Script::offering(&[])
        .on("MAIL FROM:<app@a.test>", "250 ok\r\n")
        .on("RCPT TO:<ann@b.test>", "250 ok\r\n")
        .on("DATA", "354 go\r\n")
}

fn to_the_end(reply: &str) -> Script {
    to_data().hear_any_content().say(reply)
}

fn accepting() -> Script {
    to_the_end("250 2.0.0 queued as 42\r\n").quit()
}

fn message_id(recording: &Recording) -> String {
    let content = String::from_utf8_lossy(&recording.contents[0]).into_owned();
    content
        .lines()
        .find_map(|line| line.strip_prefix("Message-ID: "))
        .expect("a Message-ID")
        .to_owned()
}

#[tokio::test]
async fn a_session_says_exactly_these_lines() {
    let (outcome, recordings) = deliver(vec![accepting()], |_| (), None).await;
    let receipt = outcome.expect("acceptance");
    let received = String::from_utf8(recordings[0].received.clone()).expect("ASCII");
    let (envelope, content) = received.split_once("DATA\r\n").expect("DATA");
    assert_eq!(envelope, "EHLO app.test\r\nMAIL FROM:<app@a.test>\r\nRCPT TO:<ann@b.test>\r\n");
    let (header, body) = content.split_once("\r\n\r\n").expect("a header");
    let names: Vec<_> =
        header.lines().filter_map(|line| line.split_once(": ")).map(|(name, _)| name).collect();
    let expected = [
        "Date",
        "From",
        "To",
        "Subject",
        "Message-ID",
        "Auto-Submitted",
        "MIME-Version",
        "Content-Type",
        "Content-Transfer-Encoding",
    ];
    assert_eq!(names, expected);
    assert_eq!(body, "It is 482913\r\n.\r\nQUIT\r\n");
    assert_eq!(receipt.accepted, ["ann@b.test"]);
    assert_eq!(receipt.message_id, message_id(&recordings[0]));
    assert_eq!(
        (receipt.attempts, receipt.reply.to_string()),
        (1, "250 2.0.0 queued as 42".to_owned())
    );
}

#[tokio::test]
async fn what_may_pass_is_tried_once_more_under_the_same_message_id() {
    let first_attempts = [
        Script::new().say("421 4.3.2 not now\r\n").close(),
        Script::greeting().hear("EHLO *").close(),
        Script::offering(&[]).on("MAIL *", "450 4.2.0 later\r\n").quit(),
        Script::offering(&[])
            .on("MAIL *", "250 ok\r\n")
            .on("RCPT *", "451 4.7.1 greylisted\r\n")
            .quit(),
        to_the_end("452 4.3.1 full\r\n").quit(),
    ];
    for (index, first) in first_attempts.into_iter().enumerate() {
        let (outcome, recordings) = deliver(vec![first, accepting()], |_| (), None).await;
        assert_eq!(outcome.expect("acceptance").attempts, 2, "case {index}");
        if let [first, second] = &recordings[..]
            && !first.contents.is_empty()
        {
            assert_eq!(message_id(first), message_id(second), "case {index}");
        }
    }
}

#[tokio::test]
async fn a_second_failure_is_final() {
    let later = || Script::offering(&[]).on("MAIL *", "450 4.2.0 later\r\n").quit();
    let error = failure(vec![later(), later()], None).await;
    assert_eq!(
        (error.kind(), error.stage(), error.attempts()),
        (ErrorKind::Temporary, Some(Stage::Mail), 2)
    );
    assert!(error.is_transient());
}

#[tokio::test]
async fn what_will_not_pass_or_may_have_arrived_is_never_tried_again() {
    // Each case plays one connection: a second one would have no peer.
    let refused = |stage: Script| vec![stage.quit()];
    let cases = [
        (
            refused(Script::offering(&[]).on("MAIL *", "550 5.7.1 no\r\n")),
            ErrorKind::Refused,
            Stage::Mail,
            false,
        ),
        (refused(to_the_end("554 5.6.0 spam\r\n")), ErrorKind::Refused, Stage::Content, false),
        (vec![to_data().hear_any_content().close()], ErrorKind::Lost, Stage::Content, true),
        (vec![to_data().hear_any_content().reset()], ErrorKind::Lost, Stage::Content, true),
        (vec![to_data().hear_any_content().stall()], ErrorKind::Timeout, Stage::Content, true),
        (
            vec![Script::offering(&[]).hear("MAIL *").stall()],
            ErrorKind::Timeout,
            Stage::Mail,
            false,
        ),
    ];
    for (scripts, kind, stage, ambiguous) in cases {
        let error = failure(scripts, None).await;
        assert_eq!(
            (error.kind(), error.stage(), error.attempts()),
            (kind, Some(stage), 1),
            "{error}"
        );
        assert_eq!(error.is_ambiguous(), ambiguous, "{error}");
        assert!(!(ambiguous && error.is_transient()), "{error}");
    }
}

#[tokio::test]
async fn a_login_refused_for_now_is_not_tried_again_without_a_deadline() {
    let script = Script::offering(&["AUTH PLAIN"]).on("AUTH PLAIN *", "454 4.7.0 busy\r\n").quit();
    let log_in = |configuration: &mut Value| {
        configuration["auth"] = json!({ "user": "ann", "pass": "secret-word" });
    };
    let (outcome, _) = deliver(vec![script], log_in, None).await;
    let error = outcome.expect_err("a failure");
    assert_eq!(
        (error.kind(), error.stage(), error.attempts()),
        (ErrorKind::Temporary, Some(Stage::Auth), 1)
    );
}

#[tokio::test]
async fn lost_connections_are_not_tried_again_where_requeuing_is_off() {
    let off = |configuration: &mut Value| configuration["maxRequeues"] = json!(0);
    let (outcome, _) = deliver(vec![Script::greeting().hear("EHLO *").close()], off, None).await;
    assert_eq!(outcome.expect_err("a failure").attempts(), 1);
}

#[tokio::test]
async fn a_deadline_keeps_trying_until_the_server_is_ready() {
    let busy = || Script::new().say("421 4.3.2 not now\r\n").close();
    let scripts = vec![busy(), busy(), accepting()];
    let (outcome, _) = deliver(scripts, |_| (), Some(Duration::from_secs(20))).await;
    assert_eq!(outcome.expect("acceptance").attempts, 3);
}

#[tokio::test]
async fn a_deadline_gives_up_in_time() {
    let stalled = Script::offering(&[]).hear("MAIL *").stall();
    let error = failure(vec![stalled], Some(Duration::from_millis(300))).await;
    assert_eq!(
        (error.kind(), error.attempts(), error.is_ambiguous()),
        (ErrorKind::Expired, 1, false)
    );
    let unconfirmed = to_data().hear_any_content().stall();
    let error = failure(vec![unconfirmed], Some(Duration::from_millis(300))).await;
    assert_eq!(
        (error.kind(), error.stage(), error.is_ambiguous()),
        (ErrorKind::Expired, Some(Stage::Content), true)
    );
}

#[tokio::test]
async fn a_dropped_send_closes_its_connection_and_the_next_one_is_whole() {
    let peer = Peer::start_all(vec![Script::offering(&[]).hear("MAIL *").stall(), accepting()]);
    let mailer = mailer(&configuration(peer.port())).await;
    let cut_short = tokio::time::timeout(Duration::from_millis(300), mailer.send(&request())).await;
    assert!(cut_short.is_err(), "the peer is silent");
    let receipt = mailer.send(&request()).await.expect("acceptance");
    assert_eq!(receipt.reply.code, 250);
    drop(mailer);
    peer.finish().await;
}

#[tokio::test]
async fn a_dropped_send_says_whether_its_message_may_have_gone_out() {
    for (script, late) in [
        (Script::offering(&[]).hear("MAIL *").stall(), false),
        // The end of a short message is out although nobody reads it.
        (to_data().stall(), true),
        (to_data().hear_any_content().stall(), true),
    ] {
        let peer = Peer::start(script);
        let mailer = mailer(&configuration(peer.port())).await;
        let told = Arc::new(AtomicBool::new(false));
        let noted = told.clone();
        let delivery =
            Delivery::default().if_dropped_late(move || noted.store(true, Ordering::SeqCst));
        let request = request();
        let sending = mailer.deliver(&request, &delivery);
        let cut_short = tokio::time::timeout(Duration::from_millis(300), sending).await;
        assert!(cut_short.is_err(), "the peer is silent");
        assert_eq!(told.load(Ordering::SeqCst), late);
        drop(mailer);
        peer.finish().await;
    }
}

#[tokio::test]
async fn a_send_that_ends_by_itself_is_not_dropped_late() {
    for content in ["250 kept\r\n", "554 5.7.1 spam\r\n"] {
        let peer = Peer::start(to_data().hear_any_content().say(content).quit());
        let mailer = mailer(&configuration(peer.port())).await;
        let delivery = Delivery::default().if_dropped_late(|| panic!("it was not dropped"));
        let sent = mailer.deliver(&request(), &delivery).await;
        assert_eq!(sent.is_ok(), content.starts_with('2'));
        mailer.close().await;
        peer.finish().await;
    }
}
