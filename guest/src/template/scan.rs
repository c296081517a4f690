//! Finds the tags of a template before anything is compiled: where they are, how deep they stand,
//! and what no template may hold. It owns the bound on nesting, without which a template could
//! exhaust the stack of the recursive Handlebars parser, and most of the messages about syntax.

use std::ops::Range;

use super::placeholder;

/// How deep blocks may nest, an `{{else if}}` counting as one. Real templates stay below ten; the
/// parser and the renderer need about 4 KiB of stack for each level.
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
    /// `{{/ … }}`.
    Close,
    /// `{{else …}}` or `{{^}}`.
    Else,
    /// `{{! … }}`.
    Comment,
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
}

/// The tags of a template.
#[derive(Debug, Default)]
pub(super) struct Tags {
    /// All tags in order.
    pub list: Vec<Tag>,
    /// Whether some `{{` is escaped by a backslash or doubles one.
    pub escapes: bool,
}

impl Tags {
    /// Whether the template is text and plain placeholders alone.
    pub(super) fn are_plain(&self) -> bool {
        !self.escapes && self.list.iter().all(|tag| tag.path.is_some())
    }

    /// The expressions that stand outside blocks, in order.
    pub(super) fn outside_blocks(&self) -> impl Iterator<Item = &Tag> {
        self.list.iter().filter(|tag| tag.depth == 0 && matches!(tag.kind, Kind::Value | Kind::Raw))
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
            at = match backslashes(&self.source[at..start]) {
                0 => self.tag(start)?,
                1 => {
                    self.tags.escapes = true;
                    skip(self.source, start + 2, "{{")
                }
                _ => {
                    self.tags.escapes = true;
                    self.tag(start)?
                }
            };
        }
        match self.open.last() {
            Some((start, _)) => Err(self.error(*start, "this block is never closed, add `{{/…}}`")),
            None => Ok(self.tags),
        }
    }

    /// Reads the tag at `start` and answers where it ends.
    fn tag(&mut self, start: usize) -> Result<usize, SyntaxError> {
        if let Some((path, end, kind)) = placeholder::at(self.source, start) {
            self.push(start..end, kind, Some(path));
            return Ok(end);
        }
        if self.source[start..].starts_with("{{!") {
            let end = self.comment_end(start)?;
            self.push(start..end, Kind::Comment, None);
            return Ok(end);
        }
        let (kind, body) = self.sigil(start)?;
        let end = self.tag_end(start, body, kind)?;
        self.push(start..end, kind, None);
        self.nest(start, kind)?;
        Ok(end)
    }

    fn push(&mut self, span: Range<usize>, kind: Kind, path: Option<Range<usize>>) {
        let depth = self.open.len();
        self.tags.list.push(Tag { span, kind, depth, path });
    }

    fn nest(&mut self, start: usize, kind: Kind) -> Result<(), SyntaxError> {
        match kind {
            Kind::Open => self.open.push((start, 1)),
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
            Some(b'{') => (Kind::Raw, body + 1),
            Some(b'&') => (Kind::Raw, body + 1),
            Some(b'/') => (Kind::Close, body),
            Some(b'^') => (Kind::Else, body),
            Some(b'>') => return Err(self.unsupported(start, "partials (`{{>`)")),
            Some(b'*') => return Err(self.unsupported(start, "decorators (`{{*`)")),
            Some(b'#') => match self.source[skip_blank(self.source, body + 1)..].bytes().next() {
                Some(b'>') => return Err(self.unsupported(start, "partial blocks (`{{#>`)")),
                Some(b'*') => return Err(self.unsupported(start, "inline partials (`{{#*`)")),
                _ => (Kind::Open, body + 1),
            },
            _ if rest.starts_with("else") => (Kind::Else, body),
            _ => (Kind::Value, body),
        };
        Ok(kind)
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
                b'{' => {
                    return Err(self.error(
                        at,
                        "`{` cannot stand inside a tag, close the tag with `}}` first",
                    ));
                }
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
        let mut end = at + 1;
        while end < bytes.len() && bytes[end] != quote {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        if end < bytes.len() {
            Ok(end)
        } else {
            Err(self.error(start, "a quote in this tag is never closed"))
        }
    }

    /// The last byte of the path segment in brackets that begins at `at`.
    // Quotes and braces in it are refused because the parser would try it as an array too, and this
    // scan must never see less than the parser does.
    fn segment_end(&self, start: usize, at: usize) -> Result<usize, SyntaxError> {
        let rest = &self.source[at + 1..];
        match rest.find([']', '[', '"', '\'', '(', ')', '{', '}']) {
            Some(end) if rest.as_bytes()[end] == b']' => Ok(at + 1 + end),
            _ => Err(self.error(
                start,
                "between `[` and `]` only a key without quotes or brackets can stand",
            )),
        }
    }

    fn comment_end(&self, start: usize) -> Result<usize, SyntaxError> {
        let end_of = |opening: &str, closing: &str| {
            let text = self.source[start..].strip_prefix(opening)?;
            text.find(closing).map(|end| start + opening.len() + end + closing.len())
        };
        end_of("{{!--", "--}}")
            .or_else(|| end_of("{{!", "}}"))
            .ok_or_else(|| self.error(start, "this comment is never closed, add `}}`"))
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

fn skip(source: &str, at: usize, token: &str) -> usize {
    if source[at..].starts_with(token) { at + token.len() } else { at }
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
        assert_eq!(tags.outside_blocks().count(), 3);
        assert!(!tags.are_plain());
        assert!(scan("{{ code }}").expect("a good template").are_plain());
        assert!(!scan("\\{{ code }}").expect("a good template").are_plain());
    }
}
