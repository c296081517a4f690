//! The integration tests, one module per subject, in one binary.

mod addresses;
mod batch;
mod command_line;
mod connection;
mod contract;
mod deadlines;
mod delivery;
mod dkim;
#[cfg(target_os = "linux")]
mod endless;
mod handlebars;
mod helpers;
mod hosts;
mod instruments;
mod languages;
mod leaks;
mod lmtp;
mod log;
mod login;
mod mail_servers;
mod message;
mod oauth2;
mod options;
mod pages;
mod pool;
mod providers;
mod proxy;
mod replies;
mod sandbox;
mod scenarios;
mod secrets;
mod services;
mod starttls;
mod structure;
mod tls;
mod transport;
