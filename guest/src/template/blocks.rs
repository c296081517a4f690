//! Templates with more than plain placeholders, rendered by Handlebars, which is the crate's only
//! room for rendering: it compiles, makes the crate write values as the rest of this module does,
//! and keeps Logto's rule for missing roots outside blocks.

mod truth;

use std::borrow::Cow;
use std::cell::OnceCell;

use handlebars::template::{HelperTemplate, Parameter, Template, TemplateElement};
use handlebars::{
    Context, Handlebars, Helper, HelperResult, Output, Path, PathSeg, RenderContext, RenderError,
    RenderErrorReason, Renderable,
};
use serde_json::Value;

use super::placeholder::{self, Found};
use super::scan::{Kind, SyntaxError, Tags};
use super::text::{Bounded, Escaping, escape, write_text, write_value};

/// The helpers that templates may call.
pub(super) const HELPERS: [&str; 16] = [
    "if", "unless", "each", "with", "lookup", "eq", "ne", "gt", "gte", "lt", "lte", "and", "or",
    "not", "len", "raw",
];

// No template can call these two, for no identifier holds a parenthesis.
const PLACEHOLDER: &str = "(placeholder)";
const VALUE: &str = "(value)";

/// The Handlebars of a composer, one for each escaping, made at their first use.
#[derive(Debug, Default)]
pub struct Engine {
    html: OnceCell<Handlebars<'static>>,
    plain: OnceCell<Handlebars<'static>>,
    mailbox: OnceCell<Handlebars<'static>>,
}

impl Engine {
    fn of(&self, escaping: Escaping) -> &Handlebars<'static> {
        let cell = match escaping {
            Escaping::Html => &self.html,
            Escaping::Plain => &self.plain,
            Escaping::Mailbox => &self.mailbox,
        };
        cell.get_or_init(|| registry(escaping))
    }
}

/// Compiles a template whose tags have been found.
pub(super) fn compile(
    source: &str,
    tags: &Tags,
    escaping: Escaping,
) -> Result<Template, SyntaxError> {
    let mut template = parse(source, tags)?;
    let mut sources = tags.outside_blocks().map(|tag| &source[tag.span.clone()]);
    rewrite(&mut template, escaping, &mut || sources.next());
    Ok(template)
}

/// Parses a template. Its tags must have been found before, for that is what bounds the parser's
/// recursion.
pub(super) fn parse(source: &str, tags: &Tags) -> Result<Template, SyntaxError> {
    Template::compile(&with_plain_spaces(source, tags)).map_err(|error| {
        let (line, column) = error.pos().unwrap_or((1, 1));
        let number = |position| u32::try_from(position).unwrap_or(u32::MAX);
        SyntaxError { message: syntax_message(&error), line: number(line), column: number(column) }
    })
}

/// The source with every blank of a tag a space, for the crate knows few of JavaScript's.
fn with_plain_spaces<'s>(source: &'s str, tags: &Tags) -> Cow<'s, str> {
    let is_odd = |c: char| placeholder::is_blank(c) && !" \t\r\n".contains(c);
    if !source.contains(is_odd) {
        return Cow::Borrowed(source);
    }
    let (mut plain, mut text_start) = (String::with_capacity(source.len()), 0);
    for tag in tags.list.iter().filter(|tag| tag.kind != Kind::Comment) {
        plain.push_str(&source[text_start..tag.span.start]);
        let mut quote = None;
        plain.extend(source[tag.span.clone()].chars().map(|c| {
            match quote {
                None if matches!(c, '"' | '\'') => quote = Some(c),
                Some(open) if open == c => quote = None,
                _ => {}
            }
            if quote.is_none() && is_odd(c) { ' ' } else { c }
        }));
        text_start = tag.span.end;
    }
    plain.push_str(&source[text_start..]);
    Cow::Owned(plain)
}

fn syntax_message(error: &handlebars::TemplateError) -> String {
    use handlebars::TemplateErrorReason::MismatchingClosedHelper;
    match error.reason() {
        MismatchingClosedHelper(opened, closed) => {
            format!(
                "`{{{{#{opened}}}}}` is closed by `{{{{/{closed}}}}}`",
                opened = bare(opened),
                closed = bare(closed)
            )
        }
        _ => "this is not a tag that Handlebars understands".to_owned(),
    }
}

fn bare(name: &str) -> &str {
    name.trim_matches('"')
}

/// Renders a template.
pub(super) fn render(
    template: &Template,
    engine: &Engine,
    escaping: Escaping,
    context: &Context,
    out: &mut Bounded,
) -> Result<(), RenderError> {
    template.render(engine.of(escaping), context, &mut RenderContext::new(None), out)
}

/// What went wrong, in our words where the crate's are not a fragment.
pub(super) fn render_message(error: &RenderError) -> String {
    match error.reason() {
        RenderErrorReason::HelperNotFound(name) => unknown_helper(name),
        RenderErrorReason::Other(message) => message.clone(),
        RenderErrorReason::InvalidJsonIndex(_) => {
            "a path asks a list for a key that is no number".to_owned()
        }
        RenderErrorReason::ParamNotFoundForIndex(helper, _) => {
            format!("the helper `{helper}` lacks a parameter")
        }
        _ => "the template cannot be rendered with this payload".to_owned(),
    }
}

/// Says that a helper does not exist.
pub(super) fn unknown_helper(name: &str) -> String {
    format!("there is no helper `{name}`")
}

/// Hands values to our own helpers: outside blocks with the tag's source, for Logto's rule.
fn rewrite<'s>(
    template: &mut Template,
    escaping: Escaping,
    sources: &mut dyn FnMut() -> Option<&'s str>,
) {
    for element in &mut template.elements {
        if escaping == Escaping::Mailbox
            && let TemplateElement::HtmlExpression(expression) = element
        {
            *element = TemplateElement::Expression(expression.clone());
        }
        match element {
            TemplateElement::Expression(tag) | TemplateElement::HtmlExpression(tag) => {
                rewrite_tag(tag, sources());
            }
            TemplateElement::HelperBlock(block) => {
                for branch in [&mut block.template, &mut block.inverse].into_iter().flatten() {
                    rewrite(branch, escaping, &mut || None);
                }
            }
            _ => {}
        }
    }
}

fn rewrite_tag(tag: &mut HelperTemplate, source: Option<&str>) {
    if !tag.params.is_empty() || !tag.hash.is_empty() {
        return;
    }
    let Parameter::Path(path) = &tag.name else { return };
    let raw = raw_path(path);
    match source {
        Some(source) if placeholder::is_plain(raw) => {
            tag.params = [source, raw].map(|text| Parameter::Literal(text.into())).into();
            tag.name = Parameter::Name(PLACEHOLDER.to_owned());
        }
        _ if !HELPERS.contains(&raw) => {
            let name = Parameter::Name(VALUE.to_owned());
            tag.params = vec![std::mem::replace(&mut tag.name, name)];
        }
        _ => {}
    }
}

/// A path as the template writes it.
pub(super) fn raw_path(path: &Path) -> &str {
    match path {
        Path::Relative((_, raw)) | Path::Local((_, _, raw)) => raw,
    }
}

/// The key of the payload that a path begins with, where it is one, and whether the path begins at
/// the payload's root wherever it stands.
pub(super) fn root_of(path: &Path) -> Option<(&str, bool)> {
    let Path::Relative((segments, raw)) = path else { return None };
    let mut segments = segments.iter();
    let absolute = raw.starts_with("@root");
    if absolute {
        segments.next();
    }
    match segments.next() {
        Some(PathSeg::Named(root)) => Some((root, absolute)),
        _ => None,
    }
}

fn registry(escaping: Escaping) -> Handlebars<'static> {
    let mut registry = Handlebars::new();
    // A template must not write one-time codes to a log.
    registry.unregister_helper("log");
    truth::register(&mut registry);
    registry.register_escape_fn(move |text| escape(text, escaping));
    registry.register_helper(
        PLACEHOLDER,
        Box::new(
            move |h: &Helper<'_>,
                  _: &Handlebars<'_>,
                  context: &Context,
                  state: &mut RenderContext<'_, '_>,
                  out: &mut dyn Output| {
                write_placeholder(h, escaping, context.data(), state, out)
            },
        ),
    );
    registry.register_helper(
        VALUE,
        Box::new(
            move |h: &Helper<'_>,
                  _: &Handlebars<'_>,
                  _: &Context,
                  state: &mut RenderContext<'_, '_>,
                  out: &mut dyn Output|
                  -> HelperResult {
                let value = h.param(0).map_or(&Value::Null, |param| param.value());
                Ok(write_value(value, effective(escaping, state), out)?)
            },
        ),
    );
    registry
}

fn write_placeholder(
    h: &Helper<'_>,
    escaping: Escaping,
    payload: &Value,
    state: &RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let literal =
        |index| h.param(index).and_then(|param| param.value().as_str()).unwrap_or_default();
    match placeholder::resolve(payload, literal(1)) {
        Found::Value(value) => write_value(value, effective(escaping, state), out)?,
        Found::Nothing => {}
        Found::UnknownRoot => write_text(literal(0), Escaping::Plain, out)?,
    }
    Ok(())
}

fn effective(escaping: Escaping, state: &RenderContext<'_, '_>) -> Escaping {
    if state.is_disable_escape() && escaping == Escaping::Html { Escaping::Plain } else { escaping }
}
