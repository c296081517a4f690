//! x
mod real_servers;
