//! x

#[cfg(feature = "catch-all")]
pub mod catch_all;
mod diagnostic;
mod egress;
mod error;
mod message;
mod plan;
mod receipt;
mod redactor;
mod reply;
mod secret;
mod submission;
mod transcript;
mod vault;

pub use diagnostic::{Diagnostic, Severity};
pub use egress::EgressPolicy;
pub use error::{Error, ErrorKind, Result, Stage};
pub use message::{Mailbox, Message};
pub use plan::TransportPlan;
pub use receipt::{Envelope, NegotiatedTls, Receipt, Rejection, Timings, Verification, VerifiedStage};
pub use reply::{EnhancedStatusCode, Reply};
pub use transcript::{Line, Speaker, Transcript};
