//! What is odd about single tags: values that are not escaped or stand in no quotes, characters
//! that nobody sees, and braces that hold no name.

use super::super::scan::{Kind, Tag, Tags};
use super::super::text::Escaping;
use crate::findings::Findings;

/// Characters that nobody sees and that are no blanks, with their names. Editors write them, and
/// people copy them.
const INVISIBLE: [(char, &str); 14] = [
    ('\u{ad}', "soft hyphen"),
    ('\u{180e}', "mongolian vowel separator"),
    ('\u{200b}', "zero width space"),
    ('\u{200c}', "zero width non-joiner"),
    ('\u{200d}', "zero width joiner"),
    ('\u{200e}', "left-to-right mark"),
    ('\u{200f}', "right-to-left mark"),
    ('\u{202a}', "left-to-right embedding"),
    ('\u{202b}', "right-to-left embedding"),
    ('\u{202c}', "pop directional formatting"),
    ('\u{2060}', "word joiner"),
    ('\u{2066}', "left-to-right isolate"),
    ('\u{2067}', "right-to-left isolate"),
    ('\u{2069}', "pop directional isolate"),
];

/// Warns about the tags of a text.
pub(super) fn lint(text: &str, tags: &Tags, path: &str, escaping: Escaping, out: &mut Findings) {
    let (mut markup, mut place) = (Markup::default(), Place { at: 0, line: 1, column: 1 });
    let mut text_start = 0;
    for tag in &tags.list {
        markup.read(&text[text_start..tag.span.start]);
        text_start = tag.span.end;
        place.advance(text, tag.span.start);
        let mut lint = Lint { text, tag, place, path, out };
        if escaping == Escaping::Html && tag.kind == Kind::Raw {
            lint.raw();
        }
        if escaping == Escaping::Html && matches!(tag.kind, Kind::Value | Kind::Raw) {
            lint.unquoted(&mut markup);
        }
        if tag.kind != Kind::Comment {
            lint.invisible();
        }
        if tag.kind == Kind::Words {
            lint.words();
        }
    }
}

/// A place in a text, which only moves on: to count from the beginning for each of many tags takes
/// quadratic time.
#[derive(Clone, Copy)]
struct Place {
    at: usize,
    line: usize,
    column: usize,
}

impl Place {
    fn advance(&mut self, text: &str, to: usize) {
        for c in text[self.at..to].chars() {
            (self.line, self.column) =
                if c == '\n' { (self.line + 1, 1) } else { (self.line, self.column + 1) };
        }
        self.at = to;
    }
}

struct Lint<'a> {
    text: &'a str,
    tag: &'a Tag,
    place: Place,
    path: &'a str,
    out: &'a mut Findings,
}

impl Lint<'_> {
    fn warning(&mut self, code: &'static str, message: &str, help: &str) {
        let Place { line, column, .. } = self.place;
        let message = format!("line {line}, column {column}: {message}");
        self.out.warning(self.path, code, message).help(help);
    }

    fn raw(&mut self) {
        self.warning(
            "raw-value",
            "this value is not escaped for HTML",
            "write two braces unless the value is HTML that you trust",
        );
    }

    fn unquoted(&mut self, markup: &mut Markup) {
        if markup.begins_value() {
            self.warning(
                "unquoted-attribute",
                "this value of an attribute has no quotes, so that a blank ends it",
                "put quotes around it, as in `href=\"{{link}}\"`",
            );
        }
    }

    fn invisible(&mut self) {
        let text = &self.text[self.tag.span.clone()];
        for (c, name) in INVISIBLE.iter().filter(|(c, _)| text.contains(*c)) {
            self.warning(
                "invisible-character",
                &format!("this tag holds an invisible character, U+{:04X} ({name})", u32::from(*c)),
                "delete the tag and type it again",
            );
        }
    }

    fn words(&mut self) {
        let text = &self.text[self.tag.span.clone()];
        let has_markup = text.contains('<') || (text.contains('&') && text.contains(';'));
        let help = if has_markup {
            "an editor has put markup into the tag: take it out where the editor shows the source"
        } else {
            "write a name, as in `{{code}}`, or `\\{{` where the braces are meant"
        };
        let message = "these braces hold no name, so that they stay in the mail as they are";
        self.warning("no-placeholder", message, help);
    }
}

/// Where a text of HTML has come to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Markup {
    #[default]
    Text,
    /// Between `<` and `>`.
    Element,
    /// Behind the `=` of an attribute.
    Value,
    /// In an attribute's value that stands between these.
    Quoted(char),
    /// In an attribute's value without quotes.
    Unquoted,
}

impl Markup {
    fn read(&mut self, text: &str) {
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            *self = match (*self, c) {
                (Self::Text, '<') => {
                    let is_element = rest.peek().is_some_and(char::is_ascii_alphabetic);
                    if is_element { Self::Element } else { Self::Text }
                }
                (Self::Element | Self::Unquoted | Self::Value, '>') => Self::Text,
                (Self::Element, '=') => Self::Value,
                (Self::Value, '"' | '\'') => Self::Quoted(c),
                (Self::Quoted(quote), _) if c == quote => Self::Element,
                (Self::Unquoted, _) if c.is_whitespace() => Self::Element,
                (Self::Value, _) if !c.is_whitespace() => Self::Unquoted,
                (state, _) => state,
            };
        }
    }

    /// Whether a value that comes next is part of one without quotes, and goes past it.
    fn begins_value(&mut self) -> bool {
        let is_unquoted = matches!(self, Self::Value | Self::Unquoted);
        if is_unquoted {
            *self = Self::Unquoted;
        }
        is_unquoted
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::scan::scan;
    use super::*;

    fn found(text: &str, escaping: Escaping) -> Vec<(String, String)> {
        let mut findings = Findings::default();
        lint(text, &scan(text).expect(text), "/t", escaping, &mut findings);
        findings.into_vec().into_iter().map(|found| (found.code, found.message)).collect()
    }

    #[test]
    fn odd_tags_are_told_where_they_stand() {
        for (text, codes) in [
            ("{{code}} <a href=\"{{link}}\">{{~link~}}</a>", &[][..]),
            ("{{color:red}}", &["no-placeholder"]),
            ("{{foo/bar}} {{@code}} {{../code}}", &["no-placeholder"; 3]),
            ("{{<b>code</b>}}", &["no-placeholder"]),
            ("{{\u{200b}code}}", &["invisible-character", "no-placeholder"]),
            ("{{#if co\u{ad}de}}{{/if}}", &["invisible-character"]),
            ("{{! \u{200b} }}\u{200b}", &[]),
            ("{{{code}}}", &["raw-value"]),
            ("<a href={{link}}>", &["unquoted-attribute"]),
            ("<a href = https://x/{{code}}/{{code}} b='{{code}}'>", &["unquoted-attribute"; 2]),
            ("<a href='x'>a={{code}} 1 < 2={{code}}", &[]),
            ("<a title='a={{code}}' b>={{code}}", &[]),
            ("<p a={{#if code}}{{code}}{{/if}}>", &["unquoted-attribute"]),
        ] {
            let found: Vec<_> = found(text, Escaping::Html);
            assert_eq!(found.iter().map(|(code, _)| code).collect::<Vec<_>>(), codes, "{text}");
        }
        assert!(found("<a href={{{link}}}>", Escaping::Plain).is_empty());
        let expected =
            "line 2, column 2: this tag holds an invisible character, U+200B (zero width space)";
        assert_eq!(found("a\n {{#if co\u{200b}de}}{{/if}}", Escaping::Plain)[0].1, expected);
    }
}
