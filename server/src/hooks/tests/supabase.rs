//! Supabase's Send Email hook.

use serde_json::json;

use super::*;

fn body(action: &str, data: &Value) -> Value {
    let mut email_data = json!({
        "token": "305805", "token_hash": "7d5b7b1964cf5d38", "token_new": "", "token_hash_new": "",
        "redirect_to": "https://app.example.org/in?a=1&b=2", "email_action_type": action,
        "site_url": "https://ref.supabase.co/auth/v1",
        "old_email": "", "old_phone": "", "provider": "", "factor_type": "",
    });
    for (name, value) in data.as_object().expect("an object") {
        email_data[name] = value.clone();
    }
    json!({
        "metadata": { "uuid": "0c3e6a1e", "time": "2026-11-27T13:26:40Z", "name": "send-email" },
        "user": {
            "id": "8484b834", "email": "jo@example.org", "new_email": "new@example.org",
            "phone": "", "app_metadata": {}, "user_metadata": { "locale": "de-CH" },
            "identities": [],
        },
        "email_data": email_data,
    })
}

fn post(body: impl Into<Body>) -> Post {
    let settings = json!({ "secrets": [format!("v1,{WHSEC}")] });
    Post::new(Dialect::Supabase, settings, body).signed("webhook", "a1", NOW, &[WHSEC])
}

fn link(hash: &str, action: &str) -> String {
    format!(
        "https://ref.supabase.co/auth/v1/verify?token={hash}&type={action}\
         &redirect_to=https%3A%2F%2Fapp.example.org%2Fin%3Fa%3D1%26b%3D2"
    )
}

#[test]
fn actions_with_a_link() {
    for (action, usage_type, minutes) in [
        ("signup", "Register", 60),
        ("recovery", "ForgotPassword", 60),
        ("invite", "OrganizationInvitation", 24 * 60),
        ("magiclink", "SignIn", 10),
        ("email", "SignIn", 10),
    ] {
        let job = post(body(action, &json!({}))).job();
        assert_eq!(job.to, "jo@example.org");
        assert_eq!(job.types, [action, usage_type]);
        assert_eq!(life(&job), Duration::from_secs(minutes * 60), "{action}");
        assert_eq!(job.payload["code"], "305805");
        assert_eq!(job.payload["link"], link("7d5b7b1964cf5d38", action));
        assert_eq!(job.payload["user"]["id"], "8484b834");
        assert_eq!(job.locale.as_deref(), Some("de-CH"));
        assert_eq!(job.key.as_deref(), Some("supabase:0c3e6a1e:0"));
    }
}

#[test]
fn actions_without_a_link() {
    let none = json!({ "token": "", "token_hash": "" });
    for (action, own, usage_type) in [
        ("password_changed_notification", json!({}), "Generic"),
        ("email_changed_notification", json!({ "old_email": "old@example.org" }), "Generic"),
        ("phone_changed_notification", json!({ "old_phone": "+15550100" }), "Generic"),
        ("identity_linked_notification", json!({ "provider": "github" }), "Generic"),
        ("identity_unlinked_notification", json!({ "provider": "github" }), "Generic"),
        ("mfa_factor_enrolled_notification", json!({ "factor_type": "totp" }), "Generic"),
        ("mfa_factor_unenrolled_notification", json!({ "factor_type": "totp" }), "Generic"),
        ("reauthentication", json!({ "token": "998877" }), "UserPermissionValidation"),
    ] {
        let mut data = none.clone();
        for (name, value) in own.as_object().expect("an object") {
            data[name] = value.clone();
        }
        let job = post(body(action, &data)).job();
        assert_eq!(job.types, [action, usage_type]);
        assert_eq!(job.payload.get("link"), None, "{action}");
        assert_eq!(job.payload.get("code"), data.get("token").filter(|token| *token != ""));
        for (name, value) in
            own.as_object().expect("an object").iter().filter(|(n, _)| *n != "token")
        {
            assert_eq!(&job.payload[name], value, "{action}");
        }
    }
}

/// Each mail has the hash that belongs to the other one's token: so the platform checks them.
#[test]
fn a_change_of_address_confirmed_from_both_sides_is_two_mails() {
    let data = json!({ "token_new": "771122", "token_hash_new": "c0ffee" });
    let jobs = post(body("email_change", &data)).jobs();
    let told: Vec<_> = jobs
        .iter()
        .map(|job| {
            let text = |name: &str| job.payload[name].as_str().expect("a text").to_owned();
            (job.to.as_str(), text("code"), text("link"), job.key.clone().expect("a key"))
        })
        .collect();
    let expected = [
        ("jo@example.org", "305805", link("c0ffee", "email_change"), "supabase:0c3e6a1e:0"),
        (
            "new@example.org",
            "771122",
            link("7d5b7b1964cf5d38", "email_change"),
            "supabase:0c3e6a1e:1",
        ),
    ];
    let expected =
        expected.map(|(to, code, link, key)| (to, code.to_owned(), link, key.to_owned()));
    assert_eq!(told, expected);
}

#[test]
fn a_change_of_address_confirmed_from_one_side_is_one_mail_to_the_new_address() {
    let job = post(body("email_change", &json!({}))).job();
    assert_eq!((job.to.as_str(), &job.payload["code"]), ("new@example.org", &json!("305805")));
    assert_eq!(job.types, ["email_change", "BindNewIdentifier"]);
}

#[test]
fn links_lead_where_the_connector_says() {
    let settings = json!({
        "secrets": [WHSEC],
        "verifyUrl": "https://auth.example.org/auth/v1/verify?x=1",
    });
    let body = body("signup", &json!({ "redirect_to": "" }));
    let post = Post::new(Dialect::Supabase, settings, body).signed("webhook", "a1", NOW, &[WHSEC]);
    let expected = "https://auth.example.org/auth/v1/verify?x=1&token=7d5b7b1964cf5d38&type=signup";
    assert_eq!(post.job().payload["link"], expected);
}

#[test]
fn an_older_version_that_names_no_call_is_known_by_its_webhook() {
    let mut body = body("signup", &json!({}));
    body["metadata"] = Value::Null;
    body["user"]["user_metadata"] = json!({ "locale": 5, "lang": "pt" });
    let job = post(body).job();
    assert_eq!(job.key.as_deref(), Some("supabase:a1:0"));
    assert_eq!(job.locale.as_deref(), Some("pt"));
}

#[test]
fn bodies_that_are_wrong() {
    let sound = || body("email_change", &json!({}));
    for (pointer, value, expected) in [
        ("/user", json!(null), "`/user` is missing"),
        ("/user/new_email", json!(""), "`/user/new_email` is missing"),
        ("/email_data", json!([]), "`/email_data` is no object"),
        ("/email_data/site_url", json!("nowhere"), "`/email_data/site_url` is no URL"),
        ("/email_data/token", json!(305_805), "`/email_data/token` is no string"),
        (
            "/email_data/email_action_type",
            json!(null),
            "`/email_data/email_action_type` is missing",
        ),
    ] {
        let mut body = sound();
        *body.pointer_mut(pointer).expect("it is there") = value;
        let (status, answer, reason) = post(body).refused();
        assert_eq!((status, reason.as_str()), (400, expected));
        assert_eq!(answer, json!({ "error": { "message": expected } }).to_string());
    }
}
