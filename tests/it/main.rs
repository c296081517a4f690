//! The integration tests, one module per subject, in one binary.

mod admission;
mod cli;
mod contract;
mod guests;
mod isolation;
mod peer;
mod real_servers;
mod sandbox;
mod schema;
mod secrets;
mod tenant;
