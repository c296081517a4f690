//! Between the contract's types and the host's. What a component answers is not trusted: whatever
//! the host's types cannot hold is a breach of the contract, and the error says which part of the
//! answer it was.

use std::time::Duration;

use serde::{Serialize, Serializer};

use super::bindings::exports::smtp_connector::contract::{
    connector, description, diagnostics as wit_diagnostics,
};
use super::bindings::exports::smtp_connector::contract::{messages, transport};
use super::component::{Checked, Descriptor, Example};
use super::limits::Limits;
use crate::diagnostic::{Diagnostic, Severity};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::message::{Mailbox, Message};
use crate::plan;
use crate::request::{ContentType, Request};

/// A text in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalizedText {
    /// The language tag.
    pub language: String,
    /// The text.
    pub text: String,
}

/// One item of the form for a configuration.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FormItem {
    /// The top-level key that the item sets.
    pub key: String,
    /// The input that suits it.
    #[serde(rename = "type")]
    pub kind: FormItemKind,
    /// What the form calls it.
    pub label: String,
    /// An example that the empty input shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<String>,
    /// A longer explanation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// An explanation behind a question mark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tooltip: Option<String>,
    /// Whether a configuration needs it.
    pub required: bool,
    /// The value that the form begins with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_value: Option<serde_json::Value>,
    /// The choices, as value and title.
    #[serde(
        rename = "selectItems",
        skip_serializing_if = "Vec::is_empty",
        serialize_with = "choices"
    )]
    pub options: Vec<(String, String)>,
    /// When the item is shown: the key that decides and the value it must have.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "conditions")]
    pub show_conditions: Vec<(String, serde_json::Value)>,
    /// Whether the value is, or holds, a secret.
    #[serde(rename = "isConfidential", skip_serializing_if = "std::ops::Not::not")]
    pub confidential: bool,
}

/// The input that suits a form item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum FormItemKind {
    /// A JSON value.
    Json,
    /// Some of several values.
    MultiSelect,
    /// Several lines of text.
    MultilineText,
    /// A number.
    Number,
    /// One of several values.
    Select,
    /// Yes or no.
    Switch,
    /// One line of text.
    Text,
}

pub(super) fn request(request: &Request) -> messages::Request {
    messages::Request {
        to: request.to.clone(),
        usage_type: request.usage_type.clone(),
        payload: request.payload.clone(),
        locale: request.locale.clone(),
        template: request.template.clone().map(|template| messages::TemplateOverride {
            subject: template.subject,
            content: template.content,
            content_type: template.content_type.map(|content_type| match content_type {
                ContentType::Html => messages::ContentType::Html,
                ContentType::Plain => messages::ContentType::Plain,
            }),
            reply_to: template.reply_to,
            send_from: template.send_from,
        }),
    }
}

/// The composed message, or the host's error for the reason why there is none.
pub(super) fn message(
    composed: Result<messages::Message, messages::ComposeError>,
    limits: &Limits,
) -> Result<Message> {
    let message = composed.map_err(compose_error)?;
    let parts = [Some(&message.subject), message.text.as_ref(), message.html.as_ref()];
    if parts.into_iter().flatten().any(|part| part.len() > limits.part_bytes) {
        return Err(too_large(limits));
    }
    let mailbox =
        |mailbox: messages::Mailbox| Mailbox { name: mailbox.name, address: mailbox.address };
    Ok(Message {
        from: mailbox(message.sender),
        reply_to: message.reply_to.into_iter().map(mailbox).collect(),
        to: mailbox(message.to),
        subject: message.subject,
        text: message.text,
        html: message.html,
        headers: message.headers.into_iter().map(|field| (field.name, field.value)).collect(),
    })
}

fn too_large(limits: &Limits) -> Error {
    let message = format!("a rendered part is larger than {} MiB", limits.part_bytes >> 20);
    Error::new(ErrorKind::Template, message)
}

fn compose_error(error: messages::ComposeError) -> Error {
    match error {
        messages::ComposeError::Payload(problem) => Error::new(ErrorKind::Payload, problem),
        messages::ComposeError::Address(problem) => {
            Error::new(ErrorKind::Address, format!("`{}`: {}", problem.field, problem.message))
        }
        messages::ComposeError::TemplateNotFound(usage_type) => Error::new(
            ErrorKind::Template,
            format!(
                "the configuration has no template for `{usage_type}` and no `Generic` to fall \
                back to"
            ),
        ),
        messages::ComposeError::Template(problem) => {
            let place = match (problem.line, problem.column) {
                (Some(line), Some(column)) => format!(" at line {line}, column {column}"),
                (Some(line), None) => format!(" at line {line}"),
                _ => String::new(),
            };
            let message = format!(
                "the template of the {}{place}: {}",
                part_name(problem.part),
                problem.message
            );
            Error::new(ErrorKind::Template, message)
        }
        messages::ComposeError::TooLarge(part) => Error::new(
            ErrorKind::Template,
            format!("the rendered {} is too large", part_name(part)),
        ),
    }
}

fn part_name(part: messages::MessagePart) -> &'static str {
    match part {
        messages::MessagePart::Subject => "subject",
        messages::MessagePart::Text => "text",
        messages::MessagePart::Html => "HTML",
        messages::MessagePart::ReplyTo => "replyTo",
        messages::MessagePart::SendFrom => "sendFrom",
    }
}

pub(super) fn diagnostics(list: Vec<wit_diagnostics::Diagnostic>) -> Vec<Diagnostic> {
    list.into_iter()
        .map(|diagnostic| Diagnostic {
            severity: match diagnostic.severity {
                wit_diagnostics::Severity::Error => Severity::Error,
                wit_diagnostics::Severity::Warning => Severity::Warning,
            },
            code: diagnostic.code,
            path: diagnostic.path,
            message: diagnostic.message,
            help: diagnostic.help,
        })
        .collect()
}

pub(super) fn report(report: connector::Report) -> Result<Checked> {
    let diagnostics = diagnostics(report.diagnostics);
    let failed = diagnostics.iter().any(Diagnostic::is_error);
    let plan = match report.plan {
        Some(plan) if !failed => Some(transport_plan(plan)),
        None if failed => None,
        Some(_) => return Err(breach("a check that found errors gave a plan")),
        None => return Err(breach("a check without errors gave no plan")),
    };
    Ok(Checked { diagnostics, plan })
}

fn breach(what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Component, format!("the component breaks the contract: {what}"))
}

fn transport_plan(plan: transport::TransportPlan) -> Result<plan::TransportPlan> {
    Ok(plan::TransportPlan {
        endpoint: endpoint(plan.endpoint)?,
        protocol: match plan.protocol {
            transport::Protocol::Smtp => plan::Protocol::Smtp,
            transport::Protocol::Lmtp => plan::Protocol::Lmtp,
        },
        tls: match plan.tls {
            transport::TlsMode::None => plan::TlsMode::None,
            transport::TlsMode::OpportunisticStarttls => plan::TlsMode::OpportunisticStarttls,
            transport::TlsMode::RequiredStarttls => plan::TlsMode::RequiredStarttls,
            transport::TlsMode::Implicit => plan::TlsMode::Implicit,
        },
        plaintext_after_refusal: plan.plaintext_after_refusal,
        tls_options: tls_options(plan.tls_options)?,
        authentication: authentication(plan.authentication)?,
        force_authentication: plan.force_authentication,
        ehlo_name: plan.ehlo_name.map(|name| one_word("the EHLO name", name)).transpose()?,
        local_address: match plan.local_address {
            None => None,
            Some(address) => {
                Some(address.parse().map_err(|_| breach("the local address is no IP address"))?)
            }
        },
        proxy: plan.proxy.map(proxy).transpose()?,
        timeouts: plan::Timeouts {
            dns: milliseconds(plan.timeouts.dns_ms),
            connection: milliseconds(plan.timeouts.connection_ms),
            greeting: milliseconds(plan.timeouts.greeting_ms),
            socket: milliseconds(plan.timeouts.socket_ms),
        },
        pool: plan.pool.map(|pool| plan::Pool {
            max_connections: pool.max_connections.max(1),
            max_messages: pool.max_messages.max(1),
            max_requeues: pool.max_requeues,
            rate_limit: pool.rate_limit.map(|limit| plan::RateLimit {
                messages: limit.messages.max(1),
                window: milliseconds(limit.window_ms),
            }),
        }),
        dkim: plan.dkim.map(dkim),
        logging: match plan.logging {
            transport::Logging::None => plan::Logging::None,
            transport::Logging::Dialogue => plan::Logging::Dialogue,
            transport::Logging::Debug => plan::Logging::Debug,
        },
    })
}

fn milliseconds(ms: u32) -> Duration {
    Duration::from_millis(u64::from(ms))
}

/// A word that becomes part of a command line: no spaces, no control characters, US-ASCII.
fn one_word(what: &str, word: String) -> Result<String> {
    if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(breach(format!("{what} is not one word of printable US-ASCII")));
    }
    Ok(word)
}

fn host(what: &str, text: &str) -> Result<Host> {
    text.parse().map_err(|error| breach(format!("{what}: {error}")))
}

fn endpoint(endpoint: transport::Endpoint) -> Result<plan::Endpoint> {
    if endpoint.port == 0 {
        return Err(breach("an endpoint has no port"));
    }
    Ok(plan::Endpoint { host: host("an endpoint's host", &endpoint.host)?, port: endpoint.port })
}

fn secret(secret: transport::Secret) -> plan::SecretRef {
    plan::SecretRef(secret.pointer)
}

fn tls_version(version: transport::TlsVersion) -> plan::TlsVersion {
    match version {
        transport::TlsVersion::Tls12 => plan::TlsVersion::Tls12,
        transport::TlsVersion::Tls13 => plan::TlsVersion::Tls13,
    }
}

fn tls_options(options: transport::TlsOptions) -> Result<plan::TlsOptions> {
    let server_name = options.server_name.map(|name| host("the server name", &name));
    Ok(plan::TlsOptions {
        server_name: server_name.transpose()?,
        verify_certificate: options.verify_certificate,
        roots: options.roots,
        identity: options.identity.map(|identity| plan::ClientIdentity {
            certificate_chain: identity.certificate_chain,
            private_key: secret(identity.private_key),
            passphrase: identity.passphrase.map(secret),
        }),
        minimum_version: options.minimum_version.map(tls_version),
        maximum_version: options.maximum_version.map(tls_version),
        cipher_suites: options.cipher_suites,
    })
}

fn mechanism(mechanism: transport::SaslMechanism) -> plan::Mechanism {
    match mechanism {
        transport::SaslMechanism::Plain => plan::Mechanism::Plain,
        transport::SaslMechanism::Login => plan::Mechanism::Login,
        transport::SaslMechanism::CramMd5 => plan::Mechanism::CramMd5,
        transport::SaslMechanism::Xoauth2 => plan::Mechanism::Xoauth2,
        transport::SaslMechanism::Oauthbearer => plan::Mechanism::Oauthbearer,
    }
}

fn user_name(user: String) -> Result<String> {
    match user.is_empty() || user.chars().any(char::is_control) {
        true => Err(breach("a user name is empty or has control characters")),
        false => Ok(user),
    }
}

fn authentication(authentication: transport::Authentication) -> Result<plan::Authentication> {
    Ok(match authentication {
        transport::Authentication::None => plan::Authentication::None,
        transport::Authentication::Password(login) => {
            plan::Authentication::Password(plan::PasswordLogin {
                user: user_name(login.user)?,
                password: secret(login.password),
                mechanism: login.mechanism.map(mechanism),
            })
        }
        transport::Authentication::Oauth2(login) => {
            if login.access_token.is_none() && login.renewal.is_none() {
                return Err(breach("a login by token has neither a token nor a way to get one"));
            }
            plan::Authentication::OAuth2(Box::new(plan::OAuth2Login {
                user: user_name(login.user)?,
                mechanism: login.mechanism.map(mechanism),
                access_token: login.access_token.map(|token| plan::AccessToken {
                    token: secret(token.token),
                    expires_at: token.expires_at_ms.map(Duration::from_millis),
                }),
                renewal: login.renewal.map(token_request).transpose()?,
            }))
        }
    })
}

fn token_request(request: transport::TokenRequest) -> Result<plan::TokenRequest> {
    let parameters = |list: Vec<transport::Parameter>| {
        list.into_iter()
            .map(|parameter| match parameter.value {
                transport::ParameterValue::Text(text) => {
                    (parameter.name, plan::ParameterValue::Text(text))
                }
                transport::ParameterValue::Secret(reference) => {
                    (parameter.name, plan::ParameterValue::Secret(secret(reference)))
                }
            })
            .collect()
    };
    let endpoint = plan::TokenEndpoint::parse(&request.url)
        .map_err(|fault| breach(format!("the URL of the token endpoint {fault}")))?;
    Ok(plan::TokenRequest {
        endpoint,
        grant: match request.grant {
            transport::Oauth2Grant::ClientCredentials(grant) => plan::Grant::ClientCredentials {
                client_id: grant.client_id,
                client_secret: secret(grant.client_secret),
            },
            transport::Oauth2Grant::Jwt(grant) => plan::Grant::Jwt {
                service_client: grant.service_client,
                private_key: secret(grant.private_key),
                passphrase: grant.passphrase.map(secret),
                lifetime: milliseconds(grant.lifetime_ms),
            },
            transport::Oauth2Grant::RefreshToken(grant) => plan::Grant::RefreshToken {
                client_id: grant.client_id,
                client_secret: grant.client_secret.map(secret),
                refresh_token: secret(grant.refresh_token),
            },
        },
        scope: request.scope,
        parameters: parameters(request.parameters),
        headers: parameters(request.headers),
        tls: tls_options(request.tls)?,
    })
}

fn proxy(proxy: transport::Proxy) -> Result<plan::Proxy> {
    Ok(plan::Proxy {
        protocol: match proxy.protocol {
            transport::ProxyProtocol::Http => plan::ProxyProtocol::Http,
            transport::ProxyProtocol::Https => plan::ProxyProtocol::Https,
            transport::ProxyProtocol::Socks4 => plan::ProxyProtocol::Socks4,
            transport::ProxyProtocol::Socks4a => plan::ProxyProtocol::Socks4a,
            transport::ProxyProtocol::Socks5 => plan::ProxyProtocol::Socks5,
        },
        endpoint: endpoint(proxy.endpoint)?,
        user: proxy.user,
        password: proxy.password.map(secret),
    })
}

fn dkim(dkim: transport::Dkim) -> plan::Dkim {
    let signer = |signer: transport::DkimSigner| plan::DkimSigner {
        domain: signer.domain,
        selector: signer.selector,
        private_key: secret(signer.private_key),
        passphrase: signer.passphrase.map(secret),
    };
    plan::Dkim {
        signers: dkim.signers.into_iter().map(signer).collect(),
        header_fields: dkim.header_fields,
        skip_fields: dkim.skip_fields,
    }
}

pub(super) fn descriptor(descriptor: description::Descriptor) -> Result<Descriptor> {
    let json = |what: &str, text: &str| {
        serde_json::from_str(text)
            .map_err(|error| breach(format!("{what} is not valid JSON: {error}")))
    };
    let texts = |texts: Vec<description::LocalizedText>| {
        texts
            .into_iter()
            .map(|text| LocalizedText { language: text.language, text: text.text })
            .collect()
    };
    let example = |example: description::Example| {
        let configuration = json(&format!("the example `{}`", example.id), &example.configuration)?;
        Ok(Example { id: example.id, title: example.title, configuration })
    };
    Ok(Descriptor {
        id: descriptor.id,
        target: descriptor.target,
        names: texts(descriptor.names),
        descriptions: texts(descriptor.descriptions),
        logo: descriptor.logo,
        logo_dark: descriptor.logo_dark,
        configuration_schema: json("the configuration's schema", &descriptor.configuration_schema)?,
        form_items: descriptor
            .form_items
            .into_iter()
            .map(|item| form_item(item, json))
            .collect::<Result<_>>()?,
        examples: descriptor.examples.into_iter().map(example).collect::<Result<_>>()?,
        secret_pointers: descriptor.secret_pointers,
    })
}

fn form_item(
    item: description::FormItem,
    json: impl Fn(&str, &str) -> Result<serde_json::Value>,
) -> Result<FormItem> {
    let condition = |condition: description::FormCondition| {
        Ok((condition.target_key, json("a form item's condition", &condition.expected_value)?))
    };
    Ok(FormItem {
        key: item.key,
        kind: match item.kind {
            description::FormItemKind::Text => FormItemKind::Text,
            description::FormItemKind::Number => FormItemKind::Number,
            description::FormItemKind::MultilineText => FormItemKind::MultilineText,
            description::FormItemKind::Switch => FormItemKind::Switch,
            description::FormItemKind::Select => FormItemKind::Select,
            description::FormItemKind::MultiSelect => FormItemKind::MultiSelect,
            description::FormItemKind::Json => FormItemKind::Json,
        },
        label: item.label,
        placeholder: item.placeholder,
        description: item.description,
        tooltip: item.tooltip,
        required: item.required,
        default_value: match item.default_value {
            Some(text) => Some(json("a form item's default", &text)?),
            None => None,
        },
        options: item.options.into_iter().map(|option| (option.value, option.title)).collect(),
        show_conditions: item.show_conditions.into_iter().map(condition).collect::<Result<_>>()?,
        confidential: item.confidential,
    })
}

fn choices<S: Serializer>(options: &[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Choice<'a> {
        value: &'a str,
        title: &'a str,
    }
    serializer.collect_seq(options.iter().map(|(value, title)| Choice { value, title }))
}

fn conditions<S: Serializer>(
    conditions: &[(String, serde_json::Value)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Condition<'a> {
        target_key: &'a str,
        expect_value: &'a serde_json::Value,
    }
    serializer.collect_seq(
        conditions.iter().map(|(target_key, expect_value)| Condition { target_key, expect_value }),
    )
}
