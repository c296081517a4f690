//! A configured tenant: renders, sends, verifies.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use napi::Env;
use napi::bindgen_prelude::{PromiseRaw, Uint8Array};
use napi_derive::napi;
use serde_json::{Value, json};
use smtp_connector::{Delivery, Envelope, Receipt};
use tokio::sync::watch;

use crate::abort::{Abort, listen, until_fired};
use crate::border::{described, failure, promise, thrown};
use crate::request;

/// The mailboxes of one configuration.
#[napi]
#[derive(Debug)]
pub struct Mailer(Arc<smtp_connector::Mailer>);

impl Mailer {
    pub(crate) fn new(mailer: smtp_connector::Mailer) -> Self {
        Self(Arc::new(mailer))
    }
}

#[napi]
impl Mailer {
    /// The warnings of the check, as JSON.
    #[napi(catch_unwind)]
    pub fn warnings(&self) -> String {
        json!(self.0.warnings()).to_string()
    }

    /// How many connections there may be at once.
    #[napi(catch_unwind)]
    pub fn connections(&self) -> u32 {
        u32::try_from(self.0.connections()).unwrap_or(u32::MAX)
    }

    /// Composes a message without sending it; JSON of the message, its envelope and its text.
    #[napi(catch_unwind)]
    pub fn render<'env>(
        &self,
        env: &'env Env,
        request: String,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let request = request::read(&request)?;
        let mailer = self.0.clone();
        promise(env, async move {
            let rendered = mailer.render(&request).await.map_err(|error| failure(&error))?;
            let mut message = json!(rendered.message);
            message["envelope"] = json!(rendered.envelope());
            message["raw"] = String::from_utf8_lossy(rendered.bytes()).into();
            Ok(message.to_string())
        })
    }

    /// Composes a message and hands it to the server; JSON of the receipt.
    #[napi(catch_unwind)]
    pub fn send<'env>(
        &self,
        env: &'env Env,
        request: String,
        deadline: Option<f64>,
        abort: Option<&Abort>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let request = request::read(&request)?;
        let attempt = Attempt::new(deadline, abort)?;
        let mailer = self.0.clone();
        let send = async move |delivery: Delivery| mailer.deliver(&request, &delivery).await;
        promise(env, attempt.make(send))
    }

    /// Hands a mail to the server that is written already; JSON of the receipt.
    #[napi(catch_unwind)]
    pub fn submit<'env>(
        &self,
        env: &'env Env,
        sender: String,
        recipients: Vec<String>,
        mail: Uint8Array,
        deadline: Option<f64>,
        abort: Option<&Abort>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let recipients = recipients.iter().map(String::as_str);
        let envelope = Envelope::new(&sender, recipients).map_err(|error| failure(&error))?;
        let attempt = Attempt::new(deadline, abort)?;
        // A copy, since the program may write into its own.
        let mail = mail.to_vec();
        let transport = self.0.transport();
        let submit = async move |delivery: Delivery| {
            transport.delivery(delivery).submit(envelope, &mail).await
        };
        promise(env, attempt.make(submit))
    }

    /// Tries the way to the server, with a recipient up to RCPT; JSON of what was found.
    #[napi(catch_unwind)]
    pub fn verify<'env>(
        &self,
        env: &'env Env,
        to: Option<String>,
        abort: Option<&Abort>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let signal = listen(abort);
        let mailer = self.0.clone();
        promise(env, async move {
            let verified = until_fired(signal, mailer.verify(to.as_deref())).await;
            let verified = verified.ok_or_else(|| given_up(false))?;
            let verification = verified.map_err(|error| failure(&error))?;
            let mut found = json!(verification);
            found["transcript"] = verification.transcript.to_string().into();
            if let Some(error) = &verification.error {
                found["error"] = described(error);
            }
            Ok(found.to_string())
        })
    }

    /// Takes no further message, lets those under way end, and says QUIT on every connection.
    #[napi(catch_unwind)]
    pub fn close<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, ()>> {
        let mailer = self.0.clone();
        promise(env, async move {
            mailer.close().await;
            Ok(())
        })
    }
}

/// A message that is about to be sent, and may be given up.
struct Attempt {
    delivery: Delivery,
    signal: Option<watch::Receiver<bool>>,
    /// Whether it was given up too late to say that it did not go out.
    late: Arc<AtomicBool>,
}

impl Attempt {
    fn new(deadline: Option<f64>, abort: Option<&Abort>) -> napi::Result<Self> {
        let late = Arc::new(AtomicBool::new(false));
        let noted = late.clone();
        let mut delivery =
            Delivery::default().if_dropped_late(move || noted.store(true, Ordering::SeqCst));
        if let Some(milliseconds) = deadline {
            delivery = delivery.within(request::deadline(milliseconds)?);
        }
        Ok(Self { delivery, signal: listen(abort), late })
    }

    /// Sends the message, and tells what became of it.
    async fn make<Sent>(self, send: impl FnOnce(Delivery) -> Sent) -> napi::Result<String>
    where
        Sent: Future<Output = smtp_connector::Result<Receipt>>,
    {
        match until_fired(self.signal, send(self.delivery)).await {
            None => Err(given_up(self.late.load(Ordering::SeqCst))),
            Some(Err(error)) => Err(failure(&error)),
            Some(Ok(receipt)) => {
                let mut told = json!(receipt);
                told["transcript"] = receipt.transcript.to_string().into();
                Ok(told.to_string())
            }
        }
    }
}

/// The failure of a call that its signal ended.
fn given_up(late: bool) -> napi::Error {
    let (message, stage) = match late {
        true => ("the call was given up while the server was due to confirm it", json!("content")),
        false => ("the call was given up; nothing of it happens any more", Value::Null),
    };
    thrown(&json!({ "kind": "aborted", "message": message, "stage": stage, "ambiguous": late }))
}
