//! Delivering many messages. The clock runs from the first message to the last receipt, so that it
//! counts the opening of the connections, but not the start of the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use lettre::message::header::ContentType;
use lettre::transport::smtp::PoolConfig;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use smtp_connector::{Delivery, EgressPolicy, Engine, Mailer, Options, Request};
use tokio::task::JoinSet;

use super::{Batch, scratch};
use crate::{Outcome, mail};

/// How many bytes a template has that makes a message of about 970 bytes.
pub(crate) const TEMPLATE_BYTES: usize = 700;

/// Composes and delivers messages, with so many instances of the component kept.
pub(super) async fn send(batch: Batch, kept: usize) -> Outcome<f64> {
    let mailer = Arc::new(mailer(batch, kept).await?);
    let in_flight = in_flight(&mailer);
    deliver(batch.count, in_flight, move |index| {
        let mailer = mailer.clone();
        async move { Ok(mailer.send(&request(index)).await.map(drop)?) }
    })
    .await
}

/// Delivers messages that were composed before.
pub(super) async fn submit(batch: Batch) -> Outcome<f64> {
    let mailer = Arc::new(mailer(batch, 0).await?);
    let in_flight = in_flight(&mailer);
    let mut rendered = Vec::with_capacity(batch.count);
    for index in 0..batch.count {
        rendered.push(mailer.render(&request(index)).await?);
    }
    let rendered = Arc::new(rendered);
    deliver(batch.count, in_flight, move |index| {
        let (mailer, rendered) = (mailer.clone(), rendered.clone());
        async move { Ok(mailer.submit(&rendered[index], &Delivery::default()).await.map(drop)?) }
    })
    .await
}

/// Delivers messages through lettre's own pool. It opens a connection wherever none is free, so
/// that no more messages are under way than there may be connections.
pub(super) async fn through_lettre(batch: Batch) -> Outcome<f64> {
    let pool = PoolConfig::new().max_size(u32::try_from(batch.connections)?);
    let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1");
    let transport = transport.port(batch.port).pool_config(pool).build();
    // Nobody renders it here, and rendered it would be shorter.
    let body = mail::template(TEMPLATE_BYTES - 100);
    deliver(batch.count, batch.connections, move |index| {
        let (transport, body) = (transport.clone(), body.clone());
        async move {
            let message = Message::builder()
                .from(mail::AUTHOR.parse()?)
                .to(mail::recipient(index).parse()?)
                .subject(mail::SUBJECT)
                .message_id(None)
                .header(ContentType::TEXT_HTML)
                .body(body)?;
            transport.send(message).await?;
            Ok(())
        }
    })
    .await
}

async fn mailer(batch: Batch, kept: usize) -> Outcome<Mailer> {
    let engine = Engine::builder().cache_directory(scratch("cache/smtp-connector")).build()?;
    let configuration =
        mail::configuration(batch.port, batch.connections, &mail::template(TEMPLATE_BYTES))
            .to_string();
    let options = Options::default().egress(EgressPolicy::any()).keep_instances(kept);
    Ok(engine.bundled().await?.configure_with(&configuration, &options).await?)
}

/// Enough that each connection has a message under way, one that is announced behind it, and one at
/// hand.
fn in_flight(mailer: &Mailer) -> usize {
    3 * mailer.connections()
}

fn request(index: usize) -> Request {
    Request::new("SignIn", mail::recipient(index)).payload_text(mail::payload(index))
}

/// Delivers so many messages with so many at a time. Gives the seconds.
async fn deliver<D>(
    count: usize,
    in_flight: usize,
    deliver: impl Fn(usize) -> D + Clone + Send + 'static,
) -> Outcome<f64>
where
    D: Future<Output = Outcome<()>> + Send,
{
    let next = Arc::new(AtomicUsize::new(0));
    let mut workers = JoinSet::new();
    let began = Instant::now();
    for _ in 0..in_flight {
        let (next, deliver) = (next.clone(), deliver.clone());
        workers.spawn(async move {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= count {
                    return Outcome::Ok(());
                }
                deliver(index).await?;
            }
        });
    }
    while let Some(ended) = workers.join_next().await {
        ended??;
    }
    Ok(began.elapsed().as_secs_f64())
}
