//! Replies as servers write them, and as no server should.

#[cfg(target_os = "linux")]
mod endless;
mod session;
