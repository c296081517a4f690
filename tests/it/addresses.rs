//! Mailboxes as people write them, and addresses as servers want them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use smtp_connector::{ErrorKind, Request};
use smtp_connector_tests::peer::{Peer, Script};

use crate::helpers::command::{command, configuration};
use crate::helpers::examination::{check_one_error, errors};
use crate::helpers::rendering::{fields, rendered};
use crate::helpers::session::mailer;
use crate::helpers::tenant::{self, with};

const TO: &str = "user@example.com";

#[tokio::test]
async fn lists_of_mailboxes_are_read_as_people_write_them() {
    for (text, written) in [
        ("a@b.com, Name <c@d.com>", "a@b.com, Name <c@d.com>"),
        ("a@b.com; c@d.com", "a@b.com, c@d.com"),
        ("\"quoted; name\" <a@b.com>", "\"quoted; name\" <a@b.com>"),
        ("Joe Foo, PhD <joe@e.com>", "\"Joe Foo, PhD\" <joe@e.com>"),
        ("A, B, C <d@e.com>", "\"A, B, C\" <d@e.com>"),
        ("Team: a@b.com, Name <c@d.com>;", "a@b.com, Name <c@d.com>"),
        ("A: B: a@b.com;; c@d.com", "a@b.com, c@d.com"),
        ("a@[IPv6:2001:db8::1], b@c.com", "a@[IPv6:2001:db8::1], b@c.com"),
        ("joe@e.com (Joe (the) Foo)", "Joe the Foo <joe@e.com>"),
        ("joe(x)@e.com", "x <joe@e.com>"),
        ("\t a@b.com ,, ;", "a@b.com"),
    ] {
        let mail = rendered(&json!({ "replyTo": text }), TO).await.expect(text);
        assert_eq!(fields(&mail, "Reply-To"), [written], "{text}");
    }
    for nothing in ["", " \t", ",;,", "Empty:;", "A: B: C:;;;"] {
        let mail = rendered(&json!({ "replyTo": nothing }), TO).await.expect(nothing);
        assert_eq!(fields(&mail, "Reply-To"), [""; 0], "{nothing}");
    }
}

/// nodemailer drops what is no address, closes what is open at the end of the text or at a guess,
/// and quotes all before the last `@`; here the check refuses the whole.
#[tokio::test]
async fn what_is_no_list_of_mailboxes_is_refused_by_the_check() {
    for text in [
        "SomeName, joe@e.com",
        "My App",
        "root",
        "<>",
        "noreply@ex.com <My App>",
        "\"open <a@b.com>",
        "a@b.com (open",
        "Open <a@b.com",
        "a@[IPv6:1, b@c.com",
        "a@b.com>",
        "a@b.com c@d.com",
        "user@evil.com@good.com",
    ] {
        for key in ["fromEmail", "replyTo"] {
            check_one_error(
                &errors(&json!({ key: text })).await,
                "invalid-address",
                &format!("/{key}"),
                text,
            );
        }
    }
}

#[tokio::test]
async fn no_address_is_taken_out_of_a_name() {
    for (text, written) in [
        ("\"xx@attacker.com xx\"@internal.com", "<\"xx@attacker.com xx\"@internal.com>"),
        ("\"a\\\"@x.com\\\\\"@internal.com", "<\"a\\\"@x.com\\\\\"@internal.com>"),
        ("\"eve@evil.com\" <a@b.com>", "\"eve@evil.com\" <a@b.com>"),
        ("\"Eve <eve@evil.com>\" <a@b.com>", "\"Eve <eve@evil.com>\" <a@b.com>"),
    ] {
        let mail = rendered(&json!({ "replyTo": text, "fromEmail": text }), TO).await.expect(text);
        assert_eq!(
            (fields(&mail, "From"), fields(&mail, "Reply-To")),
            (vec![written.into()], vec![written.into()])
        );
        let address = written.rsplit_once('<').map(|(_, rest)| rest.trim_end_matches('>'));
        assert_eq!(Some(mail.envelope().reverse_path.as_str()), address, "{text}");
    }
}

/// Header and envelope agree. With a local part beyond ASCII the domain stays so, for SMTPUTF8 is
/// needed anyway.
#[tokio::test]
async fn domains_are_those_of_the_dns_unless_the_local_part_is_beyond_ascii() {
    for (text, written) in [
        ("user@Bücher.Example", "user@xn--bcher-kva.example"),
        ("User@EXAMPLE.com", "User@example.com"),
        ("user@xn--bcher-kva.example", "user@xn--bcher-kva.example"),
        ("user@xn--a-ecp.example", "user@xn--a-ecp.example"),
        ("jörg@Bücher.example", "jörg@bücher.example"),
        ("jörg@xn--bcher-kva.example", "jörg@bücher.example"),
    ] {
        let mail =
            rendered(&json!({ "fromEmail": text, "replyTo": text }), text).await.expect(text);
        for name in ["From", "Reply-To", "To"] {
            assert_eq!(fields(&mail, name), [written], "{text}");
        }
        let envelope = mail.envelope();
        assert_eq!(
            (envelope.reverse_path.as_str(), &envelope.forward_paths[..]),
            (written, &[written.into()][..])
        );
    }
}

#[tokio::test]
async fn local_parts_are_quoted_where_they_must_be_and_only_there() {
    for (text, written) in [
        ("\"user@evil.com\"@good.com", "\"user@evil.com\"@good.com"),
        (".user@good.com", "\".user\"@good.com"),
        ("user.@good.com", "\"user.\"@good.com"),
        ("us..er@good.com", "\"us..er\"@good.com"),
        ("o'brien+tag@good.com", "o'brien+tag@good.com"),
    ] {
        let first = rendered(&json!({ "fromEmail": text }), text).await.expect(text);
        let again = rendered(&json!({ "fromEmail": written }), written).await.expect(written);
        let in_header =
            if written.starts_with('"') { format!("<{written}>") } else { written.to_owned() };
        for mail in [first, again] {
            assert_eq!(
                (fields(&mail, "To"), fields(&mail, "From")),
                (vec![in_header.clone()], vec![in_header.clone()])
            );
            let envelope = mail.envelope();
            assert_eq!(
                (&envelope.reverse_path, &envelope.forward_paths[0]),
                (&written.into(), &written.into())
            );
        }
    }
}

#[tokio::test]
async fn hostile_mailboxes_take_bounded_time() {
    let started = Instant::now();
    for text in [
        "\"".to_owned(),
        "(".repeat(3000),
        "<".repeat(100_000),
        "@".repeat(100_000),
        ",".repeat(100_000),
        "\"\\".repeat(100_000),
        "a,".repeat(100_000),
        "\"".repeat(100_001) + " <a@b.com>",
        "a@b.com\r\nRCPT TO:<c@d.com>".to_owned(),
        format!("{}@example.com", "l".repeat(100_000)),
        format!("a@{}", "d".repeat(100_000)),
        format!("a@{}com", "d.".repeat(100_000)),
        format!("{}a@b.com{}", "G:".repeat(10_000), ";".repeat(10_000)),
    ] {
        let error = rendered(&json!({}), &text).await.expect_err("no mailbox");
        assert_eq!(error.kind(), ErrorKind::Address, "{}", &text[..text.len().min(40)]);
    }
    assert!(started.elapsed() < Duration::from_secs(20), "took {:?}", started.elapsed());
}

/// Other readers find an address in each of these, and another one than a look at the text shows.
#[tokio::test]
async fn a_recipient_that_deceives_is_refused_by_every_way_before_anything_is_dialled() {
    let deceits = [
        "user<other@evil.example>@example.com",
        "user@example.com\u{a0}<other@evil.example>",
        "user@example.com\u{2003}<other@evil.example>",
        "RCPT TO:<other@evil.example>",
        "other@evil.example (user@example.com)",
        "jo @example.com",
    ];
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener.set_nonblocking(true).expect("a listener can be made non-blocking");
    let port = listener.local_addr().expect("it is bound").port();
    let strict = mailer(port, &json!({})).await;
    for to in deceits {
        let request = Request::new("SignIn", to);
        let outcomes = [
            strict.compose(&request).await.map(drop),
            strict.render(&request).await.map(drop),
            strict.send(&request).await.map(drop),
            strict.verify(Some(to)).await.map(drop),
        ];
        for outcome in outcomes {
            let error = outcome.expect_err(to);
            assert_eq!((error.kind(), error.stage()), (ErrorKind::Address, None), "{to}: {error}");
            let message = error.to_string();
            assert!(message.starts_with("`to` holds no usable address: "), "{message}");
            assert!(message.contains(" at character "), "{message}");
            assert!(error.hint().is_some_and(|hint| hint.contains("Jo Doe <user@example.com>")));
        }
    }
    let requests: String =
        deceits.map(|to| json!({ "to": to, "type": "SignIn" }).to_string() + "\n").concat();
    let outcome = command(["batch", "config.json", "requests.ndjson"])
        .file("config.json", configuration(port, &json!({})).to_string())
        .file("requests.ndjson", requests)
        .run()
        .await;
    assert_eq!(outcome.code, Some(65), "{outcome:#?}");
    for line in outcome.stdout.lines() {
        let line: Value = serde_json::from_str(line).expect("a result line is JSON");
        assert_eq!(
            (&line["status"], &line["error"]["kind"]),
            (&json!("refused"), &json!("address")),
            "{line:#}"
        );
    }
    assert_eq!(outcome.stdout.lines().count(), deceits.len());
    let accepted = listener.accept().expect_err("nobody has connected");
    assert_eq!(accepted.kind(), std::io::ErrorKind::WouldBlock);
}

/// nodemailer sends to custom `Cc` and `Bcc` as well, and lets a message bring an envelope of its
/// own; here the one recipient is that of the request.
#[tokio::test]
async fn nothing_but_the_request_names_a_recipient() {
    let others = json!({ "To": "eve@evil.test", "Cc": "eve@evil.test", "Bcc": ["eve@evil.test"] });
    let members = json!({
        "customHeaders": others,
        "envelope": { "to": ["eve@evil.test"], "from": "eve@evil.test" },
        "bcc": "eve@evil.test",
        "templates": tenant::templates("Eve <eve@evil.test>"),
    });
    let peer = Peer::start(Script::offering(&[]).takes_mail());
    let request = Request::new("SignIn", "\"eve@evil.test, x\" <user@example.com>");
    let receipt = mailer(peer.port(), &members).await.send(&request).await.expect("acceptance");
    assert_eq!(receipt.envelope.forward_paths, ["user@example.com"]);
    let sent = String::from_utf8(peer.finish().await[0].received.clone()).expect("ASCII");
    let commands = |verb: &str| {
        sent.lines().filter(|line| line.starts_with(verb)).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(commands("RCPT"), "RCPT TO:<user@example.com>");
    assert_eq!(commands("MAIL"), "MAIL FROM:<no-reply@acme.test>");
    assert_eq!(commands("To:"), "To: \"eve@evil.test, x\" <user@example.com>");
    assert_eq!(commands("Cc:") + &commands("Bcc:"), "");
    let plain = with(json!({}), &json!({ "customHeaders": { "Bcc": "eve@evil.test" } }));
    assert_eq!(errors(&plain).await, []);
}
