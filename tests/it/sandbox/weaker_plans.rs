//! Plans that lead to the right places and do harm on the way are refused, each in its own words.

use rcgen::{CertificateParams, KeyPair, PKCS_ED25519};
use serde_json::{Value, json};
use smtp_connector::{ErrorKind, Limits};
use smtp_connector_tests::guests::Guest;

use crate::helpers::tenant::{configuration, load, local, with};

/// A configuration that asks for as much as the component can take away.
fn strict(marker: &str) -> Value {
    let certificate = || {
        let key = KeyPair::generate().expect("a key");
        let names = vec!["mx.example".to_owned()];
        let certificate = CertificateParams::new(names).and_then(|params| params.self_signed(&key));
        certificate.expect("a certificate").pem()
    };
    let key = KeyPair::generate_for(&PKCS_ED25519).expect("a key").serialize_pem();
    let members = json!({
        "marker": marker, "host": "mx.example", "ignoreTLS": false, "requireTLS": true,
        "tls": {
            "ca": certificate(), "servername": "mail.mx.example", "minVersion": "TLSv1.3",
        },
        "proxy": "socks5://jo:proxy-secret@proxy.example", "localAddress": "192.0.2.7",
        "maxConnections": 2, "rateLimit": 5, "forceAuth": true,
        "auth": {
            "user": "jo", "method": "xoauth2",
            "clientId": "client", "clientSecret": "staple-secret",
            "accessUrl": "https://token.example/token", "scope": "mail",
            "customParams": { "resource": "r" }, "customHeaders": { "X-Tenant": "t" },
            "tls": { "ca": certificate() },
        },
        "dkim": {
            "domainName": "example.com", "keySelector": "s1", "privateKey": key,
            "headerFieldNames": "From:To", "skipFields": "Date",
        },
    });
    with(configuration(587), &members)
}

#[tokio::test]
async fn a_plan_that_keeps_to_its_configuration_is_carried_out() {
    let (_engine, connector) = load(Guest::Weakens, Limits::default()).await;
    let configured = connector.configure_with(&strict("").to_string(), &local()).await;
    configured.unwrap_or_else(|error| panic!("{error}: {:?}", error.diagnostics()));
}

#[tokio::test]
async fn a_plan_that_departs_from_its_configuration_is_refused_by_name() {
    let cases = [
        ("never-encrypt", "tls", "never encrypts"),
        ("encrypt-if-offered", "tls", "encrypts only where the server offers it"),
        (
            "clear-after-refusal",
            "plaintext-after-refusal",
            "goes on in clear where the server refuses STARTTLS",
        ),
        ("unverified", "tls-options.verify-certificate", "does not verify the certificate"),
        ("further-root", "tls-options.roots", "trusts certificates that stand nowhere in it"),
        ("system-roots", "tls-options.roots", "trusts the system's roots in the place of its own"),
        ("another-name", "tls-options.server-name", "verifies another name"),
        ("no-name", "tls-options.server-name", "verifies another name"),
        ("lower-version", "tls-options.minimum-version", "accepts a lower version"),
        ("no-higher-version", "tls-options.maximum-version", "refuses a higher version"),
        (
            "another-client-key",
            "tls-options.identity",
            "has another private key than the one at `/tls/key`",
        ),
        ("no-proxy", "proxy", "goes without it"),
        ("another-proxy-user", "proxy.user", "logs in as another user"),
        ("another-local-address", "local-address", "goes out from another address"),
        ("another-user", "authentication.user", "logs in as another user"),
        ("another-mechanism", "authentication.mechanism", "uses another mechanism"),
        ("any-mechanism", "authentication.mechanism", "uses another mechanism"),
        ("not-forced", "force-authentication", "sends mail without the login"),
        ("another-client", "token-request.grant", "names another client"),
        ("another-service-client", "token-request.grant", "names another service account"),
        ("wider-scope", "token-request.scope", "asks for another scope"),
        ("no-scope", "token-request.scope", "asks for another scope"),
        (
            "further-parameter",
            "token-request.parameters",
            "adds a field `audience` that `auth.customParams` does not hold",
        ),
        (
            "another-parameter",
            "token-request.parameters",
            "adds a field `resource` that `auth.customParams` does not hold",
        ),
        (
            "misplaced-secret",
            "token-request.parameters",
            "adds a field `x` that `auth.customParams` does not hold",
        ),
        ("no-parameter", "token-request.parameters", "leaves out the field `resource`"),
        (
            "further-header",
            "token-request.headers",
            "adds a field `Authorization` that `auth.customHeaders` does not hold",
        ),
        (
            "token-unverified",
            "token-request.tls.verify-certificate",
            "does not verify the certificate",
        ),
        (
            "token-roots",
            "token-request.tls.roots",
            "trusts the system's roots in the place of its own",
        ),
        ("token-name", "token-request.tls.server-name", "verifies another name"),
        (
            "token-key",
            "token-request.tls.identity",
            "has another private key than the one at `/auth/tls/key`",
        ),
        ("unsigned", "dkim.signers", "leaves out a signature"),
        ("dkim-twice", "dkim.signers", "adds a signature"),
        ("dkim-domain", "dkim.signers", "signs for another domain"),
        ("dkim-selector", "dkim.signers", "signs under another selector"),
        ("dkim-key", "dkim.signers", "signs with another key than `/dkim/privateKey`"),
        ("dkim-passphrase", "dkim.signers", "signs with another key than `/dkim/privateKey`"),
        ("dkim-fields", "dkim.header-fields", "signs other header fields"),
        ("dkim-skip", "dkim.skip-fields", "leaves other header fields unsigned"),
        ("more-connections", "pool.max-connections", "opens more connections"),
        ("no-pool", "pool.rate-limit", "sends more messages in the same time"),
        ("faster", "pool.rate-limit", "sends more messages in the same time"),
    ];
    let (_engine, connector) = load(Guest::Weakens, Limits::default()).await;
    for (marker, member, what) in cases {
        let expected =
            format!("the component's plan departs from the configuration in `{member}`: it {what}");
        let checked = connector.check(&strict(marker).to_string(), &local()).await;
        let error = checked.expect_err(marker);
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::Component, expected), "{marker}");
    }
}

#[tokio::test]
async fn a_key_signs_for_those_alone_whose_it_is() {
    let (_engine, connector) = load(Guest::Weakens, Limits::default()).await;
    let hostile = strict("another-key-for-assertions").to_string();
    let error = connector.check(&hostile, &local()).await.expect_err("the plan is refused");
    let expected =
        "the component's plan gives the secret at `/dkim/privateKey` to the token endpoint";
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Component, expected));
}
