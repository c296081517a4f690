//! Outlook 365: OAuth 2.0 by client credentials, and what becomes of passwords.

use serde_json::{Value, json};
use smtp_connector_tests::providers::{Outlook365, Server};

use super::{Port, Tokens, ask_for_tokens, check_mistake, check_sent, check_wrong_port, example};

fn by_token(server: &Server, tokens: &Tokens) -> Value {
    let values = [
        ("<your-mailbox@example.com>", Outlook365::USER),
        ("<your-application-id>", "application"),
        ("<your-client-secret>", "client-secret"),
        ("<tenant-id>", "contoso.com"),
    ];
    let mut configuration = example("outlook365", &values, server, Port::Submission);
    ask_for_tokens(&mut configuration, tokens);
    configuration
}

/// The example with a password, for as long as an organisation allows it.
fn by_password(server: &Server) -> Value {
    let mut configuration = by_token(server, &endpoint(Outlook365::TOKEN));
    configuration["auth"] = json!({ "user": Outlook365::USER, "pass": Outlook365::PASSWORD });
    configuration
}

/// An endpoint that expects what Microsoft's expects.
fn endpoint(token: &str) -> Tokens {
    let expected = [
        ("grant_type", "client_credentials"),
        ("client_id", "application"),
        ("client_secret", "client-secret"),
        ("scope", "https://outlook.office365.com/.default"),
    ];
    Tokens::start(&expected, token, "invalid_client")
}

#[test]
fn the_example_sends_with_a_token_of_its_endpoint() {
    let server = Server::start(Outlook365);
    let tokens = endpoint(Outlook365::TOKEN);
    check_sent(&server, &by_token(&server, &tokens), Outlook365::USER);
    assert_eq!(tokens.endpoint.asked().len(), 1);
}

#[test]
fn refused_tokens_and_refused_clients_are_told_apart() {
    let server = Server::start(Outlook365);
    let tokens = endpoint("eyJ0.without.permission");
    let sound = by_token(&server, &tokens);
    let cure: &[&str] = &["SMTP.SendAsApp", "service principal", "`auth.user`"];
    check_mistake(&sound, &json!({}), ("credentials", "auth", 77, Some(535), cure));
    let wrong = json!({ "/auth/clientSecret": "expired-secret" });
    check_mistake(&sound, &wrong, ("credentials", "auth", 77, None, &[]));
}

#[test]
fn a_mailbox_that_still_takes_its_password_sends() {
    let server = Server::start(Outlook365);
    check_sent(&server, &by_password(&server), Outlook365::USER);
}

#[test]
fn usual_mistakes_are_told_with_their_cure() {
    let server = Server::start(Outlook365);
    let sound = by_password(&server);
    let rows: [(Value, super::Told); 11] = [
        (
            json!({ "/auth/pass": "wrong-password" }),
            ("credentials", "auth", 77, Some(535), &["`auth.user`", "`auth.pass`", "`auth.type`"]),
        ),
        (
            json!({ "/auth/user": Outlook365::DISABLED }),
            (
                "credentials",
                "auth",
                77,
                Some(535),
                &["\"Authenticated SMTP\"", "Manage email apps"],
            ),
        ),
        (
            json!({ "/auth/user": Outlook365::DEFAULTS }),
            ("credentials", "auth", 77, Some(535), &["security defaults", "`auth.type`"]),
        ),
        (
            json!({ "/auth/user": Outlook365::POLICY }),
            ("credentials", "auth", 77, Some(535), &["A policy", "\"Authenticated SMTP\""]),
        ),
        (
            json!({ "/auth/user": Outlook365::MODERN }),
            ("credentials", "auth", 77, Some(535), &["`auth.type` set to `OAuth2`"]),
        ),
        (
            json!({ "/auth/user": Outlook365::RETIRED }),
            ("credentials", "auth", 77, Some(550), &["`auth.type` set to `OAuth2`"]),
        ),
        (
            json!({ "/auth": null }),
            ("credentials", "mail", 77, Some(530), &["`auth.type` to `OAuth2`"]),
        ),
        (
            json!({ "/fromEmail": "Boss <boss@contoso.com>" }),
            (
                "refused",
                "content",
                69,
                Some(554),
                &["set `fromEmail` to `auth.user`", "\"Send as\""],
            ),
        ),
        (
            json!({ "/auth/user": Outlook365::BUSY, "/fromEmail": Outlook365::BUSY }),
            ("temporary", "content", 75, Some(432), &["set `maxConnections` to 3"]),
        ),
        (
            json!({ "/auth/user": Outlook365::SPENT, "/fromEmail": Outlook365::SPENT }),
            ("refused", "content", 69, Some(550), &["wait until tomorrow"]),
        ),
        (
            json!({ "/requireTLS": null, "/ignoreTLS": true }),
            ("temporary", "mail", 75, Some(451), &["remove `ignoreTLS`"]),
        ),
    ];
    for (changes, told) in rows {
        check_mistake(&sound, &changes, told);
    }
    check_wrong_port(&server, &sound);
    assert_eq!(server.kept(), []);
}
