//! TLS through the library against the scripted peer: what is negotiated, who is trusted, and who
//! is let in.

use std::process::Command;

use rustls::version::{TLS12, TLS13};
use serde_json::{Value, json};
use smtp_connector::{Check, ErrorKind, Options, Stage};
use smtp_connector_tests::certificates::{Authority, Identity};
use smtp_connector_tests::peer::Script;

use super::{PASSPHRASE, configuration, sound, verify};
use crate::helpers::tenant;

async fn check_tls(tls: &Value) -> Check {
    let configuration = configuration(465, tls).to_string();
    tenant::bundled().await.check(&configuration, &Options::default()).await.expect("a report")
}

/// The findings on the TLS options: severity, code and place.
async fn findings(tls: &Value) -> Vec<(bool, String, String)> {
    let found = check_tls(tls).await.diagnostics.into_iter();
    found.map(|finding| (finding.is_error(), finding.code, finding.path)).collect()
}

#[tokio::test]
async fn the_version_is_one_that_both_allow() {
    let authority = Authority::new();
    let server = authority.localhost();
    let cases = [
        (server.server(), None, None, Some("TLSv1.3")),
        (server.server(), None, Some("TLSv1.2"), Some("TLSv1.2")),
        (server.server(), Some("TLSv1.3"), None, Some("TLSv1.3")),
        (server.server_speaking(&TLS12), None, None, Some("TLSv1.2")),
        (server.server_speaking(&TLS13), Some("TLSv1.2"), Some("TLSv1.3"), Some("TLSv1.3")),
        (server.server_speaking(&TLS12), Some("TLSv1.3"), None, None),
        (server.server_speaking(&TLS13), None, Some("TLSv1.2"), None),
    ];
    for (server, lowest, highest, version) in cases {
        let tls = json!({ "ca": authority.pem(), "minVersion": lowest, "maxVersion": highest });
        let script =
            if version.is_some() { sound(&server) } else { Script::new().fail_tls(&server) };
        match (verify(script, &tls).await, version) {
            (Ok(tls), Some(version)) => {
                assert_eq!((tls.version.as_str(), tls.verified), (version, true));
            }
            (Err(error), None) => {
                assert_eq!((error.stage(), error.kind()), (Some(Stage::Tls), ErrorKind::Tls));
                assert!(!error.is_transient());
                assert_eq!(error.to_string(), "the server found no TLS version in common");
                assert!(error.hint().is_some_and(|hint| hint.contains("`tls.minVersion`")));
            }
            (outcome, _) => panic!("{lowest:?} to {highest:?}: {outcome:?}"),
        }
    }
}

#[tokio::test]
async fn each_cipher_suite_is_negotiated_where_it_is_the_only_one() {
    let authority = Authority::new();
    let (ecdsa, rsa) = (authority.localhost().server(), authority.localhost_rsa().server());
    let suites = [
        (&ecdsa, "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"),
        (&ecdsa, "TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
        (&ecdsa, "TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256"),
        (&ecdsa, "ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
        (&ecdsa, "ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
        (&ecdsa, "ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
        (&rsa, "ECDHE-RSA-AES256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
        (&rsa, "ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
        (&rsa, "ECDHE-RSA-CHACHA20-POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
    ];
    for (server, name, suite) in suites {
        let tls = json!({ "ca": authority.pem(), "ciphers": name });
        assert_eq!(verify(sound(server), &tls).await.expect(name).cipher, suite);
    }
    let pasted = json!({ "ca": authority.pem(), "ciphers": "SSLv3" });
    assert_eq!(findings(&pasted).await, [(false, "no-effect".into(), "/tls/ciphers".into())]);
    assert_eq!(verify(sound(&ecdsa), &pasted).await.expect("any suite").version, "TLSv1.3");
    let other = json!({ "ca": authority.pem(), "ciphers": "ECDHE-RSA-AES128-GCM-SHA256" });
    let error =
        verify(Script::new().fail_tls(&ecdsa), &other).await.expect_err("no suite in common");
    assert_eq!((error.stage(), error.kind()), (Some(Stage::Tls), ErrorKind::Tls));
}

#[tokio::test]
async fn certificates_are_judged_by_issuer_name_and_date() {
    let authority = Authority::new();
    let own = Identity::self_signed();
    let own_authority = Identity::self_signed_authority();
    let cases = [
        (authority.localhost(), authority.pem(), None),
        (authority.intermediate().localhost(), authority.pem(), None),
        (own.clone(), &own.certificate_pem, None),
        (own_authority.clone(), &own_authority.certificate_pem, None),
        (
            authority.localhost(),
            &own.certificate_pem,
            Some("was issued by nobody who is trusted here"),
        ),
        (authority.named("mx.test"), authority.pem(), Some("is for other names: `mx.test`")),
        (authority.expired(), authority.pem(), Some("expired on Mon, 01 Jan 2001 00:00:00 +0000")),
        (
            authority.not_yet_valid(),
            authority.pem(),
            Some("is not valid before Wed, 01 Jan 2200 00:00:00 +0000"),
        ),
    ];
    for (server, ca, problem) in cases {
        let server = server.server();
        let Some(problem) = problem else {
            assert!(verify(sound(&server), &json!({ "ca": ca })).await.expect("trust").verified);
            continue;
        };
        let script = Script::new().fail_tls(&server);
        let error = verify(script, &json!({ "ca": ca })).await.expect_err(problem);
        let expected = format!("the certificate presented for `127.0.0.1` {problem}");
        assert_eq!(
            (error.to_string(), error.stage(), error.kind()),
            (expected, Some(Stage::Tls), ErrorKind::Tls)
        );
        assert!(error.hint().is_some() && !error.is_transient());
        let open = json!({ "ca": ca, "rejectUnauthorized": false });
        assert!(!verify(sound(&server), &open).await.expect("any certificate").verified);
    }
}

#[tokio::test]
async fn a_wildcard_right_below_a_top_level_domain_is_called_too_wide() {
    let authority = Authority::new();
    let tls = json!({ "ca": authority.pem(), "servername": "mail.lan" });
    let wide = authority.named("*.lan").server();
    let error = verify(Script::new().fail_tls(&wide), &tls).await.expect_err("it is too wide");
    let problem = "is for a wildcard right below a top-level domain, which is too wide to be \
        accepted: `*.lan`";
    assert!(error.to_string().ends_with(problem), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("name the server itself")), "{error:?}");
    let narrow = authority.named("*.home.lan").server();
    let error = verify(Script::new().fail_tls(&narrow), &tls).await.expect_err("another name");
    assert!(error.to_string().ends_with("is for other names: `*.home.lan`"), "{error}");
}

#[tokio::test]
async fn a_certificate_of_version_one_is_accepted_unverified_or_as_given() {
    let server = Identity::version_one();
    for version in [&TLS12, &TLS13] {
        let shown = server.server_speaking(version);
        let open = verify(sound(&shown), &json!({ "rejectUnauthorized": false })).await;
        assert!(!open.expect("any certificate").verified);
        let given = json!({ "ca": server.certificate_pem, "servername": "localhost" });
        assert!(verify(sound(&shown), &given).await.expect("trust").verified);
        let other = json!({ "ca": Authority::new().pem(), "servername": "localhost" });
        let error = verify(Script::new().fail_tls(&shown), &other).await.expect_err("no trust");
        assert_eq!((error.stage(), error.kind()), (Some(Stage::Tls), ErrorKind::Tls));
    }
}

#[tokio::test]
async fn a_client_certificate_is_shown_with_its_chain() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let server = authority.localhost().server_demanding(&clients);
    let client = clients.intermediate().client("client.test");
    let literal = client.key_pem.replace('\n', "\\n");
    for (key, passphrase) in [
        (client.key_pem.as_str(), None),
        (&literal, None),
        (&client.encrypted_key_pem(PASSPHRASE), Some(PASSPHRASE)),
    ] {
        for version in ["TLSv1.2", "TLSv1.3"] {
            let tls = json!({
                "ca": authority.pem(), "cert": client.certificate_pem, "key": key,
                "passphrase": passphrase,
                "maxVersion": version,
            });
            let tls = verify(sound(&server), &tls).await.expect("the client is let in");
            assert_eq!(tls.version, version);
        }
    }
}

#[tokio::test]
async fn without_the_certificate_that_a_server_demands_the_session_ends_at_tls() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let server = authority.localhost().server_demanding(&clients);
    let stranger = Identity::self_signed();
    let wanted = ("the server wants a client certificate", Some("Set `tls.cert` and `tls.key`."));
    let other =
        "Give the certificate that the server expects, with its intermediate ones, in `tls.cert`.";
    let refused = ("the server refused the client certificate", Some(other));
    for version in ["TLSv1.2", "TLSv1.3"] {
        let none = json!({ "ca": authority.pem(), "maxVersion": version });
        let mut strange = none.clone();
        strange["cert"] = json!(stranger.certificate_pem);
        strange["key"] = json!(stranger.key_pem);
        for (tls, (message, hint)) in [(none, wanted), (strange, refused)] {
            let error = verify(Script::new().fail_tls(&server), &tls).await.expect_err("no entry");
            assert_eq!(
                (error.stage(), error.kind()),
                (Some(Stage::Tls), ErrorKind::Tls),
                "{error:?}"
            );
            assert_eq!(error.to_string(), message, "{version}");
            assert_eq!((error.hint(), error.is_transient()), (hint, false));
        }
    }
}

#[tokio::test]
async fn keys_that_cannot_be_used_are_found_at_their_places() {
    let client = Authority::new().client("client.test");
    let encrypted = client.encrypted_key_pem(PASSPHRASE);
    let cases = [
        (&encrypted, Some(PASSPHRASE), None),
        (&encrypted, Some("wrong"), Some((true, "wrong-passphrase", "/tls/passphrase"))),
        (&encrypted, None, Some((true, "missing-key", "/tls/passphrase"))),
        (&client.key_pem, Some(PASSPHRASE), Some((false, "no-effect", "/tls/passphrase"))),
        (&client.certificate_pem, None, Some((true, "unusable-key", "/tls/key"))),
        (&Identity::self_signed().key_pem, None, Some((true, "unusable-key", "/tls/key"))),
    ];
    for (key, passphrase, expected) in cases {
        let tls = json!({ "cert": client.certificate_pem, "key": key, "passphrase": passphrase });
        let expected =
            expected.map(|(error, code, path)| (error, code.to_owned(), path.to_owned()));
        assert_eq!(findings(&tls).await, expected.into_iter().collect::<Vec<_>>(), "{tls:#}");
    }
}

#[tokio::test]
async fn keys_and_certificates_of_logins_and_signatures_are_looked_at() {
    let client = Authority::new().client("client.test");
    let rsa = Authority::new().localhost_rsa();
    let damaged = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    let examine = async |change: fn(&mut Value, &Value), value: Value| {
        let mut configuration = configuration(465, &json!({}));
        change(&mut configuration, &value);
        let report =
            tenant::bundled().await.check(&configuration.to_string(), &Options::default()).await;
        let found = report.expect("a report").diagnostics.into_iter();
        found.map(|finding| format!("{} {}", finding.code, finding.path)).collect::<Vec<_>>()
    };
    let service = |configuration: &mut Value, key: &Value| {
        configuration["auth"] =
            json!({ "user": "u@a.test", "serviceClient": "s@a.test", "privateKey": key });
    };
    let encrypted = rsa.encrypted_key_pem(PASSPHRASE);
    for (key, expected) in [
        (json!(rsa.key_pem), None),
        (json!(rsa.key_pem.replace('\n', "\\n")), None),
        (json!({ "key": encrypted, "passphrase": PASSPHRASE }), None),
        (
            json!({ "key": encrypted, "passphrase": "wrong" }),
            Some("wrong-passphrase /auth/privateKey/passphrase"),
        ),
        (json!({ "key": encrypted }), Some("missing-key /auth/privateKey/passphrase")),
        (json!(encrypted), Some("missing-key /auth/privateKey/passphrase")),
        (json!(client.key_pem), Some("unusable-key /auth/privateKey")),
    ] {
        assert_eq!(examine(service, key).await, expected.into_iter().collect::<Vec<_>>());
    }
    let token_endpoint = |configuration: &mut Value, tls: &Value| {
        configuration["auth"] = json!({
            "user": "u@a.test", "clientId": "c", "clientSecret": "s",
            "accessUrl": "https://token.test/",
            "tls": tls,
        });
    };
    for (tls, expected) in [
        (json!({ "ca": damaged }), "unusable-certificate /auth/tls/ca"),
        (json!({ "cert": damaged, "key": client.key_pem }), "unusable-certificate /auth/tls/cert"),
        (
            json!({ "cert": client.certificate_pem, "key": rsa.key_pem }),
            "unusable-key /auth/tls/key",
        ),
    ] {
        assert_eq!(examine(token_endpoint, tls).await, [expected]);
    }
    let signer = |configuration: &mut Value, key: &Value| {
        configuration["dkim"] =
            json!({ "domainName": "a.test", "keySelector": "s", "privateKey": key });
    };
    assert_eq!(examine(signer, json!(rsa.key_pem)).await, [""; 0]);
    assert_eq!(examine(signer, json!(client.key_pem)).await, ["unusable-key /dkim/privateKey"]);
}

#[tokio::test]
#[ignore = "needs openssl"]
async fn keys_that_openssl_encrypts_are_opened() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let rsa = Authority::new().localhost_rsa();
    std::fs::write(folder.path().join("clear.pem"), &rsa.key_pem)
        .expect("the folder can be written");
    let to_pkcs8 = ["pkcs8", "-topk8", "-in", "clear.pem", "-passout", "pass:correct horse"];
    let to_traditional =
        ["rsa", "-traditional", "-in", "clear.pem", "-passout", "pass:correct horse"];
    let forms: [(&[&str], &[&str]); 9] = [
        (&to_pkcs8, &[]),
        (&to_pkcs8, &["-v2", "aes128"]),
        (&to_pkcs8, &["-v2", "aes256", "-v2prf", "hmacWithSHA512", "-iter", "600000"]),
        (&to_pkcs8, &["-v2", "des3"]),
        (&to_pkcs8, &["-v2", "des3", "-v2prf", "hmacWithSHA1"]),
        (&to_pkcs8, &["-scrypt"]),
        (&to_traditional, &["-aes128"]),
        (&to_traditional, &["-aes256"]),
        (&to_traditional, &["-des3"]),
    ];
    for (form, options) in forms {
        let output =
            Command::new("openssl").args(form).args(options).current_dir(folder.path()).output();
        let output = output.expect("openssl is installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let key = String::from_utf8(output.stdout).expect("PEM");
        let with = |passphrase| {
            json!({
                "cert": rsa.certificate_pem, "key": key, "passphrase": passphrase,
            })
        };
        assert_eq!(findings(&with(PASSPHRASE)).await, [], "{options:?}");
        let wrong = (true, "wrong-passphrase".to_owned(), "/tls/passphrase".to_owned());
        assert_eq!(findings(&with("wrong")).await, [wrong], "{options:?}");
    }
}
