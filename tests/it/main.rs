//! The integration tests, one module per subject, in one binary.

mod cli;
mod command_line;
mod guests;
mod leaks;
mod peer;
mod real_servers;
