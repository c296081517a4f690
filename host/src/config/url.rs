//! The URLs of a configuration (`url`, `proxy`, `auth.accessUrl`), as far as the host reads them
//! itself.

use std::ops::Range;

/// The parts of `scheme://user:password@host:port/…`; `//` may be missing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Url<'a> {
    pub(super) scheme: &'a str,
    /// Whether there is user information at all.
    pub(super) has_userinfo: bool,
    /// The password's place in the text, where there is one that is not empty.
    pub(super) password: Option<Range<usize>>,
    pub(super) host: &'a str,
    pub(super) port: Option<u16>,
    /// The query, without its question mark: it ends the text.
    pub(super) query: &'a str,
}

impl<'a> Url<'a> {
    /// Reads a URL; none where the text has no scheme.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let (scheme, rest) = text.split_once(':')?;
        let is_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        if scheme.is_empty() || !scheme.chars().all(is_scheme) {
            return None;
        }
        // `user:password@host` without a scheme reads like one: then all of its user information is
        // secret.
        let no_scheme = !rest.starts_with("//") && !["smtp", "smtps", "direct"].contains(&scheme);
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let start = text.len() - rest.len();
        // A password that should have been encoded may hold any delimiter: better to take too much
        // for it than to leave a part of it in the open.
        let before_query = rest.split('?').next().unwrap_or_default();
        let at = before_query.rfind('@').or_else(|| rest.rfind('@'));
        let (userinfo, after) = match at {
            Some(at) => (&rest[..at], &rest[at + 1..]),
            None => ("", rest),
        };
        let password = match userinfo.find(':') {
            None if no_scheme => Some(start..start + userinfo.len()),
            colon => colon.map(|colon| start + colon + 1..start + userinfo.len()),
        };
        let (authority, query) = after.split_once('?').unwrap_or((after, ""));
        let authority = authority.split(['/', '#']).next().unwrap_or_default();
        let (host, port) = host_and_port(authority);
        let password = password.filter(|range| !range.is_empty());
        Some(Self { scheme, has_userinfo: !userinfo.is_empty(), password, host, port, query })
    }
}

impl Url<'_> {
    /// The decoded value of a key of the query.
    pub(super) fn query_value(&self, key: &str) -> Option<String> {
        let query = self.query.split('#').next().unwrap_or_default();
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .filter(|(name, _)| percent_decode(name) == key)
            .map(|(_, value)| percent_decode(value))
            .next()
    }
}

/// Splits `host:port`, `[v6]:port` and bare hosts.
fn host_and_port(authority: &str) -> (&str, Option<u16>) {
    if let Some((host, rest)) = authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (host, rest.strip_prefix(':').and_then(|port| port.parse().ok()));
    }
    match authority.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()),
        None => (authority, None),
    }
}

/// Decodes `%XX`; what is not a valid escape stays.
pub(super) fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escape =
            tail.get(..2).filter(|_| first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match escape.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_url_is_taken_apart() {
        let cases = [
            (
                "smtp://u:p%40@mx.test:25/?a=b@c",
                Some(("smtp", Some("p%40"), "mx.test", Some(25), "a=b@c")),
            ),
            ("smtps:u:p@h:465", Some(("smtps", Some("p"), "h", Some(465), ""))),
            ("smtp://u:p/a@s@h", Some(("smtp", Some("p/a@s"), "h", None, ""))),
            ("smtp://u:p?w@h", Some(("smtp", Some("p?w"), "h", None, ""))),
            ("socks5://[::1]:1080", Some(("socks5", None, "::1", Some(1080), ""))),
            ("http://u@proxy", Some(("http", None, "proxy", None, ""))),
            ("http://u:@proxy", Some(("http", None, "proxy", None, ""))),
            ("u:p@proxy:3128", Some(("u", Some("p"), "proxy", Some(3128), ""))),
            ("mx.test", None),
        ];
        for (text, expected) in cases {
            let url = Url::read(text);
            let found = url.as_ref().map(|url| {
                (
                    url.scheme,
                    url.password.clone().map(|range| &text[range]),
                    url.host,
                    url.port,
                    url.query,
                )
            });
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn escapes_are_decoded_and_what_is_none_stays() {
        for (text, expected) in
            [("a%40b", "a@b"), ("100%", "100%"), ("%zz%2", "%zz%2"), ("%C3%A9", "é")]
        {
            assert_eq!(percent_decode(text), expected);
        }
    }
}
