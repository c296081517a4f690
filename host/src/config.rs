//! What the host itself reads in a configuration: where the secrets are, where it points, and where
//! in the text a finding stands.
//!
//! Everything else is the component's business.

mod endpoint;
mod locate;
mod mask;
mod url;

pub(crate) use endpoint::Declared;
pub(crate) use locate::blot_out;
pub use locate::{locate, locate_all};
pub(crate) use mask::{Masked, SecretPaths, Unmaskable};
