//! The integration tests, one module per subject, in one binary.

mod cli;
mod delivery;
mod guests;
mod peer;
mod real_servers;
