//! The integration tests, one module per subject, in one binary.

mod cli;
mod guests;
mod peer;
mod real_servers;
mod sandbox;
mod secrets;
mod tenant;
