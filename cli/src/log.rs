//! The log on the standard error. Only this crate's own events are shown: what libraries log of a
//! connection is not masked.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::terminal::Style;
#[cfg(feature = "serve")]
use smtp_connector_server::{LogForm, Settings, Telemetry};

/// The target of every event of this crate.
const OWN_TARGET: &str = "smtp_connector";

/// The target of a session's dialogue, which is at the level `info` only where the configuration
/// sets `logger`.
const SESSION_TARGET: &str = "smtp_connector::session";

/// Starts the log at a level, or at the one that `RUST_LOG` names; without either it holds
/// warnings, and the dialogue where the configuration asks for it.
pub(super) fn start(level: Option<LevelFilter>) {
    let targets = match level.or_else(environment) {
        Some(level) => Targets::new().with_target(OWN_TARGET, level),
        None => Targets::new()
            .with_target(OWN_TARGET, LevelFilter::WARN)
            .with_target(SESSION_TARGET, LevelFilter::INFO),
    };
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(Style::stderr().has_colours())
        .with_target(false);
    tracing_subscriber::registry().with(targets).with(layer).init();
}

/// Starts the log of the service, at a level, at the one that `RUST_LOG` names, or at the one of
/// its settings. What is logged is sent to a collector, too, where there is one.
#[cfg(feature = "serve")]
pub(super) fn start_for_service(
    level: Option<LevelFilter>,
    settings: &Settings,
    telemetry: Option<&Telemetry>,
) {
    use tracing_subscriber::Layer as _;
    let level = level.or_else(environment).unwrap_or(settings.log);
    let targets = Targets::new().with_target(OWN_TARGET, level);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false);
    let layer = match settings.log_form {
        LogForm::Text => layer.with_ansi(Style::stderr().has_colours()).boxed(),
        LogForm::Json => layer.json().flatten_event(true).with_span_list(false).boxed(),
    };
    let telemetry = telemetry.map(Telemetry::layer);
    tracing_subscriber::registry().with(targets).with(layer).with(telemetry).init();
}

/// The level that `RUST_LOG` asks for: a bare level, or one for this crate.
fn environment() -> Option<LevelFilter> {
    let wanted: Targets = std::env::var("RUST_LOG").ok()?.parse().ok()?;
    let own = wanted.iter().find(|(target, _)| *target == OWN_TARGET).map(|(_, level)| level);
    own.or_else(|| wanted.default_level())
}
