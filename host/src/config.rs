//! What the host itself reads in a configuration: where the secrets are, where it points, and where
//! in the text a finding stands.
//!
//! Everything else is the component's business.

mod declared;
mod departure;
#[cfg(test)]
mod documents;
mod endpoints;
mod locate;
mod login;
mod mask;
mod pace;
mod protection;
mod scalars;
mod secret_names;
mod secret_places;
mod service;
mod signatures;
mod url;

pub(crate) use declared::Declared;
pub(crate) use locate::blot_out;
pub use locate::{locate, locate_all};
pub(crate) use mask::{SecretPaths, Unmaskable};
