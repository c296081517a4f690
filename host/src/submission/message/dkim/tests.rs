//! Published and independent signatures, the rules of the relaxed form, and what a plan must not
//! bring in.

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};

use super::*;
use crate::plan::SecretRef;
use crate::secrets::{Secret, Source};

/// A key that was made for these tests.
const RSA: &str = include_str!("tests/rsa.pem");

/// The key of RFC 8463 appendix A.2, in PKCS #8.
const ED25519: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
    -----END PRIVATE KEY-----\n";

/// The message of RFC 8463 appendix A.3.
const DINNER: &str = "From: Joe SixPack <joe@football.example.com>\r\n\
    To: Suzie Q <suzie@shopping.example.net>\r\n\
    Subject: Is dinner ready?\r\n\
    Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n\
    Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\
    \r\n\
    Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";

/// A message with much to relax.
const LOOSE: &str = "From: Acme <noreply@acme.test>\r\nTO : user@mail.test\r\nX-A: first\r\n\
    X-A: last \t of \r\n\t two  \r\nSubject:  Your   code\r\n\r\n\
    Your  code \t is\t482913. \r\n\r\n \t leading\r\n \r\n\r\n";

fn signer(domain: &str, selector: &str, key: &str) -> DkimSigner {
    let (domain, selector) = (domain.to_owned(), selector.to_owned());
    DkimSigner { domain, selector, private_key: SecretRef(key.to_owned()), passphrase: None }
}

fn secrets() -> SecretStore {
    let mut secrets = SecretStore::default();
    let elliptic = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key").serialize_pem();
    for (pointer, key) in
        [("/rsa", RSA), ("/ed25519", ED25519), ("/elliptic", &elliptic), ("/text", "secret")]
    {
        secrets.keep(pointer.to_owned(), Source::Inline(Secret::new(key)));
    }
    secrets
}

fn made(signers: Vec<DkimSigner>, fields: Option<&str>, skip: &str) -> Result<Signers> {
    let list = |names: &str| names.split_terminator(':').map(str::to_owned).collect();
    Signers::new(
        &Dkim { signers, header_fields: fields.map(list), skip_fields: list(skip) },
        &secrets(),
    )
}

fn signed(signers: Vec<DkimSigner>, fields: Option<&str>, skip: &str, message: &str) -> String {
    made(signers, fields, skip).expect("usable keys").sign(message.as_bytes()).expect("signatures")
}

/// The value of a tag in the one signature, without its folds.
fn tag(signature: &str, name: &str) -> String {
    let unfolded = signature.replace("\r\n ", "").replace(' ', "");
    let (_, tags) = unfolded.split_once(':').expect("a field");
    let tag = tags.split(';').find_map(|tag| tag.trim().strip_prefix(&format!("{name}=")));
    tag.unwrap_or_else(|| panic!("{signature} has no {name}")).to_owned()
}

fn body(text: &str) -> String {
    let mut relaxed = Vec::new();
    canonical::body(text.as_bytes(), |octets| relaxed.extend(octets));
    String::from_utf8(relaxed).expect("text")
}

fn header(text: &str) -> String {
    let message = format!("{text}\r\n\r\nbody");
    let mut relaxed = Vec::new();
    for field in Mail::read(message.as_bytes()).fields() {
        canonical::field(&canonical::name(field), field, &mut relaxed);
        relaxed.extend(b"\r\n");
    }
    String::from_utf8(relaxed).expect("text")
}

/// The whole field is what nodemailer 10 writes for the same message, key and list of fields.
#[test]
fn an_rsa_signature_is_that_of_nodemailer() {
    let field = signed(
        vec![signer("acme.test", "2026", "/rsa")],
        Some("From:To:Subject:X-A:Cc"),
        "",
        LOOSE,
    );
    let expected = "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=acme.test;\r\n \
        q=dns/txt; s=2026; bh=vG7kussuXjeI3Jb111WVEukqKL3/ErZnas2vNzrJ2FE=;\r\n \
        h=from:to:subject:x-a;\r\n \
        b=TJaDreQ4HPGxZj/V/o4VhbyjQnvCGr2H3R3MSdwxR6tBOpdFQvYX1LzuQc9uRQwcVzISkSQtq\r\n \
        Kh9Bb2ZMGMkqrRnkRHSXzP+Y4PuH3soVaM+SykD+CEujHO7Bi66kJE80J28OSR6lHrAUitWZpuY\r\n \
        wXdmkb/PMItM5JXPPS829scOKWD1fUxYZ0xKOJdOtRsErS7z3C/qDEYDla8gs+daJuiC9AbJTSQ\r\n \
        7M0uT/mT8Po/0RPSzxSTZZBlbdGH0ULJ/OyYaCS6N7rctZLxdEiTK/EiMbJwVJYSf7+DQcOYCbt\r\n \
        K55ZT7DBv/5g+SKIjFZiGIXu8oQRUyt+adBM5QjtMYuA==\r\n";
    assert_eq!(field, expected);
}

/// The RFC's own field has tags that are not written here, so its data is put together by hand.
#[test]
fn an_ed25519_signature_is_that_of_rfc_8463() {
    let unsigned = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n \
        d=football.example.com; i=@football.example.com;\r\n \
        q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n \
        subject : date : message-id : from : subject : date;\r\n \
        bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b=";
    let mut data = Vec::new();
    for field in Mail::read(DINNER.as_bytes()).fields() {
        canonical::field(&canonical::name(field), field, &mut data);
        data.extend(b"\r\n");
    }
    canonical::field(b"dkim-signature", unsigned.as_bytes(), &mut data);
    let signers = made(vec![signer("football.example.com", "brisbane", "/ed25519")], None, "")
        .expect("a key");
    let signature =
        signers.signers[0].key.sign(digest(&SHA256, &data).as_ref()).expect("a signature");
    let expected =
        "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==";
    assert_eq!(BASE64.encode(signature), expected);
    let own = signers.sign(DINNER.as_bytes()).expect("a signature");
    assert_eq!(tag(&own, "bh"), "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=");
    assert_eq!((tag(&own, "a").as_str(), tag(&own, "b").len()), ("ed25519-sha256", 88));
}

/// The first case of each is the example of RFC 6376 §3.4.5.
#[test]
fn header_and_body_are_relaxed() {
    for (text, relaxed) in [
        ("A: X\r\nB : Y\t\r\n\tZ  ", "a:X\r\nb:Y Z\r\n"),
        ("A:", "a:\r\n"),
        ("A: \r\n x", "a:x\r\n"),
        ("A: b:c", "a:b:c\r\n"),
        ("ÄÖ: é\u{a0}  ü", "ÄÖ:é\u{a0} ü\r\n"),
    ] {
        assert_eq!(header(text), relaxed, "{text:?}");
    }
    for (text, relaxed) in [
        (" C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n"),
        ("", ""),
        ("\r\n\r\n", ""),
        (" \t\r\n", ""),
        ("a", "a\r\n"),
        ("a\tb\r\n", "a b\r\n"),
        ("a b  c\t\td \te\r\n", "a b c d e\r\n"),
        ("\ta\r\n", " a\r\n"),
        ("\r\n\r\na\r\n \r\n\r\nb\r\n\r\n", "\r\n\r\na\r\n\r\n\r\nb\r\n"),
        ("a\u{b} \r\n", "a\u{b}\r\n"),
    ] {
        assert_eq!(body(text), relaxed, "{text:?}");
    }
}

#[test]
fn each_key_signs_in_order() {
    let signers = vec![signer("a.test", "one", "/rsa"), signer("b.test", "two", "/ed25519")];
    let both = signed(signers, None, "", DINNER);
    let second = signed(vec![signer("b.test", "two", "/ed25519")], None, "", DINNER);
    let first = signed(vec![signer("a.test", "one", "/rsa")], None, "", DINNER);
    assert_eq!(both, first + &second);
}

#[test]
fn the_fields_that_are_there_are_signed_but_those_to_skip() {
    let key = || vec![signer("acme.test", "s", "/ed25519")];
    for (fields, skip, expected) in [
        (None, "", "from:subject:date:message-id:to"),
        (None, "message-id:DATE", "from:subject:to"),
        (None, "from:to", "from:subject:date:message-id"),
        (Some("to:subject"), "", "from:to:subject"),
        (Some("Subject:FROM:from:X-None"), "", "subject:from"),
        (Some(""), "", "from"),
    ] {
        let signature = signed(key(), fields, skip, DINNER);
        assert_eq!(tag(&signature, "h"), expected, "{fields:?} {skip:?}");
    }
}

#[test]
fn the_domain_is_that_of_the_dns() {
    let signature = signed(vec![signer("Bücher.Example", "s_1.x", "/ed25519")], None, "", DINNER);
    assert_eq!(tag(&signature, "d"), "xn--bcher-kva.example");
    assert_eq!(tag(&signature, "s"), "s_1.x");
}

#[test]
fn lines_are_short_however_much_is_signed() {
    let mut message = DINNER.to_owned();
    for name in FIELDS {
        message.insert_str(0, &format!("{name}: x\r\n"));
    }
    let signature =
        signed(vec![signer(&"d".repeat(60), &"s".repeat(60), "/rsa")], None, "", &message);
    assert_eq!(tag(&signature, "h"), FIELDS.join(":"));
    assert!(signature.ends_with("\r\n"));
    for (index, line) in signature.split_terminator("\r\n").enumerate() {
        assert!(
            line.len() <= 76 && line.is_ascii() && (index == 0 || line.starts_with(' ')),
            "{line:?}"
        );
    }
}

#[test]
fn what_cannot_sign_is_refused() {
    let unsuited = "the private key at `/elliptic` does not fit: DKIM signatures are made \
        with RSA of 2048 to 8192 bits or with Ed25519";
    for (signers, fields, kind, text) in [
        (vec![], None, ErrorKind::Component, "the plan asks for a DKIM signature and has no key"),
        (vec![signer("a.test", "s", "/elliptic")], None, ErrorKind::Configuration, unsuited),
        (
            vec![signer("a.test", "s", "/rsa"), signer("a.test", "s", "/text")],
            None,
            ErrorKind::Configuration,
            "the private key at `/text` is not in PEM: there is no `-----BEGIN PRIVATE KEY-----` \
            in it",
        ),
        (
            vec![signer("a.test; x=y", "s", "/rsa")],
            None,
            ErrorKind::Configuration,
            "the domain of the DKIM key at `/rsa` is no name of the DNS",
        ),
        (
            vec![signer("a.test", "s\r\nBcc: x@y.test", "/rsa")],
            None,
            ErrorKind::Configuration,
            "the selector of the DKIM key at `/rsa` is no name of the DNS",
        ),
        (
            vec![signer("a.test", "s", "/rsa")],
            Some("from:x;y"),
            ErrorKind::Component,
            "the plan has a DKIM signature cover what is no field's name",
        ),
    ] {
        let error = made(signers, fields, "").expect_err(text);
        assert_eq!((error.kind(), error.to_string().as_str()), (kind, text));
    }
}

#[test]
fn no_key_is_shown() {
    let signers = vec![signer("a.test", "one", "/rsa"), signer("b.test", "two", "/ed25519")];
    let shown = format!("{:?}", made(signers, None, "").expect("keys"));
    assert!(
        shown.len() < 2000 && !shown.contains("PRIVATE") && shown.contains("ed25519-sha256"),
        "{shown}"
    );
}

proptest::proptest! {
    /// Relays fold, unfold, and add and take blanks (RFC 6376 §3.4.2 and §3.4.4).
    #[test]
    fn the_relaxed_form_outlives_what_relays_do(
        name in "[A-Z][a-z-]{0,8}",
        words in proptest::collection::vec("[!-~]{1,8}", 0..6),
        folds in proptest::collection::vec("( |\t|\r\n )[ \t]{0,2}", 7),
        body in proptest::collection::vec(proptest::collection::vec("[!-~]{1,8}", 0..4), 0..6),
        blanks in proptest::collection::vec("[ \t]{1,3}", 4),
        end in "( ?\r\n){0,3}",
    ) {
        let relaxed_field = |field: &str| {
            let mut relaxed = Vec::new();
            canonical::field(&canonical::name(field.as_bytes()), field.as_bytes(), &mut relaxed);
            String::from_utf8(relaxed).expect("text")
        };
        let plain = format!("{name}: {}\r\n", words.join(" "));
        let folded = words.iter().zip(&folds).map(|(word, fold)| format!("{fold}{word}"));
        let folded: String = folded.collect();
        let travelled = format!("{}{}:{folded}{}\r\n", name.to_uppercase(), blanks[0], blanks[1]);
        proptest::prop_assert_eq!(relaxed_field(&plain), relaxed_field(&travelled));

        let relaxed_body = |body: &str| {
            let mut relaxed = Vec::new();
            canonical::body(body.as_bytes(), |octets| relaxed.extend_from_slice(octets));
            String::from_utf8(relaxed).expect("text")
        };
        let line = |blank: &str, end: &str| {
            let lines = body.iter().map(|words| format!("{}{end}\r\n", words.join(blank)));
            lines.collect::<String>()
        };
        let plain = relaxed_body(&line(" ", ""));
        proptest::prop_assert_eq!(&plain, &relaxed_body(&(line(&blanks[2], &blanks[3]) + &end)));
        proptest::prop_assert_eq!(&plain, &relaxed_body(&plain), "it is its own relaxed form");
    }
}
