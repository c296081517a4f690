//! Every dialogue cut at every byte: whatever a connection does, and whenever, a message has one
//! outcome, it is the true one, and the next message of the mailer is unharmed.
//!
//! Three messages go out one after the other, so that a cut meets a new connection and one that was
//! kept. Inside TLS a sample of the bytes is cut, and only the outcome is judged, not the stage.

mod server;
mod way;

use std::sync::{Arc, Mutex};

use super::memory::{self, Cut};
use super::tls;
use super::{attempt, prepared};
use crate::error::{Error, ErrorKind, Result, Stage};
use crate::receipt::Receipt;
use crate::redactor::Redactor;
use server::{Book, Fault, Said, Server};
use way::Way;

const SUBJECTS: [&str; 3] = ["one", "two", "three"];

/// How far apart the bytes of TLS are that are cut.
const SAMPLE: usize = 29;

/// A dialogue to be disturbed.
struct Dialogue {
    way: Way,
    pipelining: bool,
    certified: tls::Server,
    script: Arc<Vec<Said>>,
}

/// What became of the three messages.
struct Run {
    outcomes: Vec<Result<Receipt>>,
    book: Book,
}

impl Run {
    /// What is to be read where a check fails.
    fn told(&self) -> String {
        let told = self.outcomes.iter().map(|outcome| match outcome {
            Ok(_) => "accepted".to_owned(),
            Err(error) => {
                let transcript = error.transcript().map(ToString::to_string).unwrap_or_default();
                format!("{:?} {:?} {error}\n{transcript}", error.stage(), error.kind())
            }
        });
        format!("{}\n{:?}", told.collect::<Vec<_>>().join("\n"), self.book.messages)
    }

    /// How often the server has a message.
    fn taken(&self, number: usize) -> usize {
        self.book.messages.iter().filter(|subject| *subject == SUBJECTS[number]).count()
    }
}

impl Dialogue {
    /// Records the dialogue that is disturbed later.
    async fn record(way: Way, pipelining: bool) -> Self {
        let certified = tls::issued(&["127.0.0.1"]);
        let mut dialogue = Self { way, pipelining, certified, script: Arc::default() };
        let run = dialogue.run(None).await;
        assert!(run.outcomes.iter().all(Result::is_ok), "{way:?}: {}", run.told());
        dialogue.script = Arc::new(run.book.said);
        dialogue
    }

    async fn run(&self, fault: Option<Fault>) -> Run {
        let book = Arc::new(Mutex::new(Book::default()));
        let server = Server {
            way: self.way,
            pipelining: self.pipelining,
            fault,
            script: self.script.clone(),
            acceptor: self.certified.acceptor.clone(),
            book: book.clone(),
        };
        let plan = self.way.plan(&self.certified.trust);
        let submitter = memory::submitter(plan, move |to, far| server.clone().serve(to, far));
        let to: &[_] =
            if self.way == Way::Lmtp { &["ann@b.test", "bob@b.test"] } else { &["ann@b.test"] };
        let mut outcomes = Vec::new();
        for subject in SUBJECTS {
            let message = prepared(to, &format!("Subject: {subject}\r\n\r\nhello\r\n"));
            outcomes.push(attempt(&submitter, &message, &Redactor::default(), None).await);
        }
        submitter.close().await;
        let book = std::mem::take(&mut *book.lock().expect("nobody panics with it"));
        Run { outcomes, book }
    }

    /// The replies of the server or of its neighbour with the place of each.
    fn replies(&self, of_tokens: bool) -> impl Iterator<Item = (usize, &Said)> {
        let replies = self.script.iter().filter(move |said| said.of_tokens == of_tokens);
        replies.scan(0, |at, said| {
            let from = *at;
            *at += said.text.len();
            Some((from, said))
        })
    }

    /// Cuts the connection at every byte.
    async fn cut_everywhere(&self) {
        for of_tokens in [false, true] {
            for (from, said) in self.replies(of_tokens) {
                for at in from..from + said.text.len() {
                    for cut in [Cut::Close, Cut::Reset, Cut::Stall] {
                        let fault = match of_tokens {
                            true => Fault::CutTokens(at, cut),
                            false => Fault::Cut(at, cut),
                        };
                        let run = self.run(Some(fault)).await;
                        self.judge(&run, fault);
                        self.check_cut(&run, fault, cut, said);
                    }
                }
            }
        }
    }

    /// Cuts some bytes of a connection that is encrypted from its beginning, or becomes so.
    async fn cut_here_and_there(&self) {
        for cut in [Cut::Close, Cut::Reset, Cut::Stall] {
            let mut at = 0;
            loop {
                let fault = Fault::Cut(at, cut);
                let run = self.run(Some(fault)).await;
                self.judge(&run, fault);
                if run.outcomes.iter().all(Result::is_ok)
                    && run.book.said.len() == self.script.len()
                {
                    break;
                }
                at += SAMPLE;
            }
            assert!(at > 20 * SAMPLE, "a handshake has some bytes: {at}");
        }
    }

    /// Says more than was asked for, and earlier.
    async fn say_out_of_turn(&self) {
        for number in 0..self.script.len() {
            let extra = ["250 extra\r\n", "354 extra\r\n", "421 extra\r\n", "550 extra\r\n"];
            let faults = extra.into_iter().map(|extra| Fault::Extra(number, extra));
            for fault in faults.chain((number > 0).then_some(Fault::Early(number))) {
                self.judge(&self.run(Some(fault)).await, fault);
            }
        }
    }

    /// Has every byte come by itself.
    async fn drip(&self) {
        let run = self.run(Some(Fault::Cut(0, Cut::Drip))).await;
        assert!(run.outcomes.iter().all(Result::is_ok), "{:?}: {}", self.way, run.told());
        assert_eq!(run.book.messages, SUBJECTS);
    }

    /// Checks what holds whatever goes wrong.
    fn judge(&self, run: &Run, fault: Fault) {
        let told = || format!("{:?} {} {fault:?}: {}", self.way, self.pipelining, run.told());
        let mut failed = 0;
        for (number, outcome) in run.outcomes.iter().enumerate() {
            let taken = run.taken(number);
            let is_true = match outcome {
                Ok(_) => taken == 1,
                Err(error) if error.is_ambiguous() => taken == 1,
                // The server itself said that it did not.
                Err(error) if is_refusal_of_content(error) => taken <= 1,
                Err(_) => taken == 0,
            };
            assert!(is_true, "{number} is told wrongly: {}", told());
            failed += usize::from(outcome.is_err());
        }
        assert!(failed <= 1, "one fault is one failure: {}", told());
    }

    /// Checks what a cut in the midst of a reply does to the message that waits for it.
    fn check_cut(&self, run: &Run, fault: Fault, cut: Cut, said: &Said) {
        let told = || format!("{:?} {} {fault:?}: {}", self.way, self.pipelining, run.told());
        let outcome = &run.outcomes[said.message];
        let in_envelope = matches!(said.stage, Stage::Mail | Stage::Rcpt | Stage::Data);
        let is_new = said.message == 0;
        // Over a connection that was kept, or where commands went out together for the first time,
        // the message goes over another one at once.
        if cut != Cut::Stall && in_envelope && (!is_new || self.pipelining) {
            return assert!(run.outcomes.iter().all(Result::is_ok), "{}", told());
        }
        let Err(error) = outcome else { panic!("{}", told()) };
        assert_eq!(error.stage(), Some(said.stage), "{}", told());
        assert_eq!(error.is_ambiguous(), said.stage == Stage::Content, "{}", told());
        let kind = match (said.stage, cut) {
            (_, Cut::Stall) => ErrorKind::Timeout,
            (Stage::Proxy, _) => ErrorKind::Proxy,
            _ => ErrorKind::Lost,
        };
        assert_eq!(error.kind(), kind, "{}", told());
        assert!(error.is_transient() != error.is_ambiguous(), "{}", told());
    }
}

/// Whether the server has said that it does not take the content.
fn is_refusal_of_content(error: &Error) -> bool {
    error.stage() == Some(Stage::Content) && error.reply().is_some_and(|reply| reply.code >= 400)
}

async fn disturb(way: Way) {
    for pipelining in [false, true] {
        let dialogue = Dialogue::record(way, pipelining).await;
        match way.is_encrypted() {
            true => dialogue.cut_here_and_there().await,
            false => dialogue.cut_everywhere().await,
        }
        dialogue.say_out_of_turn().await;
        dialogue.drip().await;
    }
}

#[tokio::test(start_paused = true)]
async fn in_clear() {
    disturb(Way::Plain).await;
}

#[tokio::test(start_paused = true)]
async fn after_starttls() {
    disturb(Way::Starttls).await;
}

#[tokio::test(start_paused = true)]
async fn inside_tls() {
    disturb(Way::Implicit).await;
}

#[tokio::test(start_paused = true)]
async fn through_an_http_proxy() {
    disturb(Way::HttpProxy).await;
}

#[tokio::test(start_paused = true)]
async fn through_a_socks_proxy() {
    disturb(Way::Socks5).await;
}

#[tokio::test(start_paused = true)]
async fn by_lmtp() {
    disturb(Way::Lmtp).await;
}

#[tokio::test(start_paused = true)]
async fn with_a_password() {
    disturb(Way::Password).await;
}

#[tokio::test(start_paused = true)]
async fn with_a_token() {
    disturb(Way::OAuth2).await;
}
