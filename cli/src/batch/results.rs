//! RESULTS: one line for each request, appended and never changed; the last line of a request wins.
//! What has a final result there is not sent again.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::io::BufReader;

use super::lines::{Line, Lines};
use super::name::{Key, Name};
use super::outcome::{Outcome, Status};
use crate::failure::Problem;
use smtp_connector::{Error, Receipt};

/// How every line that this program writes begins.
const BEGINNING: &[u8] = b"{\"line\":";

/// Where results go.
pub(super) struct Results {
    /// None once a result could not be written whole: another one behind its torn line would be
    /// lost, too.
    sink: Mutex<Option<Sink>>,
}

enum Sink {
    File(File),
    Stdout,
}

/// What is known of requests at the start of a run, and then which ones it has taken up.
#[derive(Default)]
pub(super) struct Ledger(HashMap<Key, Known>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// From the runs before the last one that did not end.
    Earlier(Outcome),
    /// From the last run, which did not end.
    Latest(Outcome),
    /// This run has taken it up.
    Taken,
}

/// What is to be done with a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is to be sent.
    Send,
    /// It has its final result.
    Done(Outcome),
    /// This run has taken it up already.
    Repeated,
}

impl Ledger {
    /// Decides about a request. One that is to be sent counts as taken up from now on.
    pub(super) fn take(&mut self, name: &Name) -> Turn {
        // Without an `id` no other line has the same name, so that there is nothing to remember.
        let taken = name.id.as_ref().map(|_| Known::Taken);
        let key = name.key();
        match (self.0.get(&key).copied(), taken) {
            (Some(Known::Taken), _) => Turn::Repeated,
            (Some(Known::Earlier(outcome) | Known::Latest(outcome)), _)
                if outcome != Outcome::Failed =>
            {
                Turn::Done(outcome)
            }
            (_, Some(taken)) => {
                self.0.insert(key, taken);
                Turn::Send
            }
            (_, None) => Turn::Send,
        }
    }

    /// Whether the last run, which did not end, has a result of a request.
    pub(super) fn is_settled(&self, name: &Name) -> bool {
        matches!(self.0.get(&name.key()), Some(Known::Latest(_)))
    }

    /// Adds a result to those of the last run.
    pub(super) fn settle(&mut self, name: &Name, outcome: Outcome) {
        self.0.insert(name.key(), Known::Latest(outcome));
    }
}

/// A file of results that is open and locked, and that nobody has looked into yet.
pub(super) struct Unread {
    file: File,
    path: PathBuf,
}

impl Unread {
    /// Opens RESULTS for this process alone.
    pub(super) fn open(path: &Path) -> Result<Self, Problem> {
        let unusable =
            |problem: &str| Problem::input(format!("cannot use `{}`: {problem}", path.display()));
        let opened = OpenOptions::new().read(true).append(true).create(true).open(path);
        let file = opened.map_err(|error| unusable(&error.to_string()))?;
        if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
            return Err(unusable("results need a regular file")
                .with_hint("leave `--out` out for the standard output"));
        }
        match file.try_lock() {
            Ok(()) => Ok(Self { file, path: path.to_owned() }),
            Err(TryLockError::WouldBlock) => {
                let hint = "wait until it has ended, or choose another file";
                Err(unusable("another run is writing to it").with_hint(hint))
            }
            Err(TryLockError::Error(error)) => {
                Err(unusable(&format!("it cannot be locked: {error}")))
            }
        }
    }

    /// Reads what earlier runs wrote, and removes what a killed one left unfinished. `latest` is
    /// where the results of the last run begin, if it did not end.
    pub(super) async fn read(self, latest: u64) -> Result<(Results, Ledger), Problem> {
        let Self { file, path } = self;
        let unreadable =
            |error: io::Error| Problem::input(format!("cannot read `{}`: {error}", path.display()));
        let copy = file.try_clone().map_err(unreadable)?;
        let mut lines = Lines::new(BufReader::new(tokio::fs::File::from_std(copy)));
        let mut ledger = Ledger::default();
        let mut torn = None;
        let mut unended = false;
        while let Some(line) = lines.next().await.map_err(unreadable)? {
            unended = !line.ended;
            match Written::read(&line) {
                Some((name, outcome)) if line.offset >= latest => ledger.settle(&name, outcome),
                Some((name, outcome)) => _ = ledger.0.insert(name.key(), Known::Earlier(outcome)),
                None if !line.ended && is_beginning(line.content) => torn = Some(line.offset),
                None => {
                    let message = format!(
                        "line {} of `{}` is no result of this command",
                        line.number,
                        path.display()
                    );
                    let hint = "`--out` wants a file that this command wrote, or a new one";
                    return Err(Problem::input(message).with_hint(hint));
                }
            }
        }
        let repaired = match torn {
            // Half a line was never a result. It is removed so that each line of the file is a JSON
            // document.
            Some(offset) => file.set_len(offset),
            // Somebody's editor took the line feed away.
            None if unended => (&file).write_all(b"\n"),
            None => Ok(()),
        };
        repaired.map_err(|error| unwritable(&error))?;
        Ok((Results { sink: Mutex::new(Some(Sink::File(file))) }, ledger))
    }
}

/// Whether a killed run can have left this as its last line.
fn is_beginning(content: &[u8]) -> bool {
    let common = content.len().min(BEGINNING.len());
    content[..common] == BEGINNING[..common]
}

impl Results {
    /// Results for the standard output.
    pub(super) fn stdout() -> Self {
        Self { sink: Mutex::new(Some(Sink::Stdout)) }
    }

    /// Appends a result in one write: whatever becomes of this process, from then on the request
    /// has it.
    pub(super) fn append(
        &self,
        name: &Name,
        outcome: Outcome,
        sent: &Result<Receipt, Error>,
    ) -> Result<(), Problem> {
        #[derive(Serialize)]
        struct Shape<'a> {
            line: u64,
            #[serde(skip_serializing_if = "Option::is_none")]
            id: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            digest: Option<&'a str>,
            status: Status,
            #[serde(skip_serializing_if = "Option::is_none")]
            result: Option<&'a Receipt>,
            #[serde(skip_serializing_if = "Option::is_none")]
            error: Option<&'a Error>,
        }
        let (result, error) = (sent.as_ref().ok(), sent.as_ref().err());
        let (id, digest) = (name.id.as_deref(), name.digest.as_deref());
        let shape = Shape { line: name.line, id, digest, status: outcome.status(), result, error };
        let mut line = serde_json::to_vec(&shape)
            .map_err(|error| Problem::internal(format!("cannot write JSON: {error}")))?;
        line.push(b'\n');
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        let written = match &mut *sink {
            Some(Sink::File(file)) => file.write_all(&line),
            Some(Sink::Stdout) => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(&line).and_then(|()| stdout.flush())
            }
            None => Err(io::Error::other("an earlier one could not be written")),
        };
        written.map_err(|error| {
            *sink = None;
            unwritable(&error)
        })
    }

    /// Where the next result begins.
    pub(super) fn length(&self) -> Result<u64, Problem> {
        match &*self.sink.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(Sink::File(file)) => {
                Ok(file.metadata().map_err(|error| unwritable(&error))?.len())
            }
            Some(Sink::Stdout) | None => Ok(0),
        }
    }

    /// Has the system write down what it holds. A process that is killed needs none of this, only a
    /// machine that stops: once for a run is what that is worth.
    pub(super) fn sync(&self) -> Result<(), Problem> {
        match &*self.sink.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(Sink::File(file)) => file.sync_all().map_err(|error| unwritable(&error)),
            Some(Sink::Stdout) | None => Ok(()),
        }
    }
}

fn unwritable(error: &io::Error) -> Problem {
    Problem::internal(format!("a result could not be written: {error}"))
}

/// A line of RESULTS, as far as the next run needs it.
#[derive(Deserialize)]
struct Written {
    line: u64,
    id: Option<String>,
    digest: Option<String>,
    status: Status,
    error: Option<WrittenError>,
}

#[derive(Deserialize)]
struct WrittenError {
    kind: String,
    stage: Option<String>,
}

impl Written {
    fn read(line: &Line<'_>) -> Option<(Name, Outcome)> {
        let Self { line, id, digest, status, error } = serde_json::from_slice(line.content).ok()?;
        let refused = |error: &WrittenError| {
            error.kind == "refused" && error.stage.as_deref() == Some("rcpt")
        };
        let outcome = match (status, &error) {
            (Status::Accepted, None) => Outcome::Accepted,
            (Status::Refused, Some(error)) if refused(error) => Outcome::RecipientRefused,
            (Status::Refused, Some(_)) => Outcome::Refused,
            (Status::Failed, Some(_)) => Outcome::Failed,
            (Status::Ambiguous, Some(_)) => Outcome::Ambiguous,
            (Status::Accepted, Some(_)) | (_, None) => return None,
        };
        // Without either it is from the standard output, and nobody can tell which request it was.
        (id.is_some() || digest.is_some()).then_some((Name { line, id, digest }, outcome))
    }
}
