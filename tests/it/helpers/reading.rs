//! What independent parsers make of a mail that has arrived.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use smtp_connector_tests::real::{node, python};

/// What Python and npm's mailparser read.
pub(crate) fn readings(mail: &Path) -> [Value; 2] {
    let mut mailparser = node("parse_mail.cjs");
    mailparser.arg(mail);
    [python_reading(mail), document(mailparser)]
}

/// What Python reads, which is more.
pub(crate) fn python_reading(mail: &Path) -> Value {
    let mut command = python("parse_mail.py");
    command.arg(mail);
    document(command)
}

/// A body without the line ends after its last line: servers add one.
pub(crate) fn text<'a>(mail: &'a Value, part: &str) -> &'a str {
    mail[part].as_str().unwrap_or_default().trim_end()
}

/// The values of a field whose name is written exactly so.
pub(crate) fn headers<'a>(mail: &'a Value, name: &str) -> Vec<&'a str> {
    let fields = mail["headers"].as_array().into_iter().flatten();
    fields.filter(|field| field[0] == name).filter_map(|field| field[1].as_str()).collect()
}

/// What dkimpy and npm's mailauth say of each signature, with these records for a DNS.
pub(crate) fn verdicts(mail: &Path, records: &Path) -> [Value; 2] {
    [python("verify_dkim.py"), node("verify_dkim.cjs")].map(|mut verifier| {
        verifier.arg(mail).arg(records);
        document(verifier)
    })
}

fn document(mut command: Command) -> Value {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}
