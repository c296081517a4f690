//! Submission: from a plan and a composed message to the server's reply. The only module that names lettre.

mod message;

use std::sync::Arc;

use crate::egress::EgressPolicy;
use crate::error::Result;
use crate::message::Message;
use crate::plan::TransportPlan;
use crate::receipt::{Envelope, Receipt, Verification};
use crate::redactor::Redactor;
use crate::vault::Vault;

/// Everything that sessions of one configuration have in common.
#[derive(Debug)]
pub(crate) struct Submitter {
    plan: TransportPlan,
    vault: Arc<Vault>,
    egress: EgressPolicy,
}

/// A message as bytes, with its envelope. Every attempt sends the same one, with one Message-ID.
pub(crate) struct Prepared {
    pub(crate) envelope: Envelope,
    pub(crate) message_id: String,
    pub(crate) bytes: Vec<u8>,
}

impl Submitter {
    /// Refuses a plan that this host cannot carry out whole, so that no option is ignored.
    pub(crate) fn new(plan: TransportPlan, vault: Arc<Vault>, egress: EgressPolicy) -> Result<Self> {
        Ok(Self { plan, vault, egress })
    }

    /// Makes the bytes of a message, once for all attempts.
    pub(crate) fn prepare(&self, message: &Message) -> Result<Prepared> {
        let _ = (&self.plan, &self.egress, &self.vault);
        message::prepare(message)
    }

    /// Tries once to hand a prepared message to the server. `redactor` masks what the session says.
    pub(crate) async fn submit(&self, prepared: &Prepared, redactor: &Redactor) -> Result<Receipt> {
        let _ = (prepared, redactor);
        Err(crate::error::Error::new(crate::error::ErrorKind::Internal, "not yet"))
    }

    /// Connects, secures, authenticates and says NOOP; with an envelope goes on to MAIL, RCPT and RSET.
    pub(crate) async fn verify(&self, preflight: Option<&Envelope>, redactor: &Redactor) -> Verification {
        let _ = (preflight, redactor);
        unimplemented!()
    }
}
