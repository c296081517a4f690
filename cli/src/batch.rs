//! `batch`: many messages, one result for each.
//!
//! What a run leaves behind says what is to be sent yet, however the run ended.

mod inflight;
mod lines;
mod name;
mod outcome;
mod progress;
mod request;
mod results;
mod stop;
mod summary;

use std::fs::File;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufRead, BufReader};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinSet};

use self::inflight::{Inflight, Leftover, Note};
use self::lines::{Line, Lines};
use self::name::Name;
use self::outcome::Outcome;
use self::progress::Progress;
use self::request::Entry;
use self::results::{Ledger, Results, Turn, Unread};
use self::stop::{Reason, Signals, Stop};
use self::summary::Tally;
use super::failure::{Failure, Problem};
use super::input::{Config, is_standard_input, unreadable};
use super::terminal::{Style, harmless, tell};
use super::{Session, arguments};
use smtp_connector::{Delivery, Error, ErrorKind, Mailer, Receipt, Request};

/// How many messages are in work beyond two for each connection: one is composed while another one
/// is sent.
const AHEAD: usize = 8;

/// How many bytes of lines are in work at once. A longer line is in work alone: composing it takes
/// many times its size.
const BYTES_IN_WORK: usize = 4 << 20;

/// How long the farewells to the server may take together.
const FAREWELL: Duration = Duration::from_secs(3);

/// How much of REQUESTS is read at once.
const CHUNK: usize = 256 << 10;

pub(super) async fn run(
    session: &Session<'_>,
    command: &arguments::Batch,
) -> Result<ExitCode, Failure> {
    if is_standard_input(&command.config) && is_standard_input(&command.requests) {
        let message = "CONFIG and REQUESTS cannot both be the standard input";
        return Err(Problem::usage(message, "put one of them into a file").into());
    }
    let config = Config::read(&command.config)?;
    let requests = open(&command.requests)?;
    let mailer = session.mailer(config).await?;
    let (results, ledger, inflight) = resume(command.out.as_deref()).await?;
    let signals = Signals::catch()?;
    let progress = Progress::start();
    let lines: Lines<Source> = match requests {
        None => Lines::new(Box::new(BufReader::with_capacity(CHUNK, tokio::io::stdin()))),
        Some(file) => {
            if let Ok(counted) = regular(&command.requests) {
                progress.count(counted);
            }
            Lines::new(Box::new(BufReader::with_capacity(CHUNK, tokio::fs::File::from_std(file))))
        }
    };
    let run = Arc::new(Run {
        mailer,
        deadline: command.deadline,
        results,
        inflight: inflight.map(Arc::new),
        tally: Mutex::new(Tally::start()?),
        progress,
        stop: Stop::new(),
    });
    let obeying = run.clone();
    tokio::spawn(async move { obeying.stop.obey(signals).await });
    // On a worker, so that each message that ends wakes a task and not a thread.
    let sending = tokio::spawn(run.clone().send(lines, ledger));
    let ended = sending.await.map_err(|error| Problem::internal(error.to_string()))?;
    if ended.settled {
        // A server that does not answer QUIT in time has all messages already.
        let _ = tokio::time::timeout(FAREWELL, run.mailer.close()).await;
    }
    run.conclude(ended)
}

type Source = Box<dyn AsyncBufRead + Send + Unpin>;

/// Opens REQUESTS; none is the standard input.
fn open(path: &Path) -> Result<Option<File>, Problem> {
    if is_standard_input(path) {
        return Ok(None);
    }
    let name = format!("`{}`", path.display());
    let file = File::open(path).map_err(|error| unreadable(&name, &error))?;
    match file.metadata() {
        Ok(metadata) if metadata.is_dir() => {
            Err(Problem::input(format!("cannot read {name}: it is a directory")))
        }
        _ => Ok(Some(file)),
    }
}

/// Opens a regular file a second time: what is read from a pipe is gone.
fn regular(path: &Path) -> std::io::Result<File> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::ErrorKind::InvalidInput.into());
    }
    File::open(path)
}

/// Finds out what earlier runs left to do.
async fn resume(out: Option<&Path>) -> Result<(Results, Ledger, Option<Inflight>), Problem> {
    let Some(path) = out else {
        return Ok((Results::stdout(), Ledger::default(), None));
    };
    let unread = Unread::open(path)?;
    let leftover = Leftover::find(path).await?;
    let (results, mut ledger) = unread.read(leftover.latest()).await?;
    let (inflight, lost) = leftover.resolve(&results, &mut ledger).await?;
    if lost > 0 {
        let messages = if lost == 1 { "1 message was" } else { &format!("{lost} messages were") };
        tell(format_args!(
            "{messages} going out when the run before was killed: now `ambiguous`, and not sent \
             again\n"
        ));
    }
    Ok((results, ledger, Some(inflight)))
}

/// What all messages of a run share.
struct Run {
    mailer: Mailer,
    deadline: Option<Duration>,
    results: Results,
    inflight: Option<Arc<Inflight>>,
    tally: Mutex<Tally>,
    progress: Progress,
    stop: Stop,
}

/// How taking up requests ended.
struct Ended {
    /// Whether all requests were taken up: none if they could not be read to the end.
    exhausted: Result<bool, Problem>,
    /// Whether each message that was taken up has its result.
    settled: bool,
}

/// What a message occupies while it is in work.
type Room = [OwnedSemaphorePermit; 2];

impl Run {
    /// Takes up all requests, and waits for what became of them.
    async fn send(self: Arc<Self>, mut lines: Lines<Source>, mut ledger: Ledger) -> Ended {
        let mut messages = JoinSet::new();
        let exhausted = tokio::select! {
            biased;
            () = self.stop.asked() => Ok(false),
            taken = self.take_up(&mut lines, &mut ledger, &mut messages) => taken.map(|()| true),
        };
        let all = async {
            while let Some(ended) = messages.join_next().await {
                self.heed(ended);
            }
        };
        let settled = tokio::select! {
            () = all => true,
            () = self.stop.overdue() => false,
        };
        Ended { exhausted, settled }
    }

    /// Takes up one request after the other, as soon as there is room for it.
    async fn take_up(
        self: &Arc<Self>,
        lines: &mut Lines<Source>,
        ledger: &mut Ledger,
        messages: &mut JoinSet<()>,
    ) -> Result<(), Problem> {
        let slots = Arc::new(Semaphore::new(2 * self.mailer.connections() + AHEAD));
        let bytes = Arc::new(Semaphore::new(BYTES_IN_WORK));
        let closed = |error: AcquireError| Problem::internal(error.to_string());
        loop {
            // No line is read before there is room for its message.
            let slot = slots.clone().acquire_owned().await.map_err(closed)?;
            while let Some(ended) = messages.try_join_next() {
                self.heed(ended);
            }
            let line = lines.next().await.map_err(|error| unreadable("the requests", &error))?;
            let Some(line) = line else { return Ok(()) };
            let share = u32::try_from(line.content.len().min(BYTES_IN_WORK)).unwrap_or(u32::MAX);
            let share = bytes.clone().acquire_many_owned(share).await.map_err(closed)?;
            if let Some((name, request)) = self.consider(&line, ledger) {
                messages.spawn(self.clone().deliver(name, request, [slot, share]));
            }
        }
    }

    /// A message whose task broke off has no result, and another one may fare alike.
    fn heed(&self, ended: Result<(), JoinError>) {
        if let Err(error) = ended {
            self.stop.ask(Reason::Broken(format!("a message broke off: {error}")));
        }
    }

    /// What is to be sent for a line, if anything is.
    fn consider(&self, line: &Line<'_>, ledger: &mut Ledger) -> Option<(Name, Request)> {
        let Entry { name, request } = Entry::read(line, self.inflight.is_some());
        match ledger.take(&name) {
            Turn::Send => (),
            Turn::Done(outcome) => {
                self.tally().skip(outcome);
                self.progress.done();
                return None;
            }
            Turn::Repeated => {
                self.tally().repeat();
                self.progress.done();
                return None;
            }
        }
        match request {
            Ok(request) => Some((name, request)),
            Err(error) => {
                self.settle(&name, &Err(error), None);
                None
            }
        }
    }

    async fn deliver(self: Arc<Self>, name: Name, request: Request, _room: Room) {
        let started = Instant::now();
        let sent = match self.delivery(&name) {
            Ok(delivery) => self.mailer.deliver(&request, &delivery).await,
            Err(error) => Err(Error::new(ErrorKind::Internal, error.to_string())),
        };
        self.settle(&name, &sent, Some(started.elapsed()));
    }

    /// How a message is delivered: each attempt that is known to have failed is noted, too, so that
    /// only a message that was going out is in doubt.
    fn delivery(self: &Arc<Self>, name: &Name) -> serde_json::Result<Delivery> {
        let mut delivery = Delivery::default();
        if let Some(deadline) = self.deadline {
            delivery = delivery.within(deadline);
        }
        let Some(inflight) = &self.inflight else { return Ok(delivery) };
        let [begun, failed] = [Note::begun(name)?, Note::failed(name)?].map(|note| {
            let (run, inflight) = (self.clone(), inflight.clone());
            move || {
                let written = inflight.write(&note);
                written.inspect_err(|error| run.stop.ask(Reason::Broken(error.to_string())))
            }
        });
        // Without its note a failed attempt is in doubt, which stops the run as well.
        Ok(delivery.before_data(begun).after_failure(move || _ = failed()))
    }

    /// Writes down what became of a request. Only then there is room for the next one.
    fn settle(&self, name: &Name, sent: &Result<Receipt, Error>, took: Option<Duration>) {
        let outcome = sent.as_ref().err().map_or(Outcome::Accepted, Outcome::of);
        if let Err(problem) = self.results.append(name, outcome, sent) {
            self.stop.ask(Reason::Broken(problem.to_string()));
        }
        let mut tally = self.tally();
        tally.count(name.line, outcome, sent, took);
        if let Err(error) = sent {
            self.progress.failures(tally.failures());
            if let Some(reason) = tally.hopeless(error) {
                self.stop.ask(reason);
            }
        }
        self.progress.done();
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the files, tells people what the run amounts to, and gives the exit code.
    fn conclude(&self, ended: Ended) -> Result<ExitCode, Failure> {
        self.progress.end();
        let tally = self.tally();
        let style = Style::stderr();
        tell(tally.summary(style));
        let Ended { exhausted, settled } = ended;
        let reason = self.stop.reason();
        if let Some(Reason::Broken(problem)) = reason {
            // The notes stay: they know of messages that have no result.
            return Err(Problem::internal(format!("stopped early: {problem}")).into());
        }
        self.results.sync()?;
        if let Some(inflight) = self.inflight.as_ref().filter(|_| settled) {
            inflight.end()?;
        }
        let exhausted = exhausted?;
        if exhausted && settled {
            return Ok(tally.worst().exit_code());
        }
        match reason {
            Some(Reason::Hopeless(problem)) => {
                let problem = harmless(&problem);
                let what = style.bad("stopped early");
                tell(format_args!("{what}: what fails here fails for every message: {problem}\n"));
            }
            _ => tell(format_args!("{}\n", style.bad("stopped early"))),
        }
        if !settled && self.inflight.is_some() {
            tell(
                "messages were in flight: the next run calls those `ambiguous` that were going \
                 out\n",
            );
        }
        Ok(Outcome::Failed.max(tally.worst()).exit_code())
    }
}
