//! Mailboxes and lists of them (RFC 5322 §3.4), read from configuration, from requests and from
//! rendered templates.
//!
//! Lenient where that is harmless: unquoted dots and commas in names, `;` between mailboxes,
//! comments for names, groups. A name that is text is kept: a comment beside other words stands in
//! the name with its parentheses, and what precedes a colon is the beginning of a name unless `;`
//! closes the group. Strict where leniency would let text become an address: nothing is ever
//! extracted from a quoted string. Reading takes linear time.

pub mod address;
mod shield;

pub use shield::shield;

use std::mem::take;
use std::str::Chars;

pub use crate::bindings::exports::smtp_connector::contract::messages::Mailbox;

/// Why a text is not what was asked for: a fragment that quotes nothing of the text.
pub type Problem = String;

/// Reads exactly one mailbox.
pub fn one(text: &str) -> Result<Mailbox, Problem> {
    let mut list = list(text)?;
    match (list.pop(), list.len()) {
        (Some(mailbox), 0) => Ok(mailbox),
        (Some(_), others) => Err(format!("expected one mailbox, found {}", others + 1)),
        (None, _) => Err("expected a mailbox, found none".to_owned()),
    }
}

/// Reads any number of mailboxes.
pub fn list(text: &str) -> Result<Vec<Mailbox>, Problem> {
    Reader::default().read(text)?.into_iter().map(Item::into_mailbox).collect()
}

/// Text between spaces.
#[derive(Debug, Default)]
struct Word {
    /// As it stands, quotes kept, comments removed.
    raw: String,
    /// With quotes removed.
    text: String,
    /// Whether an `@` stands outside quotes.
    has_at: bool,
    /// Whether it is a comment.
    is_comment: bool,
}

impl Word {
    fn push(&mut self, c: char) {
        self.has_at |= c == '@';
        self.raw.push(c);
        self.text.push(c);
    }
}

/// A mailbox as it stands in the text.
#[derive(Debug, Default)]
struct Item {
    /// What stands outside angle brackets.
    words: Vec<Word>,
    /// What stands between angle brackets.
    angle: Option<String>,
}

/// The name of a group that is open.
#[derive(Debug)]
struct Group {
    words: Vec<Word>,
    /// The index of its first member.
    first: usize,
}

impl Item {
    fn is_empty(&self) -> bool {
        self.angle.is_none() && self.words.is_empty()
    }

    /// Whether the item may be the beginning of a name such as `Foo, PhD <foo@example.com>`.
    fn is_bare_name(&self) -> bool {
        self.angle.is_none() && !self.words.iter().any(|word| word.has_at)
    }

    /// The name, where comments that stand alone lose their parentheses.
    fn name(&self) -> String {
        let alone = self.words.iter().all(|word| word.is_comment);
        let text = |word: &Word| match word.text.strip_prefix('(') {
            Some(inner) if alone => inner.strip_suffix(')').unwrap_or(inner).to_owned(),
            _ => word.text.clone(),
        };
        let name = self.words.iter().map(text).collect::<Vec<_>>().join(" ");
        // The name of a group that no `;` closes, before an address without a name of its own.
        name.strip_suffix(':').map(str::to_owned).unwrap_or(name)
    }

    fn into_mailbox(mut self) -> Result<Mailbox, Problem> {
        let address = match self.angle.take() {
            Some(angle) if !angle.contains('@') && self.words.iter().any(|word| word.has_at) => {
                return Err(
                    "the address stands outside the angle brackets and the name inside".to_owned()
                );
            }
            Some(angle) => angle,
            None => self.take_bare_address()?,
        };
        Ok(Mailbox {
            name: shield::reveal_name(&self.name()),
            address: shield::reveal_address(address.trim())?,
        })
    }

    /// The one word that is an address; else all words, for in a rendered template one value may be
    /// all.
    fn take_bare_address(&mut self) -> Result<String, Problem> {
        let mut addresses =
            self.words.iter().enumerate().filter(|(_, word)| word.has_at).map(|(index, _)| index);
        match (addresses.next(), addresses.next()) {
            (Some(_), Some(_)) => {
                Err("two addresses stand side by side, put a comma between them".to_owned())
            }
            (Some(only), None) => Ok(self.words.remove(only).raw),
            _ => {
                let (comments, words): (Vec<_>, Vec<_>) =
                    take(&mut self.words).into_iter().partition(|word| word.is_comment);
                self.words = comments;
                Ok(words.into_iter().map(|word| word.raw).collect::<Vec<_>>().join(" "))
            }
        }
    }
}

/// Splits a text into items, one character after the other.
#[derive(Debug, Default)]
struct Reader {
    done: Vec<Item>,
    /// Items without an address that each end with a comma: perhaps parts of the next item's name.
    names: Vec<Item>,
    /// Groups that no `;` has closed.
    groups: Vec<Group>,
    item: Item,
    word: Word,
}

impl Reader {
    fn read(mut self, text: &str) -> Result<Vec<Item>, Problem> {
        if text.trim().contains(|c: char| c.is_control() && c != '\t') {
            return Err("a mailbox holds a line break or a control character".to_owned());
        }
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            match c {
                '"' => self.quoted(&mut rest)?,
                '(' => self.comment(&mut rest)?,
                '<' => self.angle(&mut rest)?,
                '[' if self.word.raw.ends_with('@') => self.literal(&mut rest)?,
                ',' => self.end_item(true),
                ';' => {
                    self.end_item(false);
                    self.groups.pop();
                }
                ':' => self.end_group_name()?,
                '>' | ')' => return Err(format!("`{c}` closes what was never opened")),
                _ if c.is_whitespace() => self.end_word(),
                _ => self.word.push(c),
            }
        }
        self.end_item(false);
        self.keep_group_names()?;
        Ok(self.done)
    }

    fn quoted(&mut self, rest: &mut Chars<'_>) -> Result<(), Problem> {
        self.word.raw.push('"');
        while let Some(c) = rest.next() {
            self.word.raw.push(c);
            match c {
                '"' => return Ok(()),
                '\\' => {
                    let escaped = rest.next().unwrap_or('\\');
                    self.word.raw.push(escaped);
                    self.word.text.push(escaped);
                }
                _ => self.word.text.push(c),
            }
        }
        Err("a quote is never closed".to_owned())
    }

    fn comment(&mut self, rest: &mut Chars<'_>) -> Result<(), Problem> {
        let mut depth = 1_usize;
        let mut comment = String::new();
        while let Some(c) = rest.next() {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                '\\' => comment.extend(rest.next()),
                _ => comment.push(c),
            }
            if depth == 0 {
                if !comment.trim().is_empty() {
                    let text = format!("({comment})");
                    self.item.words.push(Word { text, is_comment: true, ..Word::default() });
                }
                return Ok(());
            }
        }
        Err("a comment is never closed".to_owned())
    }

    fn angle(&mut self, rest: &mut Chars<'_>) -> Result<(), Problem> {
        self.end_word();
        let (mut address, mut in_quotes) = (String::new(), false);
        while let Some(c) = rest.next() {
            match c {
                '>' if !in_quotes => {
                    return match self.item.angle.replace(address) {
                        Some(_) => Err("one mailbox has two addresses".to_owned()),
                        None => Ok(()),
                    };
                }
                '<' if !in_quotes => break,
                '"' => in_quotes = !in_quotes,
                '\\' if in_quotes => {
                    address.push(c);
                    address.extend(rest.next());
                    continue;
                }
                _ => {}
            }
            address.push(c);
        }
        Err("an angle bracket is never closed".to_owned())
    }

    fn literal(&mut self, rest: &mut Chars<'_>) -> Result<(), Problem> {
        self.word.push('[');
        for c in rest {
            self.word.push(c);
            match c {
                ']' => return Ok(()),
                '.' | ':' => {}
                _ if c.is_ascii_alphanumeric() => {}
                _ => break,
            }
        }
        Err("an address literal is never closed".to_owned())
    }

    fn end_word(&mut self) {
        if !self.word.raw.is_empty() {
            self.item.words.push(take(&mut self.word));
        }
    }

    /// Begins a group, whose members stand in the list like others.
    fn end_group_name(&mut self) -> Result<(), Problem> {
        self.end_word();
        let item = take(&mut self.item);
        if !item.is_bare_name() {
            return Err("a colon follows an address".to_owned());
        }
        let mut words = joined(take(&mut self.names), item.words);
        if let Some(word) = words.last_mut() {
            word.push(':');
        }
        self.groups.push(Group { words, first: self.done.len() });
        Ok(())
    }

    /// Gives what no `;` has made the name of a group back to the mailbox behind it.
    fn keep_group_names(&mut self) -> Result<(), Problem> {
        for groups in self.groups.chunk_by_mut(|one, other| one.first == other.first) {
            let first = groups.first().map_or(0, |group| group.first);
            let mut words: Vec<_> =
                groups.iter_mut().flat_map(|group| take(&mut group.words)).collect();
            // The scheme of a URL is no name.
            words.retain(|word| !word.text.eq_ignore_ascii_case("mailto:"));
            match self.done.get_mut(first) {
                Some(item) => {
                    words.append(&mut item.words);
                    item.words = words;
                }
                None if words.is_empty() => {}
                None => return Err("no mailbox follows the colon".to_owned()),
            }
        }
        Ok(())
    }

    fn end_item(&mut self, by_comma: bool) {
        self.end_word();
        let mut item = take(&mut self.item);
        if item.is_empty() {
            return;
        }
        if by_comma && item.is_bare_name() {
            self.names.push(item);
            return;
        }
        if item.angle.is_some() {
            item.words = joined(take(&mut self.names), item.words);
        }
        self.done.append(&mut self.names);
        self.done.push(item);
    }
}

/// The words of a name that commas divide, the commas put back.
fn joined(names: Vec<Item>, last: Vec<Word>) -> Vec<Word> {
    let mut words = Vec::new();
    for name in names {
        words.extend(name.words);
        if let Some(word) = words.last_mut() {
            word.push(',');
        }
    }
    words.extend(last);
    words
}

#[cfg(test)]
mod tests;
