//! The description of the API, made from the code that serves it.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::http::header;
use axum::routing::get;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Components, InfoBuilder, OpenApi, OpenApiBuilder};

use super::Service;

/// What the description says of the whole.
pub(super) fn head() -> OpenApi {
    let info = InfoBuilder::new()
        .title("smtp-connector")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("Takes an identity platform's mail, queues it durably and delivers it."));
    let mut components = Components::new();
    components
        .add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    OpenApiBuilder::new().info(info.build()).components(Some(components)).build()
}

/// Serves the description.
pub(super) fn routes(document: &OpenApi) -> Router<Arc<Service>> {
    let document = Bytes::from(serde_json::to_vec(document).unwrap_or_default());
    let serve = move || {
        let document = document.clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], document) }
    };
    Router::new().route("/openapi.json", get(serve))
}
