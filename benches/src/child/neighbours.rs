//! Tenants who send now and then, beside one that makes trouble. What counts is how long the others
//! wait.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use smtp_connector::{Connector, EgressPolicy, Engine, Mailer, Options, Request};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::delivery::TEMPLATE_BYTES;
use super::scratch;
use crate::{Outcome, mail};

/// How many tenants send now and then.
const OTHERS: usize = 20;

/// How often each of them sends.
const PACE: Duration = Duration::from_millis(100);

/// How many connections each tenant may have.
const CONNECTIONS: usize = 2;

/// What one tenant does.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Trouble {
    /// Nothing.
    Nothing,
    /// Sends with a template that takes long.
    SlowTemplate,
    /// Sends to a relay that takes connections and says nothing.
    DeadRelay,
    /// Sends as much as it can.
    Flood,
}

/// What is measured.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Neighbourhood {
    /// What one tenant does.
    pub(crate) trouble: Trouble,
    /// Where the server listens on loopback.
    pub(crate) port: u16,
    /// For how long, in seconds.
    pub(crate) seconds: f64,
}

/// How long messages took, in milliseconds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Latency {
    /// Half of them took less.
    pub(crate) median: f64,
    /// One in a hundred took longer.
    pub(crate) tail: f64,
}

impl Latency {
    /// Of messages that took so many milliseconds each.
    pub(crate) fn of(mut took: Vec<f64>) -> Self {
        took.sort_by(f64::total_cmp);
        let at = |part: usize| took.get(took.len() * part / 100).copied().unwrap_or(f64::NAN);
        Self { median: at(50), tail: at(99) }
    }
}

/// Has all tenants send for a while.
pub(super) async fn live(neighbourhood: Neighbourhood) -> Outcome<Latency> {
    let engine = Engine::builder().cache_directory(scratch("cache/smtp-connector")).build()?;
    let connector = engine.bundled().await?;
    let mut others = Vec::with_capacity(OTHERS);
    for _ in 0..OTHERS {
        let mailer = mailer(&connector, &configuration(neighbourhood.port)).await?;
        // The connection is there when the clocks are read.
        mailer.send(&request(0)).await?;
        others.push(mailer);
    }
    // It ends with this value, whatever it is doing.
    let _trouble = make_trouble(neighbourhood, &connector).await?;
    let mut sends = JoinSet::new();
    for (number, mailer) in others.into_iter().enumerate() {
        let offset = PACE.mul_f64(number as f64 / OTHERS as f64);
        sends.spawn(send_now_and_then(mailer, offset, neighbourhood.seconds));
    }
    let mut took = Vec::new();
    while let Some(sent) = sends.join_next().await {
        took.extend(sent??);
    }
    Ok(Latency::of(took))
}

/// Sends a message at each tick; gives how many milliseconds each took, from its tick on.
async fn send_now_and_then(mailer: Mailer, offset: Duration, seconds: f64) -> Outcome<Vec<f64>> {
    sleep(offset).await;
    let mut ticks = interval(PACE);
    // A message that takes long delays the next one, which counts.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (began, mut took) = (Instant::now(), Vec::new());
    while began.elapsed().as_secs_f64() < seconds {
        let due = ticks.tick().await;
        mailer.send(&request(took.len())).await?;
        took.push(due.elapsed().as_secs_f64() * 1e3);
    }
    Ok(took)
}

/// Starts what one tenant does. What becomes of its own mail is no matter.
async fn make_trouble(
    Neighbourhood { trouble, port, .. }: Neighbourhood,
    connector: &Connector,
) -> Outcome<(JoinSet<()>, Option<TcpListener>)> {
    let mut configuration = configuration(port);
    let (mut relay, mut payload) = (None, mail::payload(0));
    let at_once = match trouble {
        Trouble::Nothing => 0,
        Trouble::SlowTemplate => {
            let items: Vec<_> = (0..300).collect();
            payload = json!({ "code": "482913", "items": items }).to_string();
            let content = "{{code}}{{#each items}}{{#each ../items}}{{this}}{{/each}}{{/each}}";
            for template in configuration["templates"].as_array_mut().into_iter().flatten() {
                template["content"] = content.into();
            }
            4
        }
        Trouble::DeadRelay => {
            // Nobody accepts: the system does, as many as it has room for.
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            configuration["port"] = listener.local_addr()?.port().into();
            relay = Some(listener);
            200
        }
        Trouble::Flood => 200,
    };
    let mailer = Arc::new(mailer(connector, &configuration).await?);
    let mut sends = JoinSet::new();
    for index in 0..at_once {
        let (mailer, payload) = (mailer.clone(), payload.clone());
        sends.spawn(async move {
            let request = Request::new("SignIn", mail::recipient(index)).payload_text(payload);
            loop {
                let _ = mailer.send(&request).await;
            }
        });
    }
    Ok((sends, relay))
}

async fn mailer(connector: &Connector, configuration: &Value) -> Outcome<Mailer> {
    let options = Options::default().egress(EgressPolicy::any());
    Ok(connector.configure_with(&configuration.to_string(), &options).await?)
}

fn configuration(port: u16) -> Value {
    mail::configuration(port, CONNECTIONS, &mail::template(TEMPLATE_BYTES))
}

fn request(index: usize) -> Request {
    Request::new("SignIn", mail::recipient(index)).payload_text(mail::payload(index))
}
