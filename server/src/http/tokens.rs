//! Tokens over the API: made, listed, taken away. A token is shown once, when it is made.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{Path, State as Extracted};
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Service;
use super::access::{Access, Scope, token_digest};
use super::body::Json;
use super::problem::Problem;
use crate::seal::{SealError, random};
use crate::store::{Store, StoreError, StoredToken};
use crate::time::rfc3339;

/// How a token begins, so that those who look for lost secrets know it.
const PREFIX: &str = "smtpc_";

/// The longest name that people give a token.
const LONGEST_NAME: usize = 100;

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(list, make)).routes(routes!(delete))
}

/// A token to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewToken {
    /// What people call it.
    #[schema(example = "the shop's backend")]
    name: String,
    /// What it is good for: `manage`, `read`, `send:NAME`, `send:*`.
    #[schema(example = json!(["send:acme"]))]
    scopes: Vec<String>,
}

/// A token as it is listed.
#[derive(Serialize, ToSchema)]
struct ListedToken {
    /// Its public name.
    id: String,
    /// What people call it.
    name: String,
    /// What it is good for.
    scopes: Vec<String>,
    /// When it was made (RFC 3339).
    created: String,
}

/// A token that was made.
#[derive(Serialize, ToSchema)]
struct Made {
    /// Its public name.
    id: String,
    /// The token, which is never shown again.
    token: String,
}

/// Why the first token could not be made.
#[derive(Debug)]
pub(crate) enum NoToken {
    /// The store is away.
    Away(StoreError),
    /// The system has no randomness.
    NoRandomness(SealError),
}

impl From<NoToken> for Problem {
    fn from(problem: NoToken) -> Self {
        match problem {
            NoToken::Away(error) => error.into(),
            NoToken::NoRandomness(error) => Self::internal(error.to_string()),
        }
    }
}

/// Makes the first administrator's token, where there is no token yet.
pub(crate) async fn first(store: &Store) -> Result<Option<String>, NoToken> {
    let scopes = [Scope::Manage, Scope::Read, Scope::Send(None)];
    let (token, stored) = token("administrator", &scopes)?;
    let is_first = store.put_token(&stored, true).await.map_err(NoToken::Away)?;
    Ok(is_first.then_some(token))
}

fn token(name: &str, scopes: &[Scope]) -> Result<(String, StoredToken), NoToken> {
    let secret: [u8; 32] = random().map_err(NoToken::NoRandomness)?;
    let token = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(secret));
    let stored = StoredToken {
        id: uuid::Uuid::now_v7().to_string(),
        digest: token_digest(&token),
        name: name.to_owned(),
        scopes: scopes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        created: 0,
    };
    Ok((token, stored))
}

/// Makes a token.
#[utoipa::path(
    post,
    path = "/v1/tokens",
    operation_id = "makeToken",
    request_body = NewToken,
    responses(
        (status = 201, body = Made),
        Problem,
    ),
)]
async fn make(
    Extracted(service): Extracted<Arc<Service>>,
    access: Access,
    Json { value: new, .. }: Json<NewToken>,
) -> Result<(StatusCode, Answer<Made>), Problem> {
    access.manages()?;
    if new.name.is_empty() || new.name.len() > LONGEST_NAME || new.name.contains(char::is_control) {
        let problem = format!("`name` has 1 to {LONGEST_NAME} bytes, and no control character");
        return Err(Problem::unprocessable(problem));
    }
    let scopes: Result<Vec<Scope>, _> = new.scopes.iter().map(|scope| scope.parse()).collect();
    let scopes = scopes.map_err(Problem::unprocessable)?;
    let (token, stored) = token(&new.name, &scopes)?;
    service.store.put_token(&stored, false).await?;
    Ok((StatusCode::CREATED, Answer(Made { id: stored.id, token })))
}

/// Lists the tokens, without themselves.
#[utoipa::path(
    get,
    path = "/v1/tokens",
    operation_id = "listTokens",
    responses(
        (status = 200, body = Vec<ListedToken>),
        Problem,
    ),
)]
async fn list(
    Extracted(service): Extracted<Arc<Service>>,
    access: Access,
) -> Result<Answer<Vec<ListedToken>>, Problem> {
    access.manages()?;
    let tokens = service.store.tokens().await?.into_iter().map(|token| ListedToken {
        id: token.id,
        name: token.name,
        scopes: token.scopes.split_whitespace().map(str::to_owned).collect(),
        created: rfc3339(token.created),
    });
    Ok(Answer(tokens.collect()))
}

/// Takes a token away.
#[utoipa::path(
    delete,
    path = "/v1/tokens/{id}",
    operation_id = "deleteToken",
    params(("id" = String, Path, description = "The token's public name")),
    responses(
        (status = 204, description = "It is good for nothing any more"),
        Problem,
    ),
)]
async fn delete(
    Extracted(service): Extracted<Arc<Service>>,
    access: Access,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    access.manages()?;
    match service.store.delete_token(&id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::not_found("there is no such token")),
    }
}
