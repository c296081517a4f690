//! The keys that concern the message and are no templates: promises that are kept anyway, and what belongs to
//! nodemailer's messages.

use serde_json::json;

use super::proof::{check, check_keys};

#[tokio::test]
pub(super) async fn access() {
    for value in [true, false] {
        check([(json!({ "disableFileAccess": value, "disableUrlAccess": value }), "")]).await;
    }
    check([
        (json!({ "disableFileAccess": 1 }), "error wrong-type /disableFileAccess"),
        (json!({ "disableUrlAccess": "x" }), "error wrong-type /disableUrlAccess"),
    ])
    .await;
}

#[tokio::test]
pub(super) async fn conversions() {
    check_keys("", &["attachDataUrls", "normalizeHeaderKey"], "warning no-effect").await;
}

#[tokio::test]
pub(super) async fn single_messages() {
    let keys = "_dkim alternatives amp attachments baseBoundary bcc boundaryPrefix cc date dsn encoding envelope \
                from headers html icalEvent inReplyTo list messageId newline priority raw references \
                requireTLSExtensionEnabled sender subject text textEncoding to watchHtml xMailer";
    check_keys("", &keys.split_whitespace().collect::<Vec<_>>(), "warning no-effect").await;
}
