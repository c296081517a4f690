//! What holds for every text that is read as mailboxes.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// Pieces that mailboxes are made of, and pieces that break them.
const PIECES: &[&str] = &[
    "a@b.example",
    "eve@evil.example",
    "Jo",
    " ",
    ",",
    ";",
    ":",
    "<",
    ">",
    "(",
    ")",
    "\"",
    "\\",
    "[",
    "]",
    "@",
    ".",
    "\t",
    "\r\n",
    "\0",
    "é",
    "\u{f0040}",
    "=?utf-8?q?x?=",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => vec(select(PIECES), 0..16).prop_map(|pieces| pieces.concat()),
        1 => any::<String>(),
    ]
}

/// A mailbox as RFC 5322 writes it.
fn written(mailbox: &Mailbox) -> String {
    match &mailbox.name {
        Some(name) => {
            let name = name.replace('\\', "\\\\").replace('"', "\\\"");
            format!("\"{name}\" <{}>", mailbox.address)
        }
        None => mailbox.address.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1024,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_was_read_is_clean_and_reads_the_same_again(text in text()) {
        let Ok(mailboxes) = list(&text) else { return Ok(()) };
        for mailbox in mailboxes {
            let parts = [Some(&mailbox.address), mailbox.name.as_ref()];
            for part in parts.into_iter().flatten() {
                prop_assert!(!part.contains(char::is_control), "{part:?}");
                prop_assert_eq!(part.trim(), part.as_str());
            }
            prop_assert!(mailbox.address.contains('@'), "{mailbox:?}");
            prop_assert_eq!(list(&written(&mailbox)), Ok(vec![mailbox]));
        }
    }

    /// Whatever a value holds, it is a name or an address, and never both or two.
    #[test]
    fn a_value_stays_in_its_place(value in text()) {
        for frame in ["# <a@b.example>", "\"#\" <a@b.example>", "x # y <a@b.example>"] {
            let found = list(&frame.replace('#', &shield(&value)));
            let addresses: Vec<_> =
                found.iter().flatten().map(|mailbox| mailbox.address.as_str()).collect();
            prop_assert_eq!(addresses, ["a@b.example"], "{}", frame);
        }
        for frame in ["#", "<#>", "Jo <#>"] {
            let found = list(&frame.replace('#', &shield(&value)));
            prop_assert!(found.is_err() || found.is_ok_and(|list| list.len() <= 1), "{frame}");
        }
    }
}
