//! The service over HTTP: who may do what, what is asked, what is answered.

mod access;
mod body;
mod connectors;
mod health;
pub(crate) mod hooks;
pub(crate) mod keys;
mod log;
mod messages;
mod openapi;
mod preference;
mod problem;
mod resource;
pub(crate) mod serve;
pub(crate) mod tokens;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::response::IntoResponse as _;
use metrics_exporter_prometheus::PrometheusHandle;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;
use utoipa_axum::router::OpenApiRouter;

use self::hooks::Nobody;
use self::keys::Keys;
use self::problem::Problem;
use crate::connectors::Connectors;
use crate::queue::Queue;
use crate::store::Store;

/// The largest body of the API: a payload of the library's bound, and what stands around it.
const LARGEST_BODY: usize = 12 << 20;

/// How long the body of a request may stall.
const BODY_STALL: Duration = Duration::from_secs(10);

/// What the handlers work with.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) store: Arc<Store>,
    pub(crate) connectors: Arc<Connectors>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) nobody: Nobody,
    pub(crate) keys: Keys,
    pub(crate) metrics: PrometheusHandle,
}

/// The routes of the service.
pub(crate) fn router(service: Arc<Service>) -> Router {
    let (router, document) = OpenApiRouter::with_openapi(openapi::head())
        .merge(messages::routes())
        .merge(connectors::routes())
        .merge(tokens::routes())
        .split_for_parts();
    router
        .merge(openapi::routes(&document))
        .merge(health::routes())
        .merge(hooks::routes())
        .fallback(async || Problem::not_found("there is nothing at this address"))
        .method_not_allowed_fallback(async || Problem::method())
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(RequestBodyTimeoutLayer::new(BODY_STALL))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            Problem::internal("the service is at fault").into_response()
        }))
        .layer(from_fn(log::log))
        .with_state(service)
}
