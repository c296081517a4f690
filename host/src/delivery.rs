//! How one message is delivered: until when, how often it is tried, and what is to be noted of each
//! attempt.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

/// The answer to whether a message may go out, when it comes.
pub(crate) type Permission = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

/// How to deliver one message. The default is what [`Mailer::send`](crate::Mailer::send) does.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use smtp_connector::Delivery;
///
/// // A code that is worthless after two minutes is not sent later.
/// let delivery = Delivery::default().within(Duration::from_secs(120));
/// ```
#[derive(Clone, Default)]
pub struct Delivery {
    within: Option<Duration>,
    once: bool,
    permit: Option<Arc<dyn Fn() -> Permission + Send + Sync>>,
    before_data: Option<Arc<dyn Fn() -> io::Result<()> + Send + Sync>>,
    after_failure: Option<Arc<dyn Fn() + Send + Sync>>,
    if_dropped_late: Option<Arc<dyn Fn() + Send + Sync>>,
}

impl Delivery {
    /// Sets how long the message may take. After every failure that may pass it is tried again,
    /// with growing pauses, until then; after it the message is given up, not sent late.
    #[must_use]
    pub fn within(mut self, deadline: Duration) -> Self {
        self.within = Some(deadline);
        self
    }

    /// Has the message tried once and not again, whatever may pass: for a program that keeps a
    /// queue of its own, whose policy is the one that counts.
    ///
    /// # Example
    ///
    /// ```
    /// use smtp_connector::Delivery;
    ///
    /// let delivery = Delivery::default().once();
    /// ```
    #[must_use]
    pub fn once(mut self) -> Self {
        self.once = true;
        self
    }

    /// Sets who permits the message to go out. The permit is asked for together with the envelope,
    /// so that the two waits overlap, and waited for before the server is handed the message: what
    /// it stands for, such as a row that is committed, is true before the server can take the
    /// message.
    ///
    /// Where it is refused, or does not come in the time that the server has for a reply, the
    /// message is not sent and its connection is given up; the error is transient. The permit may
    /// be asked for again in one attempt, where a connection that was kept turns out to be closed,
    /// and may be given for a message that the server then refuses to hear.
    ///
    /// # Example
    ///
    /// ```
    /// use smtp_connector::Delivery;
    ///
    /// # async fn commit() -> std::io::Result<()> { Ok(()) }
    /// let delivery = Delivery::default().once().permit(|| async {
    ///     // Here the program commits that the message is about to go out.
    ///     commit().await
    /// });
    /// ```
    #[must_use]
    pub fn permit<F>(mut self, ask: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        self.permit = Some(Arc::new(move || Box::pin(ask())));
        self
    }

    /// Sets what is called each time before the server hears DATA: from then on a program that dies
    /// cannot know whether the server took the message. A program that must know writes it down
    /// here.
    ///
    /// Where it fails, the message is not sent. It must not block for long: the session waits.
    #[must_use]
    pub fn before_data(
        mut self,
        note: impl Fn() -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.before_data = Some(Arc::new(note));
        self
    }

    /// Sets what is called each time an attempt has failed and another one follows, ahead of the
    /// pause between them: the server does not have the message, whatever was noted before DATA.
    ///
    /// It must not block for long.
    ///
    /// # Example
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicBool, Ordering};
    /// use smtp_connector::Delivery;
    ///
    /// // Whether the server may have a message whose outcome is not known yet.
    /// let doubtful = Arc::new(AtomicBool::new(false));
    /// let (begun, failed) = (doubtful.clone(), doubtful.clone());
    /// let delivery = Delivery::default()
    ///     .before_data(move || Ok(begun.store(true, Ordering::SeqCst)))
    ///     .after_failure(move || failed.store(false, Ordering::SeqCst));
    /// ```
    #[must_use]
    pub fn after_failure(mut self, note: impl Fn() + Send + Sync + 'static) -> Self {
        self.after_failure = Some(Arc::new(note));
        self
    }

    /// Sets what is called where the send is dropped after the end of the message went out: then
    /// only the server knows whether it has the message. A send that is dropped without this being
    /// called has not handed its message over, and never will.
    ///
    /// It is called while the send is being dropped, and must not block.
    ///
    /// # Example
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicBool, Ordering};
    /// use smtp_connector::Delivery;
    ///
    /// let doubtful = Arc::new(AtomicBool::new(false));
    /// let late = doubtful.clone();
    /// let note = move || late.store(true, Ordering::SeqCst);
    /// let delivery = Delivery::default().if_dropped_late(note);
    /// ```
    #[must_use]
    pub fn if_dropped_late(mut self, note: impl Fn() + Send + Sync + 'static) -> Self {
        self.if_dropped_late = Some(Arc::new(note));
        self
    }

    /// The moment at which a message is given up that is handed over now.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.within.and_then(|within| Instant::now().checked_add(within))
    }

    /// Whether the message is tried once only.
    pub(crate) fn is_once(&self) -> bool {
        self.once
    }

    /// Asks whether the message may go out, where somebody is to be asked.
    pub(crate) fn ask(&self) -> Option<Permission> {
        self.permit.as_ref().map(|ask| ask())
    }

    /// Calls what was set to be called before DATA.
    pub(crate) fn begin(&self) -> io::Result<()> {
        self.before_data.as_ref().map_or(Ok(()), |note| note())
    }

    /// Calls what was set to be called where a send is dropped too late.
    pub(crate) fn dropped_late(&self) {
        if let Some(note) = &self.if_dropped_late {
            note();
        }
    }

    /// Calls what was set to be called between a failed attempt and the next one.
    pub(crate) fn fail(&self) {
        if let Some(note) = &self.after_failure {
            note();
        }
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("within", &self.within)
            .field("once", &self.once)
            .field("permit", &self.permit.is_some())
            .field("before_data", &self.before_data.is_some())
            .field("after_failure", &self.after_failure.is_some())
            .field("if_dropped_late", &self.if_dropped_late.is_some())
            .finish()
    }
}
