//! Attempts side by side, each with a head start before the next: the first that succeeds wins
//! (RFC 8305 §5).

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::sleep;

/// How long an attempt has to itself: what RFC 8305 §8 recommends. By then most servers of this
/// world have answered.
const HEAD_START: Duration = Duration::from_millis(250);

/// Begins one attempt after the other, the next one once its predecessor has failed or has had its
/// head start. Gives the first success, when all other attempts are dropped, or else all failures
/// in the order in which they came.
pub(super) async fn race<T, E>(
    attempts: impl IntoIterator<Item = impl Future<Output = Result<T, E>>>,
) -> Result<T, Vec<E>> {
    let mut attempts = attempts.into_iter().fuse();
    let (mut running, mut failures) = (Vec::new(), Vec::new());
    let mut is_last = false;
    loop {
        match attempts.next() {
            Some(attempt) => running.push(Box::pin(attempt)),
            None if running.is_empty() => return Err(failures),
            None => is_last = true,
        }
        tokio::select! {
            biased;
            outcome = any(&mut running) => match outcome {
                Ok(success) => return Ok(success),
                Err(failure) => failures.push(failure),
            },
            () = sleep(HEAD_START), if !is_last => {}
        }
    }
}

/// Waits until one of these is done, and takes it out.
async fn any<F: Future>(running: &mut Vec<Pin<Box<F>>>) -> F::Output {
    poll_fn(|cx| {
        let mut done = running.iter_mut().enumerate().filter_map(|(at, attempt)| {
            match attempt.as_mut().poll(cx) {
                Poll::Ready(outcome) => Some((at, outcome)),
                Poll::Pending => None,
            }
        });
        match done.next() {
            Some((at, outcome)) => {
                drop(running.remove(at));
                Poll::Ready(outcome)
            }
            None => Poll::Pending,
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::time::Instant;

    use super::*;

    /// What becomes of an attempt, and after how many milliseconds.
    type Attempt = (Result<u8, u8>, u64);

    /// Counts the attempts that are under way.
    struct Running<'a>(&'a AtomicUsize);

    impl Drop for Running<'_> {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Races these; gives the outcome, when it was there, and when each attempt began.
    async fn run(attempts: &[Attempt]) -> (Result<u8, Vec<u8>>, u64, Vec<u64>) {
        let begun = Instant::now();
        let elapsed = || u64::try_from(begun.elapsed().as_millis()).expect("a short while");
        let running = AtomicUsize::new(0);
        let starts = std::cell::RefCell::new(Vec::new());
        let (running, starts) = (&running, &starts);
        let outcome = race(attempts.iter().map(|(outcome, after)| async move {
            running.fetch_add(1, Ordering::Relaxed);
            let _running = Running(running);
            starts.borrow_mut().push(elapsed());
            sleep(Duration::from_millis(*after)).await;
            *outcome
        }))
        .await;
        assert_eq!(running.load(Ordering::Relaxed), 0, "nothing goes on");
        let took = elapsed();
        (outcome, took, starts.take())
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_success_wins_and_everybody_has_a_head_start() {
        let long = 10_000;
        let cases: [(&[Attempt], _, u64, &[u64]); 7] = [
            (&[(Ok(0), 100), (Ok(1), 0)], Ok(0), 100, &[0]),
            (&[(Ok(0), 300), (Ok(1), 100)], Ok(0), 300, &[0, 250]),
            (&[(Ok(0), 900), (Ok(1), 100)], Ok(1), 350, &[0, 250]),
            (&[(Err(0), 10), (Ok(1), 100)], Ok(1), 110, &[0, 10]),
            (&[(Ok(0), long), (Err(1), 10), (Ok(2), 10)], Ok(2), 270, &[0, 250, 260]),
            (&[(Err(0), 300), (Err(1), 100)], Err(vec![0, 1]), 350, &[0, 250]),
            (&[], Err(vec![]), 0, &[]),
        ];
        for (attempts, outcome, took, starts) in cases {
            assert_eq!(run(attempts).await, (outcome, took, starts.to_vec()), "{attempts:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn all_together_take_as_long_as_one_and_the_head_starts_of_the_others() {
        let silent: Vec<Attempt> = (0..8).map(|number| (Err(number), 5000)).collect();
        let (outcome, took, _) = run(&silent).await;
        assert_eq!((outcome, took), (Err((0..8).collect()), 5000 + 7 * 250));
    }
}
