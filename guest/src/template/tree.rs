//! The tree of a template with more than plain placeholders: what stands in what.

mod whitespace;

use std::iter::Peekable;
use std::ops::Range;
use std::slice::Iter;

use serde::{Deserialize, Serialize};

use super::expression::{self, Call, Expression, Unknown};
use super::scan::{Kind, Strip, SyntaxError, Tag, Tags};

/// The tree of a template.
#[derive(Debug)]
pub(super) struct Tree {
    /// All of it.
    pub root: Program,
    /// The names that are called as helpers and are none.
    pub unknown: Vec<Unknown>,
}

/// What follows one after the other.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Program {
    /// The parts in order.
    pub body: Vec<Statement>,
    /// Whether it is the block of an `{{else if}}` and nothing else.
    is_chained: bool,
}

/// One part of a program.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Statement {
    /// Literal text.
    Text(Text),
    /// A comment.
    Comment(Strip),
    /// A tag that stays as it is written.
    Words {
        /// Where it stands.
        span: Range<usize>,
        /// The white space that it takes all the same.
        strip: Strip,
    },
    /// A plain placeholder outside blocks.
    Placeholder {
        /// Where the tag stands.
        span: Range<usize>,
        /// Where its path stands.
        path: Range<usize>,
        /// Whether it is not escaped.
        is_raw: bool,
        /// The white space that it takes.
        strip: Strip,
    },
    /// Any other value.
    Value {
        /// What has the value.
        expression: Expression,
        /// Whether it is not escaped.
        is_raw: bool,
        /// The white space that it takes.
        strip: Strip,
    },
    /// A block.
    Block(Box<Block>),
}

/// Literal text, less what the tags around it take of its white space.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Text {
    /// What is left.
    pub span: Range<usize>,
    // What follows decides about white space, and is of no use once that is taken.
    #[serde(skip)]
    original: Range<usize>,
    #[serde(skip)]
    is_start_taken: bool,
    #[serde(skip)]
    is_end_taken: bool,
}

/// A block.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Block {
    /// What decides about it; none where its helper does not exist.
    pub call: Option<Call>,
    /// What it calls the values that it moves to.
    pub names: Vec<String>,
    /// What stands where the helper says yes.
    pub program: Option<Program>,
    /// What stands where the helper says no.
    pub inverse: Option<Program>,
    open: Strip,
    otherwise: Strip,
    close: Strip,
}

/// The rest of a block from an `else` on.
struct Inverse {
    program: Program,
    strip: Strip,
}

/// Makes the tree of a template whose tags have been found, which is what bounds its depth.
pub(super) fn parse(source: &str, tags: &Tags) -> Result<Tree, SyntaxError> {
    let mut parser = Parser {
        source,
        tags: tags.list.iter().peekable(),
        backslashes: tags.backslashes.iter().peekable(),
        at: 0,
        unknown: Vec::new(),
    };
    let mut root = parser.program()?;
    whitespace::strip(source, &mut root);
    Ok(Tree { root, unknown: parser.unknown })
}

struct Parser<'a> {
    source: &'a str,
    tags: Peekable<Iter<'a, Tag>>,
    backslashes: Peekable<Iter<'a, usize>>,
    /// Where the text begins that no statement has yet.
    at: usize,
    unknown: Vec<Unknown>,
}

impl Parser<'_> {
    /// Reads up to an `else`, the end of a block, or the end of all.
    fn program(&mut self) -> Result<Program, SyntaxError> {
        let mut body = Vec::new();
        loop {
            let next = self.tags.peek().copied();
            self.texts(next.map_or(self.source.len(), |tag| tag.span.start), &mut body);
            let Some(tag) = next.filter(|tag| !matches!(tag.kind, Kind::Else | Kind::Close)) else {
                return Ok(Program { body, is_chained: false });
            };
            self.pass(tag);
            body.push(self.statement(tag)?);
        }
    }

    /// Puts the text up to a byte into a body, in pieces where backslashes are left out.
    fn texts(&mut self, end: usize, body: &mut Vec<Statement>) {
        while self.at < end {
            let backslash = self.backslashes.next_if(|at| **at < end);
            let piece = self.at..backslash.copied().unwrap_or(end);
            self.at = piece.end + usize::from(backslash.is_some());
            if !piece.is_empty() {
                body.push(Statement::Text(Text {
                    span: piece.clone(),
                    original: piece,
                    is_start_taken: false,
                    is_end_taken: false,
                }));
            }
        }
    }

    fn pass(&mut self, tag: &Tag) {
        self.tags.next();
        self.at = tag.span.end;
    }

    fn statement(&mut self, tag: &Tag) -> Result<Statement, SyntaxError> {
        let (strip, is_raw) = (tag.strip, tag.kind == Kind::Raw);
        Ok(match tag.kind {
            Kind::Comment => Statement::Comment(strip),
            Kind::Words => Statement::Words { span: tag.span.clone(), strip },
            Kind::Open | Kind::Inverted => Statement::Block(Box::new(self.block(tag)?)),
            _ => match tag.placeholder(self.source) {
                Some(path) => {
                    Statement::Placeholder { span: tag.span.clone(), path, is_raw, strip }
                }
                None => {
                    let expression = expression::value(self.source, tag, &mut self.unknown)?;
                    Statement::Value { expression, is_raw, strip }
                }
            },
        })
    }

    fn block(&mut self, open: &Tag) -> Result<Block, SyntaxError> {
        let head = expression::head(self.source, open, &mut self.unknown)?;
        let program = self.program()?;
        let inverse = self.inverse()?;
        let Some(close) = self.tags.peek().copied().filter(|tag| tag.kind == Kind::Close) else {
            return Err(self.error(self.at, "nothing but the end of the block follows `else`"));
        };
        self.pass(close);
        let (opened, closed) = (self.name(open), self.name(close));
        if opened != closed {
            let message = format!("`{{{{#{opened}}}}}` is closed by `{{{{/{closed}}}}}`");
            return Err(self.error(close.span.start, message));
        }
        let block = block(head, open.strip, program, inverse, close.strip);
        Ok(if open.kind == Kind::Inverted { block.inverted() } else { block })
    }

    fn inverse(&mut self) -> Result<Option<Inverse>, SyntaxError> {
        let Some(tag) = self.tags.peek().copied().filter(|tag| tag.kind == Kind::Else) else {
            return Ok(None);
        };
        self.pass(tag);
        if tag.inner.is_empty() {
            return Ok(Some(Inverse { program: self.program()?, strip: tag.strip }));
        }
        let head = expression::head(self.source, tag, &mut self.unknown)?;
        let program = self.program()?;
        let inverse = self.inverse()?;
        let close = inverse.as_ref().map(|inverse| inverse.strip).unwrap_or_default();
        let block = block(head, Strip::default(), program, inverse, close);
        let body = vec![Statement::Block(Box::new(block))];
        Ok(Some(Inverse { program: Program { body, is_chained: true }, strip: tag.strip }))
    }

    /// What stands first in a tag.
    fn name(&self, tag: &Tag) -> &str {
        self.source[tag.inner.clone()]
            .split(super::placeholder::is_blank)
            .next()
            .unwrap_or_default()
    }

    fn error(&self, at: usize, message: impl Into<String>) -> SyntaxError {
        SyntaxError::at(self.source, at, message)
    }
}

fn block(
    head: expression::Head,
    open: Strip,
    program: Program,
    inverse: Option<Inverse>,
    close: Strip,
) -> Block {
    let (mut inverse, otherwise) = match inverse {
        Some(Inverse { program, strip }) => (Some(program), strip),
        None => (None, Strip::default()),
    };
    // A chain ends where the block does.
    if let Some(chain) = inverse.as_mut().filter(|program| program.is_chained)
        && let Some(Statement::Block(block)) = chain.body.first_mut()
    {
        block.close = close;
    }
    let expression::Head { call, names } = head;
    Block { call, names, program: Some(program), inverse, open, otherwise, close }
}

impl Block {
    /// The block with its branches exchanged. What it names would be for the one that is not moved.
    fn inverted(self) -> Self {
        Self { program: self.inverse, inverse: self.program, names: Vec::new(), ..self }
    }
}
