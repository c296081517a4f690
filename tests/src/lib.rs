//! What the integration tests are made of: the scripted SMTP peer, certificates, components, the
//! command line.

pub mod certificates;
pub mod cli;
pub mod faulty;
pub mod guests;
pub mod lossy;
pub mod peer;
pub mod providers;
pub mod real;
pub mod receiver;
pub mod relay;
pub mod served;
pub mod token_endpoint;
