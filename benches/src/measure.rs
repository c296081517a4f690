//! Measuring in rounds: all contestants take turns, so that what disturbs the machine disturbs them
//! all.

use std::io::{IsTerminal as _, Write as _};

use serde::Serialize;

use crate::Outcome;

/// How much is measured.
#[derive(Debug)]
pub(crate) struct Effort {
    /// How often each contestant has its turn.
    pub(crate) rounds: usize,
    /// How often a process is started.
    pub(crate) starts: usize,
    /// How long a contestant works in one turn, about, in seconds.
    pub(crate) turn: f64,
}

impl Effort {
    /// For numbers that are to be kept.
    pub(crate) const FULL: Self = Self { rounds: 7, starts: 40, turn: 1.5 };
    /// For a first look.
    pub(crate) const QUICK: Self = Self { rounds: 3, starts: 10, turn: 0.5 };
}

/// What one contestant measured, one value for each round.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Series {
    /// Who it is.
    pub(crate) name: String,
    /// The values, in the order of the rounds.
    pub(crate) values: Vec<f64>,
}

impl Series {
    /// The values of a contestant.
    pub(crate) fn new(name: impl Into<String>, values: impl IntoIterator<Item = f64>) -> Self {
        Self { name: name.into(), values: values.into_iter().collect() }
    }

    /// The value in the middle.
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        match sorted.len() {
            0 => f64::NAN,
            length if length % 2 == 1 => sorted[middle],
            _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
        }
    }

    /// The smallest value.
    pub(crate) fn min(&self) -> f64 {
        self.values.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// The largest value.
    pub(crate) fn max(&self) -> f64 {
        self.values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }
}

/// Lets every contestant measure once in each round. Each round another one begins, so that nobody
/// always comes after the same.
pub(crate) fn in_rounds<C, T>(
    title: &str,
    contestants: &[C],
    rounds: usize,
    mut measure: impl FnMut(&C) -> Outcome<T>,
) -> Outcome<Vec<Vec<T>>> {
    let mut measured: Vec<Vec<T>> = contestants.iter().map(|_| Vec::new()).collect();
    for round in 0..rounds {
        progress(&format!("{title}: round {} of {rounds}", round + 1));
        for turn in 0..contestants.len() {
            let index = (round + turn) % contestants.len();
            measured[index].push(measure(&contestants[index])?);
        }
    }
    progress("");
    Ok(measured)
}

/// How many of something take about `turn` seconds; `measure` takes how many and gives the seconds.
pub(crate) fn calibrate(
    turn: f64,
    mut measure: impl FnMut(usize) -> Outcome<f64>,
) -> Outcome<usize> {
    let mut count = 20;
    loop {
        let seconds = measure(count)?;
        if seconds > turn / 4.0 {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a small count"
            )]
            return Ok((count as f64 * turn / seconds).max(10.0) as usize);
        }
        count *= 5;
    }
}

/// Shows on a terminal what is going on.
pub(crate) fn progress(text: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K{text}");
        // It is shown a little later, then.
        let _ = std::io::stderr().flush();
    }
}
