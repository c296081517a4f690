//! Renders the tree of a template with a payload, by the rules of handlebars.js for what a path
//! means inside blocks.

mod condition;
mod scope;

use std::borrow::Cow;

use serde_json::Value;

use super::expression::{Call, Expression};
use super::helper::Helper;
use super::piece;
use super::placeholder::{self, Found};
use super::text::{Bounded, Escaping, TooLarge, write_text, write_value};
use super::tree::{Block, Program, Statement};
use super::value;
use scope::{Frame, Names, Scope};

/// Renders the tree of a template.
pub(super) fn render(
    source: &str,
    root: &Program,
    escaping: Escaping,
    payload: &Value,
    out: &mut Bounded,
) -> Result<(), TooLarge> {
    let level = scope::Level { this: payload, outer: None };
    Renderer { source, escaping, out }.program(root, &Scope::new(payload, &level))
}

struct Renderer<'a> {
    source: &'a str,
    escaping: Escaping,
    out: &'a mut Bounded,
}

impl Renderer<'_> {
    fn program(&mut self, program: &Program, scope: &Scope<'_>) -> Result<(), TooLarge> {
        program.body.iter().try_for_each(|statement| self.statement(statement, scope))
    }

    fn statement(&mut self, statement: &Statement, scope: &Scope<'_>) -> Result<(), TooLarge> {
        match statement {
            Statement::Text(text) => self.literal(piece(self.source, &text.span)),
            Statement::Comment(_) => Ok(()),
            Statement::Words { span, .. } => self.literal(piece(self.source, span)),
            Statement::Placeholder { span, path, is_raw, .. } => {
                match placeholder::resolve(scope.payload, piece(self.source, path)) {
                    Found::Value(value) => self.value(&value, *is_raw),
                    Found::Nothing => Ok(()),
                    Found::UnknownRoot => self.literal(piece(self.source, span)),
                }
            }
            Statement::Value { expression, is_raw, .. } => match evaluate(expression, scope) {
                Some(value) => self.value(&value, *is_raw),
                None => Ok(()),
            },
            Statement::Block(block) => self.block(block, scope),
        }
    }

    fn literal(&mut self, text: &str) -> Result<(), TooLarge> {
        write_text(text, Escaping::Plain, self.out)
    }

    fn value(&mut self, value: &Value, is_raw: bool) -> Result<(), TooLarge> {
        let is_raw = is_raw && self.escaping == Escaping::Html;
        write_value(value, if is_raw { Escaping::Plain } else { self.escaping }, self.out)
    }

    fn block(&mut self, block: &Block, scope: &Scope<'_>) -> Result<(), TooLarge> {
        let Some(call) = &block.call else { return Ok(()) };
        let subject = || call.values.first().and_then(|value| evaluate(value, scope));
        let holds = match call.helper {
            Helper::Each => {
                let subject = subject();
                return self.each(block, subject.as_deref().unwrap_or(&Value::Null), scope);
            }
            Helper::With => match subject().filter(|subject| !value::is_empty(subject)) {
                Some(subject) => {
                    return self.enter(block, &subject, scope.frame, None, scope);
                }
                None => false,
            },
            Helper::Raw => true,
            _ => condition::holds(call, scope),
        };
        let branch = if holds { &block.program } else { &block.inverse };
        branch.as_ref().map_or(Ok(()), |branch| self.program(branch, scope))
    }

    fn each(&mut self, block: &Block, subject: &Value, scope: &Scope<'_>) -> Result<(), TooLarge> {
        let elements: Vec<(Value, &Value)> = match subject {
            Value::Array(list) => {
                list.iter().enumerate().map(|(index, value)| (index.into(), value)).collect()
            }
            Value::Object(map) => {
                let members = value::members(map).into_iter();
                members.map(|(key, value)| (key.as_str().into(), value)).collect()
            }
            _ => Vec::new(),
        };
        if elements.is_empty() {
            let inverse = block.inverse.as_ref();
            return inverse.map_or(Ok(()), |inverse| self.program(inverse, scope));
        }
        let last = elements.len() - 1;
        for (index, (key, value)) in elements.iter().enumerate() {
            let is_last = index == last;
            let frame = Frame { key, index, is_last, outer: scope.frame };
            self.enter(block, value, Some(&frame), Some(key), scope)?;
        }
        Ok(())
    }

    /// Renders a block with another `this`.
    fn enter(
        &mut self,
        block: &Block,
        this: &Value,
        frame: Option<&Frame<'_>>,
        key: Option<&Value>,
        scope: &Scope<'_>,
    ) -> Result<(), TooLarge> {
        let Some(program) = &block.program else { return Ok(()) };
        let names = Names { names: &block.names, value: this, key, outer: scope.names };
        let level = scope::Level { this, outer: Some(scope.level) };
        let scope = Scope {
            payload: scope.payload,
            level: if scope.level.is_at(this) { scope.level } else { &level },
            frame,
            names: if block.names.is_empty() { scope.names } else { Some(&names) },
        };
        self.program(program, &scope)
    }
}

/// The value of an expression, where it has one.
fn evaluate<'s>(expression: &'s Expression, scope: &Scope<'s>) -> Option<Cow<'s, Value>> {
    match expression {
        Expression::Literal(value) => Some(Cow::Borrowed(value)),
        Expression::Path(path) => scope.find(path),
        Expression::Call(call) => match call.helper {
            Helper::Lookup => lookup(call, scope),
            Helper::Len => Some(Cow::Owned(length(call, scope).into())),
            _ => Some(Cow::Owned(condition::holds(call, scope).into())),
        },
    }
}

/// A member by a computed key; what is false has none and stands for itself.
fn lookup<'s>(call: &'s Call, scope: &Scope<'s>) -> Option<Cow<'s, Value>> {
    let value = evaluate(call.values.first()?, scope)?;
    if value::is_false(&value) {
        return Some(value);
    }
    let key = evaluate(call.values.get(1)?, scope)?;
    let mut text = Bounded::for_template(0);
    write_value(&key, Escaping::Plain, &mut text).ok()?;
    value::follow(value, std::iter::once(text.text.as_str()))
}

fn length(call: &Call, scope: &Scope<'_>) -> usize {
    let value = call.values.first().and_then(|value| evaluate(value, scope));
    match value.as_deref() {
        Some(Value::Array(list)) => list.len(),
        Some(Value::Object(map)) => map.len(),
        Some(Value::String(text)) => text.chars().count(),
        _ => 0,
    }
}
