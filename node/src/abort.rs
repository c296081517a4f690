//! Giving up a call: what an `AbortSignal` does to a future.

use std::future::{Future, pending};

use napi_derive::napi;
use tokio::sync::watch;

/// The native end of an `AbortSignal`: calls that are started with it end when it fires.
#[napi]
#[derive(Debug)]
pub struct Abort(watch::Sender<bool>);

#[napi]
#[expect(clippy::new_without_default, reason = "JavaScript alone makes one")]
impl Abort {
    /// One that has not fired.
    #[napi(constructor)]
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Gives up the calls that were started with it.
    #[napi(catch_unwind)]
    pub fn fire(&self) {
        self.0.send_replace(true);
    }
}

/// Waits for a call until its signal fires; none then. The call is dropped before this ends, so
/// that nothing of it happens any more.
pub(crate) async fn until_fired<T>(
    signal: Option<watch::Receiver<bool>>,
    call: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        biased;
        outcome = call => Some(outcome),
        () = fired(signal) => None,
    }
}

/// What tells a call that it is given up.
pub(crate) fn listen(abort: Option<&Abort>) -> Option<watch::Receiver<bool>> {
    abort.map(|abort| abort.0.subscribe())
}

async fn fired(signal: Option<watch::Receiver<bool>>) {
    let fired = match signal {
        Some(mut signal) => signal.wait_for(|fired| *fired).await.is_ok(),
        None => false,
    };
    if !fired {
        // Nobody can fire it any more.
        pending::<()>().await;
    }
}
