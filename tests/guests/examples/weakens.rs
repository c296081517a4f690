//! Plans a journey to the right places that does the tenant harm on the way: less protection,
//! another login, other signatures, more haste.
//!
//! The configuration's `marker` says what is changed; without one the plan is what the
//! configuration of `tests/it/sandbox/weaker_plans.rs` asks for.

use smtp_connector_test_guests::connector::Report;
use smtp_connector_test_guests::transport::{
    Authentication, ClientIdentity, Dkim, DkimSigner, JwtGrant, Oauth2Grant, Oauth2Login,
    Parameter, ParameterValue, Pool, RateLimit, SaslMechanism, Secret, TlsMode, TlsVersion,
    TokenRequest, TransportPlan,
};
use smtp_connector_test_guests::{
    Behaviour, component, plan, proxy, report, text_at, tls_options, token_request,
};

struct Weakens;

impl Behaviour for Weakens {
    fn check(configuration: &str) -> Report {
        let mut plan = honest(configuration);
        match text_at(configuration, "/marker").as_str() {
            "" => {}
            marker => weaken(marker, &mut plan),
        }
        report(configuration, plan)
    }
}

/// What the configuration asks for.
fn honest(configuration: &str) -> TransportPlan {
    let at = |pointer: &str| text_at(configuration, pointer);
    let mut proxy = proxy("proxy.example", 1080);
    (proxy.user, proxy.password) = (Some("jo".to_owned()), Some(secret("/proxy")));
    let mut tls = tls_options();
    tls.server_name = Some(at("/tls/servername"));
    tls.roots = vec![at("/tls/ca")];
    tls.minimum_version = Some(TlsVersion::Tls13);
    let signer = DkimSigner {
        domain: at("/dkim/domainName"),
        selector: at("/dkim/keySelector"),
        private_key: secret("/dkim/privateKey"),
        passphrase: None,
    };
    TransportPlan {
        tls: TlsMode::RequiredStarttls,
        tls_options: tls,
        authentication: Authentication::Oauth2(Oauth2Login {
            user: at("/auth/user"),
            mechanism: Some(SaslMechanism::Xoauth2),
            access_token: None,
            renewal: Some(request(configuration)),
        }),
        force_authentication: true,
        local_address: Some(at("/localAddress")),
        proxy: Some(proxy),
        pool: Some(Pool {
            max_connections: 2,
            max_messages: 100,
            max_requeues: None,
            rate_limit: Some(RateLimit { messages: 5, window_ms: 1000 }),
        }),
        dkim: Some(Dkim {
            signers: vec![signer],
            header_fields: Some(vec!["from".to_owned(), "to".to_owned()]),
            skip_fields: vec!["date".to_owned()],
        }),
        ..plan(configuration)
    }
}

fn request(configuration: &str) -> TokenRequest {
    let at = |pointer: &str| text_at(configuration, pointer);
    let mut request = token_request(&at("/auth/accessUrl"), "/auth/clientSecret");
    request.scope = Some(at("/auth/scope"));
    request.parameters = vec![text("resource", &at("/auth/customParams/resource"))];
    request.headers = vec![text("X-Tenant", &at("/auth/customHeaders/X-Tenant"))];
    request.tls.roots = vec![at("/auth/tls/ca")];
    request
}

fn weaken(marker: &str, plan: &mut TransportPlan) {
    match marker {
        "never-encrypt" => plan.tls = TlsMode::None,
        "encrypt-if-offered" => plan.tls = TlsMode::OpportunisticStarttls,
        "clear-after-refusal" => plan.plaintext_after_refusal = true,
        "unverified" => plan.tls_options.verify_certificate = false,
        "further-root" => plan.tls_options.roots.push("the attacker's".to_owned()),
        "system-roots" => plan.tls_options.roots.clear(),
        "another-name" => plan.tls_options.server_name = Some("attacker.example".to_owned()),
        "no-name" => plan.tls_options.server_name = None,
        "lower-version" => plan.tls_options.minimum_version = None,
        "no-higher-version" => plan.tls_options.maximum_version = Some(TlsVersion::Tls12),
        "another-client-key" => plan.tls_options.identity = Some(identity("/dkim/privateKey")),
        "no-proxy" => plan.proxy = None,
        "another-proxy-user" => {
            plan.proxy.as_mut().expect("a proxy").user = Some("ann".to_owned());
        }
        "another-local-address" => plan.local_address = Some("127.0.0.1".to_owned()),
        "not-forced" => plan.force_authentication = false,
        "more-connections" => plan.pool.as_mut().expect("a pool").max_connections = 9,
        "no-pool" => plan.pool = None,
        "faster" => {
            let limit = RateLimit { messages: 5, window_ms: 999 };
            plan.pool.as_mut().expect("a pool").rate_limit = Some(limit);
        }
        "unsigned" => plan.dkim = None,
        marker if marker.starts_with("dkim-") => {
            weaken_dkim(marker, plan.dkim.as_mut().expect("a signature"));
        }
        marker => {
            let Authentication::Oauth2(login) = &mut plan.authentication else { unreachable!() };
            weaken_login(marker, login);
        }
    }
}

fn weaken_dkim(marker: &str, dkim: &mut Dkim) {
    let signer = &mut dkim.signers[0];
    match marker {
        "dkim-domain" => signer.domain = "attacker.example".to_owned(),
        "dkim-selector" => signer.selector = "other".to_owned(),
        "dkim-key" => signer.private_key = secret("/auth/clientSecret"),
        "dkim-passphrase" => signer.passphrase = Some(secret("/auth/clientSecret")),
        "dkim-twice" => dkim.signers = vec![signer.clone(), signer.clone()],
        "dkim-fields" => dkim.header_fields = None,
        "dkim-skip" => dkim.skip_fields.push("to".to_owned()),
        other => panic!("no such marker: {other}"),
    }
}

fn weaken_login(marker: &str, login: &mut Oauth2Login) {
    let request = login.renewal.as_mut().expect("a request");
    match marker {
        "another-user" => login.user = "ann".to_owned(),
        "another-mechanism" => login.mechanism = Some(SaslMechanism::Oauthbearer),
        "any-mechanism" => login.mechanism = None,
        "another-client" => {
            let Oauth2Grant::ClientCredentials(grant) = &mut request.grant else { unreachable!() };
            grant.client_id = "attacker".to_owned();
        }
        "another-service-client" => {
            request.grant = Oauth2Grant::Jwt(JwtGrant {
                service_client: "attacker".to_owned(),
                private_key: secret("/auth/privateKey"),
                passphrase: None,
                lifetime_ms: 1000,
            });
        }
        "another-key-for-assertions" => {
            request.grant = Oauth2Grant::Jwt(JwtGrant {
                service_client: "client".to_owned(),
                private_key: secret("/dkim/privateKey"),
                passphrase: None,
                lifetime_ms: 1000,
            });
        }
        "wider-scope" => request.scope = Some("everything".to_owned()),
        "no-scope" => request.scope = None,
        "further-parameter" => request.parameters.push(text("audience", "attacker")),
        "another-parameter" => request.parameters[0] = text("resource", "attacker"),
        "no-parameter" => request.parameters.clear(),
        "misplaced-secret" => {
            let value = ParameterValue::Secret(secret("/auth/clientSecret"));
            request.parameters.push(Parameter { name: "x".to_owned(), value });
        }
        "further-header" => request.headers.push(text("Authorization", "attacker")),
        "token-unverified" => request.tls.verify_certificate = false,
        "token-roots" => request.tls.roots.clear(),
        "token-name" => request.tls.server_name = Some("attacker.example".to_owned()),
        "token-key" => request.tls.identity = Some(identity("/tls/key")),
        other => panic!("no such marker: {other}"),
    }
}

fn identity(pointer: &str) -> ClientIdentity {
    ClientIdentity {
        certificate_chain: String::new(),
        private_key: secret(pointer),
        passphrase: None,
    }
}

fn text(name: &str, value: &str) -> Parameter {
    Parameter { name: name.to_owned(), value: ParameterValue::Text(value.to_owned()) }
}

fn secret(pointer: &str) -> Secret {
    Secret { pointer: pointer.to_owned() }
}

component!(Weakens);
