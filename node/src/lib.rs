//! The library in Node: engine, connector and mailer as classes, their calls as promises.
//!
//! Structured values cross the border as JSON, which both sides read fastest; the JavaScript beside
//! this crate checks what users hand in, and makes classes of what comes out. Calls run on a
//! runtime of their own, which Node's event loop never waits for.

#![expect(clippy::needless_pass_by_value, reason = "values of JavaScript are handed over whole")]

pub mod abort;
mod border;
pub mod connector;
pub mod engine;
mod log;
pub mod mailer;
mod options;
mod request;
