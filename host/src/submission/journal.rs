//! What a session leaves behind for each message: the transcript, the time and finding of each
//! stage, and the events for the log. Every text from the peer is masked here before it is kept
//! anywhere.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::error::{Error, Stage};
use crate::plan::Logging;
use crate::receipt::{NegotiatedTls, Timings, Verification, VerifiedStage};
use crate::redactor::Redactor;
use crate::transcript::{Speaker, Transcript};

/// The record of one session, shared by all who take part in it. The first message of a connection
/// has what led to it in its record, each further one begins anew.
#[derive(Clone)]
pub(super) struct Journal {
    entries: Arc<Mutex<Entries>>,
    logging: Logging,
}

struct Entries {
    redactor: Redactor,
    transcript: Transcript,
    timings: Timings,
    /// What happened at each stage, where somebody will read it.
    stages: Option<Vec<VerifiedStage>>,
    tls: Option<NegotiatedTls>,
    capabilities: Vec<String>,
    lap: Instant,
}

impl Journal {
    pub(super) fn new(redactor: Redactor, logging: Logging) -> Self {
        let entries = Entries {
            redactor,
            transcript: Transcript::new(),
            timings: Timings::default(),
            stages: None,
            tls: None,
            capabilities: Vec::new(),
            lap: Instant::now(),
        };
        Self { entries: Arc::new(Mutex::new(entries)), logging }
    }

    /// Keeps what happened at each stage, too.
    pub(super) fn for_verification(self) -> Self {
        self.entries().stages.get_or_insert_default();
        self
    }

    /// Masks these texts, too, from here on: secrets that the session itself brought to light.
    pub(super) fn conceal<'a>(&self, secrets: impl IntoIterator<Item = &'a str>) {
        let mut entries = self.entries();
        entries.redactor = entries.redactor.with(secrets);
    }

    /// Masks from here on what `redactor` masks, too: what belongs to the next message. A server
    /// may say back later what it heard in an earlier one, so that is masked as well, as far back
    /// as a redactor remembers.
    pub(super) fn learn(&self, redactor: &Redactor) {
        self.entries().redactor.absorb(redactor);
    }

    /// Begins the record of a further message of the same session.
    pub(super) fn renew(&self) {
        let mut entries = self.entries();
        (entries.transcript, entries.timings) = (Transcript::new(), Timings::default());
        entries.lap = Instant::now();
    }

    /// The text without control characters and with all that is secret masked, be it with the
    /// control characters or without.
    pub(super) fn mask(&self, text: &str) -> String {
        let entries = self.entries();
        let masked = entries.redactor.mask(text);
        if !masked.contains(char::is_control) {
            return masked.trim_end().to_owned();
        }
        let printable = |c: char| if c.is_control() { ' ' } else { c };
        let printable: String = masked.chars().map(printable).collect();
        entries.redactor.mask(printable.trim_end())
    }

    /// The beginning of a text, masked before it is cut: half a secret would not be known as one.
    pub(super) fn excerpt(&self, text: &str, length: usize) -> String {
        self.mask(text).chars().take(length).collect()
    }

    /// A journal for questions beside the session: it masks the same, and nobody reads it.
    pub(super) fn aside(&self) -> Self {
        Self::new(self.entries().redactor.clone(), Logging::None)
    }

    /// Notes a command, as it may be shown.
    pub(super) fn client(&self, shown: &str) {
        let shown = self.mask(shown);
        self.event("client", || &shown);
        self.entries().transcript.push(Speaker::Client, shown);
    }

    /// Notes a reply, whose lines are masked already.
    pub(super) fn server(&self, code: u16, lines: &[String]) {
        self.event("server", || format!("{code} {}", lines.join(" / ")));
        let mut entries = self.entries();
        for (index, line) in lines.iter().enumerate() {
            let separator = if index + 1 < lines.len() { '-' } else { ' ' };
            let mut text = format!("{code}{separator}{line}");
            text.truncate(text.trim_end().len());
            entries.transcript.push(Speaker::Server, text);
        }
    }

    /// Notes what happened without anybody saying it.
    pub(super) fn remark(&self, text: &str) {
        let text = self.mask(text);
        self.event("remark", || &text);
        self.entries().transcript.push(Speaker::Remark, text);
    }

    /// Notes what happened against the wish of the configuration's keeper.
    pub(super) fn warn(&self, text: &str) {
        let text = self.mask(text);
        tracing::warn!(target: "smtp_connector", "{text}");
        self.entries().transcript.push(Speaker::Remark, text);
    }

    /// Ends a stage: its time runs from the end of the one before.
    pub(super) fn pass(&self, stage: Stage, detail: &dyn fmt::Display) {
        let mut entries = self.entries();
        let now = Instant::now();
        let took = now - entries.lap;
        entries.lap = now;
        entries.timings.add(stage, took);
        let is_read = entries.stages.is_some();
        drop(entries);
        if is_read {
            let detail = self.mask(&detail.to_string());
            let found = VerifiedStage { stage, took, detail };
            self.entries().stages.get_or_insert_default().push(found);
        }
        self.event("stage", || format!("{stage}: {}", self.mask(&detail.to_string())));
    }

    /// Keeps what TLS was negotiated.
    pub(super) fn secured(&self, tls: &NegotiatedTls) {
        self.entries().tls = Some(tls.clone());
    }

    /// What TLS was negotiated.
    pub(super) fn tls(&self) -> Option<NegotiatedTls> {
        self.entries().tls.clone()
    }

    /// Keeps the service extensions that the server offered last; the lines are masked already.
    pub(super) fn offered(&self, capabilities: &[String]) {
        self.entries().capabilities = capabilities.to_vec();
    }

    /// The service extensions that the server offered last, masked.
    pub(super) fn capabilities(&self) -> Vec<String> {
        self.entries().capabilities.clone()
    }

    /// Takes the record of a message that is over: the time of each stage, and what was said.
    pub(super) fn conclude(&self) -> (Timings, Transcript) {
        let mut entries = self.entries();
        let transcript = std::mem::replace(&mut entries.transcript, Transcript::new());
        (std::mem::take(&mut entries.timings), transcript)
    }

    /// What was said so far.
    pub(super) fn transcript(&self) -> Transcript {
        self.entries().transcript.clone()
    }

    /// Ends the stage that failed.
    pub(super) fn fail(&self, error: &Error) {
        if let Some(stage) = error.stage() {
            self.pass(stage, &error);
        }
    }

    /// The session as a verification.
    pub(super) fn verification(&self, error: Option<Error>) -> Verification {
        let entries = self.entries();
        Verification {
            stages: entries.stages.clone().unwrap_or_default(),
            tls: entries.tls.clone(),
            capabilities: entries.capabilities.clone(),
            transcript: entries.transcript.clone(),
            error,
        }
    }

    /// Notes how many bytes crossed the connection, where the configuration asks for that much.
    pub(super) fn traffic(&self, direction: &str, bytes: usize) {
        if self.logging == Logging::Debug {
            tracing::info!(target: "smtp_connector::session", direction, bytes);
        }
    }

    /// The dialogue is for the curious, unless the configuration asks for it. It is worded only
    /// where somebody listens.
    fn event<T: fmt::Display>(&self, speaker: &str, text: impl FnOnce() -> T) {
        if self.logging != Logging::None {
            tracing::info!(target: "smtp_connector::session", speaker, "{}", text());
        } else if tracing::enabled!(target: "smtp_connector::session", tracing::Level::DEBUG) {
            tracing::debug!(target: "smtp_connector::session", speaker, "{}", text());
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
