//! Takes URLs apart (RFC 3986 §3), as far as a mail configuration writes them: scheme, user
//! information, host, port, path and query.
//!
//! Faults are told without any part of the URL, for the next character may belong to a password.

use percent_encoding::percent_decode_str;

use super::host_name;
use super::numbers::port_in;

/// The parts of a URL.
#[derive(Debug, PartialEq)]
pub(super) struct Uri<'a> {
    /// The scheme in lower case, without its colon.
    pub(super) scheme: String,
    /// Whether `//` follows the scheme.
    pub(super) has_slashes: bool,
    /// The user name, decoded. Present, though empty, where only a password is.
    pub(super) user: Option<String>,
    /// Whether a password that is not empty follows the user name.
    pub(super) has_password: bool,
    /// The host without brackets; empty where there is none.
    pub(super) host: &'a str,
    /// The port.
    pub(super) port: Option<u16>,
    /// The path, empty or beginning with a slash.
    pub(super) path: &'a str,
    /// The query, as written and without its question mark.
    pub(super) query: Option<&'a str>,
    /// Whether a fragment follows, which means nothing to a server.
    pub(super) has_fragment: bool,
}

/// Why a text is no URL: a fragment that goes after the name of the key.
pub(super) type UriFault = &'static str;

impl<'a> Uri<'a> {
    /// Takes a URL apart. `//` after the scheme may be missing; whoever wants it asks for it.
    pub(super) fn parse(text: &'a str) -> Result<Self, UriFault> {
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err("holds spaces or control characters");
        }
        let (scheme, rest) =
            text.split_once(':').filter(|(scheme, _)| is_scheme(scheme)).ok_or("has no scheme")?;
        let (rest, has_slashes) =
            rest.strip_prefix("//").map_or((rest, false), |rest| (rest, true));
        let (rest, has_fragment) =
            rest.split_once('#').map_or((rest, false), |(before, _)| (before, true));
        let (before, query) =
            rest.split_once('?').map_or((rest, None), |(before, query)| (before, Some(query)));
        let (authority, path) = before.split_at(before.find('/').unwrap_or(before.len()));
        let (userinfo, server) = authority
            .rsplit_once('@')
            .map_or((None, authority), |(userinfo, server)| (Some(userinfo), server));
        let (user, has_password) = userinfo.map_or(Ok((None, false)), user_of)?;
        let (host, port) = split_port(server)?;
        let host = match host {
            "" => "",
            host => host_name::parse(host).map_err(|_| "does not name a host")?,
        };
        Ok(Self {
            scheme: scheme.to_ascii_lowercase(),
            has_slashes,
            user,
            has_password,
            host,
            port,
            path,
            query,
            has_fragment,
        })
    }

    /// Whether anything stands after the port, which a server's address has no use for.
    pub(super) fn has_tail(&self) -> bool {
        self.has_fragment
            || !matches!(self.path, "" | "/")
            || self.query.is_some_and(|query| !query.is_empty())
    }
}

/// The name and value of each field of a query, decoded.
pub(super) fn fields(query: &str) -> impl Iterator<Item = Result<(String, String), UriFault>> {
    query.split('&').filter(|field| !field.is_empty()).map(|field| {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        Ok((decode(&name.replace('+', " "))?, decode(&value.replace('+', " "))?))
    })
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

fn user_of(userinfo: &str) -> Result<(Option<String>, bool), UriFault> {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let user = decode(user)?;
    if user.contains(char::is_control) {
        return Err("holds a control character in its user name");
    }
    Ok((Some(user), !password.is_empty()))
}

fn split_port(server: &str) -> Result<(&str, Option<u16>), UriFault> {
    let colon = server.rfind(':').filter(|colon| !server[*colon..].contains(']'));
    let Some(colon) = colon else {
        return Ok((server, None));
    };
    match &server[colon + 1..] {
        "" => Ok((&server[..colon], None)),
        digits => Ok((
            &server[..colon],
            Some(port_in(digits).ok_or("has no port from 1 to 65535 after its host")?),
        )),
    }
}

fn decode(text: &str) -> Result<String, UriFault> {
    let begins_escape = |(percent, _): (usize, &str)| {
        let digits = text.as_bytes().get(percent + 1..percent + 3);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if !text.match_indices('%').all(begins_escape) {
        return Err("holds a `%` that does not begin an encoded character");
    }
    match percent_decode_str(text).decode_utf8() {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_) => Err("holds an encoded character that is not UTF-8"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_comes_apart() {
        let uri =
            Uri::parse("SMTPS://me%40a.example:pass@smtp.example.com:465/x?pool=true&a=%C3%A4+b#f");
        assert_eq!(
            uri,
            Ok(Uri {
                scheme: "smtps".into(),
                has_slashes: true,
                user: Some("me@a.example".into()),
                has_password: true,
                host: "smtp.example.com",
                port: Some(465),
                path: "/x",
                query: Some("pool=true&a=%C3%A4+b"),
                has_fragment: true,
            })
        );
        let fields: Vec<_> = fields("pool=true&a=%C3%A4+b&&c").collect();
        let field = |name: &str, value: &str| Ok((name.to_owned(), value.to_owned()));
        assert_eq!(fields, [field("pool", "true"), field("a", "ä b"), field("c", "")]);
    }

    #[test]
    fn all_parts_but_the_scheme_may_be_missing() {
        for (text, user, has_password, host, port) in [
            ("smtp:u:p@h:25", Some("u"), true, "h", Some(25)),
            ("smtp://h", None, false, "h", None),
            ("smtp://h:", None, false, "h", None),
            ("smtp://u@h", Some("u"), false, "h", None),
            ("smtp://u:@h", Some("u"), false, "h", None),
            ("smtp://:p@h", Some(""), true, "h", None),
            ("smtp://u@x.example:p@h", Some("u@x.example"), true, "h", None),
            ("smtp://[::1]:25", None, false, "::1", Some(25)),
            ("smtp://[::1]", None, false, "::1", None),
            ("smtp:?service=x", None, false, "", None),
        ] {
            let uri = Uri::parse(text).expect(text);
            assert_eq!(
                (uri.user.as_deref(), uri.has_password, uri.host, uri.port),
                (user, has_password, host, port),
                "{text}"
            );
        }
    }

    #[test]
    fn faults_are_told_without_any_part_of_the_url() {
        for (text, fault) in [
            ("smtp.example.com", "has no scheme"),
            ("//h", "has no scheme"),
            ("1a://h", "has no scheme"),
            ("smtp://h h", "holds spaces or control characters"),
            ("smtp://h:0", "has no port from 1 to 65535 after its host"),
            ("smtp://h:99999", "has no port from 1 to 65535 after its host"),
            ("smtp://u:p/w@h", "has no port from 1 to 65535 after its host"),
            ("smtp://%zz@h", "holds a `%` that does not begin an encoded character"),
            ("smtp://%+f@h", "holds a `%` that does not begin an encoded character"),
            ("smtp://u%4@h", "holds a `%` that does not begin an encoded character"),
            ("smtp://%ff@h", "holds an encoded character that is not UTF-8"),
            ("smtp://Ren%E9@h", "holds an encoded character that is not UTF-8"),
            ("smtp://u%0d%0a@h", "holds a control character in its user name"),
            ("smtp://a,b", "does not name a host"),
        ] {
            assert_eq!(Uri::parse(text), Err(fault), "{text}");
        }
    }
}
