//! A component that misbehaves hurts nobody but its own call: every one ends in an error of its
//! own, soon, and everything else goes on.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use smtp_connector::{Engine, Error, ErrorKind, Limits, Request};
use smtp_connector_catch_all::{self as catch_all, CatchAll, Security};
use smtp_connector_tests::guests::Guest;
use tokio::time::timeout;

use crate::helpers::tenant::{
    PATIENCE, bundled, configuration, load, local, mailer, sign_in, tight, with,
};

/// A component that exceeds what it may, and how the error names it.
const EXCESSES: [(Guest, &str); 4] = [
    (Guest::Hoards, "needs more than 16 MiB of memory"),
    (Guest::Recurses, "recurses too deeply"),
    (Guest::Spins, "takes longer than 300ms"),
    (Guest::Traps, "trapped: "),
];

#[tokio::test]
async fn a_component_that_misbehaves_in_check_ends_its_call_only() {
    for (guest, message) in EXCESSES {
        let (engine, connector) = load(guest, tight()).await;
        assert_eq!(engine.activity().faults, 0);
        let hostile = marked(587, "misbehave-in-check").to_string();
        let began = Instant::now();
        let checked =
            timeout(PATIENCE, connector.check(&hostile, &local())).await.expect("the call ends");
        check_misbehaved(&checked.expect_err("the component misbehaves"), guest, "check", message);
        assert!(began.elapsed() < Duration::from_secs(10), "{guest:?} took {:?}", began.elapsed());
        assert_eq!((engine.activity().faults, engine.activity().taken), (1, 0), "{guest:?}");
        let honest = configuration(587).to_string();
        assert!(
            connector.check(&honest, &local()).await.expect("the next call works").is_ok(),
            "{guest:?}"
        );
        check_others_work(&engine).await;
    }
}

#[tokio::test]
async fn a_component_that_misbehaves_in_open_ends_its_call_only() {
    for (guest, message) in EXCESSES {
        let (engine, connector) = load(guest, tight()).await;
        let hostile = marked(587, "misbehave-in-open").to_string();
        let hostile = connector.configure_with(&hostile, &local()).await.expect("the check passes");
        for _ in 0..2 {
            let rendered =
                timeout(PATIENCE, hostile.render(&sign_in("1"))).await.expect("the call ends");
            check_misbehaved(
                &rendered.expect_err("the component misbehaves"),
                guest,
                "open",
                message,
            );
        }
        let honest = mailer(&connector, &configuration(587)).await;
        assert_eq!(text(&honest.render(&sign_in("1")).await), r#"{"code":"1"}"#, "{guest:?}");
        check_others_work(&engine).await;
    }
}

#[tokio::test]
async fn a_component_that_misbehaves_in_compose_ends_its_call_only() {
    for (guest, message) in EXCESSES {
        let (engine, connector) = load(guest, tight()).await;
        let mailer = mailer(&connector, &configuration(587)).await;
        for round in ["1", "2"] {
            let hostile = payload("misbehave-in-compose");
            let rendered = timeout(PATIENCE, mailer.render(&hostile)).await.expect("the call ends");
            check_misbehaved(
                &rendered.expect_err("the component misbehaves"),
                guest,
                "compose",
                message,
            );
            let expected = json!({ "code": round }).to_string();
            assert_eq!(text(&mailer.render(&sign_in(round)).await), expected, "{guest:?}");
        }
        check_others_work(&engine).await;
    }
}

#[tokio::test]
async fn what_a_panicking_component_said_last_is_in_the_error() {
    let (_engine, connector) = load(Guest::Traps, tight()).await;
    let error = connector
        .check(&marked(587, "misbehave-in-check").to_string(), &local())
        .await
        .expect_err("it panics");
    assert!(error.to_string().contains("the component panics on purpose"), "{error}");
    assert!(!error.to_string().chars().any(char::is_control), "{error}");
}

#[tokio::test]
async fn a_component_that_returns_too_much_ends_its_call_only() {
    let mut limits = Limits::default();
    limits.output_bytes = 1 << 20;
    let (engine, connector) = load(Guest::Floods, limits).await;
    for marker in ["flood-with-text", "flood-with-diagnostics"] {
        let error = connector
            .check(&marked(587, marker).to_string(), &local())
            .await
            .expect_err("it is too much");
        check_misbehaved(&error, Guest::Floods, "check", "returns more than 1 MiB");
    }
    let mailer = mailer(&connector, &configuration(587)).await;
    for marker in ["flood-with-text", "flood-with-headers"] {
        let error = mailer.render(&payload(marker)).await.expect_err("it is too much");
        check_misbehaved(&error, Guest::Floods, "compose", "returns more than 1 MiB");
        assert_eq!(text(&mailer.render(&sign_in("1")).await), r#"{"code":"1"}"#, "{marker}");
    }
    check_others_work(&engine).await;
}

#[tokio::test]
async fn a_part_beyond_its_bound_is_refused_however_well_it_is_meant() {
    let mut limits = Limits::default();
    limits.part_bytes = 1 << 20;
    let (_engine, connector) = load(Guest::Echo, limits).await;
    let mailer = mailer(&connector, &configuration(587)).await;
    let error = mailer.render(&payload(&"x".repeat(1 << 20))).await.expect_err("it is too large");
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::Template, "a rendered part is larger than 1 MiB")
    );
}

#[tokio::test]
async fn a_template_beyond_its_bounds_is_an_error_of_the_template() {
    let mut limits = tight();
    limits.memory_bytes = 8 << 20;
    let engine = Engine::builder().limits(limits).build().expect("this machine runs WebAssembly");
    let connector = engine.bundled().await.expect("the bundled component loads");
    let mut configuration = configuration(587);
    let nested = "{{#each list}}{{#each ../list}}{{#each ../../list}}{{#each \
        ../../../list}}{{/each}}{{/each}}{{/each}}{{/each}}";
    configuration["templates"][1]["content"] = json!(format!("{{{{code}}}} {nested}"));
    let mailer = mailer(&connector, &configuration).await;
    let list: Vec<_> = (0..1000).collect();
    let request = Request::new("SignIn", "user@example.com").payload(json!({ "list": list }));
    let rendered = timeout(PATIENCE, mailer.render(&request)).await.expect("the call ends");
    let error = rendered.expect_err("the template never ends");
    assert_eq!(error.kind(), ErrorKind::Template, "{error}");
    assert_eq!(error.to_string(), "rendering the template takes longer than 300ms");
    assert_eq!(
        text(
            &mailer
                .render(&Request::new("Generic", "a@b.test").payload(json!({ "code": "7" })))
                .await
        ),
        "7"
    );
}

#[tokio::test]
async fn a_component_finds_no_environment_arguments_input_files_or_time() {
    assert!(std::env::vars_os().next().is_some() && std::env::args_os().next().is_some());
    let configuration = configuration(587).to_string();
    for guest in [Guest::ReadsEnvironment, Guest::ReadsFiles, Guest::ReadsClock] {
        let (_engine, connector) = load(guest, Limits::default()).await;
        let began = Instant::now();
        let mut told = Vec::new();
        for _ in 0..2 {
            let check = connector.check(&configuration, &local()).await.expect("the check works");
            assert!(check.diagnostics.iter().all(|found| found.code != "found"), "{check:?}");
            assert!(check.is_ok());
            told.push(check.diagnostics);
        }
        // A component that sleeps for an hour is told that it has, and has not.
        assert!(began.elapsed() < Duration::from_secs(60), "{guest:?}");
        assert_eq!(told[0], told[1], "{guest:?}: the same input gives the same output");
    }
}

#[tokio::test]
async fn a_program_is_bounded_and_nobody_but_its_component_opens_it() {
    let (_engine, connector) = load(Guest::Programs, Limits::default()).await;
    let error = connector.check(&marked(587, "program-of-24-mib").to_string(), &local()).await;
    let error = error.expect_err("it is too large").to_string();
    assert!(
        [
            "the component's `check` makes a program of more than 16384 KiB",
            "the component's `check` returns more than 24 MiB",
        ]
        .contains(&error.as_str()),
        "{error}"
    );
    let garbage = mailer(&connector, &marked(587, "program-of-garbage")).await;
    let error = garbage.render(&sign_in("1")).await.expect_err("it cannot open it").to_string();
    assert!(error.starts_with("the component breaks the contract: it cannot open"), "{error}");
    for _ in 0..3 {
        // It has no memory of the checks before: each program is as small as the first.
        let grows = marked(587, "program-that-grows").to_string();
        assert!(connector.check(&grows, &local()).await.expect("the check works").is_ok());
    }
}

#[tokio::test]
async fn a_configuration_whose_program_is_too_large_is_told_so() {
    let mut limits = Limits::default();
    limits.program_bytes = 4 << 10;
    let engine = Engine::builder().limits(limits).build().expect("this machine runs WebAssembly");
    let connector = engine.bundled().await.expect("the bundled component loads");
    let mut configuration = configuration(587);
    configuration["templates"][1]["content"] = json!(format!("{{{{code}}}}{}", "x".repeat(8192)));
    let check = connector.check(&configuration.to_string(), &local()).await;
    let found = check.expect("the check works").diagnostics;
    let message = "checking this configuration makes a program of more than 4 KiB";
    assert_eq!((found[0].code.as_str(), found[0].message.as_str()), ("too-complex", message));
}

#[tokio::test]
async fn a_plan_that_leads_elsewhere_is_refused_before_any_connection() {
    let (_engine, connector) = load(Guest::Redirects, Limits::default()).await;
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener.set_nonblocking(true).expect("a listener can be made non-blocking");
    let port = listener.local_addr().expect("a bound listener has an address").port();
    let rows = [
        ("redirect-host", "server", "attacker.example"),
        ("redirect-port", "server", "127.0.0.1"),
        ("redirect-proxy", "proxy", "attacker.example"),
        ("misdirect-proxy", "proxy", "proxy.example"),
        ("redirect-token-endpoint", "token endpoint", "another URL"),
    ];
    for (marker, what, target) in rows {
        // The component turns the lowest bit of the port over: this leads to the listener.
        let named = if marker == "redirect-port" { port ^ 1 } else { port };
        let proxy = json!({ "proxy": "socks5://proxy.example" });
        let hostile = with(marked(named, marker), &proxy).to_string();
        let expected = format!(
            "the component's plan leads to a {what} that the configuration does not name: {target}"
        );
        let checked = connector.check(&hostile, &local()).await.expect_err("the plan is refused");
        let configured =
            connector.configure_with(&hostile, &local()).await.expect_err("the plan is refused");
        for error in [checked, configured] {
            assert_eq!(
                (error.kind(), error.to_string()),
                (ErrorKind::Component, expected.clone()),
                "{marker}"
            );
        }
    }
    let accepted = listener.accept().expect_err("nobody has connected");
    assert_eq!(accepted.kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn a_reference_is_resolved_in_a_place_of_a_secret_only() {
    const PASSWORD: &str = "correct-horse-battery";
    let (_engine, connector) = load(Guest::Steals, Limits::default()).await;
    let rows = [
        ("steal-unknown-pointer", "/auth/there-is-nothing-here"),
        ("steal-public-pointer", "/host"),
    ];
    for (marker, pointer) in rows {
        let server = catch_all(None).await;
        let mut configuration = configuration(server.address().port());
        configuration["auth"] = json!({ "user": "jo", "pass": PASSWORD });
        configuration["marker"] = json!(marker);
        let error = mailer(&connector, &configuration)
            .await
            .send(&sign_in("1"))
            .await
            .expect_err("refused");
        let expected =
            format!("the plan refers to a secret at `{pointer}`, where the configuration has none");
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::Component, expected));
        assert_eq!(server.caught(), []);
    }
}

#[tokio::test]
async fn a_stolen_reference_is_all_that_a_message_or_a_command_can_carry() {
    const PASSWORD: &str = "correct-horse-battery";
    let (_engine, connector) = load(Guest::Steals, Limits::default()).await;
    for marker in ["steal-as-ehlo-name", "none"] {
        let server = catch_all(Some(("jo", PASSWORD))).await;
        let mut configuration = configuration(server.address().port());
        configuration["auth"] = json!({ "user": "jo", "pass": PASSWORD });
        configuration["marker"] = json!(marker);
        let sent = mailer(&connector, &configuration).await.send(&sign_in("1")).await;
        sent.unwrap_or_else(|error| panic!("{marker}: {error}"));
        let caught = timeout(PATIENCE, server.next()).await.expect("the message arrives");
        assert_eq!(caught.authenticated_as.as_deref(), Some("jo"));
        assert!(!contains(&caught.bytes, PASSWORD), "{marker}");
        assert_eq!(caught.parse().field("Subject"), Some("secret:/auth/pass"), "{marker}");
    }
}

#[tokio::test]
async fn nothing_that_a_component_returns_adds_a_command_a_field_or_a_recipient() {
    let (_engine, connector) = load(Guest::Injects, Limits::default()).await;
    let server = catch_all(None).await;
    let mailer = mailer(&connector, &configuration(server.address().port())).await;
    let rows = [
        ("inject-subject", ErrorKind::Message, "the value of `subject` holds a line break or NUL"),
        (
            "inject-header-name",
            ErrorKind::Message,
            "the name of a header field is not printable US-ASCII",
        ),
        ("inject-header-value", ErrorKind::Message, "the value of `X-A` holds a line break or NUL"),
        (
            "inject-reserved-header",
            ErrorKind::Message,
            "the header field `Bcc` cannot be set by a component",
        ),
        (
            "inject-display-name",
            ErrorKind::Message,
            "the display name in `from` holds a control character",
        ),
        ("inject-sender", ErrorKind::Address, "`from`"),
        ("inject-reply-to", ErrorKind::Address, "`replyTo`"),
    ];
    for (marker, kind, message) in rows {
        for error in [
            mailer.render(&payload(marker)).await.map(drop).expect_err("refused"),
            mailer.send(&payload(marker)).await.map(drop).expect_err("refused"),
        ] {
            assert_eq!(error.kind(), kind, "{marker}: {error}");
            assert!(error.to_string().contains(message), "{marker}: {error}");
        }
    }
    assert_eq!(server.caught(), []);
    mailer.send(&payload("inject-body")).await.expect("a body may hold any text");
    let caught = timeout(PATIENCE, server.next()).await.expect("the message arrives");
    assert_eq!(caught.envelope.forward_paths, ["user@example.com"]);
    assert_eq!(caught.parse().field("To"), Some("user@example.com"));
    assert_eq!(server.caught().len(), 1);
}

#[tokio::test(flavor = "current_thread")]
async fn a_spinning_component_leaves_the_runtime_to_others() {
    let (engine, connector) = load(Guest::Spins, tight()).await;
    let mailer = mailer(&connector, &configuration(587)).await;
    let bystander = engine.bundled().await.expect("the bundled component loads");
    let bystander = self::mailer(&bystander, &configuration(587)).await;
    let ticks = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&ticks);
    let ticking = tokio::spawn(async move {
        let mut clock = tokio::time::interval(Duration::from_millis(10));
        loop {
            clock.tick().await;
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    let request = payload("misbehave-in-compose");
    let code = sign_in("482913");
    let (spun, rendered) = tokio::join!(mailer.render(&request), bystander.render(&code));
    assert_eq!(
        spun.expect_err("it spins").to_string(),
        "the component's `compose` takes longer than 300ms"
    );
    assert_eq!(text(&rendered), "482913");
    ticking.abort();
    // Thirty ticks fit; a runtime that is blocked has one at most.
    assert!(ticks.load(Ordering::Relaxed) >= 5, "{ticks:?} ticks");
}

#[tokio::test]
async fn a_call_that_is_dropped_half_way_leaves_the_next_one_correct() {
    let mut limits = tight();
    limits.time = PATIENCE;
    let (_engine, connector) = load(Guest::Spins, limits).await;
    let mailer = mailer(&connector, &configuration(587)).await;
    for round in 0..5 {
        let hostile = payload("misbehave-in-compose");
        let dropped = timeout(Duration::from_millis(30), mailer.render(&hostile)).await;
        assert!(dropped.is_err(), "it spins");
        let code = round.to_string();
        assert_eq!(
            text(&mailer.render(&sign_in(&code)).await),
            json!({ "code": code }).to_string()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_renders_never_mix_their_messages() {
    let mailer = Arc::new(mailer(&bundled().await, &configuration(587)).await);
    let renders: Vec<_> = (0..50)
        .map(|number| {
            let mailer = Arc::clone(&mailer);
            tokio::spawn(async move {
                let to = format!("user{number}@example.com");
                let request = Request::new("SignIn", to.as_str())
                    .payload(json!({ "code": number.to_string() }));
                let rendered = mailer.render(&request).await.expect("it renders");
                assert_eq!(rendered.message.to.address, to);
                assert_eq!(rendered.message.text, Some(number.to_string()));
            })
        })
        .collect();
    for render in renders {
        render.await.expect("the render is right");
    }
}

/// A configuration with a marker for a test component.
fn marked(port: u16, marker: &str) -> Value {
    let mut configuration = configuration(port);
    configuration["marker"] = json!(marker);
    configuration["auth"] = json!({ "user": "jo", "pass": "correct-horse-battery" });
    configuration
}

/// A request whose payload is a marker for a test component.
fn payload(marker: &str) -> Request {
    Request::new("SignIn", "user@example.com").payload(json!({ "marker": marker }))
}

/// The text of a rendered message, or the error.
fn text(rendered: &Result<smtp_connector::Rendered, Error>) -> String {
    match rendered {
        Ok(rendered) => rendered.message.text.clone().unwrap_or_default(),
        Err(error) => format!("{error:?}"),
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

async fn catch_all(credentials: Option<(&str, &str)>) -> CatchAll {
    let options = catch_all::Options::default();
    let options = match credentials {
        Some((user, password)) => options
            .security(Security::Starttls)
            .credentials(catch_all::Credentials::new(user, password)),
        None => options.security(Security::Plaintext),
    };
    CatchAll::start(options).await.expect("loopback has a free port")
}

#[track_caller]
fn check_misbehaved(error: &Error, guest: Guest, call: &str, message: &str) {
    assert_eq!(error.kind(), ErrorKind::Component, "{guest:?}: {error}");
    let expected = format!("the component's `{call}` {message}");
    assert!(error.to_string().starts_with(&expected), "{guest:?}: {error}");
    assert!(!error.is_transient() && !error.is_ambiguous() && error.stage().is_none(), "{error:?}");
}

/// Other tenants on the same engine are as well as ever.
async fn check_others_work(engine: &Engine) {
    let connector = engine.bundled().await.expect("the bundled component loads");
    let mailer = mailer(&connector, &configuration(587)).await;
    assert_eq!(text(&mailer.render(&sign_in("482913")).await), "482913");
}
