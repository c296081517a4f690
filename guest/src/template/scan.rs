//! Finds the tags of a template before anything is compiled: where they are, how deep they stand,
//! and what no template may hold. It owns the bounds on nesting, without which a template could
//! exhaust the stack of whatever walks through its tree.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::placeholder;

/// How deep blocks may nest, an `{{else if}}` counting as one. Real templates stay below ten; to
/// parse, render and drop takes less than 4 KiB of stack for each level.
const MAX_BLOCKS: usize = 48;

/// How deep subexpressions may nest in one tag.
const MAX_PARENTHESES: usize = 16;

/// What is wrong with a template, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// What was found and what to write instead.
    pub message: String,
    /// The line, counted from one.
    pub line: u32,
    /// The column in characters, counted from one.
    pub column: u32,
}

impl SyntaxError {
    /// An error at a byte of the source.
    pub(super) fn at(source: &str, offset: usize, message: impl Into<String>) -> Self {
        let before = &source[..offset];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            message: message.into(),
            line: count(before.matches('\n').count()),
            column: count(before[line_start..].chars().count()),
        }
    }
}

fn count(before: usize) -> u32 {
    u32::try_from(before + 1).unwrap_or(u32::MAX)
}

/// What a tag is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `{{ … }}`: a value or a helper's result, escaped.
    Value,
    /// `{{{ … }}}` or `{{& … }}`: the same, unescaped.
    Raw,
    /// `{{# … }}`.
    Open,
    /// `{{^ … }}`: the same, its branches exchanged.
    Inverted,
    /// `{{/ … }}`.
    Close,
    /// `{{else …}}` or `{{^}}`.
    Else,
    /// `{{! … }}`.
    Comment,
    /// What is between braces outside blocks and begins with no name, such as `{{color:red}}`:
    /// text that stays as it is written.
    Words,
}

/// On which sides of a tag a `~` takes the white space.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Strip {
    /// Before the tag.
    pub before: bool,
    /// After the tag.
    pub after: bool,
}

/// One tag of a template.
#[derive(Debug, Clone)]
pub(super) struct Tag {
    /// Where it stands, braces included.
    pub span: Range<usize>,
    /// What it is.
    pub kind: Kind,
    /// How many blocks it stands in.
    pub depth: usize,
    /// The dotted path, where the tag is a plain placeholder: nothing but the path and spaces.
    pub path: Option<Range<usize>>,
    /// What stands in it, without braces, sigil and `else`.
    pub inner: Range<usize>,
    /// The white space that it takes.
    pub strip: Strip,
}

impl Tag {
    /// The path of a plain placeholder outside blocks, `~` and `&` beside it or not.
    pub(super) fn placeholder(&self, source: &str) -> Option<Range<usize>> {
        let is_plain = self.depth == 0 && placeholder::is_plain(&source[self.inner.clone()]);
        is_plain.then(|| self.inner.clone())
    }
}

/// The tags of a template.
#[derive(Debug, Default)]
pub(super) struct Tags {
    /// All tags in order.
    pub list: Vec<Tag>,
    /// Where the backslashes are that escape a `{{`, or another backslash before one.
    pub backslashes: Vec<usize>,
}

impl Tags {
    /// Whether the template is text and plain placeholders alone.
    pub(super) fn are_plain(&self) -> bool {
        let is_plain = |tag: &Tag| {
            tag.path.is_some() || tag.kind == Kind::Words && tag.strip == Strip::default()
        };
        self.backslashes.is_empty() && self.list.iter().all(is_plain)
    }
}

/// Finds all tags.
pub(super) fn scan(source: &str) -> Result<Tags, SyntaxError> {
    Scanner { source, tags: Tags::default(), open: Vec::new() }.run()
}

struct Scanner<'a> {
    source: &'a str,
    tags: Tags,
    /// For each open block where it begins, and how many alternatives it has had.
    open: Vec<(usize, usize)>,
}

impl Scanner<'_> {
    fn run(mut self) -> Result<Tags, SyntaxError> {
        let mut at = 0;
        while let Some(found) = self.source[at..].find("{{") {
            let start = at + found;
            let backslashes = backslashes(&self.source[at..start]);
            if backslashes > 0 {
                self.tags.backslashes.push(start - 1);
            }
            at = if backslashes == 1 { start + 2 } else { self.tag(start)? };
        }
        match self.open.last() {
            Some((start, _)) => Err(self.error(*start, "this block is never closed, add `{{/…}}`")),
            None => Ok(self.tags),
        }
    }

    /// Reads the tag at `start` and answers where it ends.
    fn tag(&mut self, start: usize) -> Result<usize, SyntaxError> {
        if let Some((path, end, kind)) = placeholder::at(self.source, start) {
            let inner = path.clone();
            self.push(Tag { path: Some(path), ..self.bare(start..end, kind, inner) });
            return Ok(end);
        }
        let (kind, body) = self.sigil(start)?;
        let end = match kind {
            Kind::Comment => self.comment_end(start, body)?,
            Kind::Words => self.words_end(start)?,
            _ => self.tag_end(start, body, kind)?,
        };
        let mut tag = self.bare(start..end, kind, self.inner(body, end));
        tag.strip.before = self.source[start + 2..body].contains('~');
        tag.strip.after = self.source[start..end - 2].trim_end_matches('}').ends_with('~');
        // An `else` and the end of a block stand in it as much as what is between them.
        self.push(tag);
        self.nest(start, kind)?;
        Ok(end)
    }

    fn bare(&self, span: Range<usize>, kind: Kind, inner: Range<usize>) -> Tag {
        Tag { span, kind, depth: self.open.len(), path: None, inner, strip: Strip::default() }
    }

    fn push(&mut self, tag: Tag) {
        self.tags.list.push(tag);
    }

    /// What stands between the sigil and the closing braces.
    fn inner(&self, body: usize, end: usize) -> Range<usize> {
        let is_edge = |c| c == '~' || c == '}' || placeholder::is_blank(c);
        let start = skip_blank(self.source, body).min(end);
        let text = self.source[start..end].trim_end_matches(is_edge);
        start..start + text.len()
    }

    fn nest(&mut self, start: usize, kind: Kind) -> Result<(), SyntaxError> {
        match kind {
            Kind::Open | Kind::Inverted => self.open.push((start, 1)),
            Kind::Else => match self.open.last_mut() {
                Some((_, alternatives)) => *alternatives += 1,
                None => return Err(self.error(start, "`else` stands outside any block")),
            },
            Kind::Close if self.open.pop().is_none() => {
                return Err(self.error(start, "this closes a block that was never opened"));
            }
            _ => {}
        }
        if self.open.iter().map(|(_, alternatives)| alternatives).sum::<usize>() > MAX_BLOCKS {
            return Err(self.error(start, format!("blocks nest more than {MAX_BLOCKS} deep here")));
        }
        Ok(())
    }

    /// What the first character says, and where the rest of the tag begins.
    fn sigil(&self, start: usize) -> Result<(Kind, usize), SyntaxError> {
        if self.source[start..].starts_with("{{{{") {
            return Err(self.unsupported(start, "raw blocks (`{{{{`)"));
        }
        let body = skip_blank(self.source, start + 2);
        let rest = &self.source[body..];
        let kind = match rest.bytes().next() {
            Some(b'!') => (Kind::Comment, body + 1),
            Some(b'{' | b'&') => (self.or_words(Kind::Raw, body + 1), body + 1),
            Some(b'/') => (Kind::Close, body + 1),
            Some(b'^') if self.is_empty(body + 1) => (Kind::Else, body + 1),
            Some(b'^') => (Kind::Inverted, body + 1),
            Some(b'>') => return Err(self.unsupported(start, "partials (`{{>`)")),
            Some(b'*') => return Err(self.unsupported(start, "decorators (`{{*`)")),
            Some(b'#') => match self.source[skip_blank(self.source, body + 1)..].bytes().next() {
                Some(b'>') => return Err(self.unsupported(start, "partial blocks (`{{#>`)")),
                Some(b'*') => return Err(self.unsupported(start, "inline partials (`{{#*`)")),
                _ => (Kind::Open, body + 1),
            },
            _ if is_else(rest) => (Kind::Else, body + ELSE.len()),
            _ => (self.or_words(Kind::Value, body), body),
        };
        Ok(kind)
    }

    /// The kind of a tag that holds an expression, unless its text begins with no name.
    // Inside blocks the template is Handlebars' own, and such a text a mistake in it.
    fn or_words(&self, kind: Kind, body: usize) -> Kind {
        let text = &self.source[skip_blank(self.source, body)..];
        if self.open.is_empty() && !placeholder::begins_name(text) { Kind::Words } else { kind }
    }

    /// Whether nothing but the end of the tag follows.
    fn is_empty(&self, at: usize) -> bool {
        self.source[skip_blank(self.source, at)..].starts_with("}}")
    }

    /// Where braces around words end.
    fn words_end(&self, start: usize) -> Result<usize, SyntaxError> {
        let is_triple = self.source[start..].starts_with("{{{");
        let (open, ends) = if is_triple { (3, ["}}}", "}~}}"]) } else { (2, ["}}", "}}"]) };
        let words = &self.source[start + open..];
        let Some(end) = first_end(words, ends) else {
            return Err(self.error(start, "this tag is never closed, add `}}`"));
        };
        match words[..end].find("{{") {
            Some(at) => Err(self.error(start + open + at, BRACE_INSIDE)),
            None => Ok(start + open + end),
        }
    }

    fn tag_end(&self, start: usize, body: usize, kind: Kind) -> Result<usize, SyntaxError> {
        let bytes = self.source.as_bytes();
        let triple = kind == Kind::Raw && bytes[body - 1] == b'{';
        let (mut at, mut parentheses) = (body, 0_usize);
        while at < bytes.len() {
            match bytes[at] {
                quote @ (b'"' | b'\'') => at = self.string_end(start, at, quote)?,
                b'[' => at = self.segment_end(start, at)?,
                b'(' => parentheses += 1,
                b')' => parentheses = parentheses.saturating_sub(1),
                b'{' => return Err(self.error(at, BRACE_INSIDE)),
                b'}' if triple => {
                    let inner = skip_blank(self.source, at + 1);
                    return match self.source[inner..].starts_with("}}") {
                        true => Ok(inner + 2),
                        false => Err(self.error(start, "`{{{` is not closed by `}}}`")),
                    };
                }
                b'}' if bytes.get(at + 1) == Some(&b'}') => return Ok(at + 2),
                _ => {}
            }
            if parentheses > MAX_PARENTHESES {
                return Err(self.error(
                    at,
                    format!("subexpressions nest more than {MAX_PARENTHESES} deep here"),
                ));
            }
            at += 1;
        }
        Err(self.error(start, "this tag is never closed, add `}}`"))
    }

    /// The last byte of the string that begins at `at`.
    fn string_end(&self, start: usize, at: usize, quote: u8) -> Result<usize, SyntaxError> {
        let bytes = self.source.as_bytes();
        let ends = |end: &usize| bytes[*end] == quote && bytes[end - 1] != b'\\';
        let end = (at + 1..bytes.len()).find(ends);
        end.ok_or_else(|| self.error(start, "a quote in this tag is never closed"))
    }

    /// The last byte of the path segment in brackets that begins at `at`.
    fn segment_end(&self, start: usize, at: usize) -> Result<usize, SyntaxError> {
        let bytes = self.source.as_bytes();
        let ends = |end: &usize| bytes[*end] == b']' && bytes[end - 1] != b'\\';
        let end = (at + 1..bytes.len()).find(ends);
        end.ok_or_else(|| self.error(start, "`[` in this tag is never closed, add `]`"))
    }

    fn comment_end(&self, start: usize, body: usize) -> Result<usize, SyntaxError> {
        let text = &self.source[body..];
        let dashes = text.starts_with("--").then(|| first_end(text, ["--}}", "--~}}"]));
        let length = dashes.flatten().or_else(|| text.find("}}").map(|end| end + 2));
        let length =
            length.ok_or_else(|| self.error(start, "this comment is never closed, add `}}`"))?;
        Ok(body + length)
    }

    fn unsupported(&self, at: usize, what: &str) -> SyntaxError {
        self.error(at, format!("{what} are not supported in mail templates"))
    }

    fn error(&self, at: usize, message: impl Into<String>) -> SyntaxError {
        SyntaxError::at(self.source, at, message)
    }
}

fn backslashes(text: &str) -> usize {
    text.bytes().rev().take_while(|byte| *byte == b'\\').count()
}

/// Where the first of two tokens ends. Each is sought no further than the one before it is found.
fn first_end(text: &str, [one, other]: [&str; 2]) -> Option<usize> {
    let end = text.find(one).map(|at| at + one.len());
    let earlier = text[..end.unwrap_or(text.len())].find(other).map(|at| at + other.len());
    earlier.or(end)
}

const ELSE: &str = "else";

const BRACE_INSIDE: &str = "`{` cannot stand inside a tag, close the tag with `}}` first";

/// Whether the word `else` comes next.
fn is_else(text: &str) -> bool {
    let rest = text.strip_prefix(ELSE);
    rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
}

fn skip_blank(source: &str, at: usize) -> usize {
    let rest = &source[at..];
    let body = rest.trim_start_matches(|c| c == '~' || placeholder::is_blank(c));
    at + rest.len() - body.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syntax_errors_say_where() {
        for (source, line, column, message) in [
            ("a\n {{code", 2, 2, "this tag is never closed, add `}}`"),
            ("{{#if a}}x", 1, 1, "this block is never closed, add `{{/…}}`"),
            ("x{{/if}}", 1, 2, "this closes a block that was never opened"),
            ("ü{{else}}", 1, 2, "`else` stands outside any block"),
            ("{{> x}}", 1, 1, "partials (`{{>`) are not supported in mail templates"),
            (
                "{{#*inline \"x\"}}{{/inline}}",
                1,
                1,
                "inline partials (`{{#*`) are not supported in mail templates",
            ),
            ("{{{{raw}}}}", 1, 1, "raw blocks (`{{{{`) are not supported in mail templates"),
            ("{{ a {{ b }}", 1, 6, "`{` cannot stand inside a tag, close the tag with `}}` first"),
            ("{{!-- a", 1, 1, "this comment is never closed, add `}}`"),
            ("{{eq \"a}}", 1, 1, "a quote in this tag is never closed"),
        ] {
            let error = scan(source).expect_err(source);
            assert_eq!(
                (error.line, error.column, error.message.as_str()),
                (line, column, message),
                "{source}"
            );
        }
    }

    #[test]
    fn nesting_is_bounded_whatever_hides_it() {
        let parentheses = "(a ".repeat(1000);
        for source in [
            "{{#if a}}".repeat(1000),
            format!("{{{{#if a}}}}{}{{{{/if}}}}", "{{else if a}}".repeat(1000)),
            format!("{{{{a {parentheses}}}}}"),
            format!("{{{{a \"}}}}\" {parentheses}}}}}"),
            format!("{{{{a.[it's] '}}}}' {parentheses}}}}}"),
            format!("\\{{{{ \" {{{{a {parentheses}}}}}"),
            format!("{{{{a {}}}}}", "[".repeat(1000)),
        ] {
            assert!(scan(&source).is_err(), "{}", &source[..20]);
        }
    }

    #[test]
    fn tags_know_their_kind_and_depth() {
        let tags = scan("{{a.b}}{{{c}}}{{#if d}}{{e}}{{else}}f{{/if}}{{!x}}{{len g}}")
            .expect("a good template");
        let found: Vec<_> =
            tags.list.iter().map(|tag| (tag.kind, tag.depth, tag.path.is_some())).collect();
        let expected = [
            (Kind::Value, 0, true),
            (Kind::Raw, 0, true),
            (Kind::Open, 0, false),
            (Kind::Value, 1, true),
            (Kind::Else, 1, false),
            (Kind::Close, 1, false),
            (Kind::Comment, 0, false),
            (Kind::Value, 0, false),
        ];
        assert_eq!(found, expected);
        assert!(!tags.are_plain());
        assert!(scan("{{ code }}").expect("a good template").are_plain());
        assert!(!scan("\\{{ code }}").expect("a good template").are_plain());
    }
}
