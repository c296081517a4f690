//! The table against what real servers say.

use super::*;

const REPLIES: &str = include_str!("replies.tsv");

const STAGES: [Stage; 13] = [
    Stage::Dns,
    Stage::Connect,
    Stage::Proxy,
    Stage::Tls,
    Stage::Greeting,
    Stage::Ehlo,
    Stage::Starttls,
    Stage::Auth,
    Stage::Mail,
    Stage::Rcpt,
    Stage::Data,
    Stage::Content,
    Stage::Quit,
];

/// A reply as it stands in a transcript, with the code at its beginning alone.
fn reply(text: &str) -> Reply {
    let (code, words) = text.split_at_checked(3).expect("a code");
    Reply::new(code.parse().expect("a code"), vec![words[1..].to_owned()])
}

fn blame(stage: Stage, text: &str) -> String {
    format!("{:?}", Blame::of(stage, &reply(text))).to_lowercase()
}

#[test]
fn real_replies_are_blamed_on_those_whom_they_concern() {
    let rows: Vec<_> = REPLIES.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(rows.len() >= 120, "{} replies", rows.len());
    let mut wrong = Vec::new();
    for row in &rows {
        let columns: Vec<_> = row.split('\t').collect();
        let [expected, stage, source, text] = columns[..] else { panic!("{row}") };
        let at = STAGES.into_iter().find(|known| known.to_string() == stage);
        let found = blame(at.unwrap_or_else(|| panic!("{row}")), text);
        if found != expected {
            wrong.push(format!("{source} at {stage}: {text}: {found}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_says_nothing_is_judged_by_its_stage() {
    for (stage, text, expected) in [
        (Stage::Greeting, "554 no", "client"),
        (Stage::Ehlo, "550 no", "client"),
        (Stage::Starttls, "502 no", "encryption"),
        (Stage::Auth, "501 no", "credentials"),
        (Stage::Mail, "550 no", "policy"),
        (Stage::Mail, "550 5.7.1 no", "policy"),
        (Stage::Mail, "552 no", "content"),
        (Stage::Mail, "553 no", "sender"),
        (Stage::Rcpt, "552 no", "recipient"),
        (Stage::Mail, "550 5.1.1 no", "sender"),
        (Stage::Rcpt, "550 no", "recipient"),
        (Stage::Rcpt, "550 5.7.1 no", "recipient"),
        (Stage::Rcpt, "550 5.7.1 against our policy", "policy"),
        (Stage::Rcpt, "450 4.7.1 no", "server"),
        (Stage::Rcpt, "550 5.3.5 no", "server"),
        (Stage::Data, "554 no", "content"),
        (Stage::Content, "554 no", "content"),
        (Stage::Content, "554 5.7.1 no", "content"),
        (Stage::Rcpt, "450 no", "server"),
    ] {
        assert_eq!(blame(stage, text), expected, "{stage} {text}");
    }
}

/// Servers repeat addresses, and anybody may have one such as these.
#[test]
fn an_address_in_a_reply_blames_nobody() {
    for text in [
        "550 <starttls@relaying-denied.test>: no",
        "550 not for spamhaus.sender.address.rejected@helo.test here",
        "550 <\"sending limit\"@example.org> is refused",
    ] {
        assert_eq!(blame(Stage::Rcpt, text), "recipient", "{text}");
    }
}

#[test]
fn each_code_of_the_registry_that_names_somebody_is_known() {
    for (code, expected) in [
        ("1.1", "recipient"),
        ("1.2", "recipient"),
        ("1.3", "recipient"),
        ("1.6", "recipient"),
        ("1.7", "sender"),
        ("1.8", "sender"),
        ("1.10", "recipient"),
        ("2.1", "recipient"),
        ("2.2", "recipient"),
        ("2.3", "content"),
        ("3.4", "content"),
        ("5.3", "content"),
        ("6.1", "content"),
        ("6.7", "content"),
        ("7.8", "credentials"),
        ("7.9", "credentials"),
        ("7.10", "encryption"),
        ("7.11", "encryption"),
        ("7.13", "recipient"),
        ("7.20", "sender"),
        ("7.23", "sender"),
        ("7.25", "client"),
        ("7.26", "sender"),
        ("7.27", "sender"),
        ("7.28", "account"),
    ] {
        for (basic, class) in [("550", "5"), ("450", "4")] {
            let text = format!("{basic} {class}.{code} x");
            assert_eq!(blame(Stage::Rcpt, &text), expected, "{text}");
        }
    }
}
