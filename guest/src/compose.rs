//! Composes messages: reads the request, picks the template, renders it, and reads the mailboxes.
//!
//! Everything that a payload can influence passes through `template` and `mailbox`; what leaves
//! here cannot hold another header field, another recipient, or a line break where one would
//! matter.

mod selection;

use handlebars::Context;
use serde_json::Value;

use crate::bindings::exports::smtp_connector::contract::messages::{
    AddressProblem, ComposeError, ContentType, Mailbox, Message, MessagePart, Request,
    TemplateOverride, TemplateProblem,
};
use crate::config::message::MessageSettings;
use crate::findings::Diagnostic;
use crate::mailbox;
use crate::template::{Engine, Escaping, RenderFailure, Source};
use selection::Catalogue;

/// A checked configuration that composes messages.
#[derive(Debug)]
pub struct Composer {
    settings: MessageSettings,
    catalogue: Catalogue,
    engine: Engine,
}

/// The texts of one mail, as templates.
#[derive(Debug)]
struct Mail {
    subject: Source,
    text: Option<Source>,
    html: Option<Source>,
}

impl Mail {
    fn new(subject: impl Into<String>) -> Self {
        Self { subject: Source::new(subject, Escaping::Plain), text: None, html: None }
    }

    fn add(&mut self, content: impl Into<String>, content_type: ContentType) {
        match content_type {
            ContentType::Plain => self.text = Some(Source::new(content, Escaping::Plain)),
            ContentType::Html => self.html = Some(Source::new(content, Escaping::Html)),
        }
    }
}

impl Composer {
    /// Opens a configuration. Its templates are compiled when messages first need them.
    pub fn open(text: &str) -> Result<Self, Vec<Diagnostic>> {
        let (settings, templates) = crate::config::open(text)?;
        Ok(Self { settings, catalogue: Catalogue::new(templates), engine: Engine::default() })
    }

    /// Composes one message.
    pub fn compose(&self, request: &Request) -> Result<Message, ComposeError> {
        let payload = read_payload(&request.payload)?;
        let to = mailbox::one(&request.to).map_err(|problem| address_problem("to", problem))?;
        match &request.template {
            Some(template) => self.compose_override(template, to, &payload),
            None => {
                let mail = self
                    .catalogue
                    .find(&request.usage_type, request.locale.as_deref(), payload.data())
                    .ok_or_else(|| ComposeError::TemplateNotFound(request.usage_type.clone()))?;
                self.message(
                    mail,
                    self.settings.from.clone(),
                    self.settings.reply_to.clone(),
                    to,
                    &payload,
                )
            }
        }
    }

    fn compose_override(
        &self,
        template: &TemplateOverride,
        to: Mailbox,
        payload: &Context,
    ) -> Result<Message, ComposeError> {
        let mut mail = Mail::new(template.subject.as_str());
        mail.add(template.content.as_str(), template.content_type.unwrap_or(ContentType::Html));
        let sender = match &template.send_from {
            Some(text) => {
                let text = self.render(&mailbox_source(text), MessagePart::SendFrom, payload)?;
                mailbox::one(&text).map_err(|problem| address_problem("sendFrom", problem))?
            }
            None => self.settings.from.clone(),
        };
        let reply_to = match &template.reply_to {
            Some(text) => self.reply_to(text, payload)?,
            None => self.settings.reply_to.clone(),
        };
        self.message(&mail, sender, reply_to, to, payload)
    }

    /// The mailboxes for answers; the configuration's where the template comes to nothing.
    fn reply_to(&self, template: &str, payload: &Context) -> Result<Vec<Mailbox>, ComposeError> {
        let text = self.render(&mailbox_source(template), MessagePart::ReplyTo, payload)?;
        let list = mailbox::list(&text).map_err(|problem| address_problem("replyTo", problem))?;
        Ok(if list.is_empty() { self.settings.reply_to.clone() } else { list })
    }

    fn message(
        &self,
        mail: &Mail,
        sender: Mailbox,
        reply_to: Vec<Mailbox>,
        to: Mailbox,
        payload: &Context,
    ) -> Result<Message, ComposeError> {
        let part = |source: &Option<Source>, part| {
            source.as_ref().map(|source| self.render(source, part, payload)).transpose()
        };
        Ok(Message {
            sender,
            reply_to,
            to,
            subject: one_line(&self.render(&mail.subject, MessagePart::Subject, payload)?),
            text: part(&mail.text, MessagePart::Text)?,
            html: part(&mail.html, MessagePart::Html)?,
            headers: self.settings.headers.clone(),
        })
    }

    fn render(
        &self,
        source: &Source,
        part: MessagePart,
        payload: &Context,
    ) -> Result<String, ComposeError> {
        source.render(&self.engine, payload).map_err(|failure| match failure {
            RenderFailure::TooLarge => ComposeError::TooLarge(part),
            RenderFailure::Problem { message, line, column } => {
                ComposeError::Template(TemplateProblem { part, message, line, column })
            }
        })
    }
}

fn mailbox_source(text: &str) -> Source {
    Source::new(text, Escaping::Mailbox)
}

fn address_problem(field: &str, message: String) -> ComposeError {
    ComposeError::Address(AddressProblem { field: field.to_owned(), message })
}

fn read_payload(text: &str) -> Result<Context, ComposeError> {
    match serde_json::from_str(text) {
        Ok(payload @ Value::Object(_)) => Ok(Context::from(payload)),
        Ok(_) => Err(ComposeError::Payload("the payload is not a JSON object".to_owned())),
        Err(error) => Err(ComposeError::Payload(format!("the payload is not valid JSON: {error}"))),
    }
}

/// Turns every run of line breaks and control characters, with the spaces around it, into one
/// space.
fn one_line(text: &str) -> String {
    let text = text.trim_matches(breaks_or_space);
    if !text.contains(breaks_line) {
        return text.to_owned();
    }
    let pieces = text
        .split(breaks_line)
        .map(|piece| piece.trim_matches(' '))
        .filter(|piece| !piece.is_empty());
    pieces.collect::<Vec<_>>().join(" ")
}

fn breaks_or_space(c: char) -> bool {
    c.is_whitespace() || breaks_line(c)
}

fn breaks_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests;
