//! The content of a mail as a MIME entity (RFC 2045, RFC 2046), built with lettre.
//!
//! What lettre leaves open is settled here: line ends, control characters, the boundary between the
//! parts, and the one CRLF at the end.

use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Body, MultiPart, SinglePart};

use super::prepare::{refusal, token, within_bound};
use crate::error::Result;

/// The Content fields, one blank line and the content, which ends in CRLF.
pub(crate) fn entity(text: Option<&str>, html: Option<&str>) -> Result<Vec<u8>> {
    match (text, html) {
        (None, None) => Err(refusal("the message has neither text nor HTML")),
        (Some(text), None) => Ok(single(&part(ContentType::TEXT_PLAIN, text)?)),
        (None, Some(html)) => Ok(single(&part(ContentType::TEXT_HTML, html)?)),
        (Some(text), Some(html)) => Ok(MultiPart::alternative()
            .boundary(token()?)
            .singlepart(part(ContentType::TEXT_PLAIN, text)?)
            .singlepart(part(ContentType::TEXT_HTML, html)?)
            .formatted()),
    }
}

/// A part that is the whole entity. lettre would end it with a blank line.
fn single(part: &SinglePart) -> Vec<u8> {
    let mut bytes = format!("{}\r\n", part.headers()).into_bytes();
    bytes.extend_from_slice(part.raw_body());
    if !bytes.ends_with(b"\r\n") {
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

fn part(content_type: ContentType, content: &str) -> Result<SinglePart> {
    within_bound(content.len())?;
    if content.contains('\0') {
        return Err(refusal("the content holds NUL"));
    }
    Ok(SinglePart::builder().header(content_type).body(encode(with_crlf(content))?))
}

/// Encodes content as lettre thinks best, but sends no control character as it is: some relays
/// change or refuse them.
fn encode(content: String) -> Result<Body> {
    let has_controls =
        content.bytes().any(|byte| byte.is_ascii_control() && !b"\r\n\t".contains(&byte));
    if has_controls && content.is_ascii() {
        return Body::new_with_encoding(content, ContentTransferEncoding::QuotedPrintable)
            .map_err(|_| refusal("the content cannot be encoded"));
    }
    Ok(Body::new(content))
}

/// Turns each line end, be it CRLF, CR or LF, into CRLF: a lone CR or LF could end the mail early
/// on some server.
fn with_crlf(content: &str) -> String {
    let mut lines = String::with_capacity(content.len() + content.len() / 32);
    let mut rest = content;
    while let Some((line, tail)) = rest.split_once(['\r', '\n']) {
        lines.extend([line, "\r\n"]);
        let was_cr = rest.as_bytes()[line.len()] == b'\r';
        rest = tail.strip_prefix('\n').filter(|_| was_cr).unwrap_or(tail);
    }
    lines + rest
}
