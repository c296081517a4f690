//! The one recipient on the wire is the caller's address, byte for byte but for the domain's own
//! spelling (RFC 5890), whatever else stands in the text that it is read from.

use std::sync::Arc;

use proptest::prelude::*;

use super::peer::Peer;
use super::submit_message;
use crate::address::recipient;
use crate::message::{Mailbox, Message};
use crate::submission::message::prepare::prepare;

const OFFER: &str = "250-mx.test\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n";

/// What the server hears after RCPT for a recipient that is written so; none where it is refused.
fn heard(to: &str) -> Option<Vec<String>> {
    let to = recipient("to", to).ok()?;
    let message = Message {
        from: Mailbox { name: None, address: "app@a.test".to_owned() },
        reply_to: Vec::new(),
        to,
        subject: "hi".to_owned(),
        text: Some("hello".to_owned()),
        html: None,
        headers: Vec::new(),
    };
    let prepared =
        Arc::new(prepare(&message, None).expect("a mailbox that was read can be written"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let (result, heard) = runtime.expect("a runtime").block_on(async {
        let peer = Peer::new().on("EHLO", &[OFFER]);
        submit_message(peer, |_| {}, &prepared).await
    });
    result.expect("acceptance");
    let commands = heard.lines().filter_map(|line| line.strip_prefix("RCPT TO:"));
    Some(commands.map(str::to_owned).collect())
}

/// Checks that the address on the wire is this one: the same local part, and the same domain in the
/// DNS.
fn check(text: &str, address: &str) {
    let commands = heard(text).unwrap_or_else(|| panic!("{text:?} is refused"));
    let [command] = &commands[..] else { panic!("{text:?}: {commands:?}") };
    let path = command.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
    let (local_part, domain) = path.and_then(|path| path.rsplit_once('@')).expect("a path");
    let (wanted, wanted_domain) = address.rsplit_once('@').expect("an address");
    // Dots at an end or in a row need quotes.
    let quoted = format!("\"{wanted}\"");
    assert!(local_part == wanted || local_part == quoted, "{text:?}: {command}");
    let ascii = |domain: &str| idna::domain_to_ascii(domain).expect("a domain name");
    match wanted_domain.starts_with('[') {
        true => assert_eq!(domain, wanted_domain, "{text:?}"),
        false => assert_eq!(ascii(domain), ascii(wanted_domain), "{text:?}"),
    }
}

fn local_parts() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,12}(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,12}){0,3}",
        "\"([ !#-;=?-Z^-~]|\\[|\\]|\\\\[\"\\\\ @a]){0,20}\"",
        "[a-zäöüжя用户]{1,12}",
    ]
}

fn domains() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z0-9]([A-Za-z0-9_-]{0,9}[A-Za-z0-9])?(\\.[A-Za-z]{1,9}){0,3}",
        "[a-zäöüß]{1,9}ü\\.example",
        "[あ-ん]{1,6}[。.]test",
        (0_u8.., 0_u8..).prop_map(|(a, b)| format!("[192.0.{a}.{b}]")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 192,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn an_address_is_mailed_to_as_it_is_written(
        local_part in local_parts(),
        domain in domains(),
        frame in prop_oneof![
            Just(("", "")),
            Just((" ", "\t")),
            Just(("<", ">")),
            Just(("Jo Doe <", ">")),
            Just(("\"eve@evil.example, \\\" <x@y>\" <", "> ")),
        ],
    ) {
        // Two hyphens after two letters are for A-labels, and some mixed scripts are no names.
        prop_assume!(idna::domain_to_ascii(&domain).is_ok() || domain.starts_with('['));
        let address = format!("{local_part}@{domain}");
        check(&format!("{}{address}{}", frame.0, frame.1), &address);
    }

    /// Of any text at all, the address is the whole or what its last angle brackets hold.
    #[test]
    fn no_address_is_found_within_a_text(
        text in "[ab.@<>\" ,;:()\\\\\\[\\]\u{a0}\u{3000}\u{ff20}\u{200b}é-]{0,12}(|a@b\\.test|<a@b\\.test>|@b>|>@c)",
    ) {
        let whole = text.trim_matches([' ', '\t']);
        let address = match whole.strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
            Some((_, address)) => address,
            None => whole,
        };
        if recipient("to", &text).is_ok() {
            check(&text, address);
        }
    }
}
