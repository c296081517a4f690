//! The keys of `auth` that shape a token request: endpoint, scope, further fields and header
//! fields, and TLS.

use std::net::IpAddr;

use serde_json::Value;

use super::super::plan::{Parameter, ParameterValue, TlsOptions};
use crate::config::uri::Uri;
use crate::config::{Object, secret, wrong_type};
use crate::findings::Findings;

/// Google's token endpoint, nodemailer's default.
pub(super) const GOOGLE_URL: &str = "https://accounts.google.com/o/oauth2/token";
/// Google's scope for mail, nodemailer's default for service accounts.
pub(super) const GOOGLE_SCOPE: &str = "https://mail.google.com/";

/// What the host leaves in the place of a secret in a query.
const SECRET_IN_QUERY: &str = "=secret%3A";

/// Header fields that frame the request. Whoever set them could smuggle a second request into the
/// first.
const FRAMING_FIELDS: [&str; 5] =
    ["host", "content-length", "transfer-encoding", "connection", "upgrade"];

/// The token endpoint, and what every request to it carries.
#[derive(Debug)]
pub(super) struct Endpoint {
    /// The URL, where the configuration has one.
    pub(super) url: Option<String>,
    /// The scope, where the configuration has one.
    pub(super) scope: Option<String>,
    /// Further fields of the form.
    pub(super) parameters: Vec<Parameter>,
    /// Further header fields.
    pub(super) headers: Vec<Parameter>,
    /// How TLS is negotiated.
    pub(super) tls: TlsOptions,
}

impl Endpoint {
    /// Whether the requests go in clear, as they may to this machine.
    pub(super) fn is_clear(&self) -> bool {
        self.url.as_deref().is_some_and(|url| url.to_ascii_lowercase().starts_with("http:"))
    }

    /// Whether the configuration adds a field of this name to the form.
    pub(super) fn has_parameter(&self, name: &str) -> bool {
        self.parameters.iter().any(|parameter| parameter.name == name)
    }
}

/// Reads the keys.
pub(super) fn endpoint(auth: &mut Object<'_>, findings: &mut Findings) -> Endpoint {
    Endpoint {
        url: url(auth, findings),
        scope: auth.line("scope", findings).map(str::to_owned),
        parameters: parameters(auth, "customParams", findings),
        headers: headers(auth, findings),
        tls: super::tls::read(auth, findings),
    }
}

fn url(auth: &mut Object<'_>, findings: &mut Findings) -> Option<String> {
    const HELP: &str = "write the https URL of the token endpoint, or http to this machine alone";
    let text = auth.text("accessUrl", findings)?;
    let pointer = auth.pointer_to("accessUrl");
    if text.contains(SECRET_IN_QUERY) {
        findings
            .error(
                pointer,
                "unsupported",
                "a secret in the query of the URL is not kept from logs, and is refused",
            )
            .help("write it into `auth.customParams`, under the same name");
        return None;
    }
    let fault = match Uri::parse(text) {
        Err(fault) => fault,
        Ok(uri) if !uri.has_slashes || uri.host.is_empty() => "does not name a host",
        Ok(uri) if uri.user.is_some() => {
            "holds user information, which token endpoints do not take"
        }
        Ok(uri) if uri.scheme == "https" || uri.scheme == "http" && is_loopback(uri.host) => {
            return Some(text.to_owned());
        }
        Ok(uri) if uri.scheme == "http" => {
            findings
                .error(
                    pointer,
                    "insecure-url",
                    "would send the client's secret in clear: expected an https URL",
                )
                .help(HELP);
            return None;
        }
        Ok(_) => "has another scheme than https",
    };
    findings
        .error(pointer, "invalid-url", format!("is no URL of a token endpoint: it {fault}"))
        .help(HELP);
    None
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn headers(auth: &mut Object<'_>, findings: &mut Findings) -> Vec<Parameter> {
    let mut headers = parameters(auth, "customHeaders", findings);
    let pointer = auth.pointer_to("customHeaders");
    headers.retain(|header| {
        let place = crate::findings::join(&pointer, &header.name);
        if !is_token(&header.name) {
            findings
                .error(place, "invalid-header-name", "is no name of a header field")
                .help("use letters and `-`");
            return false;
        }
        if FRAMING_FIELDS.iter().any(|name| header.name.eq_ignore_ascii_case(name)) {
            findings
                .error(place, "unsupported", "frames the request, and is set by the host")
                .help("remove it");
            return false;
        }
        true
    });
    headers
}

/// RFC 9110 §5.6.2.
fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// The members at `key`, of which every text may be a secret.
fn parameters(auth: &mut Object<'_>, key: &'static str, findings: &mut Findings) -> Vec<Parameter> {
    let Some(object) = auth.object(key, findings) else {
        return vec![];
    };
    let members = object.members().filter_map(|(name, value)| {
        let value = parameter(value, object.pointer_to(name), findings)?;
        Some(Parameter { name: name.clone(), value })
    });
    members.collect()
}

fn parameter(value: &Value, pointer: String, findings: &mut Findings) -> Option<ParameterValue> {
    match value {
        Value::String(text) if text.is_empty() => Some(ParameterValue::Text(String::new())),
        Value::String(_) | Value::Object(_) => {
            secret::at(value, pointer, findings).map(ParameterValue::Secret)
        }
        Value::Number(_) | Value::Bool(_) => Some(ParameterValue::Text(value.to_string())),
        Value::Array(_) | Value::Null => {
            wrong_type(&pointer, "a string, a number or a boolean", value, findings);
            None
        }
    }
}
