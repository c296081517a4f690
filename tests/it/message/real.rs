//! What independent parsers make of the mails that `render` writes.

use serde_json::json;

use crate::helpers::reading::{headers, python_reading, readings, text};
use crate::helpers::real::{render, with_sign_in};

#[test]
#[ignore = "needs the parsers; .ci/run installs them"]
fn long_and_emphatic_texts_come_back_as_they_were() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let subject = "👩‍👩‍👧 {{code}} – Größe & \"Quotes\" ".repeat(8);
    let content = format!(
        "{}\n{}\n.\n🦊{}\n",
        "w".repeat(3000),
        "many words ".repeat(300),
        "é🦊".repeat(500)
    );
    let mut configuration = with_sign_in(&["text/plain", "text/html"], &subject, &content);
    let name = "Größe & Söhne, \"Füchse\" 🦊 ".repeat(6);
    let escaped = name.trim().replace('"', "\\\"");
    configuration["fromEmail"] = json!(format!("\"{escaped}\" <robot@acme.test>"));
    configuration["replyTo"] = json!("a..b@acme.test, \"x@y.test\" <c@acme.test>, d@acme.test");
    let mail = render(&configuration, folder.path());
    let [python, mailparser] = readings(&mail);
    assert_eq!(mailparser["from"], json!([[name.trim(), "robot@acme.test"]]));
    // Python 3.11 keeps the blanks between the encoded-words of a name, which RFC 2047 §6.2 takes
    // away.
    let close = |name: &str| name.replace(' ', "");
    assert_eq!(close(python["from"][0][0].as_str().unwrap_or_default()), close(&name));
    for reading in [python, mailparser] {
        let answers = reading["replyTo"].as_array().expect("a list").iter();
        let addresses: Vec<_> = answers
            .map(|mailbox| mailbox[1].as_str().unwrap_or_default().replace('"', ""))
            .collect();
        assert_eq!(addresses, ["a..b@acme.test", "c@acme.test", "d@acme.test"]);
        assert_eq!(reading["subject"], subject.trim().replace("{{code}}", "123456"));
        assert_eq!(
            (text(&reading, "text"), text(&reading, "html")),
            (content.trim_end(), content.trim_end())
        );
    }
    assert_eq!(python_reading(&mail)["defects"], json!([]));
}

#[test]
#[ignore = "needs the parsers; .ci/run installs them"]
fn custom_fields_come_back_repeated_folded_and_in_order() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let mut configuration = with_sign_in(&["text/plain"], "Code", "{{code}}");
    let (words, url) =
        ("Größe und mehr 🦊 ".repeat(30), format!("<https://acme.test/{}>", "u".repeat(500)));
    let plain = "plain words ".repeat(30);
    configuration["customHeaders"] = json!({
        "X-Tag": ["first", words, "third"], "x-plain": plain, "List-Unsubscribe": url,
        "X-tag": "=?utf-8?Q?no?=",
    });
    let mail = python_reading(&render(&configuration, folder.path()));
    assert_eq!(mail["defects"], json!([]));
    assert_eq!(headers(&mail, "X-Tag"), ["first", words.trim(), "third"]);
    assert_eq!(
        (headers(&mail, "x-plain"), headers(&mail, "List-Unsubscribe")),
        (vec![plain.trim()], vec![&*url])
    );
    assert_eq!(headers(&mail, "X-tag"), ["=?utf-8?Q?no?="]);
}
