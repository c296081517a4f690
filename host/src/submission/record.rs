//! What a session leaves behind for each message: the transcript, the time and finding of each
//! stage, and the events for the log.
//!
//! What of it may be shown is decided in `redaction`.

mod redaction;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use self::redaction::Redaction;
use crate::error::{Error, Stage};
use crate::plan::Logging;
use crate::receipt::{NegotiatedTls, Timings, Verification, VerifiedStage};
use crate::redactor::Redactor;
use crate::transcript::{Speaker, Transcript};

/// The record of one session, shared by all who take part in it. The first message of a connection
/// has what led to it in its record, each further one begins anew.
#[derive(Clone)]
pub(crate) struct Record {
    /// What may be shown of it.
    pub(crate) redaction: Redaction,
    entries: Arc<Mutex<Entries>>,
    logging: Logging,
}

struct Entries {
    transcript: Transcript,
    timings: Timings,
    /// What happened at each stage, where somebody will read it.
    stages: Option<Vec<VerifiedStage>>,
    tls: Option<NegotiatedTls>,
    capabilities: Vec<String>,
    lap: Instant,
}

impl Record {
    pub(crate) fn new(redactor: Redactor, logging: Logging) -> Self {
        let entries = Entries {
            transcript: Transcript::new(),
            timings: Timings::default(),
            stages: None,
            tls: None,
            capabilities: Vec::new(),
            lap: Instant::now(),
        };
        let entries = Arc::new(Mutex::new(entries));
        Self { redaction: Redaction::new(redactor), entries, logging }
    }

    /// Keeps what happened at each stage, too.
    pub(crate) fn for_verification(self) -> Self {
        self.entries().stages.get_or_insert_default();
        self
    }

    /// Begins the record of a further message of the same session.
    pub(crate) fn renew(&self) {
        let mut entries = self.entries();
        (entries.transcript, entries.timings) = (Transcript::new(), Timings::default());
        entries.lap = Instant::now();
    }

    /// A record for questions beside the session: it masks the same, and nobody reads it.
    pub(crate) fn aside(&self) -> Self {
        Self { redaction: self.redaction.split(), ..Self::new(Redactor::default(), Logging::None) }
    }

    /// Notes a command, as it may be shown.
    pub(crate) fn client(&self, shown: &str) {
        let shown = self.redaction.mask(shown);
        self.event("client", || &shown);
        self.entries().transcript.push(Speaker::Client, shown);
    }

    /// Notes a reply, whose lines are masked already.
    pub(crate) fn server(&self, code: u16, lines: &[String]) {
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
    pub(crate) fn remark(&self, text: &str) {
        let text = self.redaction.mask(text);
        self.event("remark", || &text);
        self.entries().transcript.push(Speaker::Remark, text);
    }

    /// Notes what happened against the wish of the configuration's keeper.
    pub(crate) fn warn(&self, text: &str) {
        let text = self.redaction.mask(text);
        tracing::warn!(target: "smtp_connector", "{text}");
        self.entries().transcript.push(Speaker::Remark, text);
    }

    /// Ends a stage: its time runs from the end of the one before.
    pub(crate) fn pass(&self, stage: Stage, detail: &dyn fmt::Display) {
        let mut entries = self.entries();
        let now = Instant::now();
        let took = now - entries.lap;
        entries.lap = now;
        entries.timings.add(stage, took);
        let is_read = entries.stages.is_some();
        drop(entries);
        if is_read {
            let detail = self.redaction.mask(&detail.to_string());
            let found = VerifiedStage { stage, took, detail };
            self.entries().stages.get_or_insert_default().push(found);
        }
        self.event("stage", || format!("{stage}: {}", self.redaction.mask(&detail.to_string())));
    }

    /// Keeps what TLS was negotiated.
    pub(crate) fn secured(&self, tls: &NegotiatedTls) {
        self.entries().tls = Some(tls.clone());
    }

    /// What TLS was negotiated.
    pub(crate) fn tls(&self) -> Option<NegotiatedTls> {
        self.entries().tls.clone()
    }

    /// Keeps the service extensions that the server offered last; the lines are masked already.
    pub(crate) fn offered(&self, capabilities: &[String]) {
        self.entries().capabilities = capabilities.to_vec();
    }

    /// The service extensions that the server offered last, masked.
    pub(crate) fn capabilities(&self) -> Vec<String> {
        self.entries().capabilities.clone()
    }

    /// Takes the record of a message that is over: the time of each stage, and what was said.
    pub(crate) fn conclude(&self) -> (Timings, Transcript) {
        let mut entries = self.entries();
        let transcript = std::mem::replace(&mut entries.transcript, Transcript::new());
        (std::mem::take(&mut entries.timings), transcript)
    }

    /// What was said so far.
    pub(crate) fn transcript(&self) -> Transcript {
        self.entries().transcript.clone()
    }

    /// Ends the stage that failed.
    pub(crate) fn fail(&self, error: &Error) {
        if let Some(stage) = error.stage() {
            self.pass(stage, &error);
        }
    }

    /// The session as a verification.
    pub(crate) fn verification(&self, error: Option<Error>) -> Verification {
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
    pub(crate) fn traffic(&self, direction: &str, bytes: usize) {
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
