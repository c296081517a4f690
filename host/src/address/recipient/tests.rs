//! Recipients as callers write them, each with what is read in it or why it is refused.

use super::*;

/// What is read: the name, the local part and the domain.
type Read<'a> = (&'a str, &'a str, &'a str);

#[test]
fn an_address_or_a_name_and_an_address_is_read_exactly() {
    let long = "l".repeat(64);
    let longest = format!("{long}@example.com");
    let rows: &[(&str, Read<'_>)] = &[
        // Addresses (RFC 5321 §4.1.2).
        ("user@example.com", ("", "user", "example.com")),
        ("User.Name+tag@Example.COM", ("", "User.Name+tag", "Example.COM")),
        ("o'brien!#$%&*/=?^_`{|}~-@example.com", ("", "o'brien!#$%&*/=?^_`{|}~-", "example.com")),
        ("1@2.example", ("", "1", "2.example")),
        ("user@localhost", ("", "user", "localhost")),
        ("user@my_host.example", ("", "user", "my_host.example")),
        ("user%other.example@example.com", ("", "user%other.example", "example.com")),
        ("other.example!user@example.com", ("", "other.example!user", "example.com")),
        (&longest, ("", &long, "example.com")),
        ("user@[192.0.2.1]", ("", "user", "[192.0.2.1]")),
        ("user@[IPv6:2001:db8::1]", ("", "user", "[IPv6:2001:db8::1]")),
        // What needs quotes gets them, as some providers gave such addresses out.
        (".user@example.com", ("", "\".user\"", "example.com")),
        ("us..er@example.com", ("", "\"us..er\"", "example.com")),
        ("user.@example.com", ("", "\"user.\"", "example.com")),
        // Quoted local parts.
        ("\"two words\"@example.com", ("", "\"two words\"", "example.com")),
        ("\"a@b\"@example.com", ("", "\"a@b\"", "example.com")),
        ("\"a,b;c:d(e)\"@example.com", ("", "\"a,b;c:d(e)\"", "example.com")),
        ("\"a\\\"b\"@example.com", ("", "\"a\\\"b\"", "example.com")),
        ("\"\"@example.com", ("", "\"\"", "example.com")),
        ("\"a\\@[b\"@example.com", ("", "\"a\\@[b\"", "example.com")),
        // Beyond ASCII (RFC 6531, RFC 5890).
        ("user@bücher.example", ("", "user", "bücher.example")),
        ("user@BÜCHER。example", ("", "user", "BÜCHER。example")),
        ("user@xn--bcher-kva.example", ("", "user", "xn--bcher-kva.example")),
        ("jörg@bücher.example", ("", "jörg", "bücher.example")),
        ("用户@例え.test", ("", "用户", "例え.test")),
        ("उपयोगकर्ता@example.com", ("", "उपयोगकर्ता", "example.com")),
        // Blanks around it.
        ("  user@example.com\t", ("", "user", "example.com")),
        // Angle brackets.
        ("<user@example.com>", ("", "user", "example.com")),
        (" <user@example.com> ", ("", "user", "example.com")),
        ("Jo <user@example.com>", ("Jo", "user", "example.com")),
        ("Jo<user@example.com>", ("Jo", "user", "example.com")),
        ("Jo   Doe\t<user@example.com>", ("Jo Doe", "user", "example.com")),
        ("J. R. Doe <user@example.com>", ("J. R. Doe", "user", "example.com")),
        ("O'Brien-Doe & Co. <user@example.com>", ("O'Brien-Doe & Co.", "user", "example.com")),
        ("Jo <user@[IPv6:::1]>", ("Jo", "user", "[IPv6:::1]")),
        ("Jörg Müller <user@example.com>", ("Jörg Müller", "user", "example.com")),
        ("山田 太郎 <user@example.com>", ("山田 太郎", "user", "example.com")),
        ("=?utf-8?q?J=C3=B6?= <user@example.com>", ("=?utf-8?q?J=C3=B6?=", "user", "example.com")),
        // Names in quotes hold anything.
        ("\"Jo Doe\" <user@example.com>", ("Jo Doe", "user", "example.com")),
        ("\"Jo\"<user@example.com>", ("Jo", "user", "example.com")),
        (
            "\"Doe, Jo (PhD); x: <y>\" <user@example.com>",
            ("Doe, Jo (PhD); x: <y>", "user", "example.com"),
        ),
        ("\"eve@evil.example\" <user@example.com>", ("eve@evil.example", "user", "example.com")),
        ("\"a \\\"b\\\" \\\\\" <user@example.com>", ("a \"b\" \\", "user", "example.com")),
        ("\"山田\u{3000}太郎\" <user@example.com>", ("山田\u{3000}太郎", "user", "example.com")),
        ("Jo \"the one\" Doe <user@example.com>", ("Jo the one Doe", "user", "example.com")),
        ("\"\" <user@example.com>", ("", "user", "example.com")),
    ];
    for (text, (name, local_part, domain)) in rows {
        let mailbox = recipient("to", text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let address = format!("{local_part}@{domain}");
        let name = Some((*name).to_owned()).filter(|name| !name.is_empty());
        assert_eq!(mailbox, Mailbox { name, address }, "{text}");
    }
}

#[test]
fn anything_else_is_refused_with_its_place() {
    let many = ", other@evil.example".repeat(10_000);
    let many = format!("user@example.com{many}");
    for (text, problem) in [
        // Text in which other readers find an address.
        (
            "user<other@evil.example>@example.com",
            "`@` at character 25 stands behind the address, where nothing may",
        ),
        (
            "user@example.com\u{a0}<other@evil.example>",
            "`@` at character 5 stands in a name without quotes, which could be taken for an \
             address",
        ),
        (
            "RCPT TO:<other@evil.example>",
            "`:` at character 8 begins a group, or belongs to a name without quotes",
        ),
        (
            "other@evil.example (user@example.com)",
            "the blank at character 19 has no place in an address",
        ),
        (
            "other@evil.example(user@example.com)",
            "`(` at character 19 belongs to a comment, which has no place here",
        ),
        (
            "(user@example.com)other@evil.example",
            "`(` at character 1 belongs to a comment, which has no place here",
        ),
        (
            "other(@example.com)@evil.example",
            "`(` at character 6 belongs to a comment, which has no place here",
        ),
        (
            "user@example.com <other@evil.example>",
            "`@` at character 5 stands in a name without quotes, which could be taken for an \
             address",
        ),
        (
            "user@example.com\t<other@evil.example>",
            "`@` at character 5 stands in a name without quotes, which could be taken for an \
             address",
        ),
        (
            "user@example.com\u{3000}other@evil.example",
            "U+3000 at character 17 has no place in an address",
        ),
        (
            "user@example.com other@evil.example",
            "the blank at character 17 has no place in an address",
        ),
        ("Jo other@evil.example", "the blank at character 3 has no place in an address"),
        ("jo @example.com", "the blank at character 3 has no place in an address"),
        ("jo@ example.com", "the blank at character 4 has no place in an address"),
        ("jo\u{2003}@example.com", "U+2003 at character 3 has no place in an address"),
        ("\u{a0}user@example.com", "U+00A0 at character 1 has no place in an address"),
        ("user@example.com\u{feff}", "it has a character that nobody sees"),
        ("us\u{200b}er@example.com", "it has a character that nobody sees"),
        ("user@\u{202e}example.com", "it has a character that nobody sees"),
        ("other@evil.example\u{ff20}example.com", "the domain is no domain name"),
        ("a\u{ff20}evil.example@example.com", "it has more than one `@`"),
        ("other@evil.example@example.com", "it has more than one `@`"),
        ("\"user@example.com\"@evil.example@example.com", "it has more than one `@`"),
        (
            "other@evil.example\u{0}@example.com",
            "U+0000 at character 19 is a line break or a control character",
        ),
        // Lists, groups and routes.
        (
            "user@example.com,other@evil.example",
            "`,` at character 17 begins another mailbox, and a message has one recipient",
        ),
        (
            "user@example.com;other@evil.example",
            "`;` at character 17 begins another mailbox, and a message has one recipient",
        ),
        (
            "user@example.com,",
            "`,` at character 17 begins another mailbox, and a message has one recipient",
        ),
        (
            "Jo <user@example.com>, other@evil.example",
            "`,` at character 22 stands behind the address, where nothing may",
        ),
        (
            "Jo <user@example.com> <other@evil.example>",
            "`<` at character 23 stands behind the address, where nothing may",
        ),
        (
            "Jo <user@example.com> (Jo)",
            "`(` at character 23 stands behind the address, where nothing may",
        ),
        (
            "Jo <user@example.com>other",
            "`o` at character 22 stands behind the address, where nothing may",
        ),
        (
            "Team: user@example.com;",
            "`:` at character 5 belongs to a group, a route or a URL, and here is room for an \
             address only",
        ),
        (
            "Team: Jo <user@example.com>;",
            "`:` at character 5 begins a group, or belongs to a name without quotes",
        ),
        (
            "<@relay.example:user@example.com>",
            "`:` at character 16 belongs to a group, a route or a URL, and here is room for an \
             address only",
        ),
        (
            "mailto:user@example.com",
            "`:` at character 7 belongs to a group, a route or a URL, and here is room for an \
             address only",
        ),
        (
            "<mailto:user@example.com>",
            "`:` at character 8 belongs to a group, a route or a URL, and here is room for an \
             address only",
        ),
        // Brackets and quotes.
        ("<user@example.com", "`<` at character 1 opens a bracket that is never closed"),
        ("user@example.com>", "`>` at character 17 is a bracket that does not belong there"),
        ("<<user@example.com>", "`<` at character 2 is a bracket that does not belong there"),
        ("<user@example.com>>", "`>` at character 19 stands behind the address, where nothing may"),
        ("< user@example.com>", "the blank at character 2 has no place in an address"),
        ("<>", "it has no `@`"),
        ("Jo <>", "it has no `@`"),
        ("Jo <Jo>", "it has no `@`"),
        (
            "user@example.com <Jo>",
            "`@` at character 5 stands in a name without quotes, which could be taken for an \
             address",
        ),
        ("\"Jo <user@example.com>", "`\"` at character 1 opens a quote that is never closed"),
        ("\"Jo\\\" <user@example.com>", "`\"` at character 1 opens a quote that is never closed"),
        ("Jo <\"a>b\"@example.com>", "it has an angle bracket"),
        (
            "us\"e\"r@example.com",
            "the part before the `@` has a character that must not stand there",
        ),
        // Names without quotes.
        (
            "Doe, Jo <user@example.com>",
            "`,` at character 4 begins another mailbox, or belongs to a name without quotes",
        ),
        (
            "Jo (x) <user@example.com>",
            "`(` at character 4 belongs to a comment, or to a name without quotes",
        ),
        (
            "Jo\u{3000}Doe <user@example.com>",
            "U+3000 at character 3 is no plain blank, and the name has no quotes",
        ),
        ("Jo [x] <user@example.com>", "`[` at character 4 stands in a name without quotes"),
        ("Jo \\x <user@example.com>", "`\\` at character 4 stands in a name without quotes"),
        // What would end a line.
        (
            "user@example.com\r\nRCPT TO:<other@evil.example>",
            "U+000D at character 17 is a line break or a control character",
        ),
        ("user@example.com\n", "U+000A at character 17 is a line break or a control character"),
        (
            "\"Jo\r\nBcc: x\" <user@example.com>",
            "U+000D at character 4 is a line break or a control character",
        ),
        ("user@example.com> SIZE=1", "`>` at character 17 is a bracket that does not belong there"),
        // No address at all.
        ("", "it is empty"),
        (" \t", "it is empty"),
        ("user", "it has no `@`"),
        ("Jo Doe", "the blank at character 3 has no place in an address"),
        ("@example.com", "the part before the `@` is empty"),
        ("user@", "the domain is no domain name"),
        ("user@example..com", "the domain is no domain name"),
        ("user@example.com.", "the domain is no domain name"),
        ("user@-example.com", "the domain is no domain name"),
        ("user@example.com/x", "the domain is no domain name"),
        ("user@[300.0.0.1]", "the domain is no address literal"),
        ("user@[192.0.2.1]x", "the domain is no address literal"),
        ("user@[192.0.2.1", "the domain is no address literal"),
        (&many, "`,` at character 17 begins another mailbox, and a message has one recipient"),
        (
            &format!("{}@example.com", "l".repeat(65)),
            "the part before the `@` is longer than 64 octets",
        ),
        (&format!("u@{}", vec!["d".repeat(62); 5].join(".")), "it is longer than 254 octets"),
    ] {
        let error = recipient("to", text).expect_err(text);
        let message = format!("`to` holds no usable address: {problem}");
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::Address, message), "{text:?}");
        assert!(error.hint().is_some_and(|hint| hint.contains("`user@example.com` in `to`")));
    }
}
