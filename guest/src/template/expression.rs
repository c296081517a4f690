//! What stands in a tag: a path into the payload, a literal, or a helper with its values, as the
//! grammar of handlebars.js has it.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use super::helper::{Helper, Place};
use super::placeholder::is_blank;
use super::scan::{SyntaxError, Tag};

/// What has a value.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Expression {
    /// A text, a number, `true`, `false` or `null`.
    #[serde(with = "as_json")]
    Literal(Value),
    /// A place in the payload, or among what a block provides.
    Path(Path),
    /// A helper's result.
    Call(Box<Call>),
}

/// Where a value is.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Path {
    /// Where it begins.
    pub start: Start,
    /// The keys from there.
    pub keys: Vec<String>,
}

/// Where a path begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Start {
    /// `name`: at what a block calls so, else at `this`.
    Name,
    /// `this`, or as many blocks that move it further out as there are `../`.
    This(usize),
    /// `@name`: at what `each` provides, as many of them further out as there are `../`.
    Data(usize),
}

/// A helper with its values.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Call {
    /// The helper.
    pub helper: Helper,
    /// Its values.
    pub values: Vec<Expression>,
    /// The option `includeZero` of conditions.
    pub include_zero: Option<Expression>,
}

/// The head of a block.
#[derive(Debug)]
pub(super) struct Head {
    /// What decides about the block; none where its helper does not exist.
    pub call: Option<Call>,
    /// What the block calls the values that it moves to: `as |element index|`.
    pub names: Vec<String>,
}

/// A name that is called as a helper and is none, with the byte where it stands.
pub(super) type Unknown = (usize, String);

/// A literal in a program, whose form does not say what a value is: as JSON.
mod as_json {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};
    use serde_json::Value;

    pub(super) fn serialize<S: Serializer>(value: &Value, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&value.to_string())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Value, D::Error> {
        serde_json::from_str(&String::deserialize(input)?).map_err(D::Error::custom)
    }
}

/// Reads the expression of a tag.
pub(super) fn value(
    source: &str,
    tag: &Tag,
    unknown: &mut Vec<Unknown>,
) -> Result<Expression, SyntaxError> {
    let mut reader = Reader::new(source, tag, unknown);
    let (callee, arguments) = reader.called()?;
    reader.end()?;
    reader.expression(callee, arguments)
}

/// Reads the head of a block.
pub(super) fn head(
    source: &str,
    tag: &Tag,
    unknown: &mut Vec<Unknown>,
) -> Result<Head, SyntaxError> {
    let mut reader = Reader::new(source, tag, unknown);
    let (callee, arguments) = reader.called()?;
    let names = reader.block_names()?;
    reader.end()?;
    let call = reader.call(&callee, arguments, Place::Block)?;
    let binds = call.as_ref().is_none_or(|call| call.helper.moves());
    if !names.is_empty() && !binds {
        return Err(reader.error(tag.span.start, "only `each` and `with` can name their values"));
    }
    Ok(Head { call, names })
}

struct Reader<'a> {
    source: &'a str,
    tag: &'a Tag,
    at: usize,
    unknown: &'a mut Vec<Unknown>,
}

/// What stands where a helper's name may.
struct Callee {
    expression: Expression,
    start: usize,
    end: usize,
}

#[derive(Default)]
struct Arguments {
    values: Vec<Expression>,
    include_zero: Option<Expression>,
    any: bool,
}

impl<'a> Reader<'a> {
    fn new(source: &'a str, tag: &'a Tag, unknown: &'a mut Vec<Unknown>) -> Self {
        Self { source, tag, at: tag.inner.start, unknown }
    }

    fn rest(&self) -> &'a str {
        &self.source[self.at..self.tag.inner.end]
    }

    fn skip_blanks(&mut self) {
        self.at = self.tag.inner.end - self.rest().trim_start_matches(is_blank).len();
    }

    /// Goes past a token where it comes next.
    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn end(&mut self) -> Result<(), SyntaxError> {
        self.skip_blanks();
        if self.rest().is_empty() { Ok(()) } else { Err(self.misplaced()) }
    }

    /// A callee and what follows it, up to the end, a closing parenthesis or the names of a block.
    fn called(&mut self) -> Result<(Callee, Arguments), SyntaxError> {
        self.skip_blanks();
        let start = self.at;
        let expression = self.operand()?;
        let callee = Callee { expression, start, end: self.at };
        let mut arguments = Arguments::default();
        loop {
            self.skip_blanks();
            if self.rest().is_empty() || self.rest().starts_with(')') || self.names_follow() {
                return Ok((callee, arguments));
            }
            arguments.any = true;
            match self.option_name() {
                Some(name) => {
                    let value = self.argument()?;
                    if name == "includeZero" {
                        arguments.include_zero = Some(value);
                    }
                }
                None => arguments.values.push(self.argument()?),
            }
        }
    }

    /// The name of `name=value`.
    fn option_name(&mut self) -> Option<&'a str> {
        let start = self.at;
        let name = self.word();
        self.skip_blanks();
        if !name.is_empty() && self.take("=") {
            self.skip_blanks();
            return Some(name);
        }
        self.at = start;
        None
    }

    fn argument(&mut self) -> Result<Expression, SyntaxError> {
        if !self.take("(") {
            return self.operand();
        }
        let (callee, arguments) = self.called()?;
        if !self.take(")") {
            return Err(self.misplaced());
        }
        self.expression(callee, arguments)
    }

    /// A literal or a path.
    fn operand(&mut self) -> Result<Expression, SyntaxError> {
        for quote in ["\"", "'"] {
            if self.take(quote) {
                return self.text(quote).map(Expression::Literal);
            }
        }
        let is_end = |c: char| is_blank(c) || matches!(c, '~' | '}' | ')');
        let word = self.rest().split(is_end).next().unwrap_or_default();
        if let Some(value) = literal(word) {
            self.at += word.len();
            return Ok(Expression::Literal(value));
        }
        self.path().map(Expression::Path)
    }

    fn text(&mut self, quote: &str) -> Result<Value, SyntaxError> {
        let rest = self.rest();
        let ends = |(at, _): &(usize, &str)| !rest[..*at].ends_with('\\');
        let Some((end, _)) = rest.match_indices(quote).find(ends) else {
            return Err(self.misplaced());
        };
        self.at += end + quote.len();
        Ok(Value::String(rest[..end].replace(&format!("\\{quote}"), quote)))
    }

    fn path(&mut self) -> Result<Path, SyntaxError> {
        let is_data = self.take("@");
        let (mut up, mut is_moved, mut keys) = (0, false, Vec::new());
        loop {
            let (start, word) = (self.at, self.word());
            let is_move = word.is_empty() && self.take("..");
            if is_move || word == "this" || (word.is_empty() && self.take(".")) {
                if !keys.is_empty() {
                    return Err(
                        self.error(start, "`this`, `.` and `..` stand only where a path begins")
                    );
                }
                up += usize::from(is_move);
                is_moved = true;
            } else if self.take("[") {
                keys.push(self.bracketed()?);
            } else if word.is_empty() {
                return Err(self.misplaced());
            } else {
                keys.push(word.to_owned());
            }
            if !self.take(".") && !self.take("/") {
                break;
            }
        }
        let start = match (is_data, is_moved) {
            (true, _) => Start::Data(up),
            (false, true) => Start::This(up),
            (false, false) => Start::Name,
        };
        Ok(Path { start, keys })
    }

    fn bracketed(&mut self) -> Result<String, SyntaxError> {
        let rest = self.rest();
        let ends = |(at, _): &(usize, &str)| !rest[..*at].ends_with('\\');
        let Some((end, _)) = rest.match_indices(']').find(ends) else {
            return Err(self.misplaced());
        };
        self.at += end + 1;
        Ok(rest[..end].replace("\\]", "]"))
    }

    fn names_follow(&self) -> bool {
        let rest = self.rest().strip_prefix("as");
        let after = rest.map(|rest| rest.trim_start_matches(is_blank));
        after.is_some_and(|after| rest != Some(after) && after.starts_with('|'))
    }

    fn block_names(&mut self) -> Result<Vec<String>, SyntaxError> {
        let mut names = Vec::new();
        if !self.names_follow() {
            return Ok(names);
        }
        self.take("as");
        self.skip_blanks();
        self.take("|");
        loop {
            self.skip_blanks();
            let (start, name) = (self.at, self.word());
            if name.is_empty() {
                break;
            }
            if Helper::named(name).is_some_and(Helper::owns_its_name) {
                return Err(self.error(start, "a block cannot name its value as a helper is named"));
            }
            names.push(name.to_owned());
        }
        if names.is_empty() || !self.take("|") { Err(self.misplaced()) } else { Ok(names) }
    }

    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let word = &rest[..rest.find(|c| !is_name(c)).unwrap_or(rest.len())];
        self.at += word.len();
        word
    }

    /// A helper's result where one is called, else the callee itself.
    fn expression(
        &mut self,
        callee: Callee,
        arguments: Arguments,
    ) -> Result<Expression, SyntaxError> {
        let name = callee.simple_name();
        let is_call =
            arguments.any || name.and_then(Helper::named).is_some_and(Helper::owns_its_name);
        if is_call {
            let call = self.call(&callee, arguments, Place::Value)?;
            let value = call.map(|call| Expression::Call(Box::new(call)));
            return Ok(value.unwrap_or(Expression::Literal(Value::Null)));
        }
        Ok(match callee.expression {
            // In the place of a name a literal is one.
            Expression::Literal(value) => {
                let key = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                Expression::Path(Path { start: Start::Name, keys: vec![key] })
            }
            expression => expression,
        })
    }

    fn call(
        &mut self,
        callee: &Callee,
        arguments: Arguments,
        place: Place,
    ) -> Result<Option<Call>, SyntaxError> {
        let Some(helper) = callee.simple_name().and_then(Helper::named) else {
            let name = self.source[callee.start..callee.end].to_owned();
            self.unknown.push((self.tag.span.start, name));
            return Ok(None);
        };
        let name = &self.source[callee.start..callee.end];
        if !helper.stands(place) {
            let message = match place {
                Place::Block => format!("`{name}` is no block"),
                Place::Value => format!("`{name}` is a block, write `{{{{#{name} …}}}}`"),
            };
            return Err(self.error(callee.start, message));
        }
        if !helper.values().contains(&arguments.values.len()) {
            let message = format!("`{name}` takes {}", helper.values_in_words());
            return Err(self.error(callee.start, message));
        }
        let Arguments { values, include_zero, .. } = arguments;
        Ok(Some(Call { helper, values, include_zero }))
    }

    /// What comes next cannot stand there.
    fn misplaced(&self) -> SyntaxError {
        self.error(self.at, "this is not a tag that Handlebars understands")
    }

    fn error(&self, at: usize, message: impl Into<String>) -> SyntaxError {
        SyntaxError::at(self.source, at, message)
    }
}

impl Callee {
    /// The name, where it is one that a helper can have.
    fn simple_name(&self) -> Option<&str> {
        match &self.expression {
            Expression::Path(Path { start: Start::Name, keys }) if keys.len() == 1 => {
                Some(&keys[0])
            }
            Expression::Literal(Value::String(name)) => Some(name),
            _ => None,
        }
    }
}

fn literal(word: &str) -> Option<Value> {
    match word {
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        "null" | "undefined" => Some(Value::Null),
        _ => number(word).map(Value::Number),
    }
}

/// A number as templates write them: digits, a sign before them and a fraction after them.
fn number(word: &str) -> Option<Number> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = match word.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (word, None),
    };
    let is_number = digits(whole.strip_prefix('-').unwrap_or(whole)) && fraction.is_none_or(digits);
    if !is_number {
        return None;
    }
    match word.parse::<i64>() {
        Ok(integer) => Some(integer.into()),
        Err(_) => Number::from_f64(word.parse().ok()?),
    }
}

/// Whether a character can stand in a name.
fn is_name(c: char) -> bool {
    !is_blank(c) && !"!\"#%&'()*+,./;<=>@[\\]^`{|}~".contains(c)
}

#[cfg(test)]
mod tests;
