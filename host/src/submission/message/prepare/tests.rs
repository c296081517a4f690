//! Whole mails: their exact lines, and what a reader gets back from them.

use super::reader::Mail;
use super::*;

fn message() -> Message {
    Message {
        from: mailbox("Acme", "noreply@acme.test"),
        reply_to: Vec::new(),
        to: Mailbox { name: None, address: "user@mail.test".into() },
        subject: "Your code".into(),
        text: Some("123456".into()),
        html: None,
        headers: Vec::new(),
    }
}

fn mailbox(name: &str, address: &str) -> Mailbox {
    Mailbox { name: Some(name.into()), address: address.into() }
}

fn prepared(message: &Message) -> Prepared {
    prepare(message, None).unwrap_or_else(|error| panic!("{error}"))
}

fn text_of(prepared: &Prepared) -> &str {
    std::str::from_utf8(&prepared.bytes).expect("the mail is UTF-8")
}

/// The lines of the mail without those that differ each time.
fn stable_lines(prepared: &Prepared) -> Vec<&str> {
    text_of(prepared)
        .split_terminator("\r\n")
        .filter(|line| !line.starts_with("Date: ") && !line.starts_with("Message-ID: "))
        .collect()
}

#[test]
fn a_short_text_goes_as_it_is() {
    let prepared = prepared(&message());
    assert_eq!(
        stable_lines(&prepared),
        [
            "From: Acme <noreply@acme.test>",
            "To: user@mail.test",
            "Subject: Your code",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: 7bit",
            "",
            "123456",
        ]
    );
    assert_eq!(prepared.envelope.reverse_path, "noreply@acme.test");
    assert_eq!(prepared.envelope.forward_paths, ["user@mail.test"]);
}

#[test]
fn the_message_id_is_unguessable_and_in_the_domain_of_the_author() {
    let mut message = message();
    message.from.address = "noreply@Bücher.example".into();
    let (first, second) = (prepared(&message), prepared(&message));
    assert_ne!(first.message_id, second.message_id);
    let random = first
        .message_id
        .strip_prefix('<')
        .and_then(|id| id.strip_suffix("@xn--bcher-kva.example>"));
    assert!(
        random.is_some_and(
            |random| random.len() == 32 && random.bytes().all(|b| b.is_ascii_hexdigit())
        )
    );
    assert_eq!(Mail::read(&first.bytes).values("Message-ID"), [first.message_id]);
}

#[test]
fn the_date_is_in_universal_time() {
    let prepared = prepared(&message());
    let [date] = &Mail::read(&prepared.bytes).values("Date")[..] else { panic!("one date") };
    // Such as `Mon, 23 Nov 2026 05:56:54 +0000`.
    assert_eq!((date.len(), &date[3..5], &date[25..]), (31, ", ", " +0000"));
}

#[test]
fn custom_fields_keep_repetition_case_and_order() {
    let mut message = message();
    let fields = [
        ("x-UPPER", "one"),
        ("X-Tag", "a"),
        ("List-Unsubscribe", "<https://a.test/?u=1>"),
        ("x-tag", "b"),
    ];
    message.headers = fields.map(|(name, value)| (name.into(), value.into())).into();
    let prepared = prepared(&message);
    let lines = stable_lines(&prepared);
    assert_eq!(
        lines[4..8],
        ["x-UPPER: one", "X-Tag: a", "List-Unsubscribe: <https://a.test/?u=1>", "x-tag: b"]
    );
}

#[test]
fn auto_submitted_can_be_set() {
    let mut message = message();
    message.headers = vec![("auto-submitted".into(), "no".into())];
    assert_eq!(Mail::read(&prepared(&message).bytes).values("Auto-Submitted"), ["no"]);
}

#[test]
fn reply_to_lists_every_mailbox() {
    let mut message = message();
    message.reply_to =
        vec![mailbox("Support, Acme", "help@acme.test"), mailbox("Jörg", "j@bücher.example")];
    let prepared = prepared(&message);
    assert_eq!(
        stable_lines(&prepared)[1..3],
        [
            "Reply-To: \"Support, Acme\" <help@acme.test>, =?utf-8?B?SsO2cmc=?=",
            " <j@xn--bcher-kva.example>"
        ]
    );
}

#[test]
fn a_local_part_in_utf_8_is_the_only_thing_that_is_not_ascii() {
    let mut message = message();
    message.subject = "Größe".into();
    message.to = mailbox("Jörg", "jörg@bücher.example");
    let prepared = prepared(&message);
    assert_eq!(prepared.envelope.forward_paths, ["jörg@bücher.example"]);
    let lines: Vec<_> = text_of(&prepared).lines().filter(|line| !line.is_ascii()).collect();
    assert_eq!(lines, ["To: =?utf-8?B?SsO2cmc=?= <jörg@bücher.example>"]);
}

#[test]
fn text_and_html_are_alternatives_with_the_text_first() {
    let mut message = message();
    message.html = Some("<p>Größe</p>\n".into());
    let prepared = prepared(&message);
    let mail = Mail::read(&prepared.bytes);
    let parts = mail.parts();
    let kinds: Vec<_> = parts.iter().map(|part| part.values("Content-Type").concat()).collect();
    assert_eq!(kinds, ["text/plain; charset=utf-8", "text/html; charset=utf-8"]);
    assert_eq!(parts[0].content(), "123456");
    assert_eq!(parts[1].content(), "<p>Größe</p>\r\n");
    assert!(mail.values("Content-Type")[0].starts_with("multipart/alternative; boundary=\""));
}

#[test]
fn line_ends_become_crlf_and_none_is_added_beyond_the_last() {
    for (text, content) in [
        ("", ""),
        ("a", "a\r\n"),
        ("a\n", "a\r\n"),
        ("a\rb", "a\r\nb\r\n"),
        ("a\r\r\nb\n\rc\r\n", "a\r\n\r\nb\r\n\r\nc\r\n"),
        ("a\r.\r\nb\n.\rc", "a\r\n.\r\nb\r\n.\r\nc\r\n"),
        ("é\rb\n", "é\r\nb\r\n"),
    ] {
        let prepared = prepared(&Message { text: Some(text.into()), ..message() });
        assert_eq!(Mail::read(&prepared.bytes).content(), content, "{text:?}");
    }
}

#[test]
fn the_transfer_encoding_fits_the_content() {
    for (text, encoding) in [
        ("short", "7bit"),
        ("--boundary\nFrom me\n.\n..", "7bit"),
        (&"long ".repeat(16), "quoted-printable"),
        ("a bell\u{7}", "quoted-printable"),
        ("Your code: 1234 – valid for ten minutes", "quoted-printable"),
        ("验证码：123456", "base64"),
    ] {
        let prepared = prepared(&Message { text: Some(text.into()), ..message() });
        let mail = Mail::read(&prepared.bytes);
        assert_eq!(mail.values("Content-Transfer-Encoding"), [encoding], "{text:?}");
        assert_eq!(mail.content().trim_end(), text.replace('\n', "\r\n").trim_end());
    }
}

#[test]
fn reserved_and_malformed_fields_are_refused() {
    let reserved = "cannot be set by a component";
    let malformed = "is not printable US-ASCII without colon and blank";
    let broken = "holds a line break or NUL";
    for (name, value, reason) in [
        ("From", "a@b.test", reserved),
        ("SENDER", "a@b.test", reserved),
        ("reply-to", "a@b.test", reserved),
        ("To", "a@b.test", reserved),
        ("cc", "a@b.test", reserved),
        ("Bcc", "a@b.test", reserved),
        ("Subject", "x", reserved),
        ("Date", "x", reserved),
        ("Message-Id", "<x@y>", reserved),
        ("MIME-Version", "1.0", reserved),
        ("Content-Type", "text/html", reserved),
        ("content-anything", "x", reserved),
        ("Resent-From", "a@b.test", reserved),
        ("Received", "x", reserved),
        ("Return-Path", "<a@b.test>", reserved),
        ("DKIM-Signature", "v=1", reserved),
        ("", "x", malformed),
        ("X Y", "x", malformed),
        ("X:Y", "x", malformed),
        ("X\r\nBcc", "x", malformed),
        ("X\t", "x", malformed),
        ("X\0", "x", malformed),
        ("X\u{7f}", "x", malformed),
        ("Ünïcode", "x", malformed),
        (&"X".repeat(77), "x", "is longer than 76 octets"),
        ("X-A", "a\r\nBcc: b@c.test", broken),
        ("X-A", "a\n b", broken),
        ("X-A", "a\rb", broken),
        ("X-A", "\0", broken),
    ] {
        let error =
            prepare(&Message { headers: vec![(name.into(), value.into())], ..message() }, None)
                .err()
                .unwrap_or_else(|| panic!("{name:?}: {value:?} is accepted"));
        assert_eq!(error.kind(), ErrorKind::Message);
        assert!(error.to_string().ends_with(reason), "{name:?}: {error}");
    }
}

#[test]
fn unusable_messages_are_refused() {
    type Case = (&'static str, ErrorKind, fn(&mut Message));
    let cases: [Case; 10] = [
        ("the message has neither text nor HTML", ErrorKind::Message, |m| m.text = None),
        ("the content holds NUL", ErrorKind::Message, |m| m.text = Some("a\0b".into())),
        ("the content holds NUL", ErrorKind::Message, |m| m.html = Some("\0".into())),
        ("the value of `subject` holds a line break or NUL", ErrorKind::Message, |m| {
            m.subject = "a\r\nBcc: b@c.test".into();
        }),
        ("the display name in `from` holds a control character", ErrorKind::Message, |m| {
            m.from.name = Some("a\nb".into());
        }),
        ("the display name in `replyTo` holds a control character", ErrorKind::Message, |m| {
            m.reply_to = vec![mailbox("\u{1b}[31m", "a@b.test")];
        }),
        ("`replyTo` holds no usable address: it has no `@`", ErrorKind::Address, |m| {
            m.reply_to = vec![mailbox("x", "root")];
        }),
        ("`from` holds no usable address: it has an angle bracket", ErrorKind::Address, |m| {
            m.from.address = "<a@b.test>".into();
        }),
        ("the message is larger than 26214400 octets", ErrorKind::Message, |m| {
            m.text = Some("a".repeat(MAX_MESSAGE + 1));
        }),
        ("the message is larger than 26214400 octets", ErrorKind::Message, |m| {
            m.html = Some("é".repeat(MAX_MESSAGE / 2 - 1));
        }),
    ];
    for (text, kind, spoil) in cases {
        let mut message = message();
        spoil(&mut message);
        let error = prepare(&message, None).expect_err(text);
        assert_eq!((error.to_string().as_str(), error.kind()), (text, kind));
    }
}

/// Words that have broken mail programs, with which every place of a message is filled in turn.
const NASTY: [&str; 36] = [
    "",
    " ",
    "\t",
    "  ",
    "a",
    "word",
    ",",
    ";",
    "\"",
    "\\",
    "(",
    "<",
    ">",
    "@",
    ":",
    ".",
    "\n.\n",
    "\r",
    "\n",
    "\r\n",
    "\n\n",
    "\0",
    "\u{1b}",
    "\u{7f}",
    "\u{85}",
    "\u{2028}",
    "é",
    "😀",
    "👩‍👩‍👧",
    "مرحبا",
    "\u{202e}",
    "=?utf-8?B?YQ==?=",
    "?=",
    "\n--boundary\n",
    "\nFrom me",
    "\r\nBcc: x@y.test",
];

#[test]
fn nothing_injects_and_nothing_is_lost_whatever_the_words() {
    let long = "w".repeat(2000);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |bound: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % bound as u64).expect("below the bound")
    };
    let mut nasty = |words: usize| -> String {
        (0..next(words))
            .map(|_| match next(NASTY.len() * 2) {
                index @ 0..36 => NASTY[index],
                36 => &long,
                37..48 => " ",
                _ => "plain",
            })
            .collect()
    };
    let mut accepted = 0;
    for _ in 0..20_000 {
        let tame = |words: String| words.replace(['\r', '\n', '\0'], "");
        let message = Message {
            from: mailbox(&nasty(4), "a@b.test"),
            reply_to: vec![mailbox(&nasty(3), "c@d.test")],
            subject: tame(nasty(12)),
            text: Some(nasty(30).replace('\0', "")),
            html: Some(nasty(30).replace('\0', "")),
            headers: vec![("X-A".into(), tame(nasty(12))), ("X-A".into(), nasty(2))],
            ..message()
        };
        let Ok(prepared) = prepare(&message, None) else { continue };
        accepted += 1;
        assert_faithful(&message, &prepared);
    }
    assert!(accepted > 5_000, "only {accepted} messages were accepted");
}

/// Asserts that the mail has exactly the fields and parts of the message, and that a reader gets
/// their values back.
fn assert_faithful(message: &Message, prepared: &Prepared) {
    let text = text_of(prepared);
    assert!(text.is_ascii() && text.ends_with("\r\n"));
    for line in text.split_terminator("\r\n") {
        assert!(line.len() <= 998 && !line.contains(['\r', '\n', '\0']), "{line:?}");
    }
    let mail = Mail::read(&prepared.bytes);
    let names: Vec<_> = mail.fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "Date",
            "From",
            "Reply-To",
            "To",
            "Subject",
            "Message-ID",
            "Auto-Submitted",
            "X-A",
            "X-A",
            "MIME-Version",
            "Content-Type"
        ]
    );
    let trimmed = |value: &str| value.trim_matches([' ', '\t']).to_owned();
    assert_eq!(mail.values("Subject"), [trimmed(&message.subject)]);
    assert_eq!(
        mail.values("X-A"),
        message.headers.iter().map(|(_, v)| trimmed(v)).collect::<Vec<_>>()
    );
    for (field, mailbox) in [("From", &message.from), ("Reply-To", &message.reply_to[0])] {
        assert_eq!(mail.display_name(field), mailbox.name.as_deref().unwrap_or_default().trim());
    }
    let contents: Vec<_> = mail.parts().iter().map(Mail::content).collect();
    let expected = [&message.text, &message.html].map(|part| {
        let part = part.as_deref().unwrap_or_default();
        part.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n")
    });
    assert_eq!(contents, expected);
}

#[test]
fn large_contents_are_encoded_without_ado() {
    for (unit, octets) in
        [("\r", 4 << 20), ("\n", 10 << 20), ("a", 10 << 20), ("é", 8 << 20), (".\r\n", 10 << 20)]
    {
        let message = Message { text: Some(unit.repeat(octets / unit.len())), ..message() };
        let content = Mail::read(&prepared(&message).bytes).content();
        let expected =
            octets / unit.len() * if unit.len() == 1 && unit != "a" { 2 } else { unit.len() };
        assert!((expected..=expected + 2).contains(&content.len()), "{unit:?}: {}", content.len());
    }
}
