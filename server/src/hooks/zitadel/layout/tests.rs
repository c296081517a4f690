//! What becomes of texts, colours and links in a mail.

use serde_json::{Value, json};

use super::*;

fn layout(data: &Value) -> (String, String) {
    let members = data.as_object().expect("an object");
    let layout = Layout::read(&Object::root(members)).expect("it is sound");
    (layout.html(), layout.plain())
}

#[test]
fn what_users_wrote_is_text() {
    let (html, plain) = layout(&json!({
        "subject": "</title><script>",
        "title": "<b>",
        "greeting": "Hello \"Jo\" & '<i>',",
        "text": "one\ntwo {{code}}",
        "footerText": "</footer>",
    }));
    for expected in [
        "<title>&lt;/title&gt;&lt;script&gt;</title>",
        "<h1>&lt;b&gt;</h1>",
        "<p>Hello &quot;Jo&quot; &amp; &#39;&lt;i&gt;&#39;,</p>",
        "<p>one<br>\ntwo {{code}}</p>",
        "<footer>&lt;/footer&gt;</footer>",
    ] {
        assert!(html.contains(expected), "{expected}\n{html}");
    }
    assert!(!html.contains("<script>") && !html.contains("<img") && !html.contains("<a "));
    assert_eq!(plain, "<b>\n\nHello \"Jo\" & '<i>',\n\none\ntwo {{code}}\n\n</footer>\n");
}

#[test]
fn a_link_is_one_of_the_web() {
    let (html, plain) = layout(&json!({
        "subject": "s", "buttonText": "Go", "url": "https://id.test/?a=1&b=\"2",
        "logoUrl": "https://id.test/logo.png",
    }));
    let target = "https://id.test/?a=1&amp;b=%222";
    assert!(html.contains(&format!("<p><a href=\"{target}\">\nGo</a></p>")), "{html}");
    assert!(html.contains("<img alt=\"\" src=\"https://id.test/logo.png\">"), "{html}");
    assert_eq!(plain, "Go: https://id.test/?a=1&b=%222\n");
    for wrong in ["javascript:alert(1)", "data:text/html,x", "nowhere"] {
        let (html, plain) = layout(&json!({
            "subject": "s", "title": "t", "buttonText": "Go", "url": wrong, "logoUrl": wrong,
        }));
        assert!(!html.contains(wrong) && !html.contains("<a ") && !html.contains("<img"), "{html}");
        assert_eq!(plain, "t\n");
    }
}

#[test]
fn a_colour_is_a_colour() {
    for (text, expected) in [
        ("#5469D4", Some("#5469d4")),
        ("#18f", Some("#1188ff")),
        ("red", None),
        ("#12345", None),
        ("#+12", None),
        ("#fff; background: url(https://evil.test)", None),
        ("", None),
    ] {
        assert_eq!(Color::read(text).map(|color| color.to_string()).as_deref(), expected, "{text}");
    }
}

#[test]
fn a_label_is_legible_on_its_button() {
    for (color, ink) in [("#fff", "#000000"), ("#ffe000", "#000000"), ("#1f5fbf", "#ffffff")] {
        let (html, _) = layout(&json!({ "subject": "s", "primaryColor": color }));
        let color = Color::read(color).expect("a colour");
        assert!(html.contains(&format!("background: {color}; color: {ink};")), "{html}");
    }
}

#[test]
fn dark_is_known() {
    let (html, _) = layout(&json!({ "subject": "s" }));
    assert!(html.contains("<meta name=\"color-scheme\" content=\"light dark\">"));
    assert!(html.contains("@media (prefers-color-scheme: dark)"));
}
