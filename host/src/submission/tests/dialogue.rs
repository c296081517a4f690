//! The dialogue in clear: exact bytes, careless and hostile servers, credentials.

use std::time::Duration;

use super::peer::{CLOSE, Peer, SILENCE};
use super::{attempt, failure, password, plan, prepared, submit, submit_message, submitter};
use crate::error::{ErrorKind, Stage};
use crate::plan::{Authentication, Mechanism, TlsMode, TransportPlan};
use crate::receipt::Envelope;
use crate::redactor::Redactor;
use crate::secrets::Observer;

const SHORT: Duration = Duration::from_millis(100);

fn nothing(_: &mut TransportPlan) {}

#[tokio::test]
async fn a_session_says_exactly_this() {
    let (result, heard) = submit(Peer::new(), nothing).await;
    let receipt = result.expect("acceptance");
    assert_eq!(receipt.accepted, ["ann@b.test"]);
    assert_eq!(receipt.reply.to_string(), "250 2.0.0 queued as 1");
    let stages: Vec<_> = receipt.timings.iter().map(|(stage, _)| stage.to_string()).collect();
    assert_eq!(stages.join(" "), "dns connect greeting ehlo mail rcpt data content");
    let expected = "EHLO app.test\r\nMAIL FROM:<app@a.test>\r\nRCPT TO:<ann@b.test>\r\nDATA\r\n\
        Subject: hi\r\n\r\nhello\r\n.\r\nQUIT\r\n";
    assert_eq!(heard, expected);
}

#[tokio::test]
async fn the_address_literal_is_the_name_where_the_plan_has_none() {
    let (_, heard) = submit(Peer::new(), |plan| plan.ehlo_name = None).await;
    assert!(heard.starts_with("EHLO [127.0.0.1]\r\n"), "{heard}");
}

#[tokio::test]
async fn nothing_of_the_message_ends_it_early() {
    let content = "Subject: x\n\n.\n\r.\r\n.\rMAIL FROM:<evil@b.test>\n..\nend";
    let (result, heard) =
        submit_message(Peer::new(), nothing, &prepared(&["ann@b.test"], content)).await;
    result.expect("acceptance");
    let expected = "DATA\r\nSubject: x\r\n\r\n..\r\n\r\n..\r\n..\r\nMAIL \
        FROM:<evil@b.test>\r\n...\r\nend\r\n.\r\nQUIT\r\n";
    assert!(heard.ends_with(expected), "{heard}");
}

#[tokio::test]
async fn careless_replies_are_understood() {
    let peer = Peer::new()
        .on("GREETING", &["\r\n\n220\n"])
        .on("EHLO", &["250-mx\n250-\n250 8bitmime\n\r\n"])
        .on("MAIL", &["250\r\n"])
        .on("RCPT", &[b"250 \xe4 ok\r\n"])
        .on("CONTENT", &["250-one\n250 two\n"]);
    let (result, _) = submit(peer, nothing).await;
    assert_eq!(result.expect("acceptance").reply.text(), "one\ntwo");
}

#[tokio::test]
async fn each_stage_names_itself_and_what_became_of_the_message() {
    use ErrorKind::{Lost, Protocol, Refused, Temporary};
    use Stage::{Content, Data, Ehlo, Greeting, Mail, Rcpt};
    let cases = [
        ("GREETING", "554 go away\r\n", Greeting, Refused, false, false),
        ("GREETING", "421 later\r\n", Greeting, Temporary, true, false),
        ("GREETING", "250 hello\r\n", Greeting, Protocol, false, false),
        ("GREETING", "HTTP/1.1 400 Bad Request\r\n", Greeting, Protocol, false, false),
        ("GREETING", "554 cut offCLOSE", Greeting, Refused, false, false),
        ("GREETING", CLOSE, Greeting, Lost, true, false),
        ("GREETING", "\u{16}\u{3}\u{1}", Greeting, Protocol, false, false),
        ("EHLO", "421 closing\r\n", Ehlo, Temporary, true, false),
        ("EHLO", "250-mx\r\n550 mixed\r\n", Ehlo, Protocol, false, false),
        ("MAIL", "550 no\r\n", Mail, Refused, false, false),
        ("MAIL", "250 ok\r\n250 again\r\n", Rcpt, Protocol, false, false),
        ("MAIL", "250 ok\r\n421 idle\r\n", Rcpt, Temporary, true, false),
        ("RCPT", "550 5.1.1 unknown\r\n", Rcpt, Refused, false, false),
        ("RCPT", "450 4.2.1 greylisted\r\n", Rcpt, Temporary, true, false),
        ("RCPT", "250 ok\r\n(close)", Data, Lost, true, false),
        ("DATA", "250 ok\r\n", Data, Protocol, false, false),
        ("DATA", "554 no\r\n", Data, Refused, false, false),
        ("DATA", "354 go\r\n250 early\r\n", Content, Protocol, false, false),
        ("CONTENT", "554 5.7.1 spam\r\n", Content, Refused, false, false),
        ("CONTENT", "571 blocked\r\n", Content, Refused, false, false),
        ("CONTENT", "451 later\r\n", Content, Temporary, true, false),
        ("CONTENT", "354 what\r\n", Content, Protocol, false, true),
        ("CONTENT", "nonsense\r\n", Content, Protocol, false, true),
        ("CONTENT", CLOSE, Content, Lost, false, true),
    ];
    for (verb, reply, stage, kind, transient, ambiguous) in cases {
        let (error, _) =
            failure(Peer::new().on(verb, &[reply.replace("CLOSE", CLOSE)]), nothing).await;
        let found = (error.stage(), error.kind(), error.is_transient(), error.is_ambiguous());
        assert_eq!(found, (Some(stage), kind, transient, ambiguous), "{verb} {reply:?}: {error}");
        assert!(
            error.transcript().is_some_and(|transcript| !transcript.lines().is_empty()),
            "{verb}"
        );
    }
}

#[tokio::test]
async fn silence_ends_at_the_deadline_of_its_stage() {
    let cases = [
        ("GREETING", Stage::Greeting, false),
        ("EHLO", Stage::Ehlo, false),
        ("MAIL", Stage::Mail, false),
        ("DATA", Stage::Data, false),
        ("CONTENT", Stage::Content, true),
    ];
    for (verb, stage, ambiguous) in cases {
        let (error, _) = failure(Peer::new().on(verb, &[SILENCE]), |plan| {
            (plan.timeouts.greeting, plan.timeouts.socket) = (SHORT, SHORT);
        })
        .await;
        assert_eq!((error.stage(), error.kind()), (Some(stage), ErrorKind::Timeout), "{verb}");
        assert_eq!((error.is_ambiguous(), error.is_transient()), (ambiguous, !ambiguous), "{verb}");
    }
}

#[tokio::test]
async fn endless_replies_are_cut_off() {
    let cases = [
        (
            "220 ".to_owned() + &"x".repeat(100_000),
            "during the greeting: a line of the reply has more than 2048 bytes",
        ),
        ("220-x\r\n".repeat(1000), "during the greeting: the reply has more than 128 lines"),
    ];
    for (greeting, message) in cases {
        let (error, _) = failure(Peer::new().on("GREETING", &[greeting]), nothing).await;
        assert_eq!(error.to_string(), message);
    }
}

#[tokio::test]
async fn one_refused_recipient_does_not_hinder_the_others() {
    let peer = Peer::new().on("RCPT", &["250 ok\r\n", "550 5.1.1 unknown\r\n", "250 ok\r\n"]);
    let to = ["ann@b.test", "bob@b.test", "eve@b.test"];
    let (result, heard) = submit_message(peer, nothing, &prepared(&to, "x")).await;
    let receipt = result.expect("acceptance");
    assert_eq!(receipt.accepted, ["ann@b.test", "eve@b.test"]);
    assert_eq!(receipt.rejected[0].address, "bob@b.test");
    assert_eq!(receipt.rejected[0].reply.to_string(), "550 5.1.1 unknown");
    assert!(heard.contains("DATA\r\n"));
}

#[tokio::test]
async fn extensions_are_used_where_needed_and_missed_where_absent() {
    let offer = "250-mx\r\n250-SMTPUTF8\r\n250 8BITMIME\r\n";
    let cases = [
        (offer, "ann@b.test", "plain", Ok("MAIL FROM:<app@a.test>\r\n")),
        (offer, "ann@b.test", "\r\n\r\nschön", Ok("MAIL FROM:<app@a.test> BODY=8BITMIME\r\n")),
        (offer, "jürgen@b.test", "plain", Ok("MAIL FROM:<app@a.test> SMTPUTF8\r\n")),
        ("250 mx\r\n", "jürgen@b.test", "plain", Err(ErrorKind::Address)),
        ("250 mx\r\n", "ann@b.test", "\r\n\r\nschön", Err(ErrorKind::Message)),
        ("250-mx\r\n250 SIZE 3\r\n", "ann@b.test", "plain", Err(ErrorKind::Message)),
        ("250 mx\r\n", "ann@b.test>\r\nRCPT TO:<eve@b.test", "plain", Err(ErrorKind::Address)),
    ];
    for (ehlo, to, content, expected) in cases {
        let (result, heard) =
            submit_message(Peer::new().on("EHLO", &[ehlo]), nothing, &prepared(&[to], content))
                .await;
        match expected {
            Ok(mail) => assert!(heard.contains(mail), "{heard}"),
            Err(kind) => {
                assert_eq!(result.expect_err("a failure").kind(), kind, "{to}");
                assert_eq!(heard, "EHLO app.test\r\nQUIT\r\n");
            }
        }
    }
}

#[tokio::test]
async fn helo_serves_where_nothing_needs_extensions() {
    let peer = || Peer::new().on("EHLO", &["502 what?\r\n"]);
    let (result, heard) = submit(peer(), nothing).await;
    result.expect("acceptance");
    assert!(heard.starts_with("EHLO app.test\r\nHELO app.test\r\nMAIL"), "{heard}");
    let (error, heard) = failure(peer(), |plan| plan.tls = TlsMode::RequiredStarttls).await;
    assert_eq!((error.stage(), heard.as_str()), (Some(Stage::Ehlo), "EHLO app.test\r\n"));
}

#[tokio::test]
async fn credentials_are_sent_as_the_server_offers() {
    let plain = "AGFubgBodW50ZXIyLWFuZC1tb3Jl";
    let login = "AUTH LOGIN\r\nYW5u\r\naHVudGVyMi1hbmQtbW9yZQ==\r\n";
    let cases = [
        ("250-mx\r\n250 AUTH LOGIN PLAIN\r\n", None, format!("AUTH PLAIN {plain}\r\n")),
        ("250-mx\r\n250 auth=login\r\n", None, login.to_owned()),
        ("250-mx\r\n250 AUTH PLAIN\r\n", Some(Mechanism::Login), login.to_owned()),
        ("250 mx\r\n", None, String::new()),
    ];
    for (ehlo, mechanism, expected) in cases {
        let peer = Peer::new()
            .on("EHLO", &[ehlo])
            .on("AUTH PLAIN", &["235 welcome\r\n"])
            .on("AUTH LOGIN", &["334 Benutzer?\r\n"])
            .on("AUTH LINE", &["334 ?\r\n", "235 welcome\r\n"]);
        let (result, heard) = submit(peer, |plan| {
            plan.authentication = password("ann");
            if let Authentication::Password(login) = &mut plan.authentication {
                login.mechanism = mechanism;
            }
        })
        .await;
        result.expect("acceptance");
        assert!(heard.starts_with(&format!("EHLO app.test\r\n{expected}MAIL")), "{heard}");
    }
}

#[tokio::test]
async fn refused_credentials_are_told_apart_and_never_shown() {
    let cases = [
        (
            "535 5.7.8 hunter2-and-more is wrong, 482913\r\n",
            ErrorKind::Credentials,
            "535 5.7.8 *** is wrong, ***",
        ),
        ("535 bad AGFubgBodW50ZXIyLWFuZC1tb3Jl\r\n", ErrorKind::Credentials, "535 bad ***"),
        ("454 4.7.0 later\r\n", ErrorKind::Temporary, "454 4.7.0 later"),
    ];
    for (reply, kind, shown) in cases {
        let peer =
            Peer::new().on("EHLO", &["250-mx\r\n250 AUTH PLAIN\r\n"]).on("AUTH PLAIN", &[reply]);
        let (error, _) = failure(peer, |plan| plan.authentication = password("ann")).await;
        assert_eq!((error.stage(), error.kind()), (Some(Stage::Auth), kind));
        assert_eq!(error.reply().map(ToString::to_string).as_deref(), Some(shown));
        let told = format!("{error:?} {error} {}", error.transcript().expect("a transcript"));
        assert!(told.contains("C: AUTH PLAIN ***"), "{told}");
        assert!(
            !told.contains("hunter2") && !told.contains("AGFubg") && !told.contains("482913"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_server_that_wants_credentials_is_understood() {
    let peer = Peer::new().on("MAIL", &["530 5.7.0 Authentication required\r\n"]);
    let (error, _) = failure(peer, nothing).await;
    assert_eq!((error.stage(), error.kind()), (Some(Stage::Mail), ErrorKind::Credentials));
    assert_eq!(
        error.hint(),
        Some("The server wants credentials: set `auth.user` and `auth.pass`.")
    );
}

#[tokio::test]
async fn usual_mistakes_are_met_with_advice() {
    let cases = [
        (
            "smtp.gmail.com",
            "AUTH PLAIN",
            "534-5.7.9 no\r\n534 5.7.9 no\r\n",
            "Gmail wants an app password",
        ),
        (
            "smtp.office365.com",
            "AUTH PLAIN",
            "535 5.7.139 no\r\n",
            "This Microsoft account does not accept",
        ),
        (
            "smtp.sendgrid.net",
            "AUTH PLAIN",
            "535 no\r\n",
            "At SendGrid the user is literally `apikey`",
        ),
        ("mx.test", "AUTH PLAIN", "503 no\r\n", "The server does not take credentials here"),
        ("mx.test", "EHLO", "501 5.5.4 no\r\n", "The server does not like the name"),
        (
            "mx.test",
            "MAIL",
            "553 Mail from must be same as authorization user\r\n",
            "The sender must be",
        ),
        ("notgmail.com", "AUTH PLAIN", "535 no\r\n", "Check `auth.user` and `auth.pass`"),
    ];
    for (host, verb, reply, advice) in cases {
        let peer = Peer::new()
            .on("EHLO", &["250-mx\r\n250 AUTH PLAIN\r\n"])
            .on("AUTH PLAIN", &["235 welcome\r\n"])
            .on(verb, &[reply]);
        let (error, _) = failure(peer, |plan| plan.authentication = password("ann")).await;
        let mut plan = plan(25);
        plan.authentication = password("ann");
        plan.endpoint.host = host.parse().expect("a host");
        let hint = crate::submission::advice::on(&error, &plan).expect("advice");
        assert!(hint.starts_with(advice), "{host} {reply}: {hint}");
    }
}

#[tokio::test]
async fn a_server_that_ignores_quit_holds_nobody() {
    let (address, _heard) = Peer::new().on("QUIT", &[SILENCE]).start().await;
    let submitter = submitter(plan(address.port())).expect("a plan");
    let (message, redactor) = (prepared(&["ann@b.test"], "x"), Redactor::default());
    let submission = attempt(&submitter, &message, &redactor, None);
    let within = tokio::time::timeout(Duration::from_secs(1), submission).await;
    within.expect("no waiting for the farewell").expect("acceptance");
}

#[tokio::test]
async fn a_verification_tells_every_stage_and_sends_nothing() {
    let peer = Peer::new()
        .on("EHLO", &["250-mx.test\r\n250-AUTH PLAIN\r\n250 SIZE 100\r\n"])
        .on("AUTH PLAIN", &["235 welcome\r\n"]);
    let (address, heard) = peer.start().await;
    let mut plan = plan(address.port());
    plan.authentication = password("ann");
    let envelope =
        Envelope { reverse_path: "app@a.test".into(), forward_paths: vec!["ann@b.test".into()] };
    let verification =
        submitter(plan).expect("a plan").verify(Some(&envelope), &Redactor::default()).await;
    assert!(verification.error.is_none(), "{:?}", verification.error);
    assert_eq!(verification.capabilities, ["AUTH PLAIN", "SIZE 100"]);
    let stages: Vec<_> = verification
        .stages
        .iter()
        .map(|stage| format!("{}: {}", stage.stage, stage.detail))
        .collect();
    let connected = format!("connect: {address}");
    let expected = [
        "dns: 127.0.0.1",
        &connected,
        "greeting: 220 mx.test ready",
        "ehlo: app.test with 2 extensions",
        "auth: PLAIN as ann",
        "mail: 250 2.1.0 sender ok",
        "rcpt: 1 accepted, 0 refused",
    ];
    assert_eq!(stages, expected);
    let heard = heard.await.expect("the peer's task");
    assert!(
        heard.ends_with(
            "NOOP\r\nMAIL FROM:<app@a.test>\r\nRCPT TO:<ann@b.test>\r\nRSET\r\nQUIT\r\n"
        ),
        "{heard}"
    );
}

#[tokio::test]
async fn a_failed_verification_ends_with_its_stage() {
    let (address, _heard) = Peer::new().on("GREETING", &["554 5.3.2 no service\r\n"]).start().await;
    let verification =
        submitter(plan(address.port())).expect("a plan").verify(None, &Redactor::default()).await;
    let last = verification.stages.last().expect("a stage");
    assert_eq!(
        (last.stage, last.detail.as_str()),
        (Stage::Greeting, "the server answered 554 5.3.2 no service")
    );
    assert_eq!(verification.error.map(|error| error.kind()), Some(ErrorKind::Refused));
}

#[tokio::test]
async fn what_cannot_be_reached_is_told_with_its_address() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let message = prepared(&["ann@b.test"], "x");
    let mut plan = plan(address.port());
    let submitter_to = |plan: &TransportPlan| submitter(plan.clone()).expect("a plan");
    let error = attempt(&submitter_to(&plan), &message, &Redactor::default(), None)
        .await
        .expect_err("nobody listens");
    assert_eq!(
        error.to_string(),
        format!("cannot connect to `127.0.0.1`: {address}: connection refused")
    );
    assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Connect, true));

    plan.local_address = Some("::1".parse().expect("an address"));
    let error = attempt(&submitter_to(&plan), &message, &Redactor::default(), None)
        .await
        .expect_err("no way");
    assert!(
        error.to_string().ends_with("the local address ::1 is of the other IP version"),
        "{error}"
    );

    let public = super::Submitter::new(
        plan,
        std::sync::Arc::default(),
        crate::EgressPolicy::public(),
        Observer::default(),
    );
    let error = attempt(&public.expect("a plan"), &message, &Redactor::default(), None)
        .await
        .expect_err("loopback");
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Egress, Some(Stage::Connect)));
}

#[tokio::test]
async fn a_deadline_gives_the_attempt_up_and_says_whether_the_server_may_have_the_message() {
    let cases =
        [("MAIL", None, false), ("DATA", None, false), ("CONTENT", Some(Stage::Content), true)];
    for (silent_at, stage, ambiguous) in cases {
        let (address, _heard) = Peer::new().on(silent_at, &[SILENCE]).start().await;
        let submitter = submitter(plan(address.port())).expect("a plan");
        let deadline = tokio::time::Instant::now() + Duration::from_millis(300);
        let message = prepared(&["ann@b.test"], "Subject: hi\r\n\r\nhello\r\n");
        let attempted = attempt(&submitter, &message, &Redactor::default(), Some(deadline)).await;
        let error = attempted.expect_err("no reply");
        assert_eq!((error.kind(), error.stage()), (ErrorKind::Expired, stage), "{silent_at}");
        assert_eq!(
            (error.is_ambiguous(), error.is_transient()),
            (ambiguous, !ambiguous),
            "{silent_at}"
        );
    }
}
