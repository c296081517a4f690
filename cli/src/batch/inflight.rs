//! RESULTS.inflight: which messages a run had begun to hand over. It stands beside RESULTS while a
//! run goes on; where the run was killed, it tells the next one whose outcome nobody knows.
//!
//! The first line says how long RESULTS was when the run began: an older result of a request is
//! none of this run. Each further line is the name of a request: written before the server hears
//! DATA, and again, marked as failed, when the server is known not to have the message and another
//! attempt follows.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::io::BufReader;

use super::lines::Lines;
use super::name::Name;
use super::outcome::Outcome;
use super::results::{Ledger, Results};
use crate::failure::Problem;
use smtp_connector::{Error, ErrorKind};

/// The notes of this run.
pub(super) struct Inflight {
    path: PathBuf,
    /// None once a note could not be written whole: another one behind its torn line would be lost.
    file: Mutex<Option<File>>,
}

/// The first line.
#[derive(Serialize, Deserialize)]
struct Head {
    /// How long RESULTS was.
    results: u64,
}

/// A line about an attempt at a message.
pub(super) struct Note(Vec<u8>);

/// What such a line says.
#[derive(Serialize, Deserialize)]
struct Attempt<N> {
    #[serde(flatten)]
    name: N,
    /// Whether it is known to have failed; else it has begun.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    failed: bool,
}

impl Note {
    /// The server is about to hear DATA.
    pub(super) fn begun(name: &Name) -> serde_json::Result<Self> {
        Ok(Self(line(&Attempt { name, failed: false })?))
    }

    /// The server does not have the message, and it is to be tried again.
    pub(super) fn failed(name: &Name) -> serde_json::Result<Self> {
        Ok(Self(line(&Attempt { name, failed: true })?))
    }
}

/// What the last run left behind, if it did not end.
pub(super) struct Leftover {
    path: PathBuf,
    head: Option<Head>,
}

impl Leftover {
    /// Looks for the notes that belong to RESULTS.
    pub(super) async fn find(results: &Path) -> Result<Self, Problem> {
        let mut path = results.as_os_str().to_owned();
        path.push(".inflight");
        let path = PathBuf::from(path);
        let Some(mut lines) = notes(&path).await? else {
            return Ok(Self { path, head: None });
        };
        let head = match lines.next().await.map_err(|error| unreadable(&path, &error))? {
            // A run that was killed here had sent nothing.
            Some(line) if !line.ended => None,
            None => None,
            Some(line) => {
                Some(serde_json::from_slice(line.content).map_err(|_| foreign(&path, 1))?)
            }
        };
        Ok(Self { path, head })
    }

    /// Where in RESULTS the results of the last run begin, if it did not end.
    pub(super) fn latest(&self) -> u64 {
        self.head.as_ref().map_or(u64::MAX, |head| head.results)
    }

    /// Gives each message that was noted and has no result the one it must have, and begins the
    /// notes of this run. Tells how many there were.
    pub(super) async fn resolve(
        self,
        results: &Results,
        ledger: &mut Ledger,
    ) -> Result<(Inflight, u64), Problem> {
        let Self { path, head } = self;
        let mut lost = 0;
        if let Some(head) = head {
            if head.results > results.length()? {
                let message = format!("`{}` is about a longer file of results", path.display());
                let hint =
                    "restore that file, or remove this one if nothing of it matters any more";
                return Err(Problem::input(message).with_hint(hint));
            }
            lost = reconcile(&path, results, ledger).await?;
            // Before the notes go, what was made of them has to stay.
            results.sync()?;
        }
        let unwritable = |error| unwritable(&path, &error);
        let options = OpenOptions::new().append(true).create(true).clone();
        let mut file = options.open(&path).map_err(unwritable)?;
        file.set_len(0).map_err(unwritable)?;
        let head = Head { results: results.length()? };
        let head = line(&head).map_err(io::Error::from).map_err(unwritable)?;
        file.write_all(&head).map_err(unwritable)?;
        Ok((Inflight { path, file: Mutex::new(Some(file)) }, lost))
    }
}

impl Inflight {
    /// Writes a note down.
    pub(super) fn write(&self, note: &Note) -> io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let written = match &mut *file {
            Some(open) => open.write_all(&note.0),
            None => Err(io::Error::other("an earlier note could not be written")),
        };
        written.inspect_err(|_| *file = None)
    }

    /// Removes the notes: every message has its result.
    pub(super) fn end(&self) -> Result<(), Problem> {
        std::fs::remove_file(&self.path).map_err(|error| unwritable(&self.path, &error))
    }
}

fn line(content: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(content)?;
    line.push(b'\n');
    Ok(line)
}

async fn notes(path: &Path) -> Result<Option<Lines<BufReader<tokio::fs::File>>>, Problem> {
    match tokio::fs::metadata(path).await {
        Ok(metadata) if metadata.is_file() => {
            let file =
                tokio::fs::File::open(path).await.map_err(|error| unreadable(path, &error))?;
            Ok(Some(Lines::new(BufReader::new(file))))
        }
        Ok(_) => Err(unreadable(path, &io::Error::other("it is no regular file"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// Writes the results that are missing. Were it killed here, the next run would find those written
/// already.
async fn reconcile(path: &Path, results: &Results, ledger: &mut Ledger) -> Result<u64, Problem> {
    let doubtful = doubtful(path, ledger).await?;
    for name in &doubtful {
        results.append(name, Outcome::Ambiguous, &Err(lost_from_sight()))?;
        ledger.settle(name, Outcome::Ambiguous);
    }
    Ok(doubtful.len() as u64)
}

/// The messages whose last attempt had begun and has no outcome: no more than a run has in work at
/// once.
async fn doubtful(path: &Path, ledger: &Ledger) -> Result<Vec<Name>, Problem> {
    let mut doubtful: Vec<Name> = Vec::new();
    let Some(mut lines) = notes(path).await? else { return Ok(doubtful) };
    while let Some(line) = lines.next().await.map_err(|error| unreadable(path, &error))? {
        // A note that is not whole was being written, and its message waited for it.
        if line.number == 1 || !line.ended {
            continue;
        }
        let Attempt::<Name> { name, failed } =
            serde_json::from_slice(line.content).map_err(|_| foreign(path, line.number))?;
        if ledger.is_settled(&name) {
            continue;
        }
        doubtful.retain(|other| *other != name);
        if !failed {
            doubtful.push(name);
        }
    }
    Ok(doubtful)
}

fn lost_from_sight() -> Error {
    let message = "the run before this one ended while the message was going out; nobody knows \
                   whether the server took it";
    Error::new(ErrorKind::Lost, message).into_ambiguous().with_attempts(1)
}

fn foreign(path: &Path, line: u64) -> Problem {
    let message = format!("line {line} of `{}` is no note of this command", path.display());
    Problem::input(message).with_hint("choose another name for `--out`")
}

fn unreadable(path: &Path, error: &io::Error) -> Problem {
    Problem::input(format!("cannot read `{}`: {error}", path.display()))
}

fn unwritable(path: &Path, error: &io::Error) -> Problem {
    Problem::internal(format!("cannot write `{}`: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_that_cannot_be_written_is_the_last_one() {
        let full = OpenOptions::new().write(true).open("/dev/full").expect("the system has one");
        let inflight = Inflight { path: PathBuf::from("unused"), file: Mutex::new(Some(full)) };
        for expected in [io::ErrorKind::StorageFull, io::ErrorKind::Other] {
            let error = inflight.write(&Note(b"{}\n".to_vec())).expect_err("there is no room");
            assert_eq!(error.kind(), expected, "{error}");
        }
    }
}
