//! Signatures, as verifiers that others wrote judge them: in mail that Postfix delivered, and in
//! what `render` writes.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use smtp_connector_tests::real::{DkimKey, Postfix, Site};
use tempfile::TempDir;

use crate::helpers::reading::{headers, python_reading, verdicts};
use crate::helpers::real::{accepted, configuration, render, with_sign_in};

/// The signing domain as the configuration has it, and as the DNS does.
const DOMAIN: (&str, &str) = ("Bücher.example", "xn--bcher-kva.example");

const BOTH: [&str; 2] = ["text/plain", "text/html"];

#[test]
#[ignore = "needs Postfix, Dovecot and the verifiers; .ci/run installs them"]
fn delivered_mail_verifies_with_each_kind_of_key() {
    let site = Site::new();
    let postfix = Postfix::start(&site);
    let keys = [DkimKey::rsa(), DkimKey::encrypted_rsa(), DkimKey::ed25519()];
    let records = write_records(&keys, &site.join("records.json"));
    for chosen in [&[0][..], &[1], &[2], &[0, 2], &[2, 1, 0]] {
        let mut configuration = configuration(&site, postfix.submission_port());
        configuration["dkim"] = dkim(&keys, chosen);
        accepted(&configuration, &site);
        let mail = site.next_mail();
        check_valid(&mail, &records, chosen.len());
        let fields = python_reading(&mail);
        let signatures = headers(&fields, "DKIM-Signature");
        let selectors: Vec<_> = signatures.iter().map(|field| tag(field, "s")).collect();
        assert_eq!(selectors, chosen.iter().map(|index| format!("s{index}")).collect::<Vec<_>>());
    }
}

#[test]
#[ignore = "needs the verifiers; .ci/run installs them"]
fn rendered_mail_verifies_whatever_it_holds() {
    let rendering = Rendering::new();
    let long = "word ".repeat(300);
    for content in [
        "{{code}}",
        " ",
        "\n",
        "\n\n{{code}} \t \n\n\n\n",
        "{{code}}\n \n\t\n",
        "  two  blanks\t\ttabs  \nand {{code}}",
        &long,
        "Größe {{code}}\n\n",
        "验证码 {{code}}",
        ".\n..\n--\nFrom me {{code}}\n",
        "a bell \u{7} {{code}}",
    ] {
        for forms in [&BOTH[..1], &BOTH[1..], &BOTH] {
            let mail = rendering.render(forms, "Code {{code}}", content);
            check_valid(&mail, &rendering.records, 2);
        }
    }
    for subject in [&long, "Größe  –  {{code}} 🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊"]
    {
        let mail = rendering.render(&BOTH[..1], subject, "{{code}}");
        check_valid(&mail, &rendering.records, 2);
    }
}

#[test]
#[ignore = "needs the verifiers; .ci/run installs them"]
fn tampered_mail_does_not_verify() {
    let rendering = Rendering::new();
    let mail = rendering.render(&BOTH, "Code {{code}}", "Your code is {{code}}.");
    let sound = std::fs::read_to_string(&mail).expect("the mail is text");
    let folded =
        sound.replace("Subject: ", "subject:\r\n \t").replace("Your code is", "Your  code\tis");
    for (text, valid) in [
        (sound.clone(), true),
        (folded, true),
        (sound.replace("Subject: Code", "Subject: Cade"), false),
        (sound.replace("From: ", "From: Eve "), false),
        (sound.replace("X-Tag: second", "X-Tag: third"), false),
        (sound.replace("Your code is", "Your code was"), false),
        (format!("{sound}more\r\n"), false),
        (sound.replace(" d=xn--", " d=yn--"), false),
    ] {
        std::fs::write(&mail, &text).expect("the folder is ours");
        for verdict in verdicts(&mail, &rendering.records) {
            let judged: Vec<_> =
                verdict.as_array().into_iter().flatten().map(|one| &one["valid"]).collect();
            assert_eq!(judged, [&json!(valid), &json!(valid)], "{verdict}\n{text}");
        }
    }
}

/// What renders mail that two keys sign.
struct Rendering {
    folder: TempDir,
    records: PathBuf,
    dkim: Value,
}

impl Rendering {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let keys = [DkimKey::rsa(), DkimKey::ed25519()];
        let records = write_records(&keys, &folder.path().join("records.json"));
        let mut dkim = dkim(&keys, &[0, 1]);
        dkim["headerFieldNames"] = json!(
            "From:To:Reply-To:Subject:Date:Message-ID:MIME-Version:Content-Type:\
            Content-Transfer-Encoding:X-Tag:X-Long:X-None:List-Unsubscribe:Auto-Submitted"
        );
        Self { folder, records, dkim }
    }

    /// Renders a mail into a file.
    fn render(&self, forms: &[&str], subject: &str, content: &str) -> PathBuf {
        let mut configuration = with_sign_in(forms, subject, content);
        configuration["dkim"] = self.dkim.clone();
        configuration["customHeaders"] =
            json!({ "X-Tag": ["first", "second"], "x-long": "Größe und mehr ".repeat(30) });
        render(&configuration, self.folder.path())
    }
}

/// The options that sign with these keys, in this order.
fn dkim(keys: &[DkimKey], chosen: &[usize]) -> Value {
    let signers = chosen.iter().map(|&index| {
        let DkimKey { pem, passphrase, .. } = &keys[index];
        let key = match passphrase {
            Some(passphrase) => json!({ "key": pem, "passphrase": passphrase }),
            None => json!(pem),
        };
        json!({ "domainName": DOMAIN.0, "keySelector": format!("s{index}"), "privateKey": key })
    });
    let mut signers: Vec<_> = signers.collect();
    if signers.len() == 1 { signers.remove(0) } else { json!({ "keys": signers }) }
}

/// Writes what the DNS would say.
fn write_records(keys: &[DkimKey], file: &Path) -> PathBuf {
    let named = keys.iter().enumerate();
    let records: Map<_, _> = named
        .map(|(index, key)| (format!("s{index}._domainkey.{}", DOMAIN.1), json!(key.record)))
        .collect();
    std::fs::write(file, Value::Object(records).to_string()).expect("the folder is ours");
    file.to_owned()
}

/// Checks that each verifier finds so many signatures of the domain, all valid, over the fields
/// that matter.
#[track_caller]
fn check_valid(mail: &Path, records: &Path, count: usize) {
    for verdict in verdicts(mail, records) {
        let signatures = verdict.as_array().expect("a list");
        let sound = signatures.iter().all(|signature| {
            let signed: Vec<_> = signature["signed"].as_array().into_iter().flatten().collect();
            let covers = |name: &str| signed.iter().any(|known| *known == name);
            signature["valid"] == true
                && signature["domain"] == DOMAIN.1
                && ["from", "to", "subject", "date", "message-id", "content-type"]
                    .into_iter()
                    .all(covers)
        });
        let text = || std::fs::read_to_string(mail).unwrap_or_default();
        assert!(sound && signatures.len() == count, "{verdict:#}\n{}", text());
    }
}

/// The value of a tag.
fn tag(field: &str, name: &str) -> String {
    let tags = field.split(';').filter_map(|tag| tag.trim().split_once('='));
    tags.filter(|(known, _)| *known == name).map(|(_, value)| value.to_owned()).collect()
}
