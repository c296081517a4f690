//! The integration tests, one module per subject, in one binary.

mod admission;
mod cli;
mod command_line;
mod contract;
mod delivery;
mod faulty;
mod flow;
mod guests;
mod isolation;
mod leaks;
mod options;
mod peer;
mod plans;
mod providers;
mod reach;
mod real_servers;
mod sandbox;
mod scenarios;
mod schema;
mod secrets;
mod tenant;
mod tls;
mod transport;
