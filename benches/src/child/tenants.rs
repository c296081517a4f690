//! Many tenants in one process, each with a configuration of its own and one message composed.

use std::fs;

use serde::{Deserialize, Serialize};
use smtp_connector::{EgressPolicy, Engine, Options, Request};

use super::composition::TEMPLATE_BYTES;
use super::scratch;
use crate::{Outcome, mail};

/// What a process with tenants needs.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Footprint {
    /// The memory that is this process's share (PSS), in bytes.
    pub(crate) memory: f64,
    /// The text of one configuration, in bytes.
    pub(crate) configuration: f64,
}

/// Configures so many tenants, and reads what the process then needs.
pub(super) async fn configure(count: usize) -> Outcome<Footprint> {
    let engine = Engine::builder().cache_directory(scratch("cache/smtp-connector")).build()?;
    let connector = engine.bundled().await?;
    let options = Options::default().egress(EgressPolicy::any());
    let (mut mailers, mut text) = (Vec::with_capacity(count), 0);
    for index in 0..count {
        let mut configuration = mail::configuration(25, 5, &mail::template(TEMPLATE_BYTES));
        configuration["fromEmail"] =
            format!("Tenant {index} <no-reply@tenant{index}.example>").into();
        configuration["auth"] =
            serde_json::json!({ "user": format!("tenant{index}"), "pass": "a password" });
        let configuration = configuration.to_string();
        text += configuration.len();
        let mailer = connector.configure_with(&configuration, &options).await?;
        let request =
            Request::new("SignIn", mail::recipient(index)).payload_text(mail::payload(index));
        mailer.compose(&request).await?;
        mailers.push(mailer);
    }
    let memory = proportional_set_size()?;
    Ok(Footprint { memory, configuration: text as f64 / count as f64 })
}

fn proportional_set_size() -> Outcome<f64> {
    let rollup = fs::read_to_string("/proc/self/smaps_rollup")?;
    let line = rollup
        .lines()
        .find_map(|line| line.strip_prefix("Pss:"))
        .ok_or("no PSS in smaps_rollup")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? * 1024.0)
}
