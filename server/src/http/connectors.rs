//! Connectors over the API.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{Path, State as Extracted};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde_json::Value;
use smtp_connector::Diagnostic;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Service;
use super::access::Access;
use super::body::JsonText;
use super::problem::Problem;
use crate::connectors::{Changed, Connector, Name, Origin};

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show, put, delete))
}

/// A connector.
#[derive(Serialize, ToSchema)]
struct Shown {
    /// Its name.
    name: String,
    /// Where it comes from: `api` or `folder`.
    origin: &'static str,
    /// What it is made of, with `***` in place of secrets.
    #[schema(value_type = Object)]
    document: Value,
    /// What is worth a second look in the configuration.
    #[schema(value_type = Vec<Object>)]
    warnings: Vec<Diagnostic>,
}

/// A connector in a list.
#[derive(Serialize, ToSchema)]
struct ListedConnector {
    /// Its name.
    name: String,
    /// Where it comes from: `api` or `folder`.
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<&'static str>,
    /// Why what is there now was not taken over.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// Lists the connectors.
#[utoipa::path(
    get,
    path = "/v1/connectors",
    operation_id = "listConnectors",
    responses(
        (status = 200, body = Vec<ListedConnector>),
        Problem,
    ),
)]
async fn list(
    Extracted(service): Extracted<Arc<Service>>,
    access: Access,
) -> Result<Answer<Vec<ListedConnector>>, Problem> {
    access.manages()?;
    let mut problems = service.connectors.problems();
    let mut listed: Vec<_> = service
        .connectors
        .all()
        .iter()
        .map(|connector| ListedConnector {
            name: connector.name().to_owned(),
            origin: Some(origin(connector)),
            problem: problems.remove(connector.name()),
        })
        .collect();
    listed.extend(problems.into_iter().map(|(name, problem)| ListedConnector {
        name,
        origin: None,
        problem: Some(problem),
    }));
    Ok(Answer(listed))
}

/// Shows a connector.
#[utoipa::path(
    get,
    path = "/v1/connectors/{name}",
    operation_id = "showConnector",
    params(("name" = String, Path, description = "The connector")),
    responses(
        (status = 200, body = Shown, headers(("ETag" = String, description = "Its version"))),
        Problem,
    ),
)]
async fn show(
    Extracted(service): Extracted<Arc<Service>>,
    access: Access,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    access.manages()?;
    let connector = service.connectors.find(&name);
    let connector = connector.ok_or_else(|| Problem::not_found("there is no such connector"))?;
    Ok(shown(&service, StatusCode::OK, &connector))
}

/// Puts a connector: a configuration, or an object with `configuration`, `hooks`, `fallback` and
/// `component`.
///
/// It is checked first. A mark `***` in the place of a secret keeps the secret, as long as the rest
/// of the configuration leads to the same server and user.
#[utoipa::path(
    put,
    path = "/v1/connectors/{name}",
    operation_id = "putConnector",
    params(
        ("name" = String, Path, description = "The connector"),
        ("If-Match" = Option<String>, Header, pattern = "^\"[^\"]*\"$",
            description = "The version to replace"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only where there is none"),
    ),
    request_body(content = serde_json::Value, content_type = "application/json"),
    responses(
        (status = 200, body = Shown, headers(("ETag" = String, description = "Its version"))),
        (status = 201, body = Shown, headers(("ETag" = String, description = "Its version"))),
        Problem,
    ),
)]
async fn put(
    Extracted(service): Extracted<Arc<Service>>,
    access: Access,
    Path(name): Path<String>,
    headers: HeaderMap,
    JsonText(body): JsonText,
) -> Result<Response, Problem> {
    access.manages()?;
    let name: Name =
        name.parse().map_err(|problem| Problem::unprocessable(format!("{problem}")))?;
    let text =
        std::str::from_utf8(&body).map_err(|_| Problem::bad_request("the body is not UTF-8"))?;
    let expected = expected(&headers)?;
    if headers.contains_key(header::IF_NONE_MATCH)
        && service.connectors.find(name.as_str()).is_some()
    {
        return Err(Problem::precondition("there is a connector of this name"));
    }
    let (status, connector) = match service.connectors.put(&name, text, expected).await? {
        Changed::Created(connector) => (StatusCode::CREATED, connector),
        Changed::Replaced(connector) => (StatusCode::OK, connector),
    };
    Ok(shown(&service, status, &connector))
}

/// Takes a connector away. What waits for it fails.
#[utoipa::path(
    delete,
    path = "/v1/connectors/{name}",
    operation_id = "deleteConnector",
    params(
        ("name" = String, Path, description = "The connector"),
        ("If-Match" = Option<String>, Header, pattern = "^\"[^\"]*\"$",
            description = "The version to delete"),
    ),
    responses(
        (status = 204, description = "It is gone"),
        Problem,
    ),
)]
async fn delete(
    Extracted(service): Extracted<Arc<Service>>,
    access: Access,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    access.manages()?;
    let name: Name = name.parse().map_err(|_| Problem::not_found("there is no such connector"))?;
    service.connectors.delete(&name, expected(&headers)?).await?;
    service.queue.abandon(name.as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn origin(connector: &Connector) -> &'static str {
    match connector.origin() {
        Origin::Api(_) => "api",
        Origin::Folder => "folder",
    }
}

fn shown(service: &Service, status: StatusCode, connector: &Connector) -> Response {
    let shown = Shown {
        name: connector.name().to_owned(),
        origin: origin(connector),
        document: connector.concealed(),
        warnings: service.connectors.warnings(connector),
    };
    let mut response = (status, Answer(shown)).into_response();
    if let Origin::Api(version) = connector.origin()
        && let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\""))
    {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// The version that the caller knows (`If-Match`).
fn expected(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(tag) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let tag = tag.to_str().unwrap_or_default().trim();
    let version = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).ok_or_else(|| {
        Problem::bad_request("`If-Match` is an `ETag` in its quotes, such as `\"1769861040\"`")
    })?;
    let unknown = |_| Problem::precondition("`If-Match` is no version of a connector");
    version.parse().map(Some).map_err(unknown)
}
