//! Access tokens: where they come from, how they are used, and who may not see them.

mod hostile;
pub(crate) mod options;
mod real;
mod session;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use smtp_connector_tests::peer::Script;
use smtp_connector_tests::token_endpoint::TokenEndpoint;

use crate::helpers::tenant;

/// Who logs in.
pub(crate) const USER: &str = "robot@acme.test";

/// A login by refresh token at an endpoint, with these members of `auth` besides; null takes one
/// away.
pub(crate) fn refresh(endpoint: &TokenEndpoint, more: &Value) -> Value {
    let auth = json!({
        "type": "OAuth2", "user": USER, "clientId": "client-1", "clientSecret": "client-secret-1",
        "refreshToken": "refresh-1", "accessUrl": endpoint.url(),
    });
    // One connection for each message: each peer here takes one.
    json!({ "auth": tenant::with(auth, more), "pool": false })
}

pub(crate) fn xoauth2(token: &str) -> String {
    format!(
        "AUTH XOAUTH2 {}",
        STANDARD.encode(format!("user={USER}\u{1}auth=Bearer {token}\u{1}\u{1}"))
    )
}

pub(crate) fn offering() -> Script {
    Script::offering(&["AUTH LOGIN XOAUTH2 OAUTHBEARER"])
}

pub(crate) fn accepting(token: &str) -> Script {
    offering().on(&xoauth2(token), "235 2.7.0 welcome\r\n").takes_mail()
}

/// Refuses a token as Gmail does: first says why, and refuses once that was answered.
pub(crate) fn refusing(script: Script, token: &str) -> Script {
    let reason = STANDARD
        .encode(r#"{"status":"401","schemes":"bearer","scope":"https://mail.google.com/"}"#);
    script.on(&xoauth2(token), format!("334 {reason}\r\n")).on("", "535 5.7.8 not accepted\r\n")
}
