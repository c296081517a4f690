//! Aliyun Direct Mail: the SMTP password of the sender address, which alone may be the sender.

use serde_json::{Value, json};
use smtp_connector_tests::providers::{Aliyun, Server};

use super::{Port, check_mistake, check_refused, check_sent, check_wrong_port, example, send};

fn sound(server: &Server) -> Value {
    let values = [
        ("<your-sender-address@mail.example.com>", Aliyun::USER),
        ("<the-smtp-password-of-that-address>", Aliyun::PASSWORD),
    ];
    example("aliyun", &values, server, Port::Submissions)
}

#[test]
fn the_example_sends() {
    let server = Server::start(Aliyun);
    let mut configuration = sound(&server);
    check_sent(&server, &configuration, Aliyun::USER);
    configuration["fromEmail"] = json!(format!("Example <{}>", Aliyun::USER));
    check_sent(&server, &configuration, Aliyun::USER);
}

#[test]
fn usual_mistakes_are_told_with_their_cure() {
    let server = Server::start(Aliyun);
    let sound = sound(&server);
    let rows: [(Value, super::Told); 7] = [
        (
            json!({ "/auth/pass": "password-of-the-console" }),
            ("credentials", "auth", 77, Some(535), &["`auth.pass`", "Set SMTP Password", "region"]),
        ),
        (
            json!({ "/auth/user": "noreply" }),
            ("credentials", "auth", 77, Some(535), &["the sender address as `auth.user`"]),
        ),
        (
            json!({ "/fromEmail": "Example <hello@mail.example.com>" }),
            ("temporary", "mail", 75, Some(436), &["set `fromEmail` to `auth.user`"]),
        ),
        (
            json!({ "/auth": null }),
            ("refused", "mail", 69, Some(553), &["set `auth.user` and `auth.pass`"]),
        ),
        (
            json!({ "/auth/user": Aliyun::SPENT, "/fromEmail": Aliyun::SPENT }),
            ("refused", "content", 69, Some(552), &["quota"]),
        ),
        (
            json!({ "/auth/user": Aliyun::BARRED, "/fromEmail": Aliyun::BARRED }),
            ("refused", "content", 69, Some(551), &["console", "overview"]),
        ),
        (
            json!({
                "/templates/1/content": format!("You won the {}: {{{{code}}}}", Aliyun::SPAM),
            }),
            ("refused", "content", 69, Some(554), &["change subject and content"]),
        ),
    ];
    for (changes, told) in rows {
        check_mistake(&sound, &changes, told);
    }
    let gone = send(&sound, Aliyun::INVALID);
    check_refused(
        &gone,
        "an invalid recipient",
        ("refused", "rcpt", 67, Some(559), &["invalid address"]),
    );
    check_wrong_port(&server, &sound);
    assert_eq!(server.kept(), []);
}
