//! Futures in boxes.
//!
//! What an async function does is compiled into each program that awaits it, and with it all that
//! it awaits in turn: the session, TLS, the sandbox. Behind a box it is compiled once, in this
//! library. So the public functions that do much await boxed ones.

use std::pin::Pin;

/// A future whose code is this library's.
pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
