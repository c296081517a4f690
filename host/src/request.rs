//! What a platform asks for: one message.

use serde::Deserialize;
use serde_json::Value;

/// One message to send: to whom, for what, and with which values.
///
/// # Example
///
/// ```
/// use smtp_connector::Request;
///
/// let request = Request::new("SignIn", "user@example.com")
///     .payload(serde_json::json!({ "code": "482913", "locale": "fr-CA" }));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    pub(crate) to: String,
    pub(crate) usage_type: String,
    pub(crate) payload: String,
    pub(crate) locale: Option<String>,
    pub(crate) content: Content,
    pub(crate) message_id: Option<String>,
}

/// Where the content of a message comes from.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// A template of the configuration.
    Configured,
    /// A template that came with the request.
    Supplied(TemplateOverride),
    /// The platform, which has rendered it.
    Literal(Literal),
}

/// Content that the platform has rendered already. It goes into the message as it is: braces in it
/// are no tags, and no component sees it. A message has a text, an HTML, or both.
#[derive(Clone, PartialEq, Eq)]
pub struct Literal {
    pub(crate) subject: String,
    pub(crate) text: Option<String>,
    pub(crate) html: Option<String>,
}

/// A template that the platform supplies for one message, in place of the configuration's.
/// `reply_to` and `send_from` are templates, too. Reads the JSON that Logto's i18n templates are
/// stored as.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
#[non_exhaustive]
pub struct TemplateOverride {
    /// The subject.
    pub subject: String,
    /// The content.
    pub content: String,
    /// The form of the content: HTML where absent.
    pub content_type: Option<ContentType>,
    /// The mailbox for answers.
    pub reply_to: Option<String>,
    /// The author's mailbox.
    pub send_from: Option<String>,
}

impl TemplateOverride {
    /// A template in HTML.
    ///
    /// # Example
    ///
    /// ```
    /// use smtp_connector::{ContentType, Request, TemplateOverride};
    ///
    /// let mut template = TemplateOverride::new("Your code", "It is {{code}}.");
    /// template.content_type = Some(ContentType::Plain);
    /// let request = Request::new("SignIn", "user@example.com").template(template);
    /// ```
    pub fn new(subject: impl Into<String>, content: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            content: content.into(),
            content_type: None,
            reply_to: None,
            send_from: None,
        }
    }
}

/// The form of a template's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentType {
    /// `text/html`: values are inserted with HTML's special characters escaped.
    Html,
    /// `text/plain`: values are inserted as they are.
    Plain,
}

/// Says what is wrong without quoting it: a template may hold a code.
impl TryFrom<Value> for TemplateOverride {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let Value::Object(mut members) = value else {
            return Err("it is no JSON object".to_owned());
        };
        let mut text = |name: &str| match members.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(format!("`{name}` is no string")),
        };
        let content_type = match text("contentType")?.as_deref() {
            None => None,
            Some("text/html") => Some(ContentType::Html),
            Some("text/plain") => Some(ContentType::Plain),
            Some(_) => {
                return Err("`contentType` is neither `text/html` nor `text/plain`".to_owned());
            }
        };
        let template = Self {
            subject: text("subject")?.ok_or("`subject` is missing")?,
            content: text("content")?.ok_or("`content` is missing")?,
            content_type,
            reply_to: text("replyTo")?,
            send_from: text("sendFrom")?,
        };
        match members.keys().next() {
            Some(unknown) => Err(format!("the key `{unknown}` is unknown")),
            None => Ok(template),
        }
    }
}

impl Request {
    /// A message of a usage type, such as `SignIn`, to one recipient, with an empty payload.
    ///
    /// The recipient is an address such as `user@example.com`, or a name and an address such as
    /// `Jo Doe <user@example.com>` (RFC 5322 §3.4), and nothing else: no list, group or comment.
    pub fn new(usage_type: impl Into<String>, to: impl Into<String>) -> Self {
        Self {
            to: to.into(),
            usage_type: usage_type.into(),
            payload: "{}".to_owned(),
            locale: None,
            content: Content::Configured,
            message_id: None,
        }
    }

    /// Sets the values for the template: a JSON object.
    #[must_use]
    pub fn payload(self, payload: impl Into<Value>) -> Self {
        self.payload_text(payload.into().to_string())
    }

    /// Sets the values for the template: the text of a JSON object.
    ///
    /// # Example
    ///
    /// ```
    /// use smtp_connector::Request;
    ///
    /// let request = Request::new("SignIn", "jo@example.org").payload_text(r#"{"code":"482913"}"#);
    /// ```
    #[must_use]
    pub fn payload_text(mut self, payload: impl Into<String>) -> Self {
        self.payload = payload.into();
        self
    }

    /// Sets the language wanted, before the payload's own.
    ///
    /// # Example
    ///
    /// ```
    /// use smtp_connector::Request;
    ///
    /// let request = Request::new("SignIn", "jo@example.org").locale("fr-CA");
    /// ```
    #[must_use]
    pub fn locale(mut self, locale: impl Into<String>) -> Self {
        self.locale = Some(locale.into());
        self
    }

    /// Sets the template to use in place of the configuration's.
    #[must_use]
    pub fn template(mut self, template: TemplateOverride) -> Self {
        self.content = Content::Supplied(template);
        self
    }

    /// Sets content that is rendered already, in place of any template. Author, answers and header
    /// fields stay the configuration's.
    ///
    /// # Example
    ///
    /// ```
    /// use smtp_connector::{Literal, Request};
    ///
    /// let request = Request::new("SignIn", "user@example.com")
    ///     .literal(Literal::text("Your code", "482913 is your code, not {{code}}."));
    /// ```
    #[must_use]
    pub fn literal(mut self, literal: Literal) -> Self {
        self.content = Content::Literal(literal);
        self
    }

    /// Sets the Message-ID (RFC 5322 §3.6.4), with or without its angle brackets, so that a
    /// platform that queues messages itself finds them again. Unless set, each message gets one
    /// that nobody can guess.
    #[must_use]
    pub fn message_id(mut self, message_id: impl Into<String>) -> Self {
        self.message_id = Some(message_id.into());
        self
    }

    /// The template that came with the request.
    pub(crate) fn supplied(&self) -> Option<&TemplateOverride> {
        match &self.content {
            Content::Supplied(template) => Some(template),
            Content::Configured | Content::Literal(_) => None,
        }
    }

    /// The one-time code and the link of the payload: what no output but the message may show.
    pub(crate) fn one_time_secrets(&self) -> Vec<String> {
        #[derive(Default, Deserialize)]
        struct Codes {
            #[serde(default)]
            code: Value,
            #[serde(default)]
            link: Value,
        }
        let codes: Codes = serde_json::from_str(&self.payload).unwrap_or_default();
        let text = |value| match value {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        [codes.code, codes.link].into_iter().filter_map(text).collect()
    }
}

impl Literal {
    /// Content in plain text.
    pub fn text(subject: impl Into<String>, text: impl Into<String>) -> Self {
        Self { subject: subject.into(), text: Some(text.into()), html: None }
    }

    /// Content in HTML.
    pub fn html(subject: impl Into<String>, html: impl Into<String>) -> Self {
        Self { subject: subject.into(), text: None, html: Some(html.into()) }
    }

    /// Adds the same content in plain text.
    #[must_use]
    pub fn and_text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }
}

impl std::fmt::Debug for Literal {
    /// Shows no content: it may carry a one-time code.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Literal")
            .field("text_bytes", &self.text.as_ref().map(String::len))
            .field("html_bytes", &self.html.as_ref().map(String::len))
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Request {
    /// Shows neither payload nor template: they may carry a one-time code.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("usage_type", &self.usage_type)
            .field("to", &self.to)
            .field("locale", &self.locale)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_links_are_known_for_masking_whatever_else_the_payload_holds() {
        let cases = [
            (r#"{"code":"482913","link":"https://x.test/a"}"#, vec!["482913", "https://x.test/a"]),
            (r#"{"code":482913,"user":{"code":"no"}}"#, vec!["482913"]),
            (r#"{"code":null}"#, vec![]),
            ("\"x\"", vec![]),
        ];
        for (payload, expected) in cases {
            assert_eq!(
                Request::new("T", "a@b").payload_text(payload).one_time_secrets(),
                expected,
                "{payload}"
            );
        }
    }

    #[test]
    fn a_template_that_cannot_be_used_is_described_and_not_quoted() {
        let cases = [
            ("5", "it is no JSON object"),
            (r#"["a","b"]"#, "it is no JSON object"),
            (r#"{"subject":"s"}"#, "`content` is missing"),
            (r#"{"subject":991188,"content":"c"}"#, "`subject` is no string"),
            (
                r#"{"subject":"s","content":"c","contentType":"991188"}"#,
                "`contentType` is neither `text/html` nor `text/plain`",
            ),
            (r#"{"subject":"s","content":"c","tag":"991188"}"#, "the key `tag` is unknown"),
        ];
        for (text, expected) in cases {
            let error = serde_json::from_str::<TemplateOverride>(text).expect_err(text);
            assert_eq!(error.to_string(), expected);
        }
        let text = r#"{"subject":"s","content":"c","contentType":"text/plain","replyTo":null,
            "sendFrom":"f"}"#;
        let template: TemplateOverride = serde_json::from_str(text).expect("it is sound");
        assert_eq!((template.content_type, template.reply_to), (Some(ContentType::Plain), None));
        assert_eq!(template.send_from.as_deref(), Some("f"));
    }
}
