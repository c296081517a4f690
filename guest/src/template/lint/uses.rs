//! What a template uses of the payload, found by walking through its tree.

use super::super::expression::{Call, Expression, Path, Start};
use super::super::helper::Helper;
use super::super::tree::{Block, Program, Statement, Tree};

/// What `each` provides.
const OF_EACH: [&str; 4] = ["index", "key", "first", "last"];

/// What a template uses, each once, in order.
#[derive(Debug, Default)]
pub(super) struct Uses {
    /// First keys of paths that start at the payload.
    pub at_root: Vec<String>,
    /// First keys of paths inside `each` and `with`, which may start at an element.
    pub elsewhere: Vec<String>,
    /// Paths that lead nowhere: out of what they do not stand in, or to data that no block has.
    pub nowhere: Vec<String>,
    /// Names that are called as helpers and are none.
    pub unknown_helpers: Vec<String>,
}

/// Where a path stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// How many blocks around it move `this`.
    moves: usize,
    /// How many of them are `each`.
    each: usize,
    /// What blocks name.
    names: &'a [&'a str],
}

impl Uses {
    /// Notes the placeholder of a path.
    pub(super) fn placeholder(&mut self, path: &str) {
        add(&mut self.at_root, path.split('.').next().unwrap_or_default());
    }

    /// Notes all that a tree uses.
    pub(super) fn tree(&mut self, source: &str, tree: &Tree) {
        for (_, name) in &tree.unknown {
            add(&mut self.unknown_helpers, name);
        }
        self.program(source, &tree.root, Place { moves: 0, each: 0, names: &[] });
    }

    fn program(&mut self, source: &str, program: &Program, place: Place<'_>) {
        for statement in &program.body {
            match statement {
                Statement::Text(_) | Statement::Comment(_) | Statement::Words { .. } => {}
                Statement::Placeholder { path, .. } => self.placeholder(&source[path.clone()]),
                Statement::Value { expression, .. } => self.expression(expression, place),
                Statement::Block(block) => self.block(source, block, place),
            }
        }
    }

    fn block(&mut self, source: &str, block: &Block, place: Place<'_>) {
        if let Some(call) = &block.call {
            self.call(call, place);
        }
        let helper = block.call.as_ref().map(|call| call.helper);
        let mut names: Vec<_> = block.names.iter().map(String::as_str).collect();
        names.extend(place.names);
        let inside = Place {
            moves: place.moves + usize::from(helper.is_some_and(Helper::moves)),
            each: place.each + usize::from(helper == Some(Helper::Each)),
            names: &names,
        };
        if let Some(program) = &block.program {
            self.program(source, program, inside);
        }
        if let Some(inverse) = &block.inverse {
            self.program(source, inverse, place);
        }
    }

    fn expression(&mut self, expression: &Expression, place: Place<'_>) {
        match expression {
            Expression::Literal(_) => {}
            Expression::Path(path) => self.path(path, place),
            Expression::Call(call) => self.call(call, place),
        }
    }

    fn call(&mut self, call: &Call, place: Place<'_>) {
        let option = call.include_zero.iter();
        call.values.iter().chain(option).for_each(|value| self.expression(value, place));
    }

    fn path(&mut self, path: &Path, place: Place<'_>) {
        let Some(key) = path.keys.first() else { return };
        let up = match path.start {
            Start::Name if place.names.contains(&key.as_str()) => return,
            Start::Name => 0,
            Start::This(up) => up,
            Start::Data(up) => return self.data(up, &path.keys, place),
        };
        match place.moves.checked_sub(up) {
            Some(0) => add(&mut self.at_root, key),
            Some(_) => add(&mut self.elsewhere, key),
            None => add(&mut self.nowhere, &format!("{}{key}", "../".repeat(up))),
        }
    }

    fn data(&mut self, up: usize, keys: &[String], place: Place<'_>) {
        match keys {
            [root, key, ..] if root == "root" => add(&mut self.at_root, key),
            [root] if root == "root" => {}
            [key, ..] if OF_EACH.contains(&key.as_str()) && up < place.each => {}
            [key, ..] => add(&mut self.nowhere, &format!("@{}{key}", "../".repeat(up))),
            [] => {}
        }
    }
}

fn add(list: &mut Vec<String>, name: &str) {
    if !list.iter().any(|known| known == name) {
        list.push(name.to_owned());
    }
}
