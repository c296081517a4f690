//! One message, as the program asks for it.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use smtp_connector::{Literal, Request, TemplateOverride};

use crate::border::misuse;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Shape {
    to: String,
    #[serde(rename = "type")]
    usage_type: String,
    payload: Option<Box<RawValue>>,
    locale: Option<String>,
    template: Option<TemplateOverride>,
    literal: Option<Rendered>,
    message_id: Option<String>,
}

/// Content that the program has rendered itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rendered {
    subject: String,
    text: Option<String>,
    html: Option<String>,
}

impl Rendered {
    fn literal(self) -> napi::Result<Literal> {
        match (self.text, self.html) {
            (Some(text), None) => Ok(Literal::text(self.subject, text)),
            (None, Some(html)) => Ok(Literal::html(self.subject, html)),
            (Some(text), Some(html)) => Ok(Literal::html(self.subject, html).and_text(text)),
            (None, None) => Err(misuse("`literal` has neither `text` nor `html`")),
        }
    }
}

/// Reads a request from JSON.
pub(crate) fn read(json: &str) -> napi::Result<Request> {
    let shape: Shape = serde_json::from_str(json).map_err(misuse)?;
    let mut request = Request::new(shape.usage_type, shape.to);
    if let Some(payload) = shape.payload {
        request = request.payload_text(payload.get());
    }
    if let Some(locale) = shape.locale {
        request = request.locale(locale);
    }
    if let Some(message_id) = shape.message_id {
        request = request.message_id(message_id);
    }
    match (shape.template, shape.literal) {
        (None, None) => Ok(request),
        (Some(template), None) => Ok(request.template(template)),
        (None, Some(rendered)) => Ok(request.literal(rendered.literal()?)),
        (Some(_), Some(_)) => Err(misuse("`template` and `literal` exclude each other")),
    }
}

/// Reads how many milliseconds a message may take.
pub(crate) fn deadline(milliseconds: f64) -> napi::Result<Duration> {
    let refused = || misuse("`deadline` is no number of milliseconds");
    Duration::try_from_secs_f64(milliseconds / 1000.0).map_err(|_| refused())
}
