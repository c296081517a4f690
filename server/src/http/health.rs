//! How the service is doing, for those who watch it.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::State as Extracted;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;

use super::Service;
use super::access::Access;
use super::problem::Problem;
use crate::limits::micros;

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
    let now = micros(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default());
    let age = due.map_or(0, |due| (now - due).max(0));
    metrics::gauge!("smtp_connector_queue_depth", "state" => "queued").set(as_f64(queued));
    metrics::gauge!("smtp_connector_queue_depth", "state" => "sending").set(as_f64(sending));
    metrics::gauge!("smtp_connector_oldest_due_seconds").set(as_f64(age) / 1e6);
    let problems = service.connectors.problems().len();
    metrics::gauge!("smtp_connector_connectors_stale")
        .set(as_f64(i64::try_from(problems).unwrap_or(i64::MAX)));
    service.metrics.run_upkeep();
    let form = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    Ok((form, service.metrics.render()))
}

/// Metrics are floating-point numbers, which are exact up to 2^53.
fn as_f64(count: i64) -> f64 {
    count as f64
}
