//! The mailbox of a recipient, in RFC 5322's own grammar (§3.4) and in no other: an address, or a
//! name and an address in angle brackets.
//!
//! No list, group, route or comment, and no search for an address in a text: a platform that looks
//! at what a user typed sees the address that is mailed to, or none.

#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::ops::Range;

use super::{Address, is_atext};
use crate::error::{Error, ErrorKind, Result};
use crate::message::Mailbox;

/// What separates words. All other blanks of Unicode are none here.
const BLANKS: [char; 2] = [' ', '\t'];

/// Why a text is no mailbox of a recipient.
type Problem = String;

/// Reads the mailbox of a recipient; an error names it by `place`, says where it departs from the
/// grammar, and quotes one character at most. The address keeps the spelling of its domain.
pub(crate) fn recipient(place: &str, text: &str) -> Result<Mailbox> {
    Reader { text }.mailbox().map_err(|problem| {
        Error::new(ErrorKind::Address, format!("`{place}` holds no usable address: {problem}"))
            .with_hint(format!(
                "Write one address such as `user@example.com` in `{place}`, or a name and an \
                 address such as `Jo Doe <user@example.com>`; a name with other characters than \
                 letters, digits and dots stands in quotes."
            ))
    })
}

struct Reader<'t> {
    text: &'t str,
}

impl Reader<'_> {
    fn mailbox(&self) -> Result<Mailbox, Problem> {
        if let Some((at, c)) = self.text.char_indices().find(|(_, c)| c.is_control() && *c != '\t')
        {
            return Err(self.found(at, c, "is a line break or a control character"));
        }
        let whole = self.trimmed(0..self.text.len());
        if whole.is_empty() {
            return Err("it is empty".to_owned());
        }
        let Some(open) = self.outside_quotes(whole.clone())?.find(|(_, c)| *c == '<') else {
            let address = self.address(whole)?;
            return Ok(Mailbox { name: None, address });
        };
        let name = self.name(whole.start..open.0)?;
        let inner = open.0 + 1..whole.end;
        let Some((close, _)) = self.outside_quotes(inner.clone())?.find(|(_, c)| *c == '>') else {
            return Err(self.found(open.0, '<', "opens a bracket that is never closed"));
        };
        let behind = self.trimmed(close + 1..whole.end);
        if let Some(c) = self.text[behind.clone()].chars().next() {
            return Err(self.found(
                behind.start,
                c,
                "stands behind the address, where nothing may",
            ));
        }
        Ok(Mailbox { name, address: self.address(inner.start..close)? })
    }

    /// One address and nothing beside it.
    fn address(&self, range: Range<usize>) -> Result<String, Problem> {
        let text = &self.text[range.clone()];
        // A literal has colons of its own.
        let literal = text.rfind('@').filter(|at| text[at + 1..].starts_with('['));
        let looked_at = range.start..range.start + literal.unwrap_or(text.len());
        let mut foreign = self.outside_quotes(looked_at)?.filter_map(|(at, c)| {
            let why = match c {
                ',' | ';' => "begins another mailbox, and a message has one recipient",
                ':' => "belongs to a group, a route or a URL, and here is room for an address only",
                '(' | ')' => "belongs to a comment, which has no place here",
                '<' | '>' => "is a bracket that does not belong there",
                c if c.is_whitespace() => "has no place in an address",
                _ => return None,
            };
            Some(self.found(at, c, why))
        });
        if let Some(problem) = foreign.next() {
            return Err(problem);
        }
        let address = Address::read(text)?;
        let domain = text.rsplit('@').next().unwrap_or_default();
        Ok(format!("{}@{domain}", address.local_part))
    }

    /// A phrase: words of plain characters, or in quotes.
    fn name(&self, range: Range<usize>) -> Result<Option<String>, Problem> {
        for (at, c) in self.outside_quotes(range.clone())? {
            let why = match c {
                '@' => "stands in a name without quotes, which could be taken for an address",
                ',' | ';' => "begins another mailbox, or belongs to a name without quotes",
                ':' => "begins a group, or belongs to a name without quotes",
                '(' | ')' => "belongs to a comment, or to a name without quotes",
                c if BLANKS.contains(&c) || c == '.' || is_atext(c) => continue,
                c if c.is_whitespace() => "is no plain blank, and the name has no quotes",
                _ => "stands in a name without quotes",
            };
            return Err(self.found(at, c, why));
        }
        let mut name = String::new();
        let mut chars = self.text[range].chars();
        while let Some(c) = chars.next() {
            match c {
                '"' => {}
                '\\' => name.extend(chars.next()),
                c => name.push(c),
            }
        }
        let name = name.split(BLANKS).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        Ok(Some(name).filter(|name| !name.is_empty()))
    }

    /// The characters that stand in no quoted string, and where.
    fn outside_quotes(
        &self,
        range: Range<usize>,
    ) -> Result<impl Iterator<Item = (usize, char)>, Problem> {
        let mut outside = Vec::new();
        let mut opened = None;
        let mut chars = self.text[range.clone()].char_indices();
        while let Some((at, c)) = chars.next() {
            match (c, opened) {
                ('"', None) => opened = Some(range.start + at),
                ('"', Some(_)) => opened = None,
                ('\\', Some(_)) => drop(chars.next()),
                (_, Some(_)) => {}
                (c, None) => outside.push((range.start + at, c)),
            }
        }
        match opened {
            Some(at) => Err(self.found(at, '"', "opens a quote that is never closed")),
            None => Ok(outside.into_iter()),
        }
    }

    fn trimmed(&self, range: Range<usize>) -> Range<usize> {
        let text = &self.text[range.clone()];
        let end = range.start + text.trim_end_matches(BLANKS).len();
        end - text.trim_matches(BLANKS).len()..end
    }

    /// A character, its place counted from one, and what is wrong with it.
    fn found(&self, at: usize, c: char, why: &str) -> Problem {
        let mut problem = match c {
            '`' => "the backquote".to_owned(),
            c if c.is_ascii_graphic() || c.is_alphanumeric() => format!("`{c}`"),
            ' ' => "the blank".to_owned(),
            c => format!("U+{:04X}", u32::from(c)),
        };
        let place = self.text[..at].chars().count() + 1;
        // Writing to a text does not fail.
        let _ = write!(problem, " at character {place} {why}");
        problem
    }
}
