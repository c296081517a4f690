//! A small reader of mails for the tests: it undoes what the writer did, by the letter of the RFCs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// A mail or a part of one.
pub(super) struct Mail {
    /// Names and unfolded values, in order.
    pub(super) fields: Vec<(String, String)>,
    body: String,
}

impl Mail {
    pub(super) fn read(bytes: &[u8]) -> Self {
        let text = std::str::from_utf8(bytes).expect("the mail is UTF-8");
        let (header, body) = text.split_once("\r\n\r\n").expect("the header ends");
        let unfolded = header.replace("\r\n ", " ").replace("\r\n\t", "\t");
        let fields = unfolded.split("\r\n").map(|line| {
            let (name, value) = line.split_once(':').expect("a field has a colon");
            (name.to_owned(), value.strip_prefix([' ', '\t']).unwrap_or(value).to_owned())
        });
        Self { fields: fields.collect(), body: body.to_owned() }
    }

    /// The decoded values of a field.
    pub(super) fn values(&self, name: &str) -> Vec<String> {
        let fields = self.fields.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        fields.map(|(_, value)| decode_words(value)).collect()
    }

    /// The decoded display name of the one mailbox in a field.
    pub(super) fn display_name(&self, name: &str) -> String {
        let (_, value) =
            self.fields.iter().find(|(known, _)| known == name).expect("the field is there");
        let phrase = value.rsplit_once('<').map_or("", |(phrase, _)| phrase.trim_end());
        match phrase.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(quoted) => unescape(quoted),
            None => decode_words(phrase),
        }
    }

    pub(super) fn parts(&self) -> Vec<Self> {
        let content_type = self.values("Content-Type").concat();
        let (_, boundary) = content_type.split_once("boundary=\"").expect("there is a boundary");
        let delimiter = format!("--{}", boundary.trim_end_matches('"'));
        let body =
            self.body.strip_prefix(&format!("{delimiter}\r\n")).expect("the first part starts");
        let body =
            body.strip_suffix(&format!("\r\n{delimiter}--\r\n")).expect("the last part ends");
        body.split(&format!("\r\n{delimiter}\r\n"))
            .map(|part| Self::read(part.as_bytes()))
            .collect()
    }

    /// The decoded body.
    pub(super) fn content(&self) -> String {
        match self.values("Content-Transfer-Encoding").concat().as_str() {
            "7bit" => self.body.clone(),
            "base64" => string(BASE64.decode(self.body.replace("\r\n", "")).expect("valid base64")),
            "quoted-printable" => decode_quoted_printable(&self.body),
            other => panic!("the transfer encoding {other:?} is unknown"),
        }
    }
}

fn unescape(quoted: &str) -> String {
    let mut chars = quoted.chars();
    std::iter::from_fn(|| chars.next().and_then(|c| if c == '\\' { chars.next() } else { Some(c) }))
        .collect()
}

fn decode_words(value: &str) -> String {
    let mut decoded = String::new();
    let mut pending = "";
    let mut after_encoded_word = false;
    for piece in value.split_inclusive([' ', '\t']) {
        let word = piece.trim_end_matches([' ', '\t']);
        let payload = word.strip_prefix("=?utf-8?B?").and_then(|rest| rest.strip_suffix("?="));
        if !(after_encoded_word && payload.is_some()) {
            decoded += pending;
        }
        match payload {
            Some(payload) => {
                assert!(word.len() <= 75, "{word:?} is too long");
                decoded += &string(BASE64.decode(payload).expect("valid base64"));
            }
            None => decoded += word,
        }
        pending = &piece[word.len()..];
        after_encoded_word = payload.is_some();
    }
    decoded + pending
}

fn decode_quoted_printable(body: &str) -> String {
    assert!(body.split("\r\n").all(|line| line.len() <= 76 && !line.ends_with([' ', '\t'])));
    let mut octets = Vec::new();
    let mut pieces = body.split('=');
    octets.extend(pieces.next().unwrap_or_default().bytes());
    for piece in pieces {
        if let Some(rest) = piece.strip_prefix("\r\n") {
            octets.extend(rest.bytes());
        } else {
            octets.push(u8::from_str_radix(&piece[..2], 16).expect("two hexadecimal digits"));
            octets.extend(piece[2..].bytes());
        }
    }
    string(octets)
}

fn string(octets: Vec<u8>) -> String {
    String::from_utf8(octets).expect("whole characters")
}
