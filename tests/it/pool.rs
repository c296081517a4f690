//! Many messages over few connections: what is said on them, what is kept apart, and what is given
//! up.

mod abandoned;
mod kept;
mod many;
pub(crate) mod options;
mod pipelining;
mod runtimes;

use std::sync::Arc;

use serde_json::Value;
use smtp_connector::{Delivery, Mailer, Receipt, Result};
use tokio::task::JoinSet;

use crate::helpers::{session, tenant};

/// A mailer for a server at a port of 127.0.0.1, with these members besides.
pub(crate) async fn mailer(port: u16, members: &Value) -> Arc<Mailer> {
    Arc::new(session::mailer(port, members).await)
}

/// Sends so many messages at the same time, each with a code of its own: `code-0`, `code-1`, …
pub(crate) async fn send_at_once(mailer: &Arc<Mailer>, count: usize) -> Vec<Result<Receipt>> {
    deliver_at_once(mailer, count, &Delivery::default()).await
}

/// Delivers so many messages at the same time. All are rendered before, so that they wait together.
pub(crate) async fn deliver_at_once(
    mailer: &Arc<Mailer>,
    count: usize,
    delivery: &Delivery,
) -> Vec<Result<Receipt>> {
    let mut rendered = Vec::new();
    for number in 0..count {
        let request = tenant::sign_in(&format!("code-{number}"));
        rendered.push(mailer.render(&request).await.expect("the request is sound"));
    }
    let mut sends = JoinSet::new();
    for message in rendered {
        let (mailer, delivery) = (mailer.clone(), delivery.clone());
        sends.spawn(async move { mailer.submit(&message, &delivery).await });
    }
    sends.join_all().await
}
