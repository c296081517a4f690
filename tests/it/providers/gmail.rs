//! Gmail: app passwords, the two ports, and OAuth 2.0 by refresh token.

use serde_json::{Value, json};
use smtp_connector_tests::providers::{Gmail, Server};

use super::{Port, Tokens, ask_for_tokens, check_mistake, check_sent, check_wrong_port, example};

fn by_password(server: &Server) -> Value {
    let values = [
        ("<your-address@gmail.com>", Gmail::USER),
        ("<your-16-character-app-password>", Gmail::APP_PASSWORD),
    ];
    example("gmail", &values, server, Port::Submissions)
}

fn by_token(server: &Server, tokens: &Tokens) -> Value {
    let values = [
        ("<your-address@gmail.com>", Gmail::USER),
        ("<your-client-id>", "client"),
        ("<your-client-secret>", "client-secret"),
        ("<your-refresh-token>", "1//refresh-token"),
    ];
    let mut configuration = example("gmail-oauth2", &values, server, Port::Submissions);
    ask_for_tokens(&mut configuration, tokens);
    configuration
}

/// What Google's endpoint expects of a refresh.
const REFRESH: &[(&str, &str)] = &[
    ("grant_type", "refresh_token"),
    ("client_id", "client.apps.googleusercontent.com"),
    ("client_secret", "client-secret"),
    ("refresh_token", "1//refresh-token"),
];

#[test]
fn the_example_sends_over_both_ports() {
    let server = Server::start(Gmail);
    let mut configuration = by_password(&server);
    check_sent(&server, &configuration, Gmail::USER);
    (configuration["port"], configuration["secure"]) = (json!(server.submission()), json!(false));
    check_sent(&server, &configuration, Gmail::USER);
}

#[test]
fn usual_mistakes_are_told_with_their_cure() {
    let server = Server::start(Gmail);
    let sound = by_password(&server);
    let rows: [(Value, super::Told); 9] = [
        (
            json!({ "/auth/pass": Gmail::OWN_PASSWORD }),
            (
                "credentials",
                "auth",
                77,
                Some(534),
                &["app password", "`auth.pass`", "2-step verification"],
            ),
        ),
        (
            json!({ "/auth/pass": "abcd-efgh-ijkl-mnop" }),
            ("credentials", "auth", 77, Some(535), &["app password", "`auth.pass`"]),
        ),
        (
            json!({ "/auth/user": "ann" }),
            ("credentials", "auth", 77, Some(535), &["the whole address", "`auth.user`"]),
        ),
        (
            json!({ "/auth/user": Gmail::SUSPECT }),
            ("credentials", "auth", 77, Some(534), &["once in a browser"]),
        ),
        (
            json!({ "/auth/user": Gmail::HASTY }),
            ("temporary", "auth", 75, Some(454), &["too many logins", "`maxConnections`"]),
        ),
        (
            json!({ "/auth": null }),
            ("credentials", "mail", 77, Some(530), &["set `auth.user` and `auth.pass`"]),
        ),
        (
            json!({ "/auth/user": Gmail::SPENT }),
            ("refused", "content", 69, Some(550), &["daily limit"]),
        ),
        (
            json!({ "/port": server.submission(), "/secure": false, "/ignoreTLS": true }),
            ("credentials", "mail", 77, Some(530), &["remove `ignoreTLS`"]),
        ),
        (json!({ "/name": "localhost" }), ("temporary", "ehlo", 75, Some(421), &["set `name`"])),
    ];
    for (changes, told) in rows {
        check_mistake(&sound, &changes, told);
    }
    check_wrong_port(&server, &sound);
    assert_eq!(server.kept(), []);
}

#[test]
fn the_oauth2_example_sends_with_a_token_of_its_endpoint() {
    let server = Server::start(Gmail);
    let tokens = Tokens::start(REFRESH, Gmail::TOKEN, "invalid_grant");
    check_sent(&server, &by_token(&server, &tokens), Gmail::USER);
    assert_eq!(tokens.endpoint.asked().len(), 1);
}

#[test]
fn refused_tokens_and_refused_refreshes_are_told_apart() {
    let server = Server::start(Gmail);
    let tokens = Tokens::start(REFRESH, "ya29.of-another-account", "invalid_grant");
    let sound = by_token(&server, &tokens);
    let cure: &[&str] = &["`https://mail.google.com/`", "`auth.refreshToken`"];
    check_mistake(&sound, &json!({}), ("credentials", "auth", 77, Some(535), cure));
    let revoked = json!({ "/auth/refreshToken": "1//revoked" });
    check_mistake(&sound, &revoked, ("credentials", "auth", 77, None, &[]));
}
