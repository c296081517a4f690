//! What the connectors find in a configuration, and what they make of one without faults.

use serde_json::{Value, json};
use smtp_connector::plan::{Authentication, TlsMode};
use smtp_connector::{Diagnostic, Severity};

use super::{Language, configuration};
use crate::helpers::tenant::{local, with};

#[tokio::test]
#[ignore = "needs the components; .ci/run builds them"]
async fn a_sound_configuration_has_no_findings_and_gives_the_plan() {
    for language in Language::ALL {
        let connector = language.load().await;
        for (members, port, tls) in [
            (json!({}), 587, TlsMode::OpportunisticStarttls),
            (json!({ "port": null }), 587, TlsMode::OpportunisticStarttls),
            (json!({ "port": 25, "ignoreTLS": true }), 25, TlsMode::None),
            (json!({ "port": 465, "secure": null }), 465, TlsMode::Implicit),
            (json!({ "port": null, "secure": true, "ignoreTLS": true }), 465, TlsMode::Implicit),
        ] {
            let text = with(configuration(), &members).to_string();
            let check = connector.check(&text, &local()).await;
            let check = check.unwrap_or_else(|error| panic!("{language:?} {members}: {error}"));
            assert!(check.diagnostics.is_empty(), "{language:?}: {:?}", check.diagnostics);
            let plan = check.plan.expect("a check without errors gives a plan");
            assert_eq!((plan.endpoint.port, plan.tls), (port, tls), "{language:?} {members}");
            assert_eq!(plan.endpoint.host.to_string(), "mail.acme.test");
            let Authentication::Password(login) = &plan.authentication else {
                panic!("{language:?}: {:?}", plan.authentication)
            };
            assert_eq!((&*login.user, &*login.password.0), ("jo", "/auth/pass"));
        }
    }
}

#[tokio::test]
#[ignore = "needs the components; .ci/run builds them"]
async fn findings_stand_at_their_places() {
    let broken = json!({
        "hots": "mail.acme.test", "port": 70_000, "a/b~c": 1,
        "auth": { "user": "jo", "domain": "acme" }, "tls": { "ca": 5 },
        "fromEmail": "robot@acme.test, other@acme.test",
        "templates": [
            { "usageType": "SignIn", "subject": "{{#if code}}{{/if}}", "lang": "de" },
            { "subject": "s", "content": "c", "contentType": "text/markdown" },
            "Hello",
        ],
    });
    let (error, warning) = (Severity::Error, Severity::Warning);
    let expected = [
        (warning, "unknown-key", "/hots"),
        (warning, "unknown-key", "/a~1b~0c"),
        (error, "missing-key", "/host"),
        (error, "wrong-type", "/port"),
        (error, "wrong-type", "/tls/ca"),
        (warning, "unknown-key", "/auth/domain"),
        (error, "missing-key", "/auth/pass"),
        (error, "bad-mailbox", "/fromEmail"),
        (warning, "unknown-key", "/templates/0/lang"),
        (error, "template-syntax", "/templates/0/subject"),
        (error, "missing-key", "/templates/0/content"),
        (error, "unsupported-value", "/templates/1/contentType"),
        (error, "missing-key", "/templates/1/usageType"),
        (error, "wrong-type", "/templates/2"),
    ];
    for language in Language::ALL {
        let found = examine(language, &broken).await;
        let found: Vec<_> = found.iter().map(|f| (f.severity, &*f.code, &*f.path)).collect();
        assert_eq!(found, expected, "{language:?}");
    }
}

#[tokio::test]
#[ignore = "needs the components; .ci/run builds them"]
async fn what_is_missing_altogether_is_found() {
    for (members, code, path) in [
        (json!({ "templates": null }), "missing-key", "/templates"),
        (json!({ "templates": [] }), "missing-template", "/templates"),
        (json!({ "fromEmail": "" }), "missing-key", "/fromEmail"),
        (
            json!({ "auth": { "type": "oauth2", "user": "jo", "pass": "x" } }),
            "unsupported-value",
            "/auth/type",
        ),
    ] {
        for language in Language::ALL {
            let found = examine(language, &with(configuration(), &members)).await;
            let found: Vec<_> = found.iter().map(|f| (&*f.code, &*f.path)).collect();
            assert_eq!(found, [(code, path)], "{language:?} {members}");
        }
    }
}

async fn examine(language: Language, configuration: &Value) -> Vec<Diagnostic> {
    let connector = language.load().await;
    let check = connector.check(&configuration.to_string(), &local()).await;
    let check = check.unwrap_or_else(|error| panic!("{language:?}: {error}"));
    assert!(check.plan.is_none(), "{language:?}: there are errors");
    check.diagnostics
}
