//! Tokens of a real endpoint, Authlib's, for npm's smtp-server, which takes exactly those.

use serde_json::{Value, json};
use smtp_connector_tests::real::{RECIPIENT, Site, SmtpServer, TokenEndpoint, USER, curl};

use crate::helpers::real::{CURL_LOGIN_DENIED, accepted, configuration, fails};

/// What RFC 7523 calls the grant of an assertion.
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// A mail server and the endpoint whose tokens it takes.
struct World {
    site: Site,
    endpoint: TokenEndpoint,
    server: SmtpServer,
}

#[test]
#[ignore = "needs Authlib, smtp-server and curl; .ci/run installs them"]
fn the_endpoint_and_the_server_work_with_another_client() {
    let world = World::new();
    let client = [
        format!("client_id={}", TokenEndpoint::CLIENT_ID),
        format!("client_secret={}", TokenEndpoint::CLIENT_SECRET),
    ];
    let refresh = format!("refresh_token={}", TokenEndpoint::REFRESH_TOKEN);
    let token = world.ask(&[&client[0], &client[1], "grant_type=refresh_token", &refresh]);
    let token = token["access_token"].as_str().expect("a token is issued").to_owned();
    assert_eq!(
        world.ask(&[&client[0], &client[1], "grant_type=client_credentials"])["token_type"],
        "Bearer"
    );
    for (fields, error) in [
        ([&*client[0], "client_secret=wrong", "grant_type=client_credentials"], "invalid_client"),
        (["grant_type=refresh_token", &refresh, &client[0]], "invalid_client"),
        ([&*client[0], &*client[1], "grant_type=password"], "unsupported_grant_type"),
    ] {
        assert_eq!(world.ask(&fields)["error"], error, "{fields:?}");
    }
    let url = format!("smtp://localhost:{}", world.server.port());
    for (token, code) in [(&*token, 0), ("another", CURL_LOGIN_DENIED)] {
        let options = ["--user", USER, "--oauth2-bearer", token, "--login-options", "AUTH=XOAUTH2"];
        assert_eq!(curl(&world.site, &url, &options), code, "{}", world.site.logs());
    }
}

#[test]
#[ignore = "needs Authlib and smtp-server; .ci/run installs them"]
fn a_refresh_token_gives_a_token() {
    World::new().takes(refresh_token(), &["refresh_token"]);
}

#[test]
#[ignore = "needs Authlib and smtp-server; .ci/run installs them"]
fn client_credentials_give_a_token() {
    World::new().takes(
        json!({
            "clientId": TokenEndpoint::CLIENT_ID,
            "clientSecret": TokenEndpoint::CLIENT_SECRET,
            "scope": TokenEndpoint::SCOPE,
        }),
        &["client_credentials"],
    );
}

#[test]
#[ignore = "needs Authlib and smtp-server; .ci/run installs them"]
fn a_signed_assertion_gives_a_token() {
    let world = World::new();
    let auth = service_account(world.endpoint.private_key());
    world.takes(auth, &[JWT_BEARER]);
}

#[test]
#[ignore = "needs Authlib and smtp-server; .ci/run installs them"]
fn a_token_that_has_expired_is_never_shown() {
    let mut auth = refresh_token();
    auth["accessToken"] = json!("expired-token");
    auth["expires"] = json!(1_700_000_000_000_u64);
    World::new().takes(auth, &["refresh_token"]);
}

#[test]
#[ignore = "needs Authlib and smtp-server; .ci/run installs them"]
fn a_token_that_the_server_refuses_is_renewed_once() {
    let mut auth = refresh_token();
    auth["accessToken"] = json!("revoked-token");
    World::new().takes(auth, &["refresh_token"]);
}

#[test]
#[ignore = "needs Authlib and smtp-server; .ci/run installs them"]
fn a_token_that_nothing_can_renew_is_refused() {
    let world = World::new();
    let configuration = world.configuration(json!({ "accessToken": "revoked-token" }));
    let error = fails(&configuration, RECIPIENT, ("credentials", "auth"), &world.site);
    assert_eq!((&error["code"], &error["attempts"]), (&json!(535), &json!(1)), "{error}");
}

#[test]
#[ignore = "needs Authlib and smtp-server; .ci/run installs them"]
fn what_the_endpoint_refuses_are_credentials() {
    let world = World::new();
    let (mut secret, mut token) = (refresh_token(), refresh_token());
    secret["clientSecret"] = json!("wrong-secret");
    token["refreshToken"] = json!("revoked-refresh-token");
    let other = TokenEndpoint::start(&Site::new());
    for auth in [secret, token, service_account(other.private_key())] {
        fails(&world.configuration(auth), RECIPIENT, ("credentials", "auth"), &world.site);
    }
    assert_eq!(world.endpoint.issued(), [json!(null); 0]);
}

#[test]
#[ignore = "needs Authlib and smtp-server; .ci/run installs them"]
fn an_endpoint_of_an_unknown_authority_is_not_asked() {
    let world = World::new();
    let mut configuration = world.configuration(refresh_token());
    configuration["auth"]["tls"].take();
    let error = fails(&configuration, RECIPIENT, ("tls", "auth"), &world.site);
    assert_eq!(error["code"], json!(null), "{error}");
    assert_eq!(world.endpoint.issued(), [json!(null); 0]);
}

/// The fields of `auth` for the refresh token.
fn refresh_token() -> Value {
    json!({
        "clientId": TokenEndpoint::CLIENT_ID,
        "clientSecret": TokenEndpoint::CLIENT_SECRET,
        "refreshToken": TokenEndpoint::REFRESH_TOKEN,
        "scope": TokenEndpoint::SCOPE,
    })
}

/// The fields of `auth` for the service account with a key.
fn service_account(key: &str) -> Value {
    json!({
        "serviceClient": TokenEndpoint::SERVICE_CLIENT,
        "privateKey": key,
        "scope": TokenEndpoint::SCOPE,
    })
}

impl World {
    fn new() -> Self {
        let site = Site::new();
        let endpoint = TokenEndpoint::start(&site);
        let server = SmtpServer::start(&site);
        Self { site, endpoint, server }
    }

    /// A configuration with these fields in `auth`, beside those that lead to the endpoint.
    fn configuration(&self, auth: Value) -> Value {
        let mut configuration = configuration(&self.site, self.server.port());
        configuration["auth"] = auth;
        configuration["auth"]["type"] = json!("OAuth2");
        configuration["auth"]["user"] = json!(USER);
        configuration["auth"]["accessUrl"] = json!(self.endpoint.url());
        configuration["auth"]["tls"] = json!({ "ca": self.site.authority() });
        configuration
    }

    /// Sends with these fields in `auth`, for which the endpoint must have issued tokens by exactly
    /// these grants.
    #[track_caller]
    fn takes(&self, auth: Value, grants: &[&str]) {
        let identifier = accepted(&self.configuration(auth), &self.site);
        let mail = self.server.next_mail();
        assert_eq!((&mail["mechanism"], &mail["tls"]), (&json!("XOAUTH2"), &json!(true)), "{mail}");
        assert!(
            mail["message"].as_str().is_some_and(|message| message.contains(&identifier)),
            "{mail}"
        );
        let issued: Vec<_> =
            self.endpoint.issued().into_iter().map(|token| token["grant"].clone()).collect();
        assert_eq!(issued, grants, "{}", self.site.logs());
    }

    /// Asks the endpoint with curl.
    fn ask(&self, fields: &[&str]) -> Value {
        let mut command = std::process::Command::new("curl");
        command.arg("--silent").arg("--cacert").arg(self.site.authority_file());
        for field in fields {
            command.args(["--data-urlencode", field]);
        }
        let output = command.arg(self.endpoint.url()).output().expect("curl is installed");
        serde_json::from_slice(&output.stdout).expect("the endpoint answers in JSON")
    }
}
