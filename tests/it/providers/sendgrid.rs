//! SendGrid: the user `apikey`, the key, and the verified sender.

use serde_json::{Value, json};
use smtp_connector_tests::providers::{SendGrid, Server};

use super::{Port, check_mistake, check_sent, check_wrong_port, example};

fn sound(server: &Server) -> Value {
    let sender = format!("hello@{}", SendGrid::DOMAIN);
    let values = [
        ("<your-api-key>", SendGrid::KEY),
        ("<your-verified-sender@example.com>", sender.as_str()),
    ];
    example("sendgrid", &values, server, Port::Submission)
}

#[test]
fn the_example_sends_over_both_ports() {
    let server = Server::start(SendGrid);
    let mut configuration = sound(&server);
    check_sent(&server, &configuration, "apikey");
    (configuration["port"], configuration["secure"]) = (json!(server.submissions()), json!(true));
    configuration["requireTLS"] = Value::Null;
    check_sent(&server, &configuration, "apikey");
}

#[test]
fn usual_mistakes_are_told_with_their_cure() {
    let server = Server::start(SendGrid);
    let sound = sound(&server);
    let rows: [(Value, super::Told); 6] = [
        (
            json!({ "/auth/user": "ann@example.com" }),
            ("credentials", "auth", 77, Some(535), &["literally `apikey`", "set `auth.user`"]),
        ),
        (
            json!({ "/auth/pass": "password-of-the-account" }),
            ("credentials", "auth", 77, Some(535), &["set `auth.pass`", "`SG.`"]),
        ),
        (
            json!({ "/auth/pass": SendGrid::REVOKED }),
            ("credentials", "auth", 77, Some(535), &["set `auth.pass`", "\"Mail Send\""]),
        ),
        (
            json!({ "/auth/pass": SendGrid::SPENT }),
            ("temporary", "auth", 75, Some(451), &["credits"]),
        ),
        (
            json!({ "/fromEmail": "Shop <shop@gmail.com>" }),
            ("refused", "content", 69, Some(550), &["Sender Authentication", "`fromEmail`"]),
        ),
        (
            json!({ "/auth": null }),
            ("refused", "mail", 69, Some(550), &["`auth.user` to `apikey`"]),
        ),
    ];
    for (changes, told) in rows {
        check_mistake(&sound, &changes, told);
    }
    check_wrong_port(&server, &sound);
    assert_eq!(server.kept(), []);
}
