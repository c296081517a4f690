//! Composes messages: reads the request, picks the template, renders it, and reads the mailboxes.
//!
//! Everything that a payload can influence passes through `template` and `mailbox`; what leaves
//! here cannot hold another header field, another recipient, or a line break where one would
//! matter.

mod selection;

use std::cell::OnceCell;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bindings::exports::smtp_connector::contract::messages::{
    AddressProblem, ComposeError, Content, ContentType, Mailbox, Message, MessagePart, Request,
    TemplateOverride, TemplateProblem,
};
use crate::mailbox;
use crate::program::Program;
use crate::template::{Escaping, RenderFailure, Source, SyntaxError, lost};

pub use selection::Catalogue;

/// An open program that composes messages.
#[derive(Debug)]
pub struct Composer {
    program: Program,
    /// The mails that were wanted so far.
    mails: Vec<OnceCell<Option<Mail>>>,
}

/// The texts of one mail, as templates.
#[derive(Debug, Serialize, Deserialize)]
pub struct Mail {
    subject: Source,
    text: Option<Source>,
    html: Option<Source>,
}

impl Mail {
    fn new(subject: &str) -> Result<Self, SyntaxError> {
        Ok(Self { subject: Source::read(subject, Escaping::Plain)?, text: None, html: None })
    }

    fn add(&mut self, content: &str, content_type: ContentType) -> Result<(), SyntaxError> {
        match content_type {
            ContentType::Plain => self.text = Some(Source::read(content, Escaping::Plain)?),
            ContentType::Html => self.html = Some(Source::read(content, Escaping::Html)?),
        }
        Ok(())
    }
}

impl Composer {
    /// Opens a program.
    ///
    /// # Errors
    ///
    /// Says what is wrong with bytes that are no program of this component.
    pub fn open(program: Vec<u8>) -> Result<Self, String> {
        let program = Program::open(program)?;
        let mails = std::iter::repeat_with(OnceCell::new).take(program.mails()).collect();
        Ok(Self { program, mails })
    }

    /// Composes one message.
    pub fn compose(&self, request: &Request) -> Result<Message, ComposeError> {
        let payload = read_payload(&request.payload)?;
        let message = match &request.content {
            Content::Configured => {
                let mail = self.mail(request, &payload)?;
                self.fill(mail, self.surroundings(), &payload)?
            }
            Content::Supplied(template) => self.compose_override(template, &payload)?,
            Content::Literal => return Ok(self.surroundings()),
        };
        carrying(message, &request.usage_type, &payload)
    }

    /// A message without content: what stands around it in every message.
    fn surroundings(&self) -> Message {
        let settings = &self.program.settings;
        Message {
            sender: settings.from.clone(),
            reply_to: settings.reply_to.clone(),
            subject: String::new(),
            text: None,
            html: None,
            headers: settings.headers.clone(),
        }
    }

    /// The mail for a request.
    fn mail(&self, request: &Request, payload: &Value) -> Result<&Mail, ComposeError> {
        let catalogue = &self.program.catalogue;
        let found = catalogue.find(&request.usage_type, request.locale.as_deref(), payload);
        let read = |number: usize| {
            self.mails.get(number)?.get_or_init(|| self.program.mail(number)).as_ref()
        };
        found
            .and_then(read)
            .ok_or_else(|| ComposeError::TemplateNotFound(request.usage_type.clone()))
    }

    fn compose_override(
        &self,
        template: &TemplateOverride,
        payload: &Value,
    ) -> Result<Message, ComposeError> {
        let mut mail = Mail::new(&template.subject)
            .map_err(|error| template_problem(MessagePart::Subject, error.into()))?;
        let content_type = template.content_type.unwrap_or(ContentType::Html);
        mail.add(&template.content, content_type)
            .map_err(|error| template_problem(part_of(content_type), error.into()))?;
        let mut message = self.surroundings();
        if let Some(text) = &template.send_from {
            let text = self.mailboxes(text, MessagePart::SendFrom, payload)?;
            message.sender =
                mailbox::one(&text).map_err(|problem| address_problem("sendFrom", problem))?;
        }
        if let Some(text) = &template.reply_to {
            message.reply_to = self.reply_to(text, payload)?;
        }
        self.fill(&mail, message, payload)
    }

    /// The mailboxes for answers; the configuration's where the template comes to nothing.
    fn reply_to(&self, template: &str, payload: &Value) -> Result<Vec<Mailbox>, ComposeError> {
        let text = self.mailboxes(template, MessagePart::ReplyTo, payload)?;
        let list = mailbox::list(&text).map_err(|problem| address_problem("replyTo", problem))?;
        Ok(if list.is_empty() { self.program.settings.reply_to.clone() } else { list })
    }

    /// The text of mailboxes that a template makes.
    fn mailboxes(
        &self,
        template: &str,
        part: MessagePart,
        payload: &Value,
    ) -> Result<String, ComposeError> {
        let source = Source::read(template, Escaping::Mailbox)
            .map_err(|error| template_problem(part, error.into()))?;
        self.render(&source, part, payload)
    }

    /// Renders a mail into a message.
    fn fill(
        &self,
        mail: &Mail,
        mut message: Message,
        payload: &Value,
    ) -> Result<Message, ComposeError> {
        let part = |source: &Option<Source>, part| {
            source.as_ref().map(|source| self.render(source, part, payload)).transpose()
        };
        message.subject = one_line(&self.render(&mail.subject, MessagePart::Subject, payload)?);
        message.text = part(&mail.text, MessagePart::Text)?;
        message.html = part(&mail.html, MessagePart::Html)?;
        Ok(message)
    }

    fn render(
        &self,
        source: &Source,
        part: MessagePart,
        payload: &Value,
    ) -> Result<String, ComposeError> {
        source.render(payload).map_err(|failure| template_problem(part, failure))
    }
}

fn part_of(content_type: ContentType) -> MessagePart {
    match content_type {
        ContentType::Plain => MessagePart::Text,
        ContentType::Html => MessagePart::Html,
    }
}

fn template_problem(part: MessagePart, failure: RenderFailure) -> ComposeError {
    match failure {
        RenderFailure::TooLarge => ComposeError::TooLarge(part),
        RenderFailure::Problem { message, line, column } => {
            ComposeError::Template(TemplateProblem { part, message, line, column })
        }
    }
}

/// A message, unless it lost what its payload gave it to carry.
fn carrying(message: Message, usage_type: &str, payload: &Value) -> Result<Message, ComposeError> {
    let bodies = [&message.text, &message.html].into_iter().filter_map(Option::as_deref);
    let parts: Vec<_> = bodies.chain([message.subject.as_str()]).collect();
    let Some(problem) = lost(usage_type, payload, &parts) else { return Ok(message) };
    let part = if message.html.is_some() { MessagePart::Html } else { MessagePart::Text };
    Err(ComposeError::Template(TemplateProblem {
        part,
        message: problem,
        line: None,
        column: None,
    }))
}

fn address_problem(field: &str, message: String) -> ComposeError {
    ComposeError::Address(AddressProblem { field: field.to_owned(), message })
}

fn read_payload(text: &str) -> Result<Value, ComposeError> {
    match serde_json::from_str(text) {
        Ok(payload @ Value::Object(_)) => Ok(payload),
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
