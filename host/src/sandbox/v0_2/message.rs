//! A request on its way to the component, and the message or the error that comes back.

use super::bindings::exports::smtp_connector::contract::messages;
use crate::error::{Error, ErrorKind, Result};
use crate::message::{Mailbox, Message};
use crate::request::{Content, ContentType, Request, TemplateOverride};
use crate::sandbox::Limits;

/// What a component learns of a request: neither the recipient nor content that is literal.
pub(super) fn request(request: &Request) -> messages::Request {
    messages::Request {
        usage_type: request.usage_type.clone(),
        payload: request.payload.clone(),
        locale: request.locale.clone(),
        content: match &request.content {
            Content::Configured => messages::Content::Configured,
            Content::Supplied(template) => messages::Content::Supplied(supplied(template.clone())),
            Content::Literal(_) => messages::Content::Literal,
        },
    }
}

fn supplied(template: TemplateOverride) -> messages::TemplateOverride {
    messages::TemplateOverride {
        subject: template.subject,
        content: template.content,
        content_type: template.content_type.map(|content_type| match content_type {
            ContentType::Html => messages::ContentType::Html,
            ContentType::Plain => messages::ContentType::Plain,
        }),
        reply_to: template.reply_to,
        send_from: template.send_from,
    }
}

/// The composed message with its recipient, or the host's error for the reason why there is none.
pub(super) fn message(
    composed: Result<messages::Message, messages::ComposeError>,
    request: &Request,
    to: Mailbox,
    limits: &Limits,
) -> Result<Message> {
    let composed = composed.map_err(compose_error)?;
    let (subject, text, html) = match &request.content {
        Content::Literal(literal) => {
            (literal.subject.clone(), literal.text.clone(), literal.html.clone())
        }
        _ => (composed.subject, composed.text, composed.html),
    };
    let parts = [Some(&subject), text.as_ref(), html.as_ref()];
    if parts.into_iter().flatten().any(|part| part.len() > limits.part_bytes) {
        return Err(too_large(limits));
    }
    let mailbox =
        |mailbox: messages::Mailbox| Mailbox { name: mailbox.name, address: mailbox.address };
    Ok(Message {
        from: mailbox(composed.sender),
        reply_to: composed.reply_to.into_iter().map(mailbox).collect(),
        to,
        subject,
        text,
        html,
        headers: composed.headers.into_iter().map(|field| (field.name, field.value)).collect(),
    })
}

fn too_large(limits: &Limits) -> Error {
    let message = format!("a rendered part is larger than {} MiB", limits.part_bytes >> 20);
    Error::new(ErrorKind::Template, message)
}

fn compose_error(error: messages::ComposeError) -> Error {
    match error {
        messages::ComposeError::Payload(problem) => Error::new(ErrorKind::Payload, problem),
        messages::ComposeError::Address(problem) => {
            Error::new(ErrorKind::Address, format!("`{}`: {}", problem.field, problem.message))
        }
        messages::ComposeError::TemplateNotFound(usage_type) => Error::new(
            ErrorKind::Template,
            format!(
                "the configuration has no template for `{usage_type}` and no `Generic` to fall \
                back to"
            ),
        ),
        messages::ComposeError::Template(problem) => {
            let place = match (problem.line, problem.column) {
                (Some(line), Some(column)) => format!(" at line {line}, column {column}"),
                (Some(line), None) => format!(" at line {line}"),
                _ => String::new(),
            };
            let message = format!(
                "the template of the {}{place}: {}",
                part_name(problem.part),
                problem.message
            );
            Error::new(ErrorKind::Template, message)
        }
        messages::ComposeError::TooLarge(part) => Error::new(
            ErrorKind::Template,
            format!("the rendered {} is too large", part_name(part)),
        ),
    }
}

fn part_name(part: messages::MessagePart) -> &'static str {
    match part {
        messages::MessagePart::Subject => "subject",
        messages::MessagePart::Text => "text",
        messages::MessagePart::Html => "HTML",
        messages::MessagePart::ReplyTo => "replyTo",
        messages::MessagePart::SendFrom => "sendFrom",
    }
}
