//! The white space that tags take, by the rules of handlebars.js: all of it on the side of a `~`,
//! and the whole line where a comment, an `else`, or the beginning or end of a block stands alone.

use super::{Block, Program, Statement, Strip};
use crate::template::placeholder::is_blank;

/// Takes the white space from the texts of a template.
pub(super) fn strip(source: &str, root: &mut Program) {
    Stripper { source }.program(root, true);
}

struct Stripper<'a> {
    source: &'a str,
}

/// What a statement takes, and which of its edges may stand alone in a line.
#[derive(Default)]
struct Taken {
    strip: Strip,
    opens_alone: bool,
    closes_alone: bool,
    stands_alone: bool,
}

/// How much is taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// All white space.
    All,
    /// Blanks, and after the tag one line break.
    Line,
}

impl Stripper<'_> {
    fn program(&self, program: &mut Program, is_root: bool) {
        for index in 0..program.body.len() {
            let taken = self.statement(&mut program.body[index]);
            let body = &program.body;
            let begins_line = self.ends_line(&body[..index], is_root);
            let ends_line = self.begins_line(&body[index + 1..], is_root);
            if taken.strip.after {
                self.take_start(program.body.get_mut(index + 1), Reach::All);
            }
            if taken.strip.before {
                self.take_end(before(&mut program.body, index), Reach::All);
            }
            if taken.stands_alone && begins_line && ends_line {
                self.take_start(program.body.get_mut(index + 1), Reach::Line);
                self.take_end(before(&mut program.body, index), Reach::Line);
            }
            if taken.opens_alone && begins_line {
                if let Statement::Block(block) = &mut program.body[index] {
                    self.take_start(block.first().first_mut(), Reach::Line);
                }
                self.take_end(before(&mut program.body, index), Reach::Line);
            }
            if taken.closes_alone && ends_line {
                self.take_start(program.body.get_mut(index + 1), Reach::Line);
                if let Statement::Block(block) = &mut program.body[index] {
                    self.take_end(block.last().last_mut(), Reach::Line);
                }
            }
        }
    }

    fn statement(&self, statement: &mut Statement) -> Taken {
        match statement {
            Statement::Text(_) => Taken::default(),
            Statement::Comment(strip) => {
                Taken { strip: *strip, stands_alone: true, ..Taken::default() }
            }
            Statement::Words { strip, .. }
            | Statement::Placeholder { strip, .. }
            | Statement::Value { strip, .. } => Taken { strip: *strip, ..Taken::default() },
            Statement::Block(block) => self.block(block),
        }
    }

    fn block(&self, block: &mut Block) -> Taken {
        for program in [&mut block.program, &mut block.inverse].into_iter().flatten() {
            self.program(program, false);
        }
        let (open, otherwise, close) = (block.open, block.otherwise, block.close);
        let taken = Taken {
            strip: Strip { before: open.before, after: close.after },
            opens_alone: self.begins_line(block.first(), false),
            closes_alone: self.ends_line(block.second(), false),
            stands_alone: false,
        };
        if open.after {
            self.take_start(block.first().first_mut(), Reach::All);
        }
        let has_both = block.program.is_some() && block.inverse.is_some();
        if has_both && otherwise.before {
            self.take_end(block.first().last_mut(), Reach::All);
        }
        if has_both && otherwise.after {
            self.take_start(block.second().first_mut(), Reach::All);
        }
        if close.before {
            self.take_end(block.second().last_mut(), Reach::All);
        }
        if has_both
            && self.ends_line(block.first(), false)
            && self.begins_line(block.second(), false)
        {
            self.take_end(block.first().last_mut(), Reach::Line);
            self.take_start(block.second().first_mut(), Reach::Line);
        }
        taken
    }

    /// Whether what is before a place ends with a line of blanks.
    fn ends_line(&self, before: &[Statement], is_root: bool) -> bool {
        let Some((last, others)) = before.split_last() else { return is_root };
        let Statement::Text(text) = last else { return false };
        let original = &self.source[text.original.clone()];
        let blanks = &original[original.trim_end_matches(is_blank).len()..];
        blanks.contains('\n') || (is_root && others.is_empty() && blanks.len() == original.len())
    }

    /// Whether what is after a place begins with the rest of a line of blanks.
    fn begins_line(&self, after: &[Statement], is_root: bool) -> bool {
        let Some((first, others)) = after.split_first() else { return is_root };
        let Statement::Text(text) = first else { return false };
        let original = &self.source[text.original.clone()];
        let blanks = &original[..original.len() - original.trim_start_matches(is_blank).len()];
        blanks.contains('\n') || (is_root && others.is_empty() && blanks.len() == original.len())
    }

    fn take_start(&self, statement: Option<&mut Statement>, reach: Reach) {
        let Some(statement) = statement else { return };
        let Statement::Text(text) = statement else { return };
        let shown = &self.source[text.span.clone()];
        let rest = match reach {
            Reach::Line if text.is_start_taken => return,
            Reach::Line => {
                let rest = shown.trim_start_matches([' ', '\t']);
                let line = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n'));
                line.or_else(|| rest.strip_prefix('\r')).unwrap_or(rest)
            }
            Reach::All => shown.trim_start_matches(is_blank),
        };
        let start = text.span.end - rest.len();
        text.is_start_taken = start != text.span.start;
        text.span.start = start;
    }

    fn take_end(&self, statement: Option<&mut Statement>, reach: Reach) {
        let Some(statement) = statement else { return };
        let Statement::Text(text) = statement else { return };
        let shown = &self.source[text.span.clone()];
        let rest = match reach {
            Reach::Line if text.is_end_taken => return,
            Reach::Line => shown.trim_end_matches([' ', '\t']),
            Reach::All => shown.trim_end_matches(is_blank),
        };
        let end = text.span.start + rest.len();
        text.is_end_taken = end != text.span.end;
        text.span.end = end;
    }
}

/// What is before a place.
fn before(body: &mut [Statement], index: usize) -> Option<&mut Statement> {
    body.get_mut(index.checked_sub(1)?)
}

impl Block {
    /// What its beginning stands before.
    fn first(&mut self) -> &mut [Statement] {
        self.program.as_mut().or(self.inverse.as_mut()).map_or(&mut [], |first| &mut first.body)
    }

    /// What its first `else` stands before, else what its beginning does.
    fn second(&mut self) -> &mut [Statement] {
        if self.program.is_none() || self.inverse.is_none() {
            return self.first();
        }
        match &mut self.inverse {
            Some(Program { body, is_chained: true }) => match body.first_mut() {
                Some(Statement::Block(chained)) => chained.first(),
                _ => &mut [],
            },
            Some(Program { body, is_chained: false }) => body,
            None => &mut [],
        }
    }

    /// What its end stands after.
    fn last(&mut self) -> &mut [Statement] {
        self.inverse.as_mut().or(self.program.as_mut()).map_or(&mut [], |last| &mut last.body)
    }
}
