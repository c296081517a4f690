//! The mail of a configuration, as it would be submitted.

use serde_json::{Value, json};
use smtp_connector::{Rendered, Request, Result};

use super::tenant;

/// The sign-in mail of a configuration with these members, as it would be submitted.
pub(crate) async fn rendered(members: &Value, to: &str) -> Result<Rendered> {
    rendered_for(members, &Request::new("SignIn", to).payload(json!({ "code": "482913" }))).await
}

pub(crate) async fn rendered_for(members: &Value, request: &Request) -> Result<Rendered> {
    let configuration = tenant::with(tenant::configuration(587), members);
    tenant::mailer(&tenant::bundled().await, &configuration).await.render(request).await
}

pub(crate) fn text(mail: &Rendered) -> &str {
    std::str::from_utf8(mail.bytes()).expect("a mail is UTF-8")
}

/// The values of the fields whose name is written exactly so, unfolded.
pub(crate) fn fields(mail: &Rendered, name: &str) -> Vec<String> {
    let header = text(mail).split("\r\n\r\n").next().unwrap_or_default();
    let unfolded = header.replace("\r\n ", " ").replace("\r\n\t", "\t");
    let named = unfolded.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    named.map(|value| value.trim().to_owned()).collect()
}
