//! Templates.

use crate::config::templates::Template;
use crate::findings::Findings;

/// Checks templates.
pub fn lint(templates: &[Template], findings: &mut Findings) {
    let _ = (templates, findings);
}
