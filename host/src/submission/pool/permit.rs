//! The permit for a message to go out: asked for with its envelope, waited for before its content.

use std::io;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::delivery::Delivery;
use crate::error::{Error, ErrorKind, Result, Stage};

/// A permit that was asked for. It is sought on a task of its own, so that it makes headway while
/// the worker listens to the server; when this is dropped, nobody seeks it any more.
pub(super) struct Permit {
    sought: Option<JoinHandle<io::Result<()>>>,
}

impl Permit {
    /// Asks for the permit of a message.
    pub(super) fn ask(delivery: &Delivery) -> Self {
        Self { sought: delivery.ask().map(tokio::spawn) }
    }

    /// Waits for the permit, no longer than so.
    pub(super) async fn granted(mut self, patience: Duration) -> Result<()> {
        let Some(sought) = &mut self.sought else { return Ok(()) };
        let answer = match timeout(patience, sought).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(broken)) => Err(io::Error::other(broken)),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        };
        answer.map_err(|error| {
            let message = format!("the message was not permitted to go out: {error}");
            Error::new(ErrorKind::Internal, message)
                .at(Stage::Data)
                .with_source(error)
                .with_transience(true)
        })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(sought) = &self.sought {
            sought.abort();
        }
    }
}
