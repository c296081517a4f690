//! The service: mail is taken over HTTP, queued durably, and delivered.

pub mod hooks;
