//! The description of the API, made from the code that serves it.

mod page;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::http::header;
use axum::routing::get;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder};

use super::Service;
use super::problem::ProblemDocument;

/// What the description says of the whole.
pub(super) fn head() -> OpenApi {
    let info = InfoBuilder::new()
        .title("smtp-connector")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("Takes an identity platform's mail, queues it durably and delivers it."));
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let components = ComponentsBuilder::new()
        .schema_from::<ProblemDocument>()
        .security_scheme("token", bearer)
        .build();
    let every_request = SecurityRequirement::new("token", [""; 0]);
    OpenApiBuilder::new()
        .info(info.build())
        .components(Some(components))
        .security(Some([every_request]))
        .build()
}

/// What the page may load, which is its style; and no other page may hold it in a frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// Serves the description: to programs as it is, to people as a page.
pub(super) fn routes(document: &OpenApi) -> Router<Arc<Service>> {
    let document = serde_json::to_value(document).unwrap_or_default();
    let page = Bytes::from(page::page(&document));
    let style = Bytes::from_static(include_bytes!("openapi/page.css"));
    let json = Bytes::from(document.to_string());
    let serve = |kind: &'static str, body: Bytes| {
        let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, POLICY)];
        get(async move || (headers, body))
    };
    Router::new()
        .route("/openapi.json", serve("application/json", json))
        .route("/docs", serve("text/html; charset=utf-8", page))
        .route("/docs.css", serve("text/css; charset=utf-8", style))
}
