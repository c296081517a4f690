//! Composing many messages, one after the other.

use std::hint::black_box;
use std::time::{Duration, Instant};

use handlebars::Handlebars;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use smtp_connector::{EgressPolicy, Engine, Mailer, Options, Request};
use smtp_connector_guest::bindings::exports::smtp_connector::contract::messages as contract;
use smtp_connector_guest::compose::Composer;
use smtp_connector_guest::config::check;

use super::scratch;
use crate::{Outcome, mail};

/// How many bytes a template has: that of a plain mail.
pub(crate) const TEMPLATE_BYTES: usize = 1000;

/// How many different messages take turns.
const MESSAGES: usize = 64;

/// Who composes.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum How {
    /// The sandbox, with instances that are kept.
    Kept,
    /// The sandbox, with a fresh instance for each message.
    Fresh,
    /// The same, with conditions in the templates.
    FreshWithBlocks,
    /// The sandbox with a fresh instance each, and a mail is made of the message.
    SandboxAndMail,
    /// The code of the component, without a sandbox.
    Native,
    /// The handlebars crate alone, its templates compiled beforehand.
    Handlebars,
}

/// What a number of messages took together, in seconds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Effort {
    /// By the clock.
    pub(crate) wall: f64,
    /// Of all processors, in all threads.
    pub(crate) cpu: f64,
}

/// Composes so many messages.
pub(super) async fn compose(how: How, count: usize) -> Outcome<Effort> {
    let plain = mail::template(TEMPLATE_BYTES);
    match how {
        How::Kept => sandbox(&plain, 2, false, count).await,
        How::SandboxAndMail => sandbox(&plain, 0, true, count).await,
        How::Fresh => sandbox(&plain, 0, false, count).await,
        How::FreshWithBlocks => {
            sandbox(&mail::template_with_blocks(TEMPLATE_BYTES), 0, false, count).await
        }
        How::Native => native(count),
        How::Handlebars => handlebars(count),
    }
}

/// Composes in the sandbox, in fresh instances or in kept ones; `mail` asks for the mail's bytes.
async fn sandbox(template: &str, kept: usize, mail: bool, count: usize) -> Outcome<Effort> {
    let mailer = mailer(template, kept).await?;
    let request =
        |index| Request::new("SignIn", mail::recipient(index)).payload_text(mail::payload(index));
    let requests: Vec<_> = (0..MESSAGES).map(request).collect();
    let mut before = Clocks::read();
    for index in 0..MESSAGES + count {
        if index == MESSAGES {
            // Each message was composed once: what is done at first is done.
            before = Clocks::read();
        }
        let request = &requests[index % MESSAGES];
        if mail {
            black_box(mailer.render(request).await?);
        } else {
            black_box(mailer.compose(request).await?);
        }
    }
    Ok(before.elapsed())
}

async fn mailer(template: &str, kept: usize) -> Outcome<Mailer> {
    let engine = Engine::builder().cache_directory(scratch("cache/smtp-connector")).build()?;
    let configuration = mail::configuration(25, 1, template).to_string();
    let options = Options::default().egress(EgressPolicy::any()).keep_instances(kept);
    Ok(engine.bundled().await?.configure_with(&configuration, &options).await?)
}

fn native(count: usize) -> Outcome<Effort> {
    let configuration = mail::configuration(25, 1, &mail::template(TEMPLATE_BYTES)).to_string();
    let report = check(&configuration);
    let outcome = report.outcome.ok_or_else(|| format!("{:?}", report.diagnostics))?;
    let composer = Composer::open(outcome.program)?;
    let request = |index| contract::Request {
        usage_type: "SignIn".to_owned(),
        payload: mail::payload(index),
        locale: None,
        content: contract::Content::Configured,
    };
    let requests: Vec<_> = (0..MESSAGES).map(request).collect();
    let compose = |request| composer.compose(request).map_err(|error| format!("{error:?}"));
    for request in &requests {
        black_box(compose(request)?);
    }
    let before = Clocks::read();
    for index in 0..count {
        black_box(compose(&requests[index % MESSAGES])?);
    }
    Ok(before.elapsed())
}

fn handlebars(count: usize) -> Outcome<Effort> {
    let (mut plain, mut escaped) = (Handlebars::new(), Handlebars::new());
    plain.register_escape_fn(handlebars::no_escape);
    plain.register_template_string("subject", mail::SUBJECT)?;
    escaped.register_template_string("html", mail::template(TEMPLATE_BYTES))?;
    let payloads: Vec<_> = (0..MESSAGES).map(mail::payload).collect();
    let compose = |payload: &str| -> Outcome<(String, String)> {
        let values: serde_json::Value = serde_json::from_str(payload)?;
        Ok((plain.render("subject", &values)?, escaped.render("html", &values)?))
    };
    for payload in &payloads {
        black_box(compose(payload)?);
    }
    let before = Clocks::read();
    for index in 0..count {
        black_box(compose(&payloads[index % MESSAGES])?);
    }
    Ok(before.elapsed())
}

/// What the clocks showed.
struct Clocks {
    wall: Instant,
    cpu: Duration,
}

impl Clocks {
    fn read() -> Self {
        Self { wall: Instant::now(), cpu: cpu_time() }
    }

    fn elapsed(&self) -> Effort {
        let (wall, cpu) = (self.wall.elapsed(), cpu_time().saturating_sub(self.cpu));
        Effort { wall: wall.as_secs_f64(), cpu: cpu.as_secs_f64() }
    }
}

fn cpu_time() -> Duration {
    // A time that is negative is none.
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}
