//! What everybody sends and composes: a sign-in code for each of many users.

use serde_json::{Value, json};

/// The author of all messages.
pub(crate) const AUTHOR: &str = "Example Accounts <no-reply@example.com>";

/// The subject of all messages.
pub(crate) const SUBJECT: &str = "{{code}} is your sign-in code";

/// Logto's nine usage types.
const USAGE_TYPES: [&str; 9] = [
    "SignIn",
    "Register",
    "ForgotPassword",
    "Generic",
    "OrganizationInvitation",
    "UserPermissionValidation",
    "BindNewIdentifier",
    "MfaVerification",
    "BindMfa",
];

const HEAD: &str = "<p>Hello {{user.name}},</p>\n\
    <p>Use this code to sign in to {{application.name}}:</p>\n\
    <p style=\"font-size: 24px\"><strong>{{code}}</strong></p>\n";

const TAIL: &str = "<p>{{organization.name}}</p>\n\
    <p>If you did not try to sign in, you can ignore this message.</p>\n";

const TAIL_WITH_BLOCKS: &str = "{{#if organization.name}}<p>{{organization.name}}</p>\n{{/if}}\
    {{#if link}}<p><a href=\"{{link}}\">Or follow this link.</a></p>\n{{/if}}\
    <p>If you did not try to sign in, you can ignore this message.</p>\n";

const FILLING: &str = "<p>This code expires soon. Do not share it with anyone.</p>\n";

/// A template of about this many bytes, with plain placeholders alone.
pub(crate) fn template(bytes: usize) -> String {
    filled(bytes, TAIL)
}

/// The same with conditions.
pub(crate) fn template_with_blocks(bytes: usize) -> String {
    filled(bytes, TAIL_WITH_BLOCKS)
}

fn filled(bytes: usize, tail: &str) -> String {
    let fillings = bytes.saturating_sub(HEAD.len() + tail.len()) / FILLING.len();
    format!("{HEAD}{}{tail}", FILLING.repeat(fillings))
}

/// A tenant's configuration: this template for each usage type, and a server on loopback that
/// offers nothing.
pub(crate) fn configuration(port: u16, connections: usize, template: &str) -> Value {
    let templates: Vec<_> = USAGE_TYPES
        .iter()
        .map(|usage_type| {
            json!({
                "usageType": usage_type,
                "contentType": "text/html",
                "subject": SUBJECT,
                "content": template,
            })
        })
        .collect();
    json!({
        "host": "127.0.0.1",
        "port": port,
        "ignoreTLS": true,
        "pool": true,
        "maxConnections": connections,
        "maxMessages": u32::MAX,
        "fromEmail": AUTHOR,
        "templates": templates,
    })
}

/// The recipient of the nth message.
pub(crate) fn recipient(index: usize) -> String {
    format!("user{index:07}@example.com")
}

/// The payload of the nth message, about 350 bytes.
pub(crate) fn payload(index: usize) -> String {
    let code = index * 7919 % 1_000_000;
    let person = format!(
        r#""id":"u{index:07}","name":"Sam O'Neil","username":"sam","primaryEmail":"{}""#,
        recipient(index)
    );
    let locales = r#""locale":"en-GB","uiLocales":"en-GB en""#;
    let portal = r#""application":{"id":"a3f8c1d29b07","name":"Example Portal"}"#;
    let organization = r#""organization":{"id":"org4711","name":"Example & Sons"}"#;
    let inviter = r#""inviter":{"id":"u0000001","name":"Kim Example"}"#;
    format!(
        r#"{{"code":"{code:06}",{locales},{portal},"user":{{{person}}},{organization},{inviter}}}"#
    )
}
