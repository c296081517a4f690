//! What the check finds, as code and place.

use serde_json::Value;
use smtp_connector::Diagnostic;

use super::tenant;

/// The errors that the check finds, as code and place.
pub(crate) async fn errors(members: &Value) -> Vec<(String, String)> {
    named(examine(members).await.into_iter().filter(Diagnostic::is_error))
}

/// All that the check finds, as code and place.
pub(crate) async fn findings(members: &Value) -> Vec<(String, String)> {
    named(examine(members).await)
}

async fn examine(members: &Value) -> Vec<Diagnostic> {
    let configuration = tenant::with(tenant::configuration(587), members);
    let connector = tenant::bundled().await;
    let check = connector
        .check(&configuration.to_string(), &tenant::local())
        .await
        .expect("the check works");
    check.diagnostics
}

fn named(findings: impl IntoIterator<Item = Diagnostic>) -> Vec<(String, String)> {
    findings.into_iter().map(|finding| (finding.code, finding.path)).collect()
}

#[track_caller]
pub(crate) fn check_one_error(errors: &[(String, String)], code: &str, path: &str, case: &str) {
    assert_eq!(errors, [(code.to_owned(), path.to_owned())], "{case}");
}
