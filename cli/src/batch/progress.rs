//! The progress bar, where a person looks.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// How much is read at once to count requests.
const CHUNK: usize = 256 << 10;

/// What is shown while nobody knows how many requests there are.
const ENDLESS: &str = "{spinner} {human_pos} done  {rate}  {elapsed}  {msg}";

/// What is shown when that is known.
const COUNTED: &str = "{wide_bar} {human_pos}/{human_len}  {rate}  {eta} left  {msg}";

/// What a person sees while a run goes on. On anything but a terminal it is nothing.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Begins to show progress. How many requests there are becomes known later, or never.
    pub(super) fn start() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(style(ENDLESS));
        if !bar.is_hidden() {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self(bar)
    }

    /// Counts the requests of a file aside, so that the time left can be told.
    pub(super) fn count(&self, requests: File) {
        if self.0.is_hidden() {
            return;
        }
        let bar = self.0.clone();
        tokio::task::spawn_blocking(move || {
            // Reading fails for whoever sends, too, and is reported there.
            if let Ok(count) = count(requests) {
                bar.set_style(style(COUNTED));
                bar.set_length(count);
            }
        });
    }

    /// One more request has its result.
    pub(super) fn done(&self) {
        self.0.inc(1);
    }

    /// Says how many were not accepted.
    pub(super) fn failures(&self, count: u64) {
        if !self.0.is_hidden() {
            self.0.set_message(format!("{count} not accepted"));
        }
    }

    /// Leaves the place to the summary.
    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates are those above, and sound.
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("rate", |state: &ProgressState, text: &mut dyn fmt::Write| {
        // Writing to a string does not fail.
        let _ = write!(text, "{:.0}/s", state.per_sec());
    })
}

/// How many lines are not blank.
fn count(mut source: impl Read) -> std::io::Result<u64> {
    let mut chunk = vec![0; CHUNK];
    let (mut count, mut blank) = (0, true);
    loop {
        let read = source.read(&mut chunk)?;
        if read == 0 {
            return Ok(count);
        }
        for byte in &chunk[..read] {
            match byte {
                b'\n' => blank = true,
                byte if blank && !byte.is_ascii_whitespace() => {
                    blank = false;
                    count += 1;
                }
                _ => (),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_that_hold_something_count() {
        for (text, expected) in [("", 0), ("a", 1), ("a\n", 1), ("\n a\n\t\r\n\nb b\n", 2)] {
            assert_eq!(count(text.as_bytes()).expect("it can be read"), expected, "{text:?}");
        }
    }

    #[test]
    fn the_templates_are_sound() {
        for template in [ENDLESS, COUNTED] {
            assert!(ProgressStyle::with_template(template).is_ok());
        }
    }
}
