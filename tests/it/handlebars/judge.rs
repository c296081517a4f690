//! A process that renders templates with handlebars.js, one line for each.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};
use smtp_connector_tests::real::node;

use super::generator::Pair;

/// A running judge, which ends with this value.
pub(super) struct Judge {
    child: Child,
    pipes: RefCell<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Judge {
    pub(super) fn start() -> Self {
        let mut command = node("handlebars.cjs");
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("Node is installed");
        let input = child.stdin.take().expect("it is a pipe");
        let output = child.stdout.take().expect("it is a pipe");
        Self { child, pipes: RefCell::new((input, BufReader::new(output))) }
    }

    /// What handlebars.js makes of a template; none where it refuses it.
    pub(super) fn render(&self, pair: &Pair) -> Option<String> {
        let question = json!({
            "template": pair.template.to_string(), "payload": pair.payload, "html": pair.html,
        });
        let (input, output) = &mut *self.pipes.borrow_mut();
        writeln!(input, "{question}").expect("the judge listens");
        let mut line = String::new();
        output.read_line(&mut line).expect("the judge answers");
        let answer: Value = serde_json::from_str(&line).expect("the answer is JSON");
        assert!(answer["text"].is_string() || answer["error"].is_string(), "{answer}");
        answer["text"].as_str().map(str::to_owned)
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
