//! The transport plan: what the host's types cannot hold is refused here.

use std::time::Duration;

use super::bindings::exports::smtp_connector::contract::transport;
use super::breach;
use crate::error::Result;
use crate::host::Host;
use crate::plan;

/// The plan, parsed into types that cannot hold nonsense.
pub(super) fn transport_plan(plan: transport::TransportPlan) -> Result<plan::TransportPlan> {
    Ok(plan::TransportPlan {
        endpoint: endpoint(&plan.endpoint)?,
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
        ehlo_name: plan.ehlo_name.map(ehlo_name).transpose()?,
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
        pipelining: plan.pipelining,
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

/// Servers refuse other characters than those of US-ASCII: a name is said as it stands in the DNS.
fn ehlo_name(name: String) -> Result<String> {
    match name.is_ascii() {
        true => one_word("the EHLO name", name),
        false => Ok(host("the EHLO name", &name)?.name().to_owned()),
    }
}

fn host(what: &str, text: &str) -> Result<Host> {
    text.parse().map_err(|error| breach(format!("{what}: {error}")))
}

fn endpoint(endpoint: &transport::Endpoint) -> Result<plan::Endpoint> {
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
        endpoint: endpoint(&proxy.endpoint)?,
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
