//! The cures by the replies that call for them, on servers that are nobody's in particular. What
//! the four providers say is played by their peers in the integration tests.

use super::on;
use crate::error::{Error, ErrorKind, Stage};
use crate::plan::{Authentication, Mechanism, TlsMode};
use crate::reply::Reply;
use crate::submission::tests::{password, plan};
use crate::transcript::{Speaker, Transcript};

fn refusal(stage: Stage, reply: &str) -> Error {
    let (code, text) = reply.split_once(' ').expect("a code and a text");
    Error::from_reply(stage, Reply::new(code.parse().expect("a code"), vec![text.to_owned()]))
}

#[track_caller]
fn check(authentication: Authentication, stage: Stage, reply: &str, cure: Option<&str>) {
    let mut plan = plan(587);
    plan.authentication = authentication;
    let hint = on(&refusal(stage, reply), &plan);
    match cure {
        Some(cure) => {
            assert!(
                hint.as_ref().is_some_and(|hint| hint.contains(cure)),
                "{stage} {reply}: {hint:?}"
            );
        }
        None => assert_eq!(hint, None, "{stage} {reply}"),
    }
}

#[test]
fn refused_logins_name_what_to_change() {
    let cases = [
        ("535 5.7.8 authentication failed", "Check `auth.user` and `auth.pass`"),
        ("534 5.7.9 mechanism too weak", "a password made for programs"),
        ("530 5.7.0 Must issue a STARTTLS command first", "set `requireTLS`"),
        ("538 5.7.11 encryption required", "set `requireTLS`"),
        ("504 5.5.4 unrecognized authentication type", "takes none of the mechanisms"),
        ("503 5.5.1 AUTH not available", "remove `auth`, or"),
        ("535 5.7.139 no", "`auth.type` set to `OAuth2`"),
        ("454 4.7.0 temporary authentication failure", "wait some minutes"),
    ];
    for (reply, cure) in cases {
        check(password("ann"), Stage::Auth, reply, Some(cure));
    }
}

/// A hint to take a key out is for those who have it.
#[test]
fn hints_remove_only_what_is_set() {
    let (mut bare, mut rich) = (plan(587), plan(587));
    (bare.authentication, rich.authentication) = (password("ann"), password("ann"));
    if let Authentication::Password(login) = &mut rich.authentication {
        login.mechanism = Some(Mechanism::CramMd5);
    }
    (rich.force_authentication, rich.tls) = (true, TlsMode::None);
    for (stage, reply, key) in [
        (Stage::Auth, "504 5.5.4 unrecognized authentication type", "remove `authMethod`"),
        (Stage::Auth, "534 5.7.9 mechanism too weak", "remove `authMethod`"),
        (Stage::Auth, "535 5.7.4 not supported", "remove `authMethod`"),
        (Stage::Auth, "503 5.5.1 AUTH not available", "`forceAuth`"),
        (Stage::Auth, "538 5.7.11 encryption required", "remove `ignoreTLS`"),
        (Stage::Mail, "530 5.7.0 Must issue a STARTTLS command first", "remove `ignoreTLS`"),
    ] {
        let [without, with] = [&bare, &rich].map(|plan| on(&refusal(stage, reply), plan));
        assert!(with.is_some_and(|hint| hint.contains(key)), "{reply}");
        assert!(without.is_some_and(|hint| !hint.contains(key)), "{reply}");
    }
}

#[test]
fn refused_envelopes_name_what_to_change() {
    let (none, login) = (Authentication::None, password("ann"));
    let cases = [
        (
            &none,
            Stage::Mail,
            "530 5.7.0 authentication required",
            "set `auth.user` and `auth.pass`",
        ),
        (&login, Stage::Mail, "530 5.7.0 authentication required", "check `auth`"),
        (&none, Stage::Rcpt, "550 5.7.1 Relaying denied", "relays for those it knows only"),
        (
            &none,
            Stage::Rcpt,
            "554 5.7.1 <a@b>: Relay access denied",
            "relays for those it knows only",
        ),
        (
            &login,
            Stage::Rcpt,
            "554 5.7.1 <a@b>: Relay access denied",
            "does not send to other domains",
        ),
        (&login, Stage::Mail, "553 sender not allowed", "set `fromEmail`"),
        (
            &login,
            Stage::Rcpt,
            "553 5.7.1 Sender address rejected: not owned by user ann",
            "set `fromEmail`",
        ),
        (
            &login,
            Stage::Mail,
            "501 mail from address must be same as authorization user",
            "to `auth.user`",
        ),
        (&login, Stage::Rcpt, "550 5.1.1 nobody here", "mailbox does not exist"),
        (&login, Stage::Rcpt, "550 User unknown", "mailbox does not exist"),
        (&login, Stage::Rcpt, "550 5.1.2 bad destination", "domain takes no mail"),
        (&login, Stage::Rcpt, "552 5.2.2 over quota", "mailbox is full"),
        (&login, Stage::Mail, "552 too much", "make the template smaller"),
        (&login, Stage::Content, "554 5.3.4 too big", "make the template smaller"),
        (&login, Stage::Content, "554 5.7.1 looks like spam", "change subject and content"),
        (&none, Stage::Rcpt, "554 5.7.1 blocked using zen.spamhaus.org", "on a block list"),
        (&login, Stage::Rcpt, "554 5.7.1 blocked using zen.spamhaus.org", "off the block list"),
        (
            &login,
            Stage::Rcpt,
            "504 5.5.2 <app>: Helo command rejected: need fully-qualified hostname",
            "set `name`",
        ),
        (&login, Stage::Rcpt, "550 5.7.25 Client host rejected: no hostname", "PTR record"),
        (&login, Stage::Rcpt, "550 Domain frequency limited", "a limit of the provider's"),
        (&login, Stage::Content, "554 Sending paused for this account", "may not send now"),
        (&login, Stage::Rcpt, "550 5.1.10 no mail for null.example", "domain takes no mail"),
        (&login, Stage::Content, "550 5.7.26 unauthenticated", "SPF and DKIM"),
    ];
    for (authentication, stage, reply, cure) in cases {
        check(authentication.clone(), stage, reply, Some(cure));
    }
    check(login.clone(), Stage::Content, "554 no", None);
    check(login, Stage::Mail, "550 the domain does not exist", Some("a domain that exists"));
}

#[test]
fn what_may_pass_says_what_to_wait_for() {
    let cases = [
        (Stage::Greeting, "421 4.3.2 busy", "lower `maxConnections`"),
        (Stage::Rcpt, "450 4.2.0 Greylisted, see help", "after some minutes"),
        (Stage::Rcpt, "451 4.7.1 try later", "after some minutes"),
        (Stage::Rcpt, "452 4.2.2 over quota", "mailbox is full"),
        (Stage::Mail, "450 4.7.1 too many messages", "slows this sender down"),
    ];
    for (stage, reply, cure) in cases {
        check(Authentication::None, stage, reply, Some(cure));
    }
}

#[test]
fn a_server_that_refuses_at_the_door_is_the_wrong_one_or_dislikes_the_name() {
    check(
        Authentication::None,
        Stage::Greeting,
        "554 5.7.1 no service for you",
        Some("submission port"),
    );
    check(Authentication::None, Stage::Ehlo, "501 5.5.4 invalid domain", Some("set `name`"));
    check(Authentication::None, Stage::Starttls, "502 5.5.1 no", Some("465 with `secure` true"));
}

#[test]
fn other_protocols_are_known_by_their_greeting() {
    let cases = [
        ("+OK Dovecot ready.", Some("POP3")),
        ("* OK IMAP4rev1", Some("IMAP")),
        ("SSH-2.0-OpenSSH_9.6", Some("SSH")),
        ("HTTP/1.1 400 Bad Request", Some("HTTP")),
        ("hello", None),
    ];
    for (greeting, protocol) in cases {
        let message = format!("during the greeting: `{greeting}` is not a reply");
        let hint = on(&Error::new(ErrorKind::Protocol, message).at(Stage::Greeting), &plan(110));
        let expected = protocol.map(|protocol| format!("This port speaks {protocol}"));
        assert_eq!(
            hint.as_ref().map(|hint| hint.starts_with(expected.as_deref().unwrap_or("?"))),
            { expected.is_some().then_some(true) }
        );
    }
}

#[test]
fn the_same_reply_has_another_cure_where_the_server_is_known() {
    let mut transcript = Transcript::new();
    transcript.push(Speaker::Server, "220 smtp.gmail.com ESMTP x - gsmtp");
    let error = refusal(Stage::Auth, "535 5.7.8 not accepted").with_transcript(transcript);
    let mut plan = plan(587);
    plan.authentication = password("ann@gmail.com");
    let hint = on(&error, &plan).expect("advice");
    assert!(hint.contains("app password") && hint.contains("`auth.pass`"), "{hint}");
}
