//! Templates: compiled at their first use, kept, and rendered with a payload.
//!
//! A template of text and plain placeholders alone, which is all that Logto's own language knows,
//! is rendered as it stands; Handlebars is asked only where there is more, for its parser costs
//! more than all the rest of a message. Partials and decorators do not exist: a template is one
//! text, and cannot call itself.

mod blocks;
mod lint;
mod placeholder;
mod scan;
mod text;

pub use blocks::Engine;
pub use lint::lint;
pub use scan::SyntaxError;
pub use text::Escaping;

use std::cell::OnceCell;
use std::ops::Range;

use handlebars::Context;
use handlebars::template::Template as Handlebars;

use placeholder::Found;
use scan::Kind;
use text::{Bounded, write_text, write_value};

/// The text of a template, compiled when it is first needed.
#[derive(Debug)]
pub struct Source {
    text: String,
    escaping: Escaping,
    compiled: OnceCell<Result<Compiled, SyntaxError>>,
}

/// Why a template gave no text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RenderFailure {
    /// The text would be larger than the limit.
    TooLarge,
    /// The template is wrong, or cannot be rendered with this payload.
    Problem {
        /// What is wrong.
        message: String,
        /// The line, counted from one.
        line: Option<u32>,
        /// The column, counted from one.
        column: Option<u32>,
    },
}

#[derive(Debug)]
enum Compiled {
    /// Plain placeholders in order; the text stands between them.
    Plain(Vec<Placeholder>),
    Blocks(Handlebars),
}

#[derive(Debug)]
struct Placeholder {
    span: Range<usize>,
    path: Range<usize>,
    escaping: Escaping,
}

impl Source {
    /// A template that is not compiled yet.
    pub fn new(text: impl Into<String>, escaping: Escaping) -> Self {
        Self { text: text.into(), escaping, compiled: OnceCell::new() }
    }

    /// Renders the template with a payload.
    pub fn render(&self, engine: &Engine, payload: &Context) -> Result<String, RenderFailure> {
        let compiled = self.compiled.get_or_init(|| compile(&self.text, self.escaping));
        let mut out = Bounded::for_template(self.text.len());
        let rendered = match compiled {
            Ok(Compiled::Plain(placeholders)) => self.fill(placeholders, payload, &mut out),
            Ok(Compiled::Blocks(template)) => {
                blocks::render(template, engine, self.escaping, payload, &mut out)
                    .map_err(|error| render_problem(&error))
            }
            Err(error) => Err(error.clone().into()),
        };
        match rendered {
            Ok(()) => Ok(out.text),
            Err(_) if out.overflowed => Err(RenderFailure::TooLarge),
            Err(failure) => Err(failure),
        }
    }

    fn fill(
        &self,
        placeholders: &[Placeholder],
        payload: &Context,
        out: &mut Bounded,
    ) -> Result<(), RenderFailure> {
        let mut text_start = 0;
        for placeholder in placeholders {
            self.literal(text_start..placeholder.span.start, out)?;
            self.value(placeholder, payload, out)?;
            text_start = placeholder.span.end;
        }
        self.literal(text_start..self.text.len(), out)
    }

    fn value(
        &self,
        placeholder: &Placeholder,
        payload: &Context,
        out: &mut Bounded,
    ) -> Result<(), RenderFailure> {
        let path = &self.text[placeholder.path.clone()];
        match placeholder::resolve(payload.data(), path) {
            Found::Value(value) => {
                write_value(value, placeholder.escaping, out).map_err(|_| RenderFailure::TooLarge)
            }
            Found::Nothing => Ok(()),
            Found::UnknownRoot => self.literal(placeholder.span.clone(), out),
        }
    }

    fn literal(&self, span: Range<usize>, out: &mut Bounded) -> Result<(), RenderFailure> {
        write_text(&self.text[span], Escaping::Plain, out).map_err(|_| RenderFailure::TooLarge)
    }
}

impl From<SyntaxError> for RenderFailure {
    fn from(error: SyntaxError) -> Self {
        Self::Problem { message: error.message, line: Some(error.line), column: Some(error.column) }
    }
}

fn compile(text: &str, escaping: Escaping) -> Result<Compiled, SyntaxError> {
    let tags = scan::scan(text)?;
    if !tags.are_plain() {
        return blocks::compile(text, &tags, escaping).map(Compiled::Blocks);
    }
    let placeholder = |tag: scan::Tag| {
        let raw = tag.kind == Kind::Raw && escaping == Escaping::Html;
        let escaping = if raw { Escaping::Plain } else { escaping };
        tag.path.map(|path| Placeholder { span: tag.span, path, escaping })
    };
    Ok(Compiled::Plain(tags.list.into_iter().filter_map(placeholder).collect()))
}

fn render_problem(error: &handlebars::RenderError) -> RenderFailure {
    let number =
        |position: Option<usize>| position.and_then(|position| u32::try_from(position).ok());
    RenderFailure::Problem {
        message: blocks::render_message(error),
        line: number(error.line_no),
        column: number(error.column_no),
    }
}

#[cfg(test)]
mod tests;
