//! How the service is doing, for those who watch it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::State as Extracted;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;

use super::Service;
use super::access::Access;
use super::problem::Problem;
use crate::figures;

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
}

/// Whether it takes messages: the store answers, and it is not about to end. A relay that is down
/// is no reason not to take any.
async fn ready(Extracted(service): Extracted<Arc<Service>>) -> (StatusCode, &'static str) {
    if service.queue.is_stopping() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    match service.store.ping().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the store is away\n"),
    }
}

/// The metrics in Prometheus' form.
async fn metrics(
    Extracted(service): Extracted<Arc<Service>>,
    access: Access,
) -> Result<impl IntoResponse, Problem> {
    access.reads_all()?;
    let (queued, sending, due) = service.store.depth().await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let due = due.map(|due| Duration::from_micros(u64::try_from(due).unwrap_or_default()));
    figures::queue(queued, sending, due.map_or(Duration::ZERO, |due| now.saturating_sub(due)));
    figures::untold(service.store.untold_count().await?);
    figures::stale(service.connectors.problems().len());
    let open: HashSet<_> = service.store.open_circuits().await?.into_iter().collect();
    for connector in service.connectors.all() {
        figures::circuit(connector.name(), open.contains(connector.name()));
        figures::connections(connector.name(), connector.mailer().occupancy());
    }
    figures::sandbox(service.connectors.activity());
    service.metrics.run_upkeep();
    let form = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    Ok((form, service.metrics.render()))
}
