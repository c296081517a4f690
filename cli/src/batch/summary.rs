//! What a run amounts to: counts, latencies, and what failed how.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::outcome::{Outcome, Reach, Status};
use super::stop::Reason;
use crate::failure::Problem;
use crate::terminal::{Style, harmless};
use smtp_connector::{Error, ErrorKind, Receipt, Result, Stage};

/// After so many failures of the way to the server, and nothing that got through, a run stops: more
/// than there are messages in flight by default, so that one broken connection stops nothing.
const HOPELESS: u32 = 20;

/// The longest latency that is told apart.
const LONGEST_LATENCY: Duration = Duration::from_secs(24 * 3600);

/// The counts of a run.
pub(super) struct Tally {
    started: Instant,
    accepted: u64,
    refused: u64,
    failed: u64,
    ambiguous: u64,
    skipped: u64,
    repeated: u64,
    worst: Outcome,
    latencies: Histogram<u64>,
    failures: HashMap<(Status, ErrorKind, Option<Stage>), Sample>,
    /// How many failures of the way have come since the server last spoke of a message.
    in_a_row: u32,
}

/// Failures of one sort.
struct Sample {
    count: u64,
    line: u64,
    message: String,
    hint: Option<String>,
}

impl Tally {
    pub(super) fn start() -> Result<Self, Problem> {
        let latencies = Histogram::new_with_bounds(1, micros(LONGEST_LATENCY), 3)
            .map_err(|error| Problem::internal(error.to_string()))?;
        Ok(Self {
            started: Instant::now(),
            accepted: 0,
            refused: 0,
            failed: 0,
            ambiguous: 0,
            skipped: 0,
            repeated: 0,
            worst: Outcome::Accepted,
            latencies,
            failures: HashMap::new(),
            in_a_row: 0,
        })
    }

    /// Counts a result of this run.
    pub(super) fn count(
        &mut self,
        line: u64,
        outcome: Outcome,
        sent: &Result<Receipt>,
        took: Option<Duration>,
    ) {
        *match outcome.status() {
            Status::Accepted => &mut self.accepted,
            Status::Refused => &mut self.refused,
            Status::Failed => &mut self.failed,
            Status::Ambiguous => &mut self.ambiguous,
        } += 1;
        self.worst = self.worst.max(outcome);
        if let Some(took) = took {
            self.latencies.saturating_record(micros(took).max(1));
        }
        match sent {
            Ok(_) => self.in_a_row = 0,
            Err(error) => self.fail(line, outcome, error),
        }
    }

    fn fail(&mut self, line: u64, outcome: Outcome, error: &Error) {
        self.in_a_row = match Reach::of(error) {
            Reach::Configuration => HOPELESS,
            Reach::Way => self.in_a_row.saturating_add(1),
            Reach::Transaction => 0,
            Reach::Message => self.in_a_row,
        };
        let sample = self.failures.entry((outcome.status(), error.kind(), error.stage()));
        let sample = sample.or_insert_with(|| Sample {
            count: 0,
            line,
            message: error.to_string(),
            hint: error.hint().map(str::to_owned),
        });
        sample.count += 1;
    }

    /// Counts a request that had its final result before.
    pub(super) fn skip(&mut self, outcome: Outcome) {
        self.skipped += 1;
        self.worst = self.worst.max(outcome);
    }

    /// Counts a line with the `id` of another one of this run.
    pub(super) fn repeat(&mut self) {
        self.repeated += 1;
    }

    /// How many requests of this run were not accepted.
    pub(super) fn failures(&self) -> u64 {
        self.refused + self.failed + self.ambiguous
    }

    /// The worst that became of a request.
    pub(super) fn worst(&self) -> Outcome {
        self.worst
    }

    /// Why no further message would fare better, if that is so.
    pub(super) fn hopeless(&self, error: &Error) -> Option<Reason> {
        (self.in_a_row >= HOPELESS).then(|| Reason::Hopeless(error.to_string()))
    }

    /// The summary for people. It quotes errors, which are masked.
    pub(super) fn summary(&self, style: Style) -> String {
        let took = self.started.elapsed();
        let counts = [
            (self.accepted, "accepted"),
            (self.refused, "refused"),
            (self.failed, "failed for now"),
            (self.ambiguous, "ambiguous"),
            (self.skipped, "skipped"),
            (self.repeated, "repeated"),
        ];
        let told = counts.iter().filter(|(count, what)| *count > 0 || *what == "accepted");
        let told: Vec<_> = told.map(|(count, what)| format!("{count} {what}")).collect();
        let told = told.join(", ");
        let told =
            if self.worst == Outcome::Accepted { style.good(&told) } else { style.bad(&told) };
        let rate = self.accepted as f64 / took.as_secs_f64().max(1e-6);
        let mut text = format!("{told}; {}, {rate:.0} messages/s\n", seconds(took));
        if !self.latencies.is_empty() {
            let at = |quantile| {
                seconds(Duration::from_micros(self.latencies.value_at_quantile(quantile)))
            };
            let [half, most, nearly] = [0.5, 0.9, 0.99].map(at);
            let longest = seconds(Duration::from_micros(self.latencies.max()));
            let latencies =
                format!("  latency p50 {half}, p90 {most}, p99 {nearly}, max {longest}\n");
            text += &style.dim(&latencies);
        }
        let mut failures: Vec<_> = self.failures.iter().collect();
        failures.sort_by_key(|(_, sample)| (std::cmp::Reverse(sample.count), sample.line));
        for ((status, kind, stage), sample) in failures {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{}", sample.describe(*status, *kind, *stage, style));
        }
        text
    }
}

impl Sample {
    fn describe(
        &self,
        status: Status,
        kind: ErrorKind,
        stage: Option<Stage>,
        style: Style,
    ) -> String {
        let status = match status {
            Status::Accepted => "accepted",
            Status::Refused => "refused",
            Status::Failed => "failed",
            Status::Ambiguous => "ambiguous",
        };
        let place = stage.map(|stage| format!(" at {stage}")).unwrap_or_default();
        let Self { count, line, .. } = self;
        let what = style.bad(&format!("{count} {status}, {kind}{place}"));
        let mut text = format!("  {what}: line {line}: {}", harmless(&self.message));
        if let Some(hint) = &self.hint {
            text += &format!("\n    {}", style.cure(&format!("help: {}", harmless(hint))));
        }
        text
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// A duration in three figures or so.
fn seconds(duration: Duration) -> String {
    match duration.as_secs_f64() {
        short if short < 1.0 => format!("{:.1} ms", short * 1e3),
        long => format!("{long:.2} s"),
    }
}
