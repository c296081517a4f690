//! The figures that an operator watches, as metrics for Prometheus. No label holds anything of a
//! user's but the name of a connector.

use std::sync::OnceLock;
use std::time::Duration;

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use smtp_connector::{Activity, Occupancy, Timings};

use crate::reason::Reason;

const ACCEPTED: &str = "smtp_connector_accepted_total";
const ATTEMPTS: &str = "smtp_connector_attempts_total";
const ATTEMPT_TIME: &str = "smtp_connector_attempt_seconds";
const CIRCUIT_OPEN: &str = "smtp_connector_circuit_open";
const CLAIM_TIME: &str = "smtp_connector_time_to_claim_seconds";
const CONNECTIONS: &str = "smtp_connector_connections";
const DEPTH: &str = "smtp_connector_queue_depth";
const ENDS: &str = "smtp_connector_messages_total";
const END_TIME: &str = "smtp_connector_time_to_end_seconds";
const OLDEST: &str = "smtp_connector_oldest_due_seconds";
const REQUESTS: &str = "smtp_connector_http_requests_total";
const REQUEST_TIME: &str = "smtp_connector_http_request_seconds";
const SANDBOX_FAULTS: &str = "smtp_connector_sandbox_faults_total";
const SANDBOX_INSTANCES: &str = "smtp_connector_sandbox_instances_total";
const SANDBOX_PLACES: &str = "smtp_connector_sandbox_places";
const STAGE_TIME: &str = "smtp_connector_stage_seconds";
const STALE: &str = "smtp_connector_connectors_stale";
const WAITING: &str = "smtp_connector_waiting_for_connection";
const WEBHOOKS: &str = "smtp_connector_webhooks_total";
const WEBHOOKS_WAITING: &str = "smtp_connector_webhooks_waiting";

/// The bounds of times, in seconds: from a round trip in a data centre to what only a relay takes
/// that keeps its clients waiting.
const TIMES: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];

/// The recorder, of which a process has one.
pub(crate) fn recorder() -> PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    let install = || {
        // Only an empty list of bounds is refused.
        let builder = PrometheusBuilder::new().set_buckets(&TIMES);
        let recorder = builder.unwrap_or_default().build_recorder();
        let handle = recorder.handle();
        // Where a program has one of its own, that one records.
        let _ = metrics::set_global_recorder(recorder);
        describe();
        handle
    };
    RECORDER.get_or_init(install).clone()
}

fn describe() {
    describe_counter!(ACCEPTED, "Messages taken, by connector.");
    describe_counter!(ATTEMPTS, "Attempts, with the kind and stage of those that failed.");
    describe_counter!(ENDS, "Messages by their end, with kind and stage where not accepted.");
    describe_counter!(REQUESTS, "Requests over HTTP, by route and status.");
    describe_counter!(SANDBOX_FAULTS, "Calls of a component that trapped or exceeded a bound.");
    describe_counter!(SANDBOX_INSTANCES, "Instances of components that were made.");
    describe_counter!(WEBHOOKS, "Ends that were told to a connector's webhook, or not.");
    describe_gauge!(CIRCUIT_OPEN, "Whether the relay of a connector is held to be down: 1 or 0.");
    describe_gauge!(CONNECTIONS, "Connections to relays, by connector: busy and idle.");
    describe_gauge!(DEPTH, "Messages that wait or are on their way.");
    describe_gauge!(OLDEST, "How long the message has been due that has waited longest.");
    describe_gauge!(SANDBOX_PLACES, "Places for instances: taken and free.");
    describe_gauge!(STALE, "Connectors whose present document was not taken over.");
    describe_gauge!(WAITING, "Messages under way that wait for a connection, by connector.");
    describe_gauge!(WEBHOOKS_WAITING, "Ends that are still to be told to webhooks.");
    describe_histogram!(ATTEMPT_TIME, "How long attempts take.");
    describe_histogram!(CLAIM_TIME, "How old messages are when their last attempt begins.");
    describe_histogram!(END_TIME, "How long it takes from a message's acceptance to its end.");
    describe_histogram!(REQUEST_TIME, "How long requests over HTTP take, by route.");
    describe_histogram!(STAGE_TIME, "How long the stages of accepted messages took.");
}

/// So many messages were taken.
pub(crate) fn accepted(connector: &str, messages: u64) {
    counter!(ACCEPTED, "connector" => connector.to_owned()).increment(messages);
}

/// An attempt ended; `failure` says why not well.
pub(crate) fn attempted(connector: &str, failure: Option<&Reason>, took: Duration) {
    let (kind, stage) = labels(failure);
    counter!(ATTEMPTS, "connector" => connector.to_owned(), "kind" => kind, "stage" => stage)
        .increment(1);
    histogram!(ATTEMPT_TIME).record(took);
}

/// A relay took a message, stage by stage.
pub(crate) fn passed(timings: &Timings) {
    for (stage, took) in timings.iter() {
        histogram!(STAGE_TIME, "stage" => stage.to_string()).record(took);
    }
}

/// A message ended.
pub(crate) fn ended(connector: &str, state: &'static str, reason: Option<&Reason>) {
    let (kind, stage) = labels(reason);
    counter!(ENDS, "connector" => connector.to_owned(), "state" => state, "kind" => kind,
        "stage" => stage)
    .increment(1);
}

/// A message ended that was so old when its last attempt began, and is so old now.
pub(crate) fn aged(when_claimed: Duration, now: Duration) {
    histogram!(CLAIM_TIME).record(when_claimed);
    histogram!(END_TIME).record(now);
}

/// A request was answered.
pub(crate) fn requested(route: &str, status: u16, took: Duration) {
    counter!(REQUESTS, "route" => route.to_owned(), "status" => status.to_string()).increment(1);
    histogram!(REQUEST_TIME, "route" => route.to_owned()).record(took);
}

/// An end was told to a webhook, or was not: `outcome` says which.
pub(crate) fn told(connector: &str, outcome: &'static str) {
    counter!(WEBHOOKS, "connector" => connector.to_owned(), "outcome" => outcome).increment(1);
}

/// The queue as it is: messages that wait, messages on their way, and how long the one has been due
/// that has waited longest.
pub(crate) fn queue(queued: i64, sending: i64, oldest: Duration) {
    gauge!(DEPTH, "state" => "queued").set(as_f64(queued));
    gauge!(DEPTH, "state" => "sending").set(as_f64(sending));
    gauge!(OLDEST).set(oldest);
}

/// How many ends are still to be told to webhooks.
pub(crate) fn untold(ends: i64) {
    gauge!(WEBHOOKS_WAITING).set(as_f64(ends));
}

/// How many connectors have a document that was not taken over.
pub(crate) fn stale(connectors: usize) {
    gauge!(STALE).set(as_f64(connectors as i64));
}

/// Whether the circuit of a connector is open.
pub(crate) fn circuit(connector: &str, is_open: bool) {
    gauge!(CIRCUIT_OPEN, "connector" => connector.to_owned()).set(f64::from(is_open));
}

/// The connections of a connector as they are.
pub(crate) fn connections(connector: &str, occupancy: Occupancy) {
    let Occupancy { connections, idle, waiting, .. } = occupancy;
    let busy = connections.saturating_sub(idle);
    for (state, count) in [("busy", busy), ("idle", idle)] {
        gauge!(CONNECTIONS, "connector" => connector.to_owned(), "state" => state)
            .set(as_f64(count as i64));
    }
    gauge!(WAITING, "connector" => connector.to_owned()).set(as_f64(waiting as i64));
}

/// The sandbox as it is.
pub(crate) fn sandbox(activity: Activity) {
    let Activity { places, taken, instances, faults, .. } = activity;
    gauge!(SANDBOX_PLACES, "state" => "taken").set(as_f64(taken as i64));
    gauge!(SANDBOX_PLACES, "state" => "free").set(as_f64(places.saturating_sub(taken) as i64));
    counter!(SANDBOX_INSTANCES).absolute(instances);
    counter!(SANDBOX_FAULTS).absolute(faults);
}

/// The kind and the stage of a failure; empty, which is as absent, where there is none.
fn labels(reason: Option<&Reason>) -> (String, String) {
    let kind = reason.map(|reason| reason.kind.to_string());
    let stage = reason.and_then(|reason| reason.stage).map(|stage| stage.to_string());
    (kind.unwrap_or_default(), stage.unwrap_or_default())
}

/// Metrics are floating-point numbers, which are exact up to 2^53.
fn as_f64(count: i64) -> f64 {
    count as f64
}
