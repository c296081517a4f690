//! What paths mean at a place in a template: `this` and what is around it, what `each` provides,
//! and the names that blocks give.

use std::borrow::Cow;
use std::ptr;

use serde_json::Value;

use crate::template::expression::{Path, Start};
use crate::template::value;

/// What can be seen from a place.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s> {
    /// The payload.
    pub payload: &'s Value,
    /// `this`, and what it was around.
    pub level: &'s Level<'s>,
    /// What the nearest `each` provides.
    pub frame: Option<&'s Frame<'s>>,
    /// What the nearest block names that names something.
    pub names: Option<&'s Names<'s>>,
}

/// A `this`, which `../` goes out of.
pub(super) struct Level<'s> {
    /// The value.
    pub this: &'s Value,
    /// The one around it.
    pub outer: Option<&'s Self>,
}

/// What `each` provides for an element.
pub(super) struct Frame<'s> {
    /// `@key`: of an object's member, and of an element its index.
    pub key: &'s Value,
    /// `@index`, from which `@first` follows.
    pub index: usize,
    /// `@last`.
    pub is_last: bool,
    /// What the `each` around it provides.
    pub outer: Option<&'s Self>,
}

/// What a block calls the value that it moves to, and its key.
pub(super) struct Names<'s> {
    /// The names.
    pub names: &'s [String],
    /// What the first one means.
    pub value: &'s Value,
    /// What the second one means.
    pub key: Option<&'s Value>,
    /// What the blocks around it name.
    pub outer: Option<&'s Self>,
}

impl<'s> Scope<'s> {
    /// The scope of a whole template.
    pub(super) fn new(payload: &'s Value, level: &'s Level<'s>) -> Self {
        Self { payload, level, frame: None, names: None }
    }

    /// The value at a path.
    pub(super) fn find(&self, path: &Path) -> Option<Cow<'s, Value>> {
        let mut keys = path.keys.iter().map(String::as_str);
        let start = match path.start {
            Start::This(up) => self.level.out(up)?.this,
            Start::Name => match self.named(path.keys.first()?) {
                Some(value) => {
                    keys.next();
                    value?
                }
                None => self.level.this,
            },
            Start::Data(up) => return self.data(up, &path.keys),
        };
        value::follow(Cow::Borrowed(start), keys)
    }

    /// What a block means by a name; none where no block gives it.
    fn named(&self, name: &str) -> Option<Option<&'s Value>> {
        let mut next = self.names;
        while let Some(block) = next {
            match block.names.iter().position(|known| known == name) {
                Some(0) => return Some(Some(block.value)),
                Some(1) => return Some(block.key),
                Some(_) => return Some(None),
                None => next = block.outer,
            }
        }
        None
    }

    fn data(&self, up: usize, keys: &[String]) -> Option<Cow<'s, Value>> {
        let mut frame = self.frame;
        for _ in 0..up {
            frame = frame?.outer;
        }
        let (first, keys) = keys.split_first()?;
        let mut value = match (first.as_str(), frame) {
            ("root", _) => Cow::Borrowed(self.payload),
            ("key", Some(frame)) => Cow::Borrowed(frame.key),
            ("index", Some(frame)) => Cow::Owned(frame.index.into()),
            ("first", Some(frame)) => Cow::Owned((frame.index == 0).into()),
            ("last", Some(frame)) => Cow::Owned(frame.is_last.into()),
            _ => return None,
        };
        for key in keys {
            // handlebars.js goes on from what is true alone.
            if value::is_false(&value) {
                break;
            }
            value = value::follow(value, std::iter::once(key.as_str()))?;
        }
        Some(value)
    }
}

impl<'s> Level<'s> {
    /// As many values further out.
    fn out(&'s self, up: usize) -> Option<&'s Self> {
        (0..up).try_fold(self, |level, _| level.outer)
    }

    /// Whether a value is the `this` of this level, so that a block with it is no further in: the
    /// same list or object, or an equal text, number or flag.
    pub(super) fn is_at(&self, value: &Value) -> bool {
        let is_compound = value.is_array() || value.is_object();
        ptr::eq(self.this, value) || (!is_compound && value::equals(self.this, value))
    }
}
