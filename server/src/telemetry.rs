//! Spans and events for a collector of OpenTelemetry (OTLP over HTTP), and the context in which
//! callers and messages hand them on (W3C Trace Context).

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Bytes;
use axum::http::{HeaderMap, Request, Response};
use opentelemetry::KeyValue;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_http::{HeaderExtractor, HttpClient, HttpError};
use opentelemetry_otlp::{
    ExporterBuildError, LogExporter, Protocol, SpanExporter, WithExportConfig as _,
    WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;
use url::Url;

use crate::outbound::{Inquiry, Outbound};

/// How the service is called in traces.
const NAME: &str = "smtp-connector";

/// The field that hands a context on.
const TRACEPARENT: &str = "traceparent";

/// How long the collector has for an answer, and for what is left at the end.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is sent to a collector of OpenTelemetry.
#[derive(Debug)]
pub struct Telemetry {
    spans: SdkTracerProvider,
    events: SdkLoggerProvider,
}

/// Why nothing can be sent to a collector.
#[derive(Debug)]
pub struct TelemetryError(String);

impl fmt::Display for TelemetryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nothing can be sent to the collector (`otlp`): {}", self.0)
    }
}

impl std::error::Error for TelemetryError {}

impl From<ExporterBuildError> for TelemetryError {
    fn from(error: ExporterBuildError) -> Self {
        Self(error.to_string())
    }
}

impl Telemetry {
    /// Begins to send to a collector, from the runtime that this is called on.
    ///
    /// # Errors
    ///
    /// Fails where a variable of OpenTelemetry's own (`OTEL_…`) cannot be used, or the TLS library.
    pub fn new(collector: &Url) -> Result<Self, TelemetryError> {
        let outbound = Outbound::unbounded().map_err(|error| TelemetryError(error.to_string()))?;
        let courier = Courier { outbound: Arc::new(outbound), runtime: Handle::current() };
        let endpoint =
            |signal: &str| format!("{}/v1/{signal}", collector.as_str().trim_end_matches('/'));
        let spans = SpanExporter::builder()
            .with_http()
            .with_http_client(courier.clone())
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint("traces"))
            .build()?;
        let events = LogExporter::builder()
            .with_http()
            .with_http_client(courier)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint("logs"))
            .build()?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder().with_service_name(NAME).with_attribute(version).build();
        Ok(Self {
            spans: SdkTracerProvider::builder()
                .with_resource(resource.clone())
                .with_batch_exporter(spans)
                .build(),
            events: SdkLoggerProvider::builder()
                .with_resource(resource)
                .with_batch_exporter(events)
                .build(),
        })
    }

    /// What a subscriber hands spans and events over with.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'s> LookupSpan<'s> + Send + Sync,
    {
        let spans = tracing_opentelemetry::layer()
            .with_tracer(self.spans.tracer(NAME))
            .with_location(false)
            .with_threads(false);
        spans.and_then(OpenTelemetryTracingBridge::new(&self.events))
    }

    /// Sends what is left.
    pub async fn end(self) {
        let sent = tokio::task::spawn_blocking(move || {
            // A collector that is away has been waited for long enough.
            let _ = self.spans.shutdown_with_timeout(PATIENCE);
            let _ = self.events.shutdown_with_timeout(PATIENCE);
        });
        let _ = sent.await;
    }
}

/// Carries what is to be sent over the service's own way out. Where the collector is, the operator
/// says, so that no policy is asked.
#[derive(Debug, Clone)]
struct Courier {
    outbound: Arc<Outbound>,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for Courier {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let url: Url = request.uri().to_string().parse()?;
        let (head, body) = request.into_parts();
        let outbound = self.outbound.clone();
        // Those who ask are threads of OpenTelemetry's, which have no runtime.
        let asking = self.runtime.spawn(async move {
            let inquiry = Inquiry {
                method: head.method,
                url: &url,
                headers: head.headers,
                body,
                patience: PATIENCE,
            };
            outbound.ask(inquiry).await
        });
        let answered = asking.await??;
        let mut response = Response::new(answered.body);
        *response.status_mut() = answered.status;
        Ok(response)
    }
}

/// Has a span follow the one that a request names.
pub(crate) fn follow_request(span: &Span, headers: &HeaderMap) {
    // Without a collector nobody follows spans.
    let _ = span.set_parent(TraceContextPropagator::new().extract(&HeaderExtractor(headers)));
}

/// Describes the request of the present span, by the conventions of OpenTelemetry.
pub(crate) fn describe_request(method: &str, route: &str, status: u16) {
    let span = Span::current();
    span.set_attribute("http.request.method", method.to_owned());
    span.set_attribute("http.route", route.to_owned());
    span.set_attribute("http.response.status_code", i64::from(status));
}

/// Has a span follow the one that was [kept](context).
pub(crate) fn follow(span: &Span, context: &str) {
    let fields = HashMap::from([(TRACEPARENT.to_owned(), context.to_owned())]);
    let _ = span.set_parent(TraceContextPropagator::new().extract(&fields));
}

/// The context of the present span, to be kept for those that follow it; none without a collector.
pub(crate) fn context() -> Option<String> {
    let mut fields = HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut fields);
    fields.remove(TRACEPARENT)
}
