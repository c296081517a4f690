//! The use case: compose in the component, then submit. The only file that knows both halves.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::address::recipient;
use crate::author::Authors;
use crate::boxed::Boxed;
use crate::delivery::Delivery;
use crate::diagnostic::Diagnostic;
use crate::egress::EgressPolicy;
use crate::error::{Error, ErrorKind, Result};
use crate::message::Message;
use crate::plan::{RateLimit, TransportPlan};
use crate::receipt::{Envelope, Receipt, Verification};
use crate::redactor::Redactor;
use crate::rendered::{Rendered, StoredMessage};
use crate::request::Request;
use crate::sandbox::Composers;
use crate::secrets::{Observer, Secret, SecretStore};
use crate::submission::{Prepared, Submitter, Transport};

/// The mailboxes of one configured tenant: composes and submits its messages. Make one per
/// configuration and keep it; it is `Send + Sync`, and every call may be dropped at any time.
///
/// # Example
///
/// ```no_run
/// # async fn example(configuration: &str) -> smtp_connector::Result<()> {
/// use smtp_connector::{Engine, Request};
///
/// let mailer = Engine::new()?.bundled().await?.configure(configuration).await?;
/// let payload = serde_json::json!({ "code": "482913" });
/// let request = Request::new("SignIn", "user@example.com").payload(payload);
/// let receipt = mailer.send(&request).await?;
/// println!("{} {}", receipt.message_id, receipt.reply);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Mailer {
    composers: Composers,
    authors: Authors,
    submitter: Arc<Submitter>,
    redactor: Redactor,
    warnings: Vec<Diagnostic>,
}

impl Mailer {
    pub(crate) fn new(
        composers: Composers,
        authors: Authors,
        plan: TransportPlan,
        secrets: SecretStore,
        egress: EgressPolicy,
        observer: Observer,
        warnings: Vec<Diagnostic>,
    ) -> Result<Self> {
        let values: Vec<_> =
            secrets.entries().filter_map(|(_, source)| source.value().ok()).collect();
        let redactor = Redactor::default().with(values.iter().map(Secret::expose));
        let submitter = Arc::new(Submitter::new(plan, Arc::new(secrets), egress, observer)?);
        Ok(Self { composers, authors, submitter, redactor, warnings })
    }

    /// How many connections to the server there may be at once. To keep them all busy takes a few
    /// more messages at a time.
    ///
    /// # Example
    ///
    /// ```
    /// # use smtp_connector_catch_all::CatchAll;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = CatchAll::start(Default::default()).await?;
    /// # let connector = smtp_connector::Engine::new()?.bundled().await?;
    /// # let options = smtp_connector::Options::default().egress("any".parse()?);
    /// # let mailer = connector.configure_with(&server.configuration().to_string(), &options).await?;
    /// assert_eq!(mailer.connections(), 5);
    /// # Ok(())
    /// # }
    /// ```
    pub fn connections(&self) -> usize {
        self.submitter.connections()
    }

    /// How many messages the configuration lets out in a window of time, where it bounds that.
    /// The mailer keeps to it by itself; a program that runs several of one configuration shares it
    /// among them.
    pub fn rate_limit(&self) -> Option<RateLimit> {
        self.submitter.rate_limit()
    }

    /// Has requests for access tokens carry another refresh token from now on, such as one that
    /// another process was given ([`Options::on_rotated_token`](crate::Options::on_rotated_token)).
    /// Connections and the access token are kept. Without a login by refresh token it does nothing.
    ///
    /// # Example
    ///
    /// ```
    /// # async fn example(mailer: &smtp_connector::Mailer, kept: &str) {
    /// mailer.take_refresh_token(kept).await;
    /// # }
    /// ```
    pub async fn take_refresh_token(&self, refresh_token: &str) {
        self.submitter.take_refresh_token(Secret::new(refresh_token)).await;
    }

    /// Takes no further message, gives those that wait for a connection an error
    /// ([`ErrorKind::Closed`]), lets those under way end, and says QUIT on every connection.
    /// Without it the connections end when the mailer is dropped, after a QUIT that nobody waits
    /// for; a program whose runtime ends at the same time leaves without a word.
    ///
    /// # Example
    ///
    /// ```
    /// # use smtp_connector_catch_all::CatchAll;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = CatchAll::start(Default::default()).await?;
    /// # let connector = smtp_connector::Engine::new()?.bundled().await?;
    /// # let options = smtp_connector::Options::default().egress("any".parse()?);
    /// # let mailer = connector.configure_with(&server.configuration().to_string(), &options).await?;
    /// use smtp_connector::{ErrorKind, Request};
    ///
    /// mailer.close().await;
    /// let request = Request::new("SignIn", "jo@example.org");
    /// let error = mailer.send(&request).await.expect_err("it is closed");
    /// assert_eq!(error.kind(), ErrorKind::Closed);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn close(&self) {
        self.submitter.close().await;
    }

    /// The warnings of the check.
    ///
    /// # Example
    ///
    /// ```
    /// # use smtp_connector_catch_all::CatchAll;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = CatchAll::start(Default::default()).await?;
    /// # let connector = smtp_connector::Engine::new()?.bundled().await?;
    /// # let options = smtp_connector::Options::default().egress("any".parse()?);
    /// # let mailer = connector.configure_with(&server.configuration().to_string(), &options).await?;
    /// for warning in mailer.warnings() {
    ///     println!("{} {}: {}", warning.code, warning.path, warning.message);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// Composes a message without making a mail of it: what the component gives, which is not
    /// encoded and has no Message-ID. What would be refused only as a mail, such as an overlong
    /// header field, is not noticed.
    ///
    /// # Example
    ///
    /// ```
    /// # use smtp_connector_catch_all::CatchAll;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = CatchAll::start(Default::default()).await?;
    /// # let connector = smtp_connector::Engine::new()?.bundled().await?;
    /// # let options = smtp_connector::Options::default().egress("any".parse()?);
    /// # let mailer = connector.configure_with(&server.configuration().to_string(), &options).await?;
    /// use smtp_connector::Request;
    ///
    /// let request = Request::new("SignIn", "jo@example.org")
    ///     .payload(serde_json::json!({ "code": "482913" }));
    /// let message = mailer.compose(&request).await?;
    /// assert_eq!(message.subject, "Your code");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Mailer::render`].
    pub async fn compose(&self, request: &Request) -> Result<Message> {
        self.composed(request).await.map_err(|error| error.masked(&self.redactor(request)))
    }

    /// Composes a message without sending it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Payload`], [`ErrorKind::Template`], [`ErrorKind::Address`] or
    /// [`ErrorKind::Message`] where the request cannot become a message; [`ErrorKind::Component`]
    /// where the component misbehaves.
    pub async fn render(&self, request: &Request) -> Result<Rendered> {
        self.make(request, self.redactor(request)).await
    }

    /// Composes a message and hands it to the server.
    ///
    /// Tries at most twice, the second time within a second, and only where the connection was lost
    /// before the end of the message or the server refused for now; never after a timeout, and
    /// never where the server may have taken the message. Both attempts carry one Message-ID.
    ///
    /// # Example
    ///
    /// ```
    /// # use smtp_connector_catch_all::CatchAll;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = CatchAll::start(Default::default()).await?;
    /// # let connector = smtp_connector::Engine::new()?.bundled().await?;
    /// # let options = smtp_connector::Options::default().egress("any".parse()?);
    /// # let mailer = connector.configure_with(&server.configuration().to_string(), &options).await?;
    /// use smtp_connector::Request;
    ///
    /// let request = Request::new("SignIn", "jo@example.org")
    ///     .payload(serde_json::json!({ "code": "482913" }));
    /// let receipt = mailer.send(&request).await?;
    /// assert_eq!((receipt.reply.code, receipt.attempts), (250, 1));
    /// assert_eq!(server.next().await.envelope.forward_paths, ["jo@example.org"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`]: the kind says who can mend it, the stage how far the session came.
    pub async fn send(&self, request: &Request) -> Result<Receipt> {
        self.deliver(request, &Delivery::default()).await
    }

    /// Composes a message and hands it to the server within a deadline, for a message that is
    /// worthless after it, such as a one-time code.
    ///
    /// Tries again after every failure that may pass, with growing pauses, until the deadline;
    /// after it the message is given up, not sent late.
    ///
    /// # Example
    ///
    /// ```
    /// # use smtp_connector_catch_all::CatchAll;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = CatchAll::start(Default::default()).await?;
    /// # let connector = smtp_connector::Engine::new()?.bundled().await?;
    /// # let options = smtp_connector::Options::default().egress("any".parse()?);
    /// # let mailer = connector.configure_with(&server.configuration().to_string(), &options).await?;
    /// use std::time::Duration;
    /// use smtp_connector::Request;
    ///
    /// let request = Request::new("SignIn", "jo@example.org")
    ///     .payload(serde_json::json!({ "code": "482913" }));
    /// let receipt = mailer.send_within(&request, Duration::from_secs(60)).await?;
    /// assert_eq!(receipt.accepted, ["jo@example.org"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Mailer::send`]; [`ErrorKind::Expired`] where the deadline cut an attempt short. Where
    /// it passed while the server was due to confirm the message, the error is ambiguous.
    pub async fn send_within(&self, request: &Request, deadline: Duration) -> Result<Receipt> {
        self.deliver(request, &Delivery::default().within(deadline)).await
    }

    /// Composes a message and hands it to the server, as [`Delivery`] says.
    ///
    /// # Example
    ///
    /// ```
    /// # use smtp_connector_catch_all::CatchAll;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = CatchAll::start(Default::default()).await?;
    /// # let connector = smtp_connector::Engine::new()?.bundled().await?;
    /// # let options = smtp_connector::Options::default().egress("any".parse()?);
    /// # let mailer = connector.configure_with(&server.configuration().to_string(), &options).await?;
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicBool, Ordering};
    /// use smtp_connector::{Delivery, Request};
    ///
    /// let begun = Arc::new(AtomicBool::new(false));
    /// let noted = begun.clone();
    /// let note = move || Ok(noted.store(true, Ordering::SeqCst));
    /// let delivery = Delivery::default().before_data(note);
    /// let request = Request::new("SignIn", "jo@example.org")
    ///     .payload(serde_json::json!({ "code": "482913" }));
    /// mailer.deliver(&request, &delivery).await?;
    /// assert!(begun.load(Ordering::SeqCst));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Mailer::send_within`].
    pub async fn deliver(&self, request: &Request, delivery: &Delivery) -> Result<Receipt> {
        let deadline = delivery.deadline();
        let redactor = self.redactor(request);
        let composing = self.make(request, redactor);
        let rendered = match deadline {
            None => composing.await?,
            Some(deadline) => timeout_at(deadline, composing).await.map_err(|_| expired())??,
        };
        self.hand_over(rendered.prepared(), rendered.redactor(), delivery, deadline).await
    }

    /// Hands a message to the server that was rendered before, as [`Delivery`] says. Each call
    /// sends it, with the same Message-ID.
    ///
    /// # Example
    ///
    /// ```
    /// # use smtp_connector_catch_all::CatchAll;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = CatchAll::start(Default::default()).await?;
    /// # let connector = smtp_connector::Engine::new()?.bundled().await?;
    /// # let options = smtp_connector::Options::default().egress("any".parse()?);
    /// # let mailer = connector.configure_with(&server.configuration().to_string(), &options).await?;
    /// use smtp_connector::{Delivery, Request};
    ///
    /// let request = Request::new("SignIn", "jo@example.org")
    ///     .payload(serde_json::json!({ "code": "482913" }));
    /// let rendered = mailer.render(&request).await?;
    /// let receipt = mailer.submit(&rendered, &Delivery::default()).await?;
    /// let sent = String::from_utf8_lossy(rendered.bytes());
    /// assert!(sent.contains(&receipt.message_id));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Mailer::send_within`].
    pub async fn submit(&self, rendered: &Rendered, delivery: &Delivery) -> Result<Receipt> {
        let (prepared, redactor) = (rendered.prepared(), rendered.redactor());
        self.hand_over(prepared, redactor, delivery, delivery.deadline()).await
    }

    /// Hands a message to the server that was rendered and stored, perhaps by another process, as
    /// [`Delivery`] says: the same bytes, which are neither composed nor signed again.
    ///
    /// # Example
    ///
    /// ```
    /// # use smtp_connector_catch_all::CatchAll;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = CatchAll::start(Default::default()).await?;
    /// # let connector = smtp_connector::Engine::new()?.bundled().await?;
    /// # let options = smtp_connector::Options::default().egress("any".parse()?);
    /// # let mailer = connector.configure_with(&server.configuration().to_string(), &options).await?;
    /// use smtp_connector::{Delivery, Request, StoredMessage};
    ///
    /// let request = Request::new("SignIn", "jo@example.org")
    ///     .payload(serde_json::json!({ "code": "482913" }));
    /// let kept = serde_json::to_string(&mailer.render(&request).await?.to_stored())?;
    /// // Later, and elsewhere:
    /// let stored: StoredMessage = serde_json::from_str(&kept)?;
    /// let receipt = mailer.submit_stored(&stored, &Delivery::default().once()).await?;
    /// assert_eq!(receipt.message_id, stored.message_id);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Mailer::send_within`]; [`ErrorKind::Address`] or [`ErrorKind::Message`] where what was
    /// stored is no message that this host would have made.
    pub async fn submit_stored(
        &self,
        stored: &StoredMessage,
        delivery: &Delivery,
    ) -> Result<Receipt> {
        let redactor = self.redactor.with(stored.secrets.iter().map(String::as_str));
        let prepared = Arc::new(stored.prepared()?);
        self.hand_over(&prepared, &redactor, delivery, delivery.deadline()).await
    }

    fn hand_over<'a>(
        &'a self,
        prepared: &'a Arc<Prepared>,
        redactor: &'a Redactor,
        delivery: &'a Delivery,
        deadline: Option<Instant>,
    ) -> Boxed<'a, Result<Receipt>> {
        Box::pin(self.submitter.deliver(prepared, redactor, delivery, deadline))
    }

    /// Connects, secures, authenticates and says NOOP. With a recipient it goes on to MAIL and RCPT
    /// and takes them back with RSET: a preflight that sends nothing.
    ///
    /// # Example
    ///
    /// ```
    /// # use smtp_connector_catch_all::CatchAll;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = CatchAll::start(Default::default()).await?;
    /// # let connector = smtp_connector::Engine::new()?.bundled().await?;
    /// # let options = smtp_connector::Options::default().egress("any".parse()?);
    /// # let mailer = connector.configure_with(&server.configuration().to_string(), &options).await?;
    /// let verification = mailer.verify(Some("jo@example.org")).await?;
    /// for stage in &verification.stages {
    ///     println!("{} {:?} {}", stage.stage, stage.took, stage.detail);
    /// }
    /// assert!(verification.error.is_none() && server.caught().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Address`] where the recipient or the configured author cannot be
    /// used. A failed verification is an `Ok` that says so.
    pub async fn verify(&self, to: Option<&str>) -> Result<Verification> {
        let preflight = match to {
            None => None,
            Some(to) => {
                let request = Request::new("Generic", to);
                Some(self.make(&request, self.redactor.clone()).await?.envelope().clone())
            }
        };
        Ok(self.verified(preflight.as_ref()).await)
    }

    fn verified<'a>(&'a self, preflight: Option<&'a Envelope>) -> Boxed<'a, Verification> {
        Box::pin(self.submitter.verify(preflight, &self.redactor))
    }

    /// The connections of this mailer as a transport of lettre, for messages that the program
    /// builds itself. They stay open until the mailer and its transports are dropped.
    ///
    /// # Example
    ///
    /// ```
    /// # use smtp_connector_catch_all::CatchAll;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = CatchAll::start(Default::default()).await?;
    /// # let connector = smtp_connector::Engine::new()?.bundled().await?;
    /// # let options = smtp_connector::Options::default().egress("any".parse()?);
    /// # let mailer = connector.configure_with(&server.configuration().to_string(), &options).await?;
    /// use lettre::{AsyncTransport as _, Message};
    ///
    /// let message = Message::builder()
    ///     .from("Acme <no-reply@acme.example>".parse()?)
    ///     .to("jo@example.org".parse()?)
    ///     .body("Good to have you here.".to_owned())?;
    /// let receipt = mailer.transport().send(message).await?;
    /// assert_eq!(receipt.envelope.reverse_path, "no-reply@acme.example");
    /// # Ok(())
    /// # }
    /// ```
    pub fn transport(&self) -> Transport {
        Transport::new(self.submitter.clone(), self.redactor.clone())
    }

    /// What must not be shown of a request: the configuration's secrets and the request's code and
    /// link.
    fn redactor(&self, request: &Request) -> Redactor {
        let codes = request.one_time_secrets();
        self.redactor.with(codes.iter().map(String::as_str))
    }

    /// Has the component compose a message, to the recipient that the host reads in the request.
    /// The error is not masked yet.
    fn composed<'a>(&'a self, request: &'a Request) -> Boxed<'a, Result<Message>> {
        Box::pin(async move {
            let to = recipient("to", &request.to)?;
            let message = self.composers.compose(request, to).await?;
            self.authors.admit(&message.from.address, request.supplied())?;
            Ok(message)
        })
    }

    /// Composes a message and makes a mail of it.
    async fn make(&self, request: &Request, redactor: Redactor) -> Result<Rendered> {
        let made = self.composed(request).await.and_then(|message| {
            let prepared = self.submitter.prepare(&message, request.message_id.as_deref())?;
            Ok((message, prepared))
        });
        let (message, prepared) = made.map_err(|error| error.masked(&redactor))?;
        Ok(Rendered::new(message, prepared, redactor, request.one_time_secrets()))
    }
}

fn expired() -> Error {
    Error::new(
        ErrorKind::Expired,
        "the deadline passed before the message was composed; it was given up",
    )
}
