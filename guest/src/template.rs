//! Templates: scanned once for a configuration, and rendered with a payload.
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

use handlebars::Context;
use handlebars::template::Template as Handlebars;
use serde::{Deserialize, Serialize};

use placeholder::Found;
use scan::Kind;
use text::{Bounded, write_text, write_value};

/// A template whose tags have been found.
#[derive(Debug, Serialize, Deserialize)]
pub struct Source {
    text: String,
    escaping: Escaping,
    form: Form,
    /// What Handlebars makes of a template with blocks, when it is first rendered.
    #[serde(skip)]
    compiled: OnceCell<Result<Handlebars, SyntaxError>>,
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

#[derive(Debug, Serialize, Deserialize)]
enum Form {
    /// Plain placeholders in order; text stands between them.
    Plain(Vec<Placeholder>),
    /// More than that.
    Blocks,
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
    raw: bool,
}

impl Source {
    /// Finds the tags of a template.
    ///
    /// # Errors
    ///
    /// Fails where they cannot be found, or are none that a mail template may have.
    pub fn scan(text: impl Into<String>, escaping: Escaping) -> Result<Self, SyntaxError> {
        let text = text.into();
        let tags = scan::scan(&text)?;
        let form = if tags.are_plain() { Form::Plain(placeholders(&tags)) } else { Form::Blocks };
        Ok(Self { text, escaping, form, compiled: OnceCell::new() })
    }

    /// Renders the template with a payload.
    pub fn render(&self, engine: &Engine, payload: &Context) -> Result<String, RenderFailure> {
        let mut out = Bounded::for_template(self.text.len());
        let rendered = match &self.form {
            Form::Plain(placeholders) => self.fill(placeholders, payload, &mut out),
            Form::Blocks => self.blocks(engine, payload, &mut out),
        };
        match rendered {
            Ok(()) => Ok(out.text),
            Err(_) if out.overflowed => Err(RenderFailure::TooLarge),
            Err(failure) => Err(failure),
        }
    }

    fn blocks(
        &self,
        engine: &Engine,
        payload: &Context,
        out: &mut Bounded,
    ) -> Result<(), RenderFailure> {
        let compiled = self.compiled.get_or_init(|| {
            let tags = scan::scan(&self.text)?;
            blocks::compile(&self.text, &tags, self.escaping)
        });
        let template = compiled.as_ref().map_err(|error| RenderFailure::from(error.clone()))?;
        blocks::render(template, engine, self.escaping, payload, out)
            .map_err(|error| render_problem(&error))
    }

    fn fill(
        &self,
        placeholders: &[Placeholder],
        payload: &Context,
        out: &mut Bounded,
    ) -> Result<(), RenderFailure> {
        let mut rest = self.text.as_str();
        for placeholder in placeholders {
            let text = take(&mut rest, placeholder.text)?;
            literal(text, out)?;
            let tag = rest;
            take(&mut rest, placeholder.opening)?;
            let path = take(&mut rest, placeholder.path)?;
            take(&mut rest, placeholder.closing)?;
            let raw = placeholder.raw && self.escaping == Escaping::Html;
            let escaping = if raw { Escaping::Plain } else { self.escaping };
            match placeholder::resolve(payload.data(), path) {
                Found::Value(value) => {
                    write_value(value, escaping, out).map_err(|_| RenderFailure::TooLarge)?;
                }
                Found::Nothing => {}
                Found::UnknownRoot => literal(&tag[..tag.len() - rest.len()], out)?,
            }
        }
        literal(rest, out)
    }
}

fn literal(text: &str, out: &mut Bounded) -> Result<(), RenderFailure> {
    write_text(text, Escaping::Plain, out).map_err(|_| RenderFailure::TooLarge)
}

/// Takes octets from the beginning of a text; lengths come from a program.
fn take<'t>(rest: &mut &'t str, octets: usize) -> Result<&'t str, RenderFailure> {
    let (taken, behind) = rest.split_at_checked(octets).ok_or(RenderFailure::Problem {
        message: "the program does not fit its template".to_owned(),
        line: None,
        column: None,
    })?;
    *rest = behind;
    Ok(taken)
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
            raw: tag.kind == Kind::Raw,
        };
        end = tag.span.end;
        Some(placeholder)
    };
    tags.list.iter().filter_map(placeholder).collect()
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
