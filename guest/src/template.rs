//! Templates: read once for a configuration, and rendered with a payload.
//!
//! A template of text and plain placeholders alone, which is all that Logto's own language knows,
//! is rendered as it stands; a tree is made only where there is more. The language is that of
//! handlebars.js to the letter, which no crate speaks: those differ in white space and `../`, and
//! fail at `{{#if list.length}}`. Partials and decorators do not exist: a template is one text, and
//! cannot call itself.

mod expression;
mod helper;
mod lint;
mod placeholder;
mod purpose;
mod render;
mod scan;
mod text;
mod tree;
mod value;

pub use lint::lint;
pub use purpose::lost;
pub use scan::SyntaxError;
pub use text::Escaping;

use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use placeholder::Found;
use scan::Kind;
use text::{Bounded, TooLarge, write_text, write_value};

/// A template that has been read.
#[derive(Debug, Serialize, Deserialize)]
pub struct Source {
    text: String,
    escaping: Escaping,
    form: Form,
}

/// Why a template gave no text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RenderFailure {
    /// The text would be larger than the limit.
    TooLarge,
    /// The template is wrong.
    Problem {
        /// What is wrong.
        message: String,
        /// The line, counted from one.
        line: Option<u32>,
        /// The column, counted from one.
        column: Option<u32>,
    },
}

#[derive(Debug, Serialize, Deserialize)]
enum Form {
    /// Plain placeholders in order; text stands between them.
    Plain(Vec<Placeholder>),
    /// More than that.
    Tree(tree::Program),
}

/// A plain placeholder by its lengths in octets, which take few bytes in a program.
#[derive(Debug, Serialize, Deserialize)]
struct Placeholder {
    /// The text before it.
    text: usize,
    /// The braces and blanks before its path.
    opening: usize,
    path: usize,
    /// The blanks and braces behind its path.
    closing: usize,
    is_raw: bool,
}

impl Source {
    /// Reads a template.
    ///
    /// # Errors
    ///
    /// Fails where its tags cannot be found, or are none that a mail template may have.
    pub fn read(text: impl Into<String>, escaping: Escaping) -> Result<Self, SyntaxError> {
        let text = text.into();
        let tags = scan::scan(&text)?;
        if tags.are_plain() {
            let form = Form::Plain(placeholders(&tags));
            return Ok(Self { text, escaping, form });
        }
        let tree = tree::parse(&text, &tags)?;
        match tree.unknown.first() {
            Some((at, name)) => Err(SyntaxError::at(&text, *at, helper::unknown(name))),
            None => Ok(Self { form: Form::Tree(tree.root), text, escaping }),
        }
    }

    /// Renders the template with a payload.
    ///
    /// # Errors
    ///
    /// Fails where the text would be larger than the limit.
    pub fn render(&self, payload: &Value) -> Result<String, RenderFailure> {
        let mut out = Bounded::for_template(self.text.len());
        match &self.form {
            Form::Plain(placeholders) => self.fill(placeholders, payload, &mut out)?,
            Form::Tree(root) => {
                render::render(&self.text, root, self.escaping, payload, &mut out)?;
            }
        }
        Ok(out.text)
    }

    fn fill(
        &self,
        placeholders: &[Placeholder],
        payload: &Value,
        out: &mut Bounded,
    ) -> Result<(), TooLarge> {
        let mut end = 0_usize;
        for placeholder in placeholders {
            let start = end.saturating_add(placeholder.text);
            let path_start = start.saturating_add(placeholder.opening);
            let path = path_start..path_start.saturating_add(placeholder.path);
            self.literal(end..start, out)?;
            end = path.end.saturating_add(placeholder.closing);
            match placeholder::resolve(payload, piece(&self.text, &path)) {
                Found::Value(value) => {
                    let is_raw = placeholder.is_raw && self.escaping == Escaping::Html;
                    let escaping = if is_raw { Escaping::Plain } else { self.escaping };
                    write_value(&value, escaping, out)?;
                }
                Found::Nothing => {}
                Found::UnknownRoot => self.literal(start..end, out)?,
            }
        }
        self.literal(end..self.text.len(), out)
    }

    fn literal(&self, span: Range<usize>, out: &mut Bounded) -> Result<(), TooLarge> {
        write_text(piece(&self.text, &span), Escaping::Plain, out)
    }
}

/// A piece of a template; nothing where there is none, as a program may say that no check wrote.
fn piece<'a>(text: &'a str, span: &Range<usize>) -> &'a str {
    text.get(span.clone()).unwrap_or_default()
}

impl From<TooLarge> for RenderFailure {
    fn from(_: TooLarge) -> Self {
        Self::TooLarge
    }
}

impl From<SyntaxError> for RenderFailure {
    fn from(error: SyntaxError) -> Self {
        Self::Problem { message: error.message, line: Some(error.line), column: Some(error.column) }
    }
}

fn placeholders(tags: &scan::Tags) -> Vec<Placeholder> {
    let mut end = 0;
    let placeholder = |tag: &scan::Tag| {
        let path = tag.path.clone()?;
        let placeholder = Placeholder {
            text: tag.span.start - end,
            opening: path.start - tag.span.start,
            path: path.len(),
            closing: tag.span.end - path.end,
            is_raw: tag.kind == Kind::Raw,
        };
        end = tag.span.end;
        Some(placeholder)
    };
    tags.list.iter().filter_map(placeholder).collect()
}

#[cfg(test)]
mod tests;
