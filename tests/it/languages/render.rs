//! What the connectors make of a request: the same in a fresh instance as in one that is kept.

use serde_json::json;
use smtp_connector::{ContentType, ErrorKind, Literal, Mailer, Message, Request, TemplateOverride};
use tokio::task::JoinSet;

use super::{Language, configuration};
use crate::helpers::tenant::local;

#[tokio::test]
#[ignore = "needs the components; .ci/run builds them"]
async fn placeholders_are_filled_and_escaped_for_html_alone() {
    let request = request("SignIn", json!({ "code": 482913, "user": { "name": "A & <B>\r\nC" } }));
    for language in Language::ALL {
        let message =
            both(language, &request).await.unwrap_or_else(|e| panic!("{language:?}: {e:?}"));
        assert_eq!(message.from.name.as_deref(), Some("Größe & Söhne"));
        assert_eq!(message.from.address, "robot@acme.test");
        assert_eq!(message.subject, "Code 482913 für A & <B> C", "{language:?}");
        let text = "Grüße, A & <B>\r\nC: 482913 |{{absent.name}} 🦊";
        assert_eq!(message.text.as_deref(), Some(text), "{language:?}");
        let html = "<p>A &amp; &lt;B&gt;\r\nC: <b>482913</b></p>";
        assert_eq!(message.html.as_deref(), Some(html), "{language:?}");
    }
}

#[tokio::test]
#[ignore = "needs the components; .ci/run builds them"]
async fn another_type_falls_back_and_content_may_come_with_the_request() {
    let fallen_back = request("Other", json!({ "link": "https://acme.test/?a=1&b=2" }));
    let mut template = TemplateOverride::new("S {{code}}", "<i>{{code}}</i>");
    template.content_type = Some(ContentType::Html);
    template.send_from = Some("{{code}} <robot@acme.test>".to_owned());
    template.reply_to = Some("help@acme.test".to_owned());
    let supplied = request("Other", json!({ "code": "'1'" })).template(template);
    let literal = request("SignIn", json!({})).literal(Literal::text("{{code}}", "as {{it}} is"));
    for language in Language::ALL {
        let message = both(language, &fallen_back).await.expect("there is a generic template");
        assert_eq!(
            (&*message.subject, message.text.as_deref(), message.html),
            ("Hello", Some("https://acme.test/?a=1&b=2"), None)
        );
        let message = both(language, &supplied).await.expect("the template is sound");
        assert_eq!(
            (&*message.subject, message.text, message.html.as_deref()),
            ("S '1'", None, Some("<i>&#x27;1&#x27;</i>"))
        );
        assert_eq!(message.from.name.as_deref(), Some("'1'"));
        assert_eq!(message.reply_to[0].address, "help@acme.test");
        let message = both(language, &literal).await.expect("it is rendered already");
        assert_eq!(
            (&*message.subject, message.text.as_deref()),
            ("{{code}}", Some("as {{it}} is"))
        );
    }
}

#[tokio::test]
#[ignore = "needs the components; .ci/run builds them"]
async fn what_cannot_be_composed_is_an_error_that_says_why() {
    let with =
        |template| request("SignIn", json!({ "code": "x <e@evil.test>" })).template(template);
    let mut injects = TemplateOverride::new("s", "c");
    injects.send_from = Some("{{code}} <robot@acme.test>".to_owned());
    let rows = [
        (request("SignIn", json!({})).payload_text("[1]"), ErrorKind::Payload, "no JSON object"),
        (with(TemplateOverride::new("{{#if}}", "c")), ErrorKind::Template, "the subject: "),
        (with(TemplateOverride::new("s", "{{{code}}}")), ErrorKind::Template, "the HTML: "),
        (with(injects), ErrorKind::Address, "`sendFrom`"),
    ];
    for language in Language::ALL {
        for (request, kind, words) in &rows {
            let error = both(language, request).await.expect_err("it cannot be composed");
            assert!(error.0 == *kind && error.1.contains(words), "{language:?}: {error:?}");
        }
    }
}

#[tokio::test]
#[ignore = "needs the components; .ci/run builds them"]
async fn a_configuration_without_a_template_for_the_type_is_an_error_of_the_template() {
    for language in Language::ALL {
        let mut configuration = configuration();
        let templates = configuration["templates"].as_array_mut().expect("it has some");
        templates.retain(|template| template["usageType"] == "SignIn");
        let connector = language.load().await;
        let mailer = connector.configure(&configuration.to_string()).await.expect("it is sound");
        let error = mailer.compose(&request("Other", json!({}))).await.expect_err("there is none");
        assert_eq!(error.kind(), ErrorKind::Template, "{language:?}");
        assert!(error.to_string().contains("no template for `Other`"), "{language:?}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs the components; .ci/run builds them"]
async fn many_messages_at_once_wait_for_each_other() {
    /// Twice as many messages are on their way at once, which is more than there are places.
    const TENANTS: usize = 150;
    let text = configuration().to_string();
    for language in Language::ALL {
        let connector = language.load().await;
        let mut composing = JoinSet::new();
        for tenant in 0..TENANTS {
            let options = local().keep_instances(2);
            let mailer = connector.configure_with(&text, &options).await.expect("it is sound");
            composing.spawn(async move {
                let request = request("Generic", json!({ "link": tenant.to_string() }));
                let (first, second) =
                    tokio::join!(mailer.compose(&request), mailer.compose(&request));
                (tenant, mailer, [first, second])
            });
        }
        // Joined to the end, so that what may be kept is.
        for (tenant, _mailer, composed) in composing.join_all().await {
            for message in composed {
                let message = message.unwrap_or_else(|error| panic!("{language:?}: {error}"));
                assert_eq!(message.text, Some(tenant.to_string()), "{language:?}");
            }
        }
    }
}

fn request(usage_type: &str, payload: serde_json::Value) -> Request {
    Request::new(usage_type, "user@example.com").payload(payload)
}

/// What a fresh instance and one that has composed before make of a request.
async fn both(language: Language, request: &Request) -> Result<Message, (ErrorKind, String)> {
    let connector = language.load().await;
    let text = configuration().to_string();
    let compose = async |mailer: &Mailer| {
        let composed = mailer.compose(request).await;
        composed.map_err(|error| (error.kind(), error.to_string()))
    };
    let fresh = connector.configure(&text).await.expect("the configuration is sound");
    let kept = connector.configure_with(&text, &local().keep_instances(1)).await;
    let kept = kept.expect("it is configured as the other one");
    let expected = compose(&fresh).await;
    for mailer in [&fresh, &kept, &kept, &kept] {
        let composed = compose(mailer).await;
        assert_eq!(json!(composed.as_ref().ok()), json!(expected.as_ref().ok()), "{language:?}");
        assert_eq!(composed.err(), expected.as_ref().err().cloned(), "{language:?}");
    }
    expected
}
