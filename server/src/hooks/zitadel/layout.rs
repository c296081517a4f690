//! A mail of Zitadel's texts: HTML that is legible in the dark, too, and the same as text.
//!
//! Texts hold what users have called themselves, so that all are escaped. What stands in a style or
//! in an address is taken only in the form that belongs there.

#[cfg(test)]
mod tests;

use std::fmt;

use smtp_connector::Literal;
use url::Url;

use crate::hooks::body::Object;
use crate::hooks::refusal::Refusal;

/// The colours where the organisation has chosen none.
const PRIMARY: Color = Color([0x1f, 0x5f, 0xbf]);
const BACKGROUND: Color = Color([0xf6, 0xf6, 0xf7]);
const FONT: Color = Color([0x20, 0x24, 0x2b]);

/// What a mail is made of. What is absent is empty.
pub(super) struct Layout<'a> {
    subject: &'a str,
    pre_header: &'a str,
    title: &'a str,
    greeting: &'a str,
    text: &'a str,
    link: Option<Url>,
    label: &'a str,
    footer: &'a str,
    logo: Option<Url>,
    primary: Color,
    background: Color,
    font: Color,
}

impl<'a> Layout<'a> {
    pub(super) fn read(data: &Object<'a>) -> Result<Self, Refusal> {
        let text = |name| data.text_or_none(name).map(Option::unwrap_or_default);
        let web = |name| data.text_or_none(name).map(|text| text.and_then(web));
        let color = |name, default| {
            let text = data.text_or_none(name)?;
            Ok::<Color, Refusal>(text.and_then(Color::read).unwrap_or(default))
        };
        Ok(Self {
            subject: data.text("subject")?,
            pre_header: text("preHeader")?,
            title: text("title")?,
            greeting: text("greeting")?,
            text: text("text")?,
            link: web("url")?,
            label: text("buttonText")?,
            footer: text("footerText")?,
            logo: web("logoUrl")?,
            primary: color("primaryColor", PRIMARY)?,
            background: color("backgroundColor", BACKGROUND)?,
            font: color("fontColor", FONT)?,
        })
    }

    pub(super) fn literal(&self) -> Literal {
        Literal::html(self.subject, self.html()).and_text(self.plain())
    }

    fn html(&self) -> String {
        let logo = self.logo.as_ref().map(Url::as_str).unwrap_or_default();
        let link = self.link.as_ref().map(Url::as_str).unwrap_or_default();
        let style = style(self.primary, self.background, self.font);
        [
            "<!doctype html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n",
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
            "<meta name=\"color-scheme\" content=\"light dark\">\n",
            &element("<title>", self.subject, "</title>"),
            &style,
            "</head>\n<body>\n",
            &element("<div style=\"display: none\">", self.pre_header, "</div>"),
            "<main>\n",
            &element("<img alt=\"\" src=\"", logo, "\">"),
            &element("<h1>", self.title, "</h1>"),
            &element("<p>", self.greeting, "</p>"),
            &element("<p>", self.text, "</p>"),
            &element("<p><a href=\"", link, "\">"),
            &element("", if link.is_empty() { "" } else { self.label() }, "</a></p>"),
            &element("<footer>", self.footer, "</footer>"),
            "</main>\n</body>\n</html>\n",
        ]
        .concat()
    }

    fn plain(&self) -> String {
        let link = self.link.as_ref().map(|link| match self.label {
            "" => link.to_string(),
            label => format!("{label}: {link}"),
        });
        let link = link.unwrap_or_default();
        let parts = [self.title, self.greeting, self.text, &link, self.footer];
        let mut plain = parts.map(str::trim).into_iter().filter(|part| !part.is_empty()).fold(
            String::new(),
            |plain, part| {
                if plain.is_empty() { part.to_owned() } else { plain + "\n\n" + part }
            },
        );
        plain.push('\n');
        plain
    }

    /// What stands on the button.
    fn label(&self) -> &str {
        match (self.label, &self.link) {
            ("", Some(link)) => link.as_str(),
            (label, _) => label,
        }
    }
}

fn style(primary: Color, background: Color, font: Color) -> String {
    let ink = primary.ink();
    format!(
        "<style>\n\
         body {{ margin: 0; padding: 32px 16px; background: {background}; color: {font}; \
         font: 16px/1.5 system-ui, \"Segoe UI\", Arial, sans-serif }}\n\
         main {{ display: block; max-width: 560px; margin: 0 auto }}\n\
         h1 {{ font-size: 24px; line-height: 1.25 }}\n\
         a {{ display: inline-block; padding: 12px 24px; border-radius: 6px; \
         background: {primary}; color: {ink}; text-decoration: none }}\n\
         img {{ max-width: 240px; height: auto }}\n\
         footer {{ font-size: 13px; opacity: 0.75 }}\n\
         @media (prefers-color-scheme: dark) {{ \
         body {{ background: #16181d; color: #e9eaec }} }}\n\
         </style>\n"
    )
}

/// A text between two pieces of HTML; nothing where there is no text.
fn element(before: &str, text: &str, after: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{before}{}{after}\n", escaped(text)) }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.trim().chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' => escaped.push_str("<br>\n"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// An address of the web; others do not belong into a mail.
fn web(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

/// A colour in red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Color([u8; 3]);

impl Color {
    /// Reads `#rgb` and `#rrggbb`.
    fn read(text: &str) -> Option<Self> {
        let digits = text.trim().strip_prefix('#')?;
        let is_number = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let number = u32::from_str_radix(digits, 16).ok().filter(|_| is_number)?;
        let [_, red, green, blue] = number.to_be_bytes();
        match digits.len() {
            // Each digit stands for two of the same: #18f is #1188ff.
            3 => Some(Self([green & 0xf, blue >> 4, blue & 0xf].map(|digit| digit * 0x11))),
            6 => Some(Self([red, green, blue])),
            _ => None,
        }
    }

    /// What is legible on it: black or white, by how bright each part of it looks.
    fn ink(self) -> Self {
        let [red, green, blue] = self.0.map(u32::from);
        let brightness = (299 * red + 587 * green + 114 * blue) / 1000;
        if brightness > 140 { Self([0; 3]) } else { Self([0xff; 3]) }
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}
