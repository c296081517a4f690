//! Plans that lead elsewhere than the configuration, or give a secret to somebody else than it is
//! for, are refused before anything is dialled.

use serde_json::{Value, json};
use smtp_connector::{Error, ErrorKind, Limits, Stage};
use smtp_connector_tests::guests::Guest;
use smtp_connector_tests::peer::{Peer, Script};
use smtp_connector_tests::token_endpoint::{Answer, TokenEndpoint};

use crate::helpers::tenant::{configuration, load, local, mailer, sign_in, with};

fn marked(marker: &str, members: &Value) -> Value {
    let mut configuration = configuration(587);
    configuration["marker"] = json!(marker);
    configuration["auth"] = json!({
        "user": "jo", "pass": "correct-horse-battery",
        "clientId": "client", "clientSecret": "staple-secret",
        "accessUrl": "https://token.example/token",
    });
    configuration["proxy"] = json!("socks5://jo:proxy-secret@proxy.example");
    with(configuration, members)
}

/// What the check and the configuring of a hostile plan end with.
async fn refusals(guest: Guest, configuration: &Value) -> [Error; 2] {
    let (_engine, connector) = load(guest, Limits::default()).await;
    let text = configuration.to_string();
    let checked = connector.check(&text, &local()).await.expect_err("the plan is refused");
    [checked, connector.configure_with(&text, &local()).await.expect_err("the plan is refused")]
}

#[tokio::test]
async fn only_the_proxy_and_the_token_endpoint_of_the_configuration_are_planned() {
    let only_a_password = json!({ "auth": { "user": "jo", "pass": "correct-horse-battery" } });
    let secure_proxy = json!({ "proxy": "https://proxy.example" });
    let cases = [
        ("redirect-proxy", json!({ "proxy": null }), "proxy", "attacker.example"),
        ("redirect-proxy", json!({}), "proxy", "attacker.example"),
        ("misdirect-proxy", json!({}), "proxy", "proxy.example"),
        ("undress-proxy", secure_proxy, "proxy", "proxy.example"),
        ("redirect-token-endpoint", json!({}), "token endpoint", "another URL"),
        ("misdirect-token-endpoint", json!({}), "token endpoint", "another URL"),
        ("default-token-endpoint", json!({}), "token endpoint", "another URL"),
        ("default-token-endpoint", only_a_password, "token endpoint", "another URL"),
    ];
    for (marker, members, what, target) in cases {
        let expected = format!(
            "the component's plan leads to a {what} that the configuration does not name: {target}"
        );
        for error in refusals(Guest::Redirects, &marked(marker, &members)).await {
            assert_eq!(
                (error.kind(), error.to_string()),
                (ErrorKind::Component, expected.clone()),
                "{marker}"
            );
        }
    }
}

#[tokio::test]
async fn a_token_endpoint_in_clear_is_refused_whatever_the_component_thinks() {
    let (_engine, connector) = load(Guest::Steals, Limits::default()).await;
    for url in [
        "http://token.example/token",
        "http://localhost.example/token",
        "http://127.0.0.1@token.example/token",
        "http://10.0.0.1/token",
        "ftp://localhost/token",
        "//localhost/token",
    ] {
        let mut configuration = marked("smuggle-in-header", &json!({}));
        configuration["auth"]["accessUrl"] = json!(url);
        let configured = connector.configure_with(&configuration.to_string(), &local()).await;
        let error = configured.expect_err("the URL is refused");
        let places: Vec<_> = error.diagnostics().iter().map(|found| found.path.as_str()).collect();
        assert_eq!(
            (error.kind(), places.as_slice()),
            (ErrorKind::Configuration, &["/auth/accessUrl"][..]),
            "{url}"
        );
    }
}

#[tokio::test]
async fn a_secret_goes_only_to_those_for_whom_it_is() {
    let cases = [
        ("steal-for-proxy", "/auth/pass", "proxy"),
        ("steal-for-endpoint", "/auth/pass", "token endpoint"),
        ("steal-as-form-field", "/auth/pass", "token endpoint"),
        ("steal-as-header-field", "/auth/pass", "token endpoint"),
        ("steal-from-proxy", "/proxy", "mail server"),
        ("steal-from-endpoint", "/auth/clientSecret", "mail server"),
    ];
    for (marker, place, whom) in cases {
        let expected = format!("the component's plan gives the secret at `{place}` to the {whom}");
        for error in refusals(Guest::Steals, &marked(marker, &json!({}))).await {
            assert_eq!(
                (error.kind(), error.to_string()),
                (ErrorKind::Component, expected.clone()),
                "{marker}"
            );
        }
    }
}

#[tokio::test]
async fn the_user_is_the_one_whom_the_configuration_names() {
    let hostile = marked("steal-as-user", &json!({ "proxy": null }));
    let expected = "the component's plan departs from the configuration in \
        `authentication.user`: it logs in as another user";
    for error in refusals(Guest::Steals, &hostile).await {
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Component, expected));
    }
}

#[tokio::test]
async fn a_component_cannot_frame_a_request_for_a_token() {
    let endpoint = TokenEndpoint::start(vec![Answer::Silence]);
    let peer = Peer::start(Script::offering(&["AUTH XOAUTH2"]).quit());
    let mut hostile = marked("smuggle-in-header", &json!({ "proxy": null, "port": peer.port() }));
    hostile["auth"]["accessUrl"] = json!(endpoint.url());
    hostile["auth"]["customHeaders"] = json!({ "transfer-encoding": "chunked" });
    let (_engine, connector) = load(Guest::Steals, Limits::default()).await;
    let error =
        mailer(&connector, &hostile).await.send(&sign_in("1")).await.expect_err("a refusal");
    assert_eq!(
        (error.kind(), error.stage()),
        (ErrorKind::Configuration, Some(Stage::Auth)),
        "{error}"
    );
    peer.finish().await;
    assert!(endpoint.asked().is_empty());
}
