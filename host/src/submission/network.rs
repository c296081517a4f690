//! The way to the server: names resolved, addresses judged and dialled, proxies, TLS, and what can
//! go wrong on the wire.
//!
//! What is said over it is for others to know.

pub(super) mod context;
pub(super) mod dial;
pub(super) mod http;
mod proxy;
pub(super) mod route;
pub(super) mod tls;
pub(super) mod wire_error;

use tokio::io::{AsyncRead, AsyncWrite};

pub(super) use self::context::Context;
pub(super) use self::wire_error::WireError;

/// A stream of bytes that a session can run over.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}
