//! The log on the standard error: warnings, and the dialogue with the server where a configuration
//! asks for it by `logger`.

use std::sync::Once;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts the log, once in a process. Only the library's own events are shown: what others log of
/// a connection is not masked.
pub(crate) fn start() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let targets = Targets::new()
            .with_target("smtp_connector", LevelFilter::WARN)
            .with_target("smtp_connector::session", LevelFilter::INFO);
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(false)
            .with_target(false);
        tracing_subscriber::registry().with(targets).with(layer).init();
    });
}
