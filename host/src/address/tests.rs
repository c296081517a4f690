//! Addresses as servers want them, and why others are refused.

use super::*;

#[test]
fn usable_addresses_are_written_as_servers_want_them() {
    let long = format!("{}@{}.test", "l".repeat(64), "d".repeat(63));
    for (text, written) in [
        ("user@mail.test", "user@mail.test"),
        ("User.Name+tag@Mail.TEST", "User.Name+tag@mail.test"),
        ("o'brien!#$%&*/=?^_`{|}~-@mail.test", "o'brien!#$%&*/=?^_`{|}~-@mail.test"),
        ("user@localhost", "user@localhost"),
        ("user@my_host.test", "user@my_host.test"),
        ("user@bücher.example", "user@xn--bcher-kva.example"),
        ("user@BÜCHER。example", "user@xn--bcher-kva.example"),
        ("user@xn--bcher-kva.example", "user@xn--bcher-kva.example"),
        ("jörg@bücher.example", "jörg@bücher.example"),
        ("jörg@xn--bcher-kva.example", "jörg@bücher.example"),
        ("用户@例え.test", "用户@例え.test"),
        ("us..er@mail.test", "\"us..er\"@mail.test"),
        (".user@mail.test", "\".user\"@mail.test"),
        ("user.@mail.test", "\"user.\"@mail.test"),
        ("\"two words\"@mail.test", "\"two words\"@mail.test"),
        ("\"a\\\"b\"@mail.test", "\"a\\\"b\"@mail.test"),
        ("\"a@b\"@mail.test", "\"a@b\"@mail.test"),
        ("user@[192.0.2.1]", "user@[192.0.2.1]"),
        ("user@[ipv6:2001:DB8::1]", "user@[IPv6:2001:db8::1]"),
        (long.as_str(), long.as_str()),
    ] {
        let address = Address::parse("to", text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(address.to_string(), written);
    }
}

#[test]
fn the_ascii_domain_is_that_of_the_dns() {
    let address = Address::parse("from", "jörg@Bücher.example").expect("usable");
    assert_eq!(address.ascii_domain(), "xn--bcher-kva.example");
}

#[test]
fn anything_else_is_refused_by_reason() {
    let long_local = format!("{}@mail.test", "l".repeat(65));
    let long_quoted = format!(".{}@mail.test", "l".repeat(62));
    let long_label = format!("u@{}.test", "d".repeat(64));
    let long = format!("u@{}", vec!["d".repeat(62); 5].join("."));
    let brackets = "it has an angle bracket";
    let character = "the part before the `@` has a character that must not stand there";
    let domain = "the domain is no domain name";
    for (text, reason) in [
        ("", "it has no `@`"),
        ("root", "it has no `@`"),
        ("@mail.test", "the part before the `@` is empty"),
        ("user@", domain),
        ("a@b@mail.test", "it has more than one `@`"),
        ("user@mail.test,other@mail.test", "it has more than one `@`"),
        ("\"a\"@b@mail.test", "it has more than one `@`"),
        ("<user@mail.test>", brackets),
        ("user@mail.test> SIZE=1", brackets),
        ("user@mail.test\r\nRCPT TO:", "it has a control character"),
        ("us\ter@mail.test", "it has a control character"),
        ("user\u{85}@mail.test", "it has a control character"),
        ("user@mail.test\0", "it has a control character"),
        ("two words@mail.test", character),
        (" user@mail.test", character),
        ("a,b@mail.test", character),
        ("a(b)@mail.test", character),
        ("a\u{a0}b@mail.test", character),
        ("a\u{2028}b@mail.test", character),
        ("\"open@mail.test", character),
        ("\"@mail.test", character),
        ("\"a\"b\"@mail.test", character),
        ("\"a\\\"@mail.test", character),
        ("user@mail.test ", domain),
        ("user@mail..test", domain),
        ("user@mail.test.", domain),
        ("user@-mail.test", domain),
        ("user@mail;test", domain),
        ("user@m\u{ff20}il.test", domain),
        ("user@\u{1d165}.test", "the domain is no internationalized domain name"),
        ("us\u{200b}er@mail.test", "it has a character that nobody sees"),
        ("user@ma\u{ad}il.test", "it has a character that nobody sees"),
        ("\u{202e}user@mail.test", "it has a character that nobody sees"),
        ("a\u{ff20}other.test@mail.test", "it has more than one `@`"),
        ("a\u{fe6b}other.test@mail.test", "it has more than one `@`"),
        ("user@[300.0.0.1]", "the domain is no address literal"),
        ("user@[192.0.2.1", "the domain is no address literal"),
        ("user@[IPv6:192.0.2.1]", "the domain is no address literal"),
        ("user@[é:1]", "the domain is no address literal"),
        (&long_local, "the part before the `@` is longer than 64 octets"),
        (&long_quoted, "the part before the `@` is longer than 64 octets"),
        (&long_label, domain),
        (&long, "it is longer than 254 octets"),
    ] {
        let error = Address::parse("replyTo", text).expect_err(text);
        assert_eq!(error.kind(), ErrorKind::Address);
        assert_eq!(
            error.to_string(),
            format!("`replyTo` holds no usable address: {reason}"),
            "{text:?}"
        );
    }
}
