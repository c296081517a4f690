//! What can become of a message, explored exhaustively.
//!
//! Two messages go out one after the other, and at every step of the server something else may come
//! between, twice in a run. Whatever comes, no message is sent twice, none is lost without being
//! told, and nobody waits for ever.

mod steered;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinHandle, yield_now};
use tokio::time::{Instant, advance, timeout};

use super::{memory, plan, prepared};
use crate::delivery::Delivery;
use crate::error::{ErrorKind, Result};
use crate::plan::{Pool, TransportPlan};
use crate::receipt::Receipt;
use crate::redactor::Redactor;
use crate::submission::Submitter;
use steered::Steered;

/// How often something comes between.
const EVENTS: usize = 2;

/// How long the client waits for each reply.
const PATIENCE: Duration = Duration::from_secs(60);

/// When the messages are given up, where they have a deadline.
const DEADLINES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(6)];

/// Longer than anything that ends.
const FOR_EVER: Duration = Duration::from_secs(10_000);

/// How much of what is said is under way at most: less than a message.
const IN_FLIGHT: usize = 64;

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    /// The server does what is due.
    Step,
    /// Nothing comes between any more: everything runs to its end.
    Rest,
    /// The server refuses what is due.
    Refusal,
    /// The server closes the connection.
    HangUp,
    /// Whoever sends a message stops waiting for it.
    Drop(usize),
    /// The deadline of a message passes.
    Deadline(usize),
    /// The patience with the server is over.
    Silence,
    /// The mailer takes no further messages.
    Shut,
}

/// What is explored.
#[derive(Debug, Clone, Copy)]
struct Model {
    pipelining: bool,
    deadlines: bool,
}

/// One run: its events so far, and of each how many others there could have been.
struct Run {
    server: Arc<Steered>,
    submitter: Arc<Submitter>,
    sends: [Option<JoinHandle<Result<Receipt>>>; 2],
    begun: Instant,
    history: Vec<Event>,
    /// The messages that were invited when nobody waited for them any more.
    invited_when_dropped: [Option<bool>; 2],
}

impl Run {
    async fn start(model: Model) -> Self {
        let server = Steered::new(model.pipelining);
        let pool =
            Pool { max_connections: 1, max_messages: 100, max_requeues: None, rate_limit: None };
        let mut plan = TransportPlan { pool: Some(pool), ..plan(25) };
        (plan.timeouts.greeting, plan.timeouts.socket) = (PATIENCE, PATIENCE);
        let served = server.clone();
        let submitter = Arc::new(memory::submitter_over(plan, IN_FLIGHT, move |_, far| {
            served.clone().serve(far)
        }));
        let begun = Instant::now();
        let mut run = Self {
            server,
            submitter,
            sends: [None, None],
            begun,
            history: Vec::new(),
            invited_when_dropped: [None; 2],
        };
        for (number, to) in ["a@b.test", "b@b.test"].into_iter().enumerate() {
            let submitter = run.submitter.clone();
            let message = prepared(&[to], &format!("Subject: {}\r\n", "x".repeat(2 * IN_FLIGHT)));
            let deadline = model.deadlines.then(|| begun + DEADLINES[number]);
            run.sends[number] = Some(tokio::spawn(async move {
                let (redactor, delivery) = (Redactor::default(), Delivery::default());
                submitter.deliver(&message, &redactor, &delivery, deadline).await
            }));
            settle().await;
        }
        run
    }

    fn is_under_way(&self, number: usize) -> bool {
        self.sends[number].as_ref().is_some_and(|send| !send.is_finished())
    }

    /// What can happen now. The first is what happens where nothing comes between.
    fn possible(&self, model: Model) -> Vec<Event> {
        let is_over = !self.is_under_way(0) && !self.is_under_way(1);
        let is_ready = self.server.is_ready() && !is_over;
        let mut possible = vec![if is_ready { Event::Step } else { Event::Rest }];
        let between = self.history.iter().filter(|event| **event != Event::Step).count();
        if is_over || between == EVENTS {
            return possible;
        }
        if is_ready {
            possible.push(Event::Refusal);
        }
        if self.server.is_open() {
            possible.extend([Event::HangUp, Event::Silence]);
        }
        for number in (0..2).filter(|number| self.is_under_way(*number)) {
            possible.push(Event::Drop(number));
            if model.deadlines {
                possible.push(Event::Deadline(number));
            }
        }
        if !self.history.contains(&Event::Shut) {
            possible.push(Event::Shut);
        }
        possible
    }

    async fn happen(&mut self, event: Event) {
        self.history.push(event);
        match event {
            Event::Step => self.server.step(),
            Event::Refusal => self.server.refuse(),
            Event::HangUp => self.server.hang_up(),
            Event::Drop(number) => {
                let invited = self.server.book().invited.contains(&number);
                self.invited_when_dropped[number] = Some(invited);
                if let Some(send) = self.sends[number].take() {
                    send.abort();
                }
            }
            Event::Deadline(number) => {
                let until = self.begun + DEADLINES[number];
                advance(until.saturating_duration_since(Instant::now())).await;
            }
            Event::Silence => advance(PATIENCE).await,
            Event::Shut => self.submitter.pool.shut(),
            Event::Rest => {}
        }
        settle().await;
    }

    /// Runs to the end, and checks that everything was told, truly.
    async fn judge(self) {
        let Self { server, submitter, sends, history, invited_when_dropped, .. } = self;
        server.run();
        let is_undisturbed = history.iter().all(|event| *event == Event::Step);
        for (number, send) in sends.into_iter().enumerate() {
            let outcome = match send {
                Some(send) => {
                    let outcome = timeout(FOR_EVER, send).await;
                    let outcome = outcome.unwrap_or_else(|_| panic!("{number} hangs: {history:?}"));
                    Some(outcome.expect("a send does not panic"))
                }
                None => None,
            };
            // What was given up may still have been on its way.
            settle().await;
            let kept = || server.book().kept.iter().filter(|kept| **kept == number).count();
            let told = || format!("{number}: {outcome:?}, kept {} times: {history:?}", kept());
            match &outcome {
                Some(Ok(_)) => assert_eq!(kept(), 1, "{}", told()),
                _ if is_undisturbed => panic!("{}", told()),
                Some(Err(error)) if error.is_ambiguous() => {
                    let book = server.book();
                    assert!(book.invited.contains(&number), "{error} {history:?}");
                }
                Some(Err(error)) => {
                    assert_eq!(kept(), 0, "{}", told());
                    let is_meant = match error.kind() {
                        ErrorKind::Refused => history.contains(&Event::Refusal),
                        ErrorKind::Closed => history.contains(&Event::Shut),
                        _ => true,
                    };
                    assert!(is_meant, "{}", told());
                }
                None if invited_when_dropped[number] == Some(false) => {
                    assert_eq!(kept(), 0, "{}", told());
                }
                None => {}
            }
        }
        let ended = timeout(FOR_EVER, submitter.close()).await;
        assert!(ended.is_ok(), "a place stays taken: {history:?}");
        for number in 0..2 {
            let kept = server.book().kept.iter().filter(|kept| **kept == number).count();
            assert!(kept <= 1, "{number} was sent {kept} times: {history:?}");
        }
    }
}

/// Lets every task come to where it waits.
async fn settle() {
    for _ in 0..60 {
        yield_now().await;
    }
}

/// Explores all runs; gives how many there are.
async fn explore(model: Model) -> usize {
    let mut runs = 0;
    // Of each step the choice, and how many there were.
    let mut path: Vec<(usize, usize)> = Vec::new();
    loop {
        let mut run = Run::start(model).await;
        let mut step = 0;
        loop {
            let possible = run.possible(model);
            if step == path.len() {
                path.push((0, possible.len()));
            }
            assert_eq!(path[step].1, possible.len(), "a run repeats itself: {:?}", run.history);
            let event = possible[path[step].0];
            step += 1;
            if event == Event::Rest {
                break;
            }
            run.happen(event).await;
        }
        run.judge().await;
        runs += 1;
        while path.last().is_some_and(|(choice, count)| choice + 1 == *count) {
            path.pop();
        }
        match path.last_mut() {
            Some((choice, _)) => *choice += 1,
            None => return runs,
        }
    }
}

async fn explore_all(pipelining: bool) {
    for deadlines in [false, true] {
        let runs = explore(Model { pipelining, deadlines }).await;
        assert!(runs > 1000, "there is more to explore than {runs} runs");
    }
}

#[tokio::test(start_paused = true)]
async fn one_command_after_the_other() {
    explore_all(false).await;
}

#[tokio::test(start_paused = true)]
async fn commands_together() {
    explore_all(true).await;
}
