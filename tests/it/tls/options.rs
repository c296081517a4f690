//! The members of `tls`: certificates, names, versions and suites, and what of Node's is not
//! followed.

use rustls::version::{TLS12, TLS13};
use serde_json::{Value, json};
use smtp_connector_tests::certificates::{Authority, Identity};
use smtp_connector_tests::peer::{Script, ServerTls};

use super::{PASSPHRASE, sound, verify};
use crate::helpers::proof::{check, check_keys};

async fn check_accepted(server: &ServerTls, tls: Value) {
    verify(sound(server), &tls).await.unwrap_or_else(|error| panic!("{tls}: {error}"));
}

async fn check_refused(server: &ServerTls, tls: Value) {
    verify(Script::new().fail_tls(server), &tls).await.expect_err("no connection");
}

async fn check_version(tls: Value, version: &str) {
    let authority = Authority::new();
    let tls = crate::helpers::tenant::with(json!({ "ca": authority.pem() }), &tls);
    let server = authority.localhost().server();
    assert_eq!(verify(sound(&server), &tls).await.expect("a connection").version, version, "{tls}");
}

#[tokio::test]
pub(crate) async fn reject_unauthorized() {
    let stranger = Authority::new().named("other.test").server();
    let open = json!({ "rejectUnauthorized": false });
    assert!(!verify(sound(&stranger), &open).await.expect("any certificate").verified);
    check_refused(&stranger, json!({ "rejectUnauthorized": true })).await;
    let expected = "warning certificate-not-verified /tls/rejectUnauthorized";
    let text = json!({ "tls": { "rejectUnauthorized": "false" } });
    check([(json!({ "tls": open }), expected), (text, "error wrong-type /tls/rejectUnauthorized")])
        .await;
}

#[tokio::test]
pub(crate) async fn ca() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let server = authority.localhost().server();
    check_accepted(&server, json!({ "ca": authority.pem() })).await;
    check_accepted(&server, json!({ "ca": [stranger.pem(), authority.pem()] })).await;
    check_refused(&server, json!({ "ca": stranger.pem() })).await;
    check_refused(&server, json!({})).await;
    for own in [Identity::self_signed(), Identity::self_signed_authority()] {
        check_accepted(&own.server(), json!({ "ca": own.certificate_pem })).await;
    }
    check([
        (json!({ "tls": { "ca": "/etc/ca.pem" } }), "error not-pem /tls/ca"),
        (json!({ "tls": { "ca": [5] } }), "error wrong-type /tls/ca/0"),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn cert() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let server = authority.localhost().server_demanding(&clients);
    let client = clients.intermediate().client("client.test");
    let tls =
        json!({ "ca": authority.pem(), "cert": client.certificate_pem, "key": client.key_pem });
    check_accepted(&server, tls).await;
    check_refused(&server, json!({ "ca": authority.pem() })).await;
    check([(json!({ "tls": { "cert": client.certificate_pem } }), "error missing-key /tls/key")])
        .await;
}

#[tokio::test]
pub(crate) async fn key() {
    let client = Authority::new().client("client.test");
    let (cert, key) = (&client.certificate_pem, &client.key_pem);
    let stranger = Identity::self_signed().key_pem;
    check([
        (json!({ "tls": { "cert": cert, "key": key } }), ""),
        (json!({ "tls": { "key": key } }), "error missing-key /tls/cert"),
        (json!({ "tls": { "cert": cert, "key": stranger } }), "error unusable-key /tls/key"),
        (json!({ "tls": { "cert": cert, "key": [key] } }), "error wrong-type /tls/key"),
        (
            json!({ "tls": { "cert": cert, "key": { "env": "KEY" } } }),
            "error secret-source-not-allowed /tls/key",
        ),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn passphrase() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let client = clients.client("client.test");
    let (cert, encrypted) = (&client.certificate_pem, client.encrypted_key_pem(PASSPHRASE));
    let tls =
        json!({ "ca": authority.pem(), "cert": cert, "key": encrypted, "passphrase": PASSPHRASE });
    check_accepted(&authority.localhost().server_demanding(&clients), tls).await;
    let clear = json!({ "cert": cert, "key": client.key_pem, "passphrase": PASSPHRASE });
    let wrong = json!({ "cert": cert, "key": encrypted, "passphrase": "wrong" });
    check([
        (json!({ "tls": { "passphrase": PASSPHRASE } }), "warning no-effect /tls/passphrase"),
        (json!({ "tls": clear }), "warning no-effect /tls/passphrase"),
        (json!({ "tls": wrong }), "error wrong-passphrase /tls/passphrase"),
        (json!({ "tls": { "cert": cert, "key": encrypted } }), "error missing-key /tls/passphrase"),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn servername() {
    let authority = Authority::new();
    let server = authority.named("mx.test").server();
    check_accepted(&server, json!({ "ca": authority.pem(), "servername": "mx.test" })).await;
    check_refused(&server, json!({ "ca": authority.pem(), "servername": "other.test" })).await;
    check_refused(&server, json!({ "ca": authority.pem() })).await;
}

#[tokio::test]
pub(crate) async fn min_version() {
    let authority = Authority::new();
    let old = authority.localhost().server_speaking(&TLS12);
    check_accepted(&old, json!({ "ca": authority.pem() })).await;
    check_accepted(&old, json!({ "ca": authority.pem(), "minVersion": "TLSv1.2" })).await;
    check_refused(&old, json!({ "ca": authority.pem(), "minVersion": "TLSv1.3" })).await;
    check([
        (json!({ "tls": { "minVersion": "TLSv1" } }), "warning no-effect /tls/minVersion"),
        (json!({ "tls": { "minVersion": "TLSv1.1" } }), "warning no-effect /tls/minVersion"),
        (json!({ "tls": { "minVersion": "1.2" } }), "error invalid-value /tls/minVersion"),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn max_version() {
    check_version(json!({}), "TLSv1.3").await;
    check_version(json!({ "maxVersion": "TLSv1.3" }), "TLSv1.3").await;
    check_version(json!({ "maxVersion": "TLSv1.2" }), "TLSv1.2").await;
    let crossed = json!({ "tls": { "minVersion": "TLSv1.3", "maxVersion": "TLSv1.2" } });
    check([
        (json!({ "tls": { "maxVersion": "TLSv1" } }), "error unsupported /tls/maxVersion"),
        (json!({ "tls": { "maxVersion": "TLSv1.1" } }), "error unsupported /tls/maxVersion"),
        (crossed, "error contradiction /tls/minVersion"),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn secure_protocol() {
    check_version(json!({ "secureProtocol": "TLSv1_2_method" }), "TLSv1.2").await;
    check_version(json!({ "secureProtocol": "TLS_method" }), "TLSv1.3").await;
    check_version(json!({ "secureProtocol": "SSLv23_method" }), "TLSv1.3").await;
    let authority = Authority::new();
    let new = authority.localhost().server_speaking(&TLS13);
    check_refused(&new, json!({ "ca": authority.pem(), "secureProtocol": "TLSv1_2_method" })).await;
    for old in ["TLSv1_method", "TLSv1_1_method", "SSLv3_method"] {
        let tls = json!({ "tls": { "secureProtocol": old } });
        check([(tls, "error unsupported /tls/secureProtocol")]).await;
    }
    for (bound, version) in [("minVersion", "TLSv1.2"), ("maxVersion", "TLSv1.3")] {
        let tls = json!({ "tls": { "secureProtocol": "TLS_method", bound: version } });
        check([(tls, "error contradiction /tls/secureProtocol")]).await;
    }
}

#[tokio::test]
pub(crate) async fn ciphers() {
    let authority = Authority::new();
    let server = authority.localhost().server();
    for (list, suite) in [
        ("TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256"),
        ("HIGH:ECDHE-ECDSA-AES128-GCM-SHA256:!RC4", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
        ("SSLv3", "TLS_AES_256_GCM_SHA384"),
    ] {
        let tls = json!({ "ca": authority.pem(), "ciphers": list });
        assert_eq!(verify(sound(&server), &tls).await.expect(list).cipher, suite);
    }
    check([
        (json!({ "tls": { "ciphers": "SSLv3" } }), "warning no-effect /tls/ciphers"),
        (
            json!({ "tls": { "ciphers": "HIGH:TLS_AES_128_GCM_SHA256" } }),
            "warning no-effect /tls/ciphers",
        ),
        (json!({ "tls": { "ciphers": "TLS_AES_128_GCM_SHA256" } }), ""),
        (json!({ "tls": { "ciphers": "QUANTUM-SUITE" } }), "error unsupported /tls/ciphers"),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn needed() {
    let keys = ["pfx", "crl", "clientCertEngine", "privateKeyEngine", "privateKeyIdentifier"];
    check_keys("tls", &keys, "error unsupported").await;
}

#[tokio::test]
pub(crate) async fn redirecting() {
    let first = ["host", "port", "path", "socket", "lookup", "family", "hints"];
    check_keys("tls", &first, "error unsupported").await;
    check_keys("tls", &["localAddress", "localPort"], "error unsupported").await;
}

#[tokio::test]
pub(crate) async fn harmless() {
    let keys = "ALPNProtocols allowPartialTrustChain dhparam dnsTtl ecdhCurve enableTrace \
                handshakeTimeout honorCipherOrder minDHSize requestCert requestOCSP secureOptions \
                session sessionIdContext sessionTimeout sigalgs ticketKeys timeout";
    check_keys("tls", &keys.split_whitespace().collect::<Vec<_>>(), "warning no-effect").await;
}

#[tokio::test]
pub(crate) async fn functions() {
    let keys =
        ["ALPNCallback", "SNICallback", "checkServerIdentity", "pskCallback", "secureContext"];
    check_keys("tls", &keys, "warning no-effect").await;
}
