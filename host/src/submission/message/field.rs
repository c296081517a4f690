//! Header fields as lines: folding (RFC 5322 §2.2.3) and encoded-words (RFC 2047).
//!
//! lettre's own header map holds each name once and never breaks a long word, so the fields are
//! written here. Callers see to it that names are valid and that no value holds a line break.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::address::{Address, is_atext};

/// The longest line that folding aims at, in octets: the limit for lines with encoded-words (RFC
/// 2047 §2), within the 78 columns that RFC 5322 §2.1.1 recommends for all lines.
const LINE: usize = 76;

/// The longest encoded-word, in octets (RFC 2047 §2).
const ENCODED_WORD: usize = 75;

/// What surrounds the base64 text of an encoded-word.
const ENCODED_WORD_FRAME: (&str, &str) = ("=?utf-8?B?", "?=");

/// The shortest encoded-word worth starting, in octets: its frame and six octets of text, which
/// hold any character.
const SHORTEST_ENCODED_WORD: usize = 20;

/// The longest word that stays as it is, in octets: with the longest name before it, it keeps a
/// line within the 998 octets of RFC 5322 §2.1.1. URLs and tokens must stay whole; nothing sensible
/// is longer.
const WORD: usize = 900;

/// The longest display name that is written between quotes, in octets: with those it fits in a
/// line.
const QUOTED: usize = 70;

/// A field whose value is free text, in any language.
pub(super) fn unstructured(name: &str, value: &str) -> String {
    let mut field = Field::new(name);
    field.text(value.trim_matches([' ', '\t']));
    field.finish()
}

/// A field with a list of mailboxes, each with its display name.
pub(super) fn mailboxes(name: &str, mailboxes: &[(Option<&str>, &Address)]) -> String {
    let mut field = Field::new(name);
    for (index, (phrase, address)) in mailboxes.iter().enumerate() {
        let comma = if index + 1 < mailboxes.len() { "," } else { "" };
        match phrase {
            // Some readers take a quoted local part for a name where nothing else shows the
            // address.
            None if address.is_quoted() => field.word(" ", &format!("<{address}>{comma}")),
            None => field.word(" ", &format!("{address}{comma}")),
            Some(phrase) => {
                field.phrase(phrase);
                field.word(" ", &format!("<{address}>{comma}"));
            }
        }
    }
    field.finish()
}

/// A field in the making.
struct Field {
    lines: String,
    /// The length of the last line.
    column: usize,
    /// Whether only the name was written yet.
    empty: bool,
}

impl Field {
    fn new(name: &str) -> Self {
        Self { lines: format!("{name}:"), column: name.len() + 1, empty: true }
    }

    fn finish(mut self) -> String {
        self.lines.push_str("\r\n");
        self.lines
    }

    /// Writes a word and the blanks before it, at which the line is folded where the word would
    /// pass its end.
    fn word(&mut self, blanks: &str, word: &str) {
        let length = blanks.len() + word.len();
        // The first word stays beside the name: some servers take a name alone for an empty field.
        if !self.empty && self.column + length > LINE {
            self.fold();
        }
        self.lines.extend([blanks, word]);
        self.column += length;
        self.empty = false;
    }

    fn fold(&mut self) {
        self.lines.push_str("\r\n");
        self.column = 0;
        self.empty = false;
    }

    /// Writes words as they are, except for one stretch from the first word to the last that needs
    /// encoding: decoders drop the blanks between encoded-words, so none may stand there that
    /// counts.
    fn text(&mut self, value: &str) {
        let mut needy = Words::of(value).filter(Word::needs_encoding);
        let Some(first) = needy.next() else {
            return self.words(value);
        };
        let last = needy.last().unwrap_or(first);
        let following = Words::of(&value[last.end..]).next();
        // One blank on either side stays outside, as the separator; further ones go into the
        // encoded-words.
        let start = first.start + first.blanks.len().min(1);
        let end = last.end + following.map_or(0, |word| word.blanks.len().saturating_sub(1));
        self.words(&value[..first.start]);
        self.encoded(&value[first.start..start], &value[start..end]);
        self.words(&value[end..]);
    }

    fn words(&mut self, value: &str) {
        for Word { blanks, text, .. } in Words::of(value) {
            self.word(if blanks.is_empty() { " " } else { blanks }, text);
        }
    }

    /// Writes text as encoded-words, none of which splits a character.
    fn encoded(&mut self, blank: &str, text: &str) {
        let (open, close) = ENCODED_WORD_FRAME;
        let mut blank = if blank.is_empty() { " " } else { blank };
        let mut rest = text;
        while !rest.is_empty() {
            if self.column + 1 + SHORTEST_ENCODED_WORD > LINE {
                self.fold();
            }
            let room = (LINE - self.column - 1).min(ENCODED_WORD);
            let octets = (room - open.len() - close.len()) / 4 * 3;
            let (head, tail) = rest.split_at(rest.floor_char_boundary(octets));
            self.word(blank, &format!("{open}{}{close}", BASE64.encode(head)));
            (blank, rest) = (" ", tail);
        }
    }

    /// Writes a display name as atoms, as a quoted-string or as encoded-words, whichever first can
    /// hold it.
    fn phrase(&mut self, name: &str) {
        let printable = name.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        if !printable || name.len() > QUOTED || name.contains("=?") {
            self.encoded(" ", name);
        } else if name.split(' ').all(|atom| !atom.is_empty() && atom.chars().all(is_atext)) {
            self.words(name);
        } else {
            let escaped = name.replace('\\', "\\\\").replace('"', "\\\"");
            self.word(" ", &format!("\"{escaped}\""));
        }
    }
}

/// A word, the blanks before it, and where in the value the two start and end.
#[derive(Clone, Copy)]
struct Word<'a> {
    start: usize,
    blanks: &'a str,
    text: &'a str,
    end: usize,
}

impl Word<'_> {
    /// Whether a decoder would not give back the word as it stands, or a line could not hold it.
    fn needs_encoding(&self) -> bool {
        self.end - self.start > WORD
            || self.text.contains("=?")
            || !self.text.bytes().all(|byte| byte.is_ascii_graphic())
    }
}

/// The words of a value, which are what stands between blanks.
struct Words<'a> {
    value: &'a str,
    at: usize,
}

impl<'a> Words<'a> {
    fn of(value: &'a str) -> Self {
        Self { value, at: 0 }
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        let start = self.at;
        let rest = &self.value[start..];
        let (blanks, rest) = rest.split_at(rest.find(|c| !is_blank(c))?);
        let text = &rest[..rest.find(is_blank).unwrap_or(rest.len())];
        self.at += blanks.len() + text.len();
        Some(Word { start, blanks, text, end: self.at })
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_text_is_folded_at_blanks_and_encoded_where_it_must_be() {
        let words = |count| vec!["word"; count].join(" ");
        let long = "w".repeat(900);
        for (name, value, lines) in [
            ("Subject", "Your code", "Subject: Your code"),
            ("Subject", "", "Subject:"),
            ("Subject", " \t", "Subject:"),
            ("Subject", " a  b\tc ", "Subject: a  b\tc"),
            ("Subject", "Größe", "Subject: =?utf-8?B?R3LDtsOfZQ==?="),
            ("Subject", "a é b", "Subject: a =?utf-8?B?w6k=?= b"),
            ("Subject", "a  é  b", "Subject: a =?utf-8?B?IMOpIA==?= b"),
            ("Subject", "a é b ü c", "Subject: a =?utf-8?B?w6kgYiDDvA==?= c"),
            ("Subject", "a \u{1b}[1m b", "Subject: a =?utf-8?B?G1sxbQ==?= b"),
            ("Subject", "=?utf-8?B?YQ==?=", "Subject: =?utf-8?B?PT91dGYtOD9CP1lRPT0/PQ==?="),
            ("X-A", "<https://a.test/?b=c&d=e>", "X-A: <https://a.test/?b=c&d=e>"),
            ("Subject", &words(13), &format!("Subject: {}", words(13))),
            ("Subject", &words(14), &format!("Subject: {}\r\n word", words(13))),
            ("X-A", &long, &format!("X-A: {long}")),
            (
                "Subject",
                &"😀".repeat(24),
                "Subject: =?utf-8?B?8J+YgPCfmIDwn5iA8J+YgPCfmIDwn5iA8J+YgPCfmIDwn5iA?=\r\n \
                 =?utf-8?B?8J+YgPCfmIDwn5iA8J+YgPCfmIDwn5iA8J+YgPCfmIDwn5iA8J+YgPCfmIA=?=\r\n \
                 =?utf-8?B?8J+YgPCfmIDwn5iA8J+YgA==?=",
            ),
        ] {
            assert_eq!(unstructured(name, value), format!("{lines}\r\n"), "{value:?}");
        }
    }

    #[test]
    fn display_names_are_atoms_quoted_or_encoded() {
        let address = Address::parse("to", "a@b.test").expect("usable");
        let long = "n".repeat(71);
        for (name, written) in [
            ("Acme", "Acme <a@b.test>"),
            ("Acme Inc", "Acme Inc <a@b.test>"),
            ("O'Brien", "O'Brien <a@b.test>"),
            ("Acme, Inc.", "\"Acme, Inc.\" <a@b.test>"),
            ("A  B", "\"A  B\" <a@b.test>"),
            ("say \"hi\" \\", "\"say \\\"hi\\\" \\\\\" <a@b.test>"),
            ("x@y.test> <z@y.test", "\"x@y.test> <z@y.test\" <a@b.test>"),
            ("Größe", "=?utf-8?B?R3LDtsOfZQ==?= <a@b.test>"),
            ("=?utf-8?B?YQ==?=", "=?utf-8?B?PT91dGYtOD9CP1lRPT0/PQ==?= <a@b.test>"),
            (
                &long,
                "=?utf-8?B?bm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5u?=\r\n \
                 =?utf-8?B?bm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm4=?= <a@b.test>",
            ),
        ] {
            assert_eq!(mailboxes("To", &[(Some(name), &address)]), format!("To: {written}\r\n"));
        }
        assert_eq!(
            mailboxes("To", &[(None, &address), (None, &address)]),
            "To: a@b.test, a@b.test\r\n"
        );
        let quoted = Address::parse("to", "\"a b\"@c.test").expect("usable");
        assert_eq!(mailboxes("To", &[(None, &quoted)]), "To: <\"a b\"@c.test>\r\n");
    }

    #[test]
    fn a_long_name_leaves_the_encoded_words_to_the_next_line() {
        let name = "X".repeat(76);
        assert_eq!(unstructured(&name, "é"), format!("{name}:\r\n =?utf-8?B?w6k=?=\r\n"));
        assert_eq!(unstructured(&name, &"w".repeat(899)).len(), 76 + 2 + 899 + 2);
    }
}
