//! Messages: asked for, looked at, taken back.
#![expect(unused_qualifications, reason = "utoipa names the parameters of a query by their path")]

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Json as Answer;
use axum::extract::{Path, Query, State as Extracted};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use smtp_connector::{Literal, Request, TemplateOverride};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Service;
use super::access::Access;
use super::body::Json;
use super::preference::wait;
use super::problem::{Problem, ProblemDocument};
use super::resource::Message;
use crate::connectors::Name;
use crate::queue::Wish;
use crate::store::{Accepted, Look, State};
use crate::time;

/// The longest idempotency key.
const LONGEST_KEY: usize = 255;

/// How many messages one page of a list has, unless asked for fewer.
const PAGE: i64 = 100;

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(send)).routes(routes!(list)).routes(routes!(show, cancel))
}

/// A message to send.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewMessage {
    /// One recipient: an address, or a name and an address.
    #[schema(example = "Jo Doe <jo@example.com>")]
    to: String,
    /// What the message is for, such as `SignIn`: it picks the template.
    #[serde(rename = "type")]
    #[schema(example = "SignIn")]
    usage_type: String,
    /// The values for the template.
    #[serde(default)]
    #[schema(value_type = Object, example = json!({ "code": "482913" }))]
    payload: Map<String, Value>,
    /// The language, such as `fr-CA`.
    locale: Option<String>,
    /// A template in place of the configuration's.
    #[schema(value_type = Option<Object>)]
    template: Option<TemplateOverride>,
    /// Content that is rendered already, in place of any template.
    content: Option<Rendered>,
    /// Until when the message is worth sending: a duration such as `10m`, or a time (RFC 3339).
    /// After it the message is given up, not sent late.
    #[schema(example = "10m")]
    deadline: Option<String>,
}

/// Content that is rendered already: braces in it are no tags. It has a text, an HTML, or both.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Rendered {
    /// The subject.
    subject: String,
    /// The plain text.
    text: Option<String>,
    /// The HTML.
    html: Option<String>,
}

/// Which messages are listed.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Those of one connector; a token that sends as a connector lists no others.
    connector: Option<String>,
    /// Those in one state.
    state: Option<State>,
    /// Those accepted then or later (RFC 3339).
    #[param(format = "date-time")]
    since: Option<String>,
    /// Those accepted earlier (RFC 3339).
    #[param(format = "date-time")]
    until: Option<String>,
    /// Where the page before ended: its `cursor`.
    #[param(format = "uuid")]
    cursor: Option<String>,
    /// So many at most, and 100 at most.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
}

/// One page of a list, the latest message first.
#[derive(Serialize, ToSchema)]
struct Page {
    /// The messages.
    messages: Vec<Message>,
    /// Where the next page goes on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

/// Sends a message.
///
/// It is composed at once, so that what is wrong with it is said here, and queued durably: what is
/// answered with 2xx ends in exactly one final state. With `Prefer: wait=N` the answer comes when
/// the message has ended, within N seconds. After a problem nothing is queued, unless it has a
/// member `message`: that one was waited for and has ended.
#[utoipa::path(
    post,
    path = "/v1/connectors/{name}/messages",
    operation_id = "sendMessage",
    params(
        ("name" = String, Path, description = "The connector"),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255,
            description = "The same key with the same body is the same message; with another body \
                           it is refused"),
        ("Prefer" = Option<String>, Header, description = "`wait=N` waits up to N seconds (30 at \
                                                           most) for the end of the message; \
                                                           `respond-async` does not"),
    ),
    request_body = NewMessage,
    responses(
        (status = 200, body = Message, description = "The relay took it"),
        (status = 202, body = Message, description = "It is queued"),
        Problem,
    ),
)]
async fn send(
    Extracted(service): Extracted<Arc<Service>>,
    access: Access,
    Path(name): Path<String>,
    headers: HeaderMap,
    Json { words, value: new }: Json<NewMessage>,
) -> Result<Response, Problem> {
    let name: Name = name.parse().map_err(|_| no_connector())?;
    access.sends(&name)?;
    if service.queue.is_stopping() {
        return Err(Problem::unavailable("the service is about to end"));
    }
    let connector = service.connectors.find(name.as_str()).ok_or_else(no_connector)?;
    let within = new.deadline.as_deref().map(within).transpose()?;
    let mut request =
        Request::new(new.usage_type.as_str(), new.to).payload(Value::Object(new.payload));
    if let Some(locale) = new.locale {
        request = request.locale(locale);
    }
    request = match (new.template, new.content) {
        (None, None) => request,
        (Some(template), None) => request.template(template),
        (None, Some(content)) => request.literal(literal(content)?),
        (Some(_), Some(_)) => {
            return Err(Problem::unprocessable("`template` and `content` exclude each other"));
        }
    };
    let key = key(&headers)?.map(|key| (key, words.to_vec()));
    let wish = Wish { request, usage_type: new.usage_type, within, key };
    let accepted = service.queue.accept(&connector, vec![wish]).await?;
    let accepted: Result<[Accepted; 1], _> = accepted.try_into();
    let [accepted] = accepted.map_err(|_| Problem::internal("one message became several"))?;
    let patience = wait(&headers);
    let record = match patience {
        Some(patience) => service.queue.await_end(&accepted.record.id, patience).await?,
        None => Some(accepted.record),
    };
    let record = record.ok_or_else(|| Problem::internal("the message is gone"))?;
    let message = Message::from(record);
    let location = format!("/v1/messages/{}", message.id);
    let mut response = match patience {
        Some(_) => ended(message),
        None => (StatusCode::ACCEPTED, Answer(message)).into_response(),
    };
    let headers = response.headers_mut();
    if let Ok(location) = HeaderValue::from_str(&location) {
        headers.insert(header::LOCATION, location);
    }
    if accepted.replayed {
        headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// What is known of a message.
#[utoipa::path(
    get,
    path = "/v1/messages/{id}",
    operation_id = "showMessage",
    params(
        ("id" = String, Path, description = "The message"),
        ("Prefer" = Option<String>, Header, description = "`wait=N` waits up to N seconds (30 at \
                                                           most) for the end of the message"),
    ),
    responses(
        (status = 200, body = Message),
        Problem,
    ),
)]
async fn show(
    Extracted(service): Extracted<Arc<Service>>,
    access: Access,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Answer<Message>, Problem> {
    readable(&service, &access, &id).await?;
    let patience = wait(&headers).unwrap_or_default();
    let record = service.queue.await_end(&id, patience).await?.ok_or_else(no_message)?;
    Ok(Answer(record.into()))
}

/// Takes a message back that waits.
#[utoipa::path(
    delete,
    path = "/v1/messages/{id}",
    operation_id = "cancelMessage",
    params(("id" = String, Path, description = "The message")),
    responses(
        (status = 204, description = "It will not be sent"),
        (status = 409, body = ProblemDocument, description = "It is on its way or has ended",
            content_type = "application/problem+json"),
        Problem,
    ),
)]
async fn cancel(
    Extracted(service): Extracted<Arc<Service>>,
    access: Access,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let connector = readable(&service, &access, &id).await?;
    access.sends(&connector.parse().map_err(|_| no_message())?)?;
    if service.queue.cancel(&id).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::conflict("the message is on its way or has ended"))
}

/// Lists messages.
#[utoipa::path(
    get,
    path = "/v1/messages",
    operation_id = "listMessages",
    params(Filter),
    responses(
        (status = 200, body = Page),
        Problem,
    ),
)]
async fn list(
    Extracted(service): Extracted<Arc<Service>>,
    access: Access,
    filter: Result<Query<Filter>, axum::extract::rejection::QueryRejection>,
) -> Result<Answer<Page>, Problem> {
    let Query(filter) = filter.map_err(|error| {
        let problem = error.body_text();
        // axum's own words come first, and say nothing of what is wrong.
        let problem = problem.split_once(": ").map_or(problem.as_str(), |(_, problem)| problem);
        Problem::bad_request(problem)
    })?;
    match &filter.connector {
        Some(connector) if access.may_read(connector) => {}
        _ => access.reads_all()?,
    }
    let limit = filter.limit.unwrap_or(PAGE);
    if !(1..=PAGE).contains(&limit) {
        return Err(Problem::bad_request(format!("`limit` is a number from 1 to {PAGE}")));
    }
    if let Some(cursor) = &filter.cursor
        && uuid::Uuid::try_parse(cursor).is_err()
    {
        return Err(Problem::bad_request("`cursor` is none that a list has given"));
    }
    let look = Look {
        connector: filter.connector,
        state: filter.state,
        since: filter.since.as_deref().map(|text| moment("since", text)).transpose()?,
        until: filter.until.as_deref().map(|text| moment("until", text)).transpose()?,
        before: filter.cursor,
        // One more tells whether there is another page.
        limit: limit + 1,
    };
    let mut records = service.store.messages(&look).await?;
    let is_last = i64::try_from(records.len()).unwrap_or(i64::MAX) <= limit;
    records.truncate(usize::try_from(limit).unwrap_or_default());
    let cursor = records.last().map(|record| record.id.clone()).filter(|_| !is_last);
    Ok(Answer(Page { messages: records.into_iter().map(Message::from).collect(), cursor }))
}

/// The answer to one who waited for the end of a message.
fn ended(message: Message) -> Response {
    let status = match message.state {
        State::Queued | State::Sending => {
            return (StatusCode::ACCEPTED, Answer(message)).into_response();
        }
        State::Accepted => return Answer(message).into_response(),
        State::Expired => StatusCode::GATEWAY_TIMEOUT,
        State::Cancelled => StatusCode::CONFLICT,
        State::Ambiguous | State::Failed | State::Refused => StatusCode::BAD_GATEWAY,
    };
    let problem = match &message.error {
        Some(error) => Problem::of(status, error),
        None => {
            let state = message.state;
            Problem::new(status, state.name(), format!("the message is {state}"))
        }
    };
    problem.with("message", serde_json::to_value(&message).unwrap_or_default()).into_response()
}

/// The connector of a message, for those who may read it; what they may not read is not there.
async fn readable(service: &Service, access: &Access, id: &str) -> Result<String, Problem> {
    let record = service.store.message(id).await?.ok_or_else(no_message)?;
    if access.may_read(&record.connector) { Ok(record.connector) } else { Err(no_message()) }
}

/// The idempotency key of a request, with or without quotes.
fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    let key = key.to_str().unwrap_or_default().trim();
    let key = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key);
    if key.is_empty() || key.len() > LONGEST_KEY {
        let problem = format!("`Idempotency-Key` has 1 to {LONGEST_KEY} characters of ASCII");
        return Err(Problem::bad_request(problem));
    }
    Ok(Some(key.to_owned()))
}

/// How long it is until a deadline.
fn within(text: &str) -> Result<Duration, Problem> {
    if let Ok(within) = humantime::parse_duration(text) {
        return Ok(within);
    }
    let problem =
        "`deadline` is a duration such as `10m`, or a time such as `2026-01-31T12:00:00Z`";
    let time = time::moment(text).ok_or_else(|| Problem::unprocessable(problem))?;
    time.duration_since(SystemTime::now())
        .map_err(|_| Problem::unprocessable("`deadline` has passed"))
}

fn literal(content: Rendered) -> Result<Literal, Problem> {
    match (content.text, content.html) {
        (None, None) => Err(Problem::unprocessable("`content` has neither `text` nor `html`")),
        (Some(text), None) => Ok(Literal::text(content.subject, text)),
        (None, Some(html)) => Ok(Literal::html(content.subject, html)),
        (Some(text), Some(html)) => Ok(Literal::html(content.subject, html).and_text(text)),
    }
}

/// A time as the store counts it.
fn moment(name: &str, text: &str) -> Result<i64, Problem> {
    let time = time::moment(text).ok_or_else(|| {
        Problem::bad_request(format!("`{name}` is a time such as `2026-01-31T12:00:00Z`"))
    })?;
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(crate::limits::micros(since))
}

fn no_connector() -> Problem {
    Problem::not_found("there is no such connector")
}

fn no_message() -> Problem {
    Problem::not_found("there is no such message")
}
