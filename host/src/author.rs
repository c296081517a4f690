//! Who may be the author of a message: whom the configuration or the caller's template names.
//!
//! The component writes the mailbox, and the host sees to it that its address is one of theirs.

use crate::address::Address;
use crate::error::{Error, ErrorKind, Result};
use crate::request::TemplateOverride;

/// The addresses that may stand in `From`.
#[derive(Debug)]
pub(crate) struct Authors {
    /// What stands in the configuration's `fromEmail`.
    named: Vec<Token>,
    /// The domains in which a template may make addresses of its own.
    domains: Vec<String>,
}

impl Authors {
    /// Reads `fromEmail`; a template may make addresses of its own in these domains.
    pub(crate) fn of(from_email: &str, domains: Vec<String>) -> Self {
        Self { named: tokens(from_email, false), domains }
    }

    /// Refuses an author whom neither the configuration names nor, where there is one, the
    /// caller's template.
    pub(crate) fn admit(&self, from: &str, template: Option<&TemplateOverride>) -> Result<()> {
        let address = Address::parse("from", from)?;
        if self.named.iter().any(|token| address.is(&token.text)) {
            return Ok(());
        }
        let Some(send_from) = template.and_then(|template| template.send_from.as_deref()) else {
            let domain = address.ascii_domain();
            let message = format!(
                "the component writes as an author in `{domain}` whom `fromEmail` does not name"
            );
            return Err(Error::new(ErrorKind::Component, message));
        };
        let named = tokens(send_from, true);
        if named.iter().any(|token| token.may_be(&address)) {
            return Ok(());
        }
        let is_open = named.iter().any(Token::has_open_domain)
            || named.iter().any(Token::is_made) && !named.iter().any(Token::has_at);
        if is_open && self.domains.iter().any(|domain| address.is_in(domain)) {
            return Ok(());
        }
        Err(unnamed(address.ascii_domain(), is_open))
    }
}

/// The error of an author whom `sendFrom` does not name.
fn unnamed(domain: &str, is_open: bool) -> Error {
    if !is_open {
        let message = format!(
            "the component writes as an author in `{domain}` whom neither `fromEmail` nor \
             `sendFrom` names"
        );
        return Error::new(ErrorKind::Component, message);
    }
    let message = format!(
        "the placeholders of `sendFrom` make an author in `{domain}`, a domain in which they may \
         make none"
    );
    Error::new(ErrorKind::Address, message).with_hint(
        "Write the domain in `sendFrom`, as in `{{user}}@example.com`; a program that embeds this \
         library can allow domains by `Options::author_domains`.",
    )
}

/// What stands between blanks, brackets and separators in a mailbox or a list of them.
#[derive(Debug, Default)]
struct Token {
    /// Placeholders left out.
    text: String,
    /// Where the placeholders stood.
    placeholders: Vec<usize>,
}

impl Token {
    fn is_made(&self) -> bool {
        !self.placeholders.is_empty()
    }

    fn has_at(&self) -> bool {
        self.text.contains('@')
    }

    /// Whether the domain is an address literal (RFC 5321 §4.1.3), which has colons of its own.
    fn is_literal(&self) -> bool {
        self.text.rsplit_once('@').is_some_and(|(_, domain)| domain.starts_with('['))
    }

    /// Whether a placeholder makes the domain, or a part of it.
    fn has_open_domain(&self) -> bool {
        let at = self.text.rfind('@');
        at.is_some_and(|at| self.placeholders.iter().any(|place| *place > at))
    }

    /// Whether it is this address, or makes one in its domain.
    fn may_be(&self, address: &Address) -> bool {
        match self.text.rsplit_once('@') {
            Some((_, domain)) if self.is_made() => {
                !self.has_open_domain() && address.is_in(domain.trim())
            }
            _ => address.is(&self.text),
        }
    }
}

/// The tokens of a text, with quoted strings whole and comments left out (RFC 5322 §3.2.2); in a
/// template the tags of blocks and comments divide them, too.
fn tokens(text: &str, is_template: bool) -> Vec<Token> {
    let mut tokens = vec![Token::default()];
    let (mut rest, mut in_brackets, mut depth, mut in_quotes) = (text, false, 0_usize, false);
    while let Some(c) = rest.chars().next() {
        if is_template && let Some((tag, behind)) = Tag::first(rest) {
            rest = behind;
            match tokens.last_mut() {
                Some(token) if tag.is_value() => token.placeholders.push(token.text.len()),
                _ => tokens.push(Token::default()),
            }
            continue;
        }
        rest = &rest[c.len_utf8()..];
        let escaped = rest.chars().next().filter(|_| c == '\\' && (in_quotes || depth > 0));
        rest = &rest[escaped.map_or(0, char::len_utf8)..];
        let divides = match c {
            '"' if depth == 0 => {
                in_quotes = !in_quotes;
                false
            }
            _ if in_quotes => false,
            '(' => {
                depth += 1;
                continue;
            }
            ')' => {
                depth = depth.saturating_sub(1);
                continue;
            }
            _ if depth > 0 => continue,
            '<' | '>' => {
                in_brackets = c == '<';
                true
            }
            // Between brackets all is one address.
            _ if in_brackets => false,
            ':' => !tokens.last().is_some_and(Token::is_literal),
            c => c.is_whitespace() || matches!(c, ',' | ';'),
        };
        match tokens.last_mut() {
            Some(token) if !divides => token.text.extend([c].into_iter().chain(escaped)),
            _ => tokens.push(Token::default()),
        }
    }
    for token in &mut tokens {
        if !token.is_made() {
            token.text = token.text.trim().to_owned();
        }
    }
    tokens.retain(|token| token.is_made() || !token.text.is_empty());
    tokens
}

/// A tag of a template, without its braces.
struct Tag<'t>(&'t str);

impl<'t> Tag<'t> {
    /// The tag that a text begins with, and what is behind it.
    fn first(text: &'t str) -> Option<(Self, &'t str)> {
        let inner = text.strip_prefix("{{")?;
        let end = inner.find("}}")? + 2;
        // The third brace of a raw value.
        let end = if inner[end..].starts_with('}') { end + 1 } else { end };
        Some((Self(&inner[..end]), &inner[end..]))
    }

    /// Whether it leaves a value in its place.
    fn is_value(&self) -> bool {
        let inner =
            self.0.trim_matches(|c: char| matches!(c, '{' | '}' | '~') || c.is_whitespace());
        let is_block = inner.starts_with(['#', '/', '^', '!', '>']);
        !is_block && inner.split_whitespace().next() != Some("else")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authors(from_email: &str) -> Authors {
        Authors::of(from_email, vec!["Allowed.Test".to_owned()])
    }

    fn template(send_from: &str) -> TemplateOverride {
        TemplateOverride {
            subject: String::new(),
            content: String::new(),
            content_type: None,
            reply_to: None,
            send_from: Some(send_from.to_owned()),
        }
    }

    #[test]
    fn an_author_is_one_that_the_configuration_names() {
        for (from_email, from) in [
            ("a@acme.test", "a@acme.test"),
            ("a@Acme.Test", "a@acme.test"),
            ("Acme <a@acme.test>", "a@acme.test"),
            ("Acme <\ta@acme.test >", "a@acme.test"),
            ("a@acme.test (Acme (the) one)", "a@acme.test"),
            ("a(x)@acme.test", "a@acme.test"),
            ("mailto:a@acme.test", "a@acme.test"),
            ("Acme: a@acme.test", "a@acme.test"),
            ("a@bücher.test", "a@xn--bcher-kva.test"),
            ("jörg@xn--bcher-kva.test", "jörg@bücher.test"),
            ("a..b@acme.test", "\"a..b\"@acme.test"),
            ("<two words@acme.test>", "\"two words\"@acme.test"),
            ("@acme.test", "\"\"@acme.test"),
            ("\"x@evil.test y\"@acme.test", "\"x@evil.test y\"@acme.test"),
            ("\"a\\\"b\"@acme.test", "\"a\\\"b\"@acme.test"),
            ("a@[IPv6:2001:db8::1]", "a@[IPv6:2001:db8::1]"),
            ("{{a}}@acme.test", "{{a}}@acme.test"),
        ] {
            let admitted = authors(from_email).admit(from, None);
            assert!(admitted.is_ok(), "{from_email} {from}: {admitted:?}");
        }
        for (from_email, from, domain) in [
            ("a@acme.test", "b@acme.test", "acme.test"),
            ("a@acme.test", "A@acme.test", "acme.test"),
            ("aa@acme.test", "a@acme.test", "acme.test"),
            ("a@acme.test.evil.test", "a@acme.test", "acme.test"),
            ("a@sub.acme.test", "a@acme.test", "acme.test"),
            ("\"eve@evil.test\" <a@acme.test>", "eve@evil.test", "evil.test"),
            ("a@acme.test (eve@evil.test)", "eve@evil.test", "evil.test"),
            ("{{a}}@acme.test", "b@acme.test", "acme.test"),
            ("", "a@allowed.test", "allowed.test"),
        ] {
            let error = authors(from_email).admit(from, None).expect_err(from);
            let expected = format!(
                "the component writes as an author in `{domain}` whom `fromEmail` does not name"
            );
            assert_eq!((error.kind(), error.to_string()), (ErrorKind::Component, expected));
        }
    }

    #[test]
    fn a_template_of_the_caller_names_further_authors() {
        for (send_from, from) in [
            ("{{app}} <b@acme.test>", "b@acme.test"),
            ("{{app}} <b@acme.test>", "a@acme.test"),
            ("{{user}}@mail.test", "jo@mail.test"),
            ("App <{{{ user.name }}}-x@Mail.Test>", "jo-x@mail.test"),
            ("\"{{app}}\" <{{user}}@bücher.test>", "jo@xn--bcher-kva.test"),
            ("{{#if vip}}v@acme.test{{else}}{{user}}@mail.test{{/if}}", "v@acme.test"),
            ("{{#if vip}}v@acme.test{{else}}{{user}}@mail.test{{/if}}", "jo@mail.test"),
            ("{{~! a note}} b@acme.test", "b@acme.test"),
            ("{{sender}}", "x@allowed.test"),
            ("{{app}} <{{sender}}>", "x@allowed.test"),
            ("x@{{tenant}}.test", "x@allowed.test"),
        ] {
            let admitted = authors("a@acme.test").admit(from, Some(&template(send_from)));
            assert!(admitted.is_ok(), "{send_from} {from}: {admitted:?}");
        }
        let (component, address) = (ErrorKind::Component, ErrorKind::Address);
        for (send_from, from, kind) in [
            ("{{app}} <b@acme.test>", "c@acme.test", component),
            ("{{app}} <b@acme.test>", "c@allowed.test", component),
            ("{{user}}@mail.test", "jo@mail.test.evil.test", component),
            ("{{user}}@mail.test", "jo@evil.test", component),
            ("{{sender}}", "x@evil.test", address),
            ("{{sender}}", "x@sub.allowed.test", address),
            ("x@{{tenant}}.test", "x@evil.test", address),
        ] {
            let refused = authors("a@acme.test").admit(from, Some(&template(send_from)));
            let error = refused.expect_err(send_from);
            let domain = from.rsplit('@').next().expect("a domain");
            assert_eq!(error.kind(), kind, "{send_from} {from}: {error}");
            assert!(error.to_string().contains(&format!("`{domain}`")), "{error}");
        }
    }
}
