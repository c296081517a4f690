//! Scenarios 67 to 74 of the reference on addresses, and what the leniency must not allow.

mod properties;

use std::time::{Duration, Instant};

use super::*;

fn read(text: &str) -> Vec<(Option<String>, String)> {
    list(text).expect(text).into_iter().map(|mailbox| (mailbox.name, mailbox.address)).collect()
}

#[test]
fn mailboxes_are_read_leniently() {
    let cases: &[(&str, &[(&str, &str)])] = &[
        ("", &[]),
        (" \t\r\n", &[]),
        (",,;,", &[]),
        ("a@b.com, Name <c@d.com>", &[("", "a@b.com"), ("Name", "c@d.com")]),
        ("a@b.com; c@d.com", &[("", "a@b.com"), ("", "c@d.com")]),
        ("\"quoted; name\" <a@b.com>", &[("quoted; name", "a@b.com")]),
        ("\"a \\\" b\" <a@b.com>", &[("a \" b", "a@b.com")]),
        ("Joe Foo, PhD <joe@e>", &[("Joe Foo, PhD", "joe@e")]),
        ("A, B, C <d@e>", &[("A, B, C", "d@e")]),
        ("Mr. X.Y. Zed <z@e>", &[("Mr. X.Y. Zed", "z@e")]),
        ("Joe joe@e", &[("Joe", "joe@e")]),
        ("joe@e (Joe (the) Foo)", &[("Joe the Foo", "joe@e")]),
        ("joe(x)@e", &[("x", "joe@e")]),
        ("Support (Billing) <care@e>", &[("Support (Billing)", "care@e")]),
        ("A (b) C <d@e> (f)", &[("A (b) C (f)", "d@e")]),
        ("(a), (b) C <d@e>", &[("(a), (b) C", "d@e")]),
        ("<joe@e> (Joe) (Foo)", &[("Joe Foo", "joe@e")]),
        ("Acme: Support <care@e>", &[("Acme: Support", "care@e")]),
        ("A, B: C: D <e@f>, g@h", &[("A, B: C: D", "e@f"), ("", "g@h")]),
        ("Acme: care@e", &[("Acme", "care@e")]),
        ("mailto:care@e", &[("", "care@e")]),
        ("A: b@c; D: E <f@g>", &[("", "b@c"), ("D: E", "f@g")]),
        ("Team: a@b, Name <c@d>;", &[("", "a@b"), ("Name", "c@d")]),
        ("Empty:;", &[]),
        ("A: B: a@b;; c@d", &[("", "a@b"), ("", "c@d")]),
        ("a@[IPv6:2001:db8::1], b@c", &[("", "a@[IPv6:2001:db8::1]"), ("", "b@c")]),
        ("\"xx@attacker.com xx\"@internal.com", &[("", "\"xx@attacker.com xx\"@internal.com")]),
        ("\"a\\\"@x.com\\\\\"@internal.com", &[("", "\"a\\\"@x.com\\\\\"@internal.com")]),
        ("\"x@evil.com\" <a@b>", &[("x@evil.com", "a@b")]),
        ("us..er@e", &[("", "\"us..er\"@e")]),
        ("Zoë Müller <zoë@müller.example>", &[("Zoë Müller", "zoë@müller.example")]),
    ];
    for (text, expected) in cases {
        let expected: Vec<_> = expected
            .iter()
            .map(|(name, address)| {
                ((!name.is_empty()).then(|| (*name).to_owned()), (*address).to_owned())
            })
            .collect();
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn what_cannot_be_a_mailbox_is_refused() {
    for (text, problem) in [
        (
            "noreply@ex.com <My App>",
            "the address stands outside the angle brackets and the name inside",
        ),
        ("My App", "an address without `@`, write `name@example.com`"),
        ("SomeName, joe@e", "an address without `@`, write `name@example.com`"),
        ("<>", "an address without `@`, write `name@example.com`"),
        ("a@b c@d", "two addresses stand side by side, put a comma between them"),
        ("A <a@b> <c@d>", "one mailbox has two addresses"),
        ("\"a <a@b>", "a quote is never closed"),
        ("a (b", "a comment is never closed"),
        ("a <b@c", "an angle bracket is never closed"),
        ("a@[IPv6:1, b@c", "an address literal is never closed"),
        ("<\"a>b\"@c>", "an address holds an angle bracket"),
        ("a@b\r\nRCPT TO:<x@y>", "a mailbox holds a line break or a control character"),
        ("a@b: c@d;", "a colon follows an address"),
        ("Acme:", "no mailbox follows the colon"),
        ("a@b>", "`>` closes what was never opened"),
        ("\"a@b.com\"", "what follows the `@` is no domain"),
    ] {
        assert_eq!(list(text), Err(problem.to_owned()), "{text}");
    }
    assert_eq!(one("a@b, c@d"), Err("expected one mailbox, found 2".to_owned()));
    assert_eq!(one(" "), Err("expected a mailbox, found none".to_owned()));
}

#[test]
fn hostile_lists_take_linear_time() {
    let started = Instant::now();
    for text in [
        "a,".repeat(200_000) + "b <c@d>",
        "@".repeat(400_000),
        "G:".repeat(200_000),
        "(".repeat(400_000),
        "a@b,".repeat(100_000),
        "a ".repeat(200_000) + "@b",
        "\"\\".repeat(200_000),
        "<".repeat(400_000),
    ] {
        let _ = list(&text);
    }
    assert!(started.elapsed() < Duration::from_secs(20), "took {:?}", started.elapsed());
}
