//! The URLs of a configuration: what in them is a secret, and what they say once it is gone.
//!
//! The two are read apart. Where a password begins and ends is read generously, for whoever wrote
//! it may have left delimiters in it; what the masked URL says is read strictly, as the component
//! does.

use std::ops::Range;

use percent_encoding::percent_decode_str;

use super::secret_names;
use crate::host::Host;

/// What a text holds that may not be shown, if it is a URL.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Confidential {
    /// Whether there is user information at all.
    pub(super) has_userinfo: bool,
    /// Where the secrets stand, in order: the password, and values of the query.
    pub(super) secrets: Vec<Range<usize>>,
}

impl Confidential {
    /// Looks into a text; into one without a scheme it does not.
    pub(super) fn find(text: &str) -> Self {
        scheme_and_rest(text).map_or_else(Self::default, |parts| Self::find_in(text, parts).0)
    }

    /// Looks into a text that stands where nothing but a URL belongs, and into one without a scheme
    /// as well: `me@a.test:password@host` and `//user:password@host` are as secret, and so is
    /// `user:password` with the server left out.
    pub(super) fn find_in_url(text: &str) -> Self {
        let parts = scheme_and_rest(text);
        let (mut found, rest) = Self::find_in(text, parts.unwrap_or(("", text)));
        // What stands ahead of the first colon is meant for a scheme, whatever it is, where `//`
        // follows.
        let is_scheme = |(scheme, rest): &(&str, &str)| is_scheme_of(scheme, rest);
        let meant = || text.split_once(':').filter(|(_, rest)| rest.starts_with("//"));
        let rest = if found.has_userinfo {
            rest.strip_prefix('@').unwrap_or(rest)
        } else {
            let rest = parts.filter(is_scheme).or_else(meant).map_or(text, |(_, rest)| rest);
            rest.strip_prefix("//").unwrap_or(rest)
        };
        if let Some(at) = serverless_password(rest) {
            // It ends where the text does, with whatever else is secret there.
            let at = text.len() - rest.len() + at;
            let ahead = found.secrets.iter().position(|secret| secret.end > at);
            let behind = found.secrets.split_off(ahead.unwrap_or(found.secrets.len()));
            let start = behind.first().map_or(at, |first| first.start.min(at));
            found.secrets.push(start..text.len());
            found.has_userinfo = true;
        }
        found
    }

    /// Looks into the parts of a text; gives what follows the user information, too.
    fn find_in<'a>(text: &str, (scheme, rest): (&str, &'a str)) -> (Self, &'a str) {
        // `user:password@host` without a scheme reads like one: then all of its user information is
        // secret.
        let no_scheme = !is_scheme_of(scheme, rest);
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let start = text.len() - rest.len();
        let userinfo = userinfo(rest);
        let password = match userinfo.find(':') {
            None if no_scheme => Some(start..start + userinfo.len()),
            colon => colon.map(|colon| start + colon + 1..start + userinfo.len()),
        };
        let mut secrets: Vec<_> = password.filter(|range| !range.is_empty()).into_iter().collect();
        let behind = &rest[userinfo.len()..];
        if let Some((before, query)) = behind.split_once('?') {
            secrets.extend(secrets_in_query(query, start + userinfo.len() + before.len() + 1));
        }
        (Self { has_userinfo: !userinfo.is_empty(), secrets }, behind)
    }
}

/// The user information, which ends at an `@`. A password that should have been encoded may hold
/// any delimiter: better to take too much for it than to leave a part of it in the open, unless a
/// server stands before the `?` and a field of the query is what holds the `@`.
fn userinfo(rest: &str) -> &str {
    let (before_query, query) = rest.split_once('?').unwrap_or((rest, ""));
    let end = before_query.rfind('@').or_else(|| {
        let end = query.rfind('@')?;
        let is_in_field = query[..end].rsplit('&').next().is_some_and(|field| field.contains('='));
        let is_in_password = !(is_in_field && is_server(before_query));
        is_in_password.then_some(before_query.len() + 1 + end)
    });
    &rest[..end.unwrap_or_default()]
}

/// Where something that may be a password begins in what follows the scheme and the user
/// information: somebody may have left out the server, or the `@` ahead of it. It is what follows
/// the first colon, or where a server stands, the first colon of the path.
fn serverless_password(rest: &str) -> Option<usize> {
    let before_query = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) =
        before_query.split_at(before_query.find('/').unwrap_or(before_query.len()));
    let is_host = |host: &str| host.is_empty() || host.parse::<Host>().is_ok();
    let colon = match host_and_port(authority).is_some_and(|(host, _)| is_host(host)) {
        true => authority.len() + path.find(':')?,
        false => rest.find(':')?,
    };
    (colon + 1 < rest.len()).then_some(colon + 1)
}

/// Whether a host stands here, with a port, if any, and nothing else ahead of a path.
fn is_server(text: &str) -> bool {
    let authority = text.split(['/', '#']).next().unwrap_or_default();
    host_and_port(authority).is_some_and(|(host, _)| host.parse::<Host>().is_ok())
}

/// Where the query, which stands at `start`, holds values that are secrets by name.
fn secrets_in_query(query: &str, mut start: usize) -> Vec<Range<usize>> {
    let mut secrets = Vec::new();
    for pair in query.split('&') {
        if let Some((name, value)) = pair.split_once('=') {
            let name = percent_decode_str(name).decode_utf8_lossy();
            let last = name.rsplit('.').next().unwrap_or_default();
            let value_read = percent_decode_str(value).decode_utf8_lossy();
            let is_login = last == "proxy"
                && (value_read.contains('@')
                    || Confidential::find_in_url(&value_read).has_userinfo);
            let is_secret = secret_names::contain(last) || last == "key" || is_login;
            if is_secret && !value.is_empty() {
                secrets.push(start + pair.len() - value.len()..start + pair.len());
            }
        }
        start += pair.len() + 1;
    }
    secrets
}

/// The parts of `scheme://user:password@host:port?query` (RFC 3986 §3); `//` may be missing, and a
/// path or a fragment means nothing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Url<'a> {
    /// The scheme in lower case.
    pub(super) scheme: String,
    /// The user, decoded: there, though empty, where only a password is.
    pub(super) user: Option<String>,
    /// Whether there is a password that is not empty.
    pub(super) has_password: bool,
    /// The host as written, without brackets; empty where there is none.
    pub(super) host: &'a str,
    /// The port.
    pub(super) port: Option<u16>,
    /// The query, as written and without its question mark.
    pub(super) query: &'a str,
}

impl<'a> Url<'a> {
    /// Reads a URL.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (scheme, rest) = scheme_and_rest(text)?;
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let rest = rest.split('#').next().unwrap_or_default();
        let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
        let authority = before.split('/').next().unwrap_or_default();
        let (userinfo, server) = match authority.rsplit_once('@') {
            Some((userinfo, server)) => (Some(userinfo), server),
            None => (None, authority),
        };
        let (user, password) = match userinfo {
            Some(userinfo) => userinfo.split_once(':').unwrap_or((userinfo, "")),
            None => ("", ""),
        };
        let user = percent_decode_str(user).decode_utf8().ok()?.into_owned();
        let (host, port) = host_and_port(server)?;
        Some(Self {
            scheme: scheme.to_ascii_lowercase(),
            user: userinfo.map(|_| user),
            has_password: !password.is_empty(),
            host,
            port,
            query,
        })
    }
}

fn scheme_and_rest(text: &str) -> Option<(&str, &str)> {
    text.split_once(':').filter(|(scheme, _)| is_scheme(scheme))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

/// Whether a scheme is one, judged by what follows it: in `user:password` none is.
fn is_scheme_of(scheme: &str, rest: &str) -> bool {
    !scheme.is_empty() && (rest.starts_with("//") || ["smtp", "smtps", "direct"].contains(&scheme))
}

/// Splits `host:port`, `[v6]:port` and bare hosts; none where what follows the colon is no port.
fn host_and_port(server: &str) -> Option<(&str, Option<u16>)> {
    let colon = server.rfind(':').filter(|colon| !server[*colon..].contains(']'));
    let (host, port) = colon.map_or((server, ""), |colon| (&server[..colon], &server[colon + 1..]));
    let port = match port {
        "" => None,
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(digits.parse().ok().filter(|port| *port > 0)?)
        }
        _ => return None,
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    Some((bare.unwrap_or(host), port))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_follows_a_user_and_a_colon_is_secret_whatever_stands_around_it(
            before in "(smtps?:)?[smtp:/.*! @\\[\\]a1-]{0,12}",
            user in "[^/?#@:]{1,8}",
            behind in "[smtp:/.?#&= @\\[\\]a1-]{0,12}",
        ) {
            // The first `//` is the one ahead of the user.
            let before = before.replace("//", "/");
            let before = before.trim_end_matches('/');
            let text = format!("{before}//{user}:c4n4ry{behind}");
            let mark = before.len() + "//".len() + user.len() + 1;
            let found = Confidential::find_in_url(&text);
            let hides = |secret: &Range<usize>| secret.start <= mark && secret.end >= mark + 6;
            prop_assert!(found.secrets.iter().any(hides), "{text}: {found:?}");
        }

        #[test]
        fn secrets_stand_in_order_and_apart(
            text in "((smtps?|x|socks5)?:?//)?([a1:@/.?&=\\[]|pass=|proxy=|tls\\.key=|%40|%3A){0,14}",
        ) {
            for found in [Confidential::find(&text), Confidential::find_in_url(&text)] {
                let mut end = 0;
                for secret in &found.secrets {
                    prop_assert!(end <= secret.start && secret.start < secret.end, "{found:?}");
                    prop_assert!(text.get(secret.clone()).is_some(), "{found:?}");
                    end = secret.end;
                }
            }
        }
    }

    /// Whether there is user information, and the texts that are secret.
    fn shown(text: &str, found: Confidential) -> (bool, Vec<&str>) {
        (found.has_userinfo, found.secrets.into_iter().map(|range| &text[range]).collect())
    }

    #[test]
    fn a_password_is_found_whole_and_nothing_else_is_taken_for_one() {
        for (text, has_userinfo, secrets) in [
            ("smtp://u:p%40@mx.test:25/?a=b@c", true, vec!["p%40"]),
            ("smtps:u:p@h:465", true, vec!["p"]),
            ("smtp://u:p/a@s@h", true, vec!["p/a@s"]),
            ("smtp://u:p?w@h", true, vec!["p?w"]),
            ("smtp://u:p#w@h", true, vec!["p#w"]),
            ("smtp://u:12/3@h", true, vec!["12/3"]),
            ("smtp://u:12?3@h", true, vec!["12?3"]),
            ("socks5://[::1]:1080", false, vec![]),
            ("http://u@proxy", true, vec![]),
            ("http://u:@proxy", true, vec![]),
            ("u:p@proxy:3128", true, vec!["p"]),
            ("u:3128", false, vec![]),
            ("mx.test", false, vec![]),
            ("smtp://h?tls.servername=a@b", false, vec![]),
            ("smtp://h:25?from=a@b", false, vec![]),
            ("smtp://h/x?from=a@b", false, vec![]),
            ("smtp://h#a@b", true, vec![]),
            ("smtp://[::1]:25?service=jo@gmail.com", false, vec![]),
            ("smtp://u:p@h?from=a@b", true, vec!["p"]),
            ("smtps://h?tls.passphrase=w&a=b", false, vec!["w"]),
            (
                "smtp://u:p@h?tls.key=k&proxy=http%3A%2F%2Fx%40y",
                true,
                vec!["p", "k", "http%3A%2F%2Fx%40y"],
            ),
        ] {
            assert_eq!(shown(text, Confidential::find(text)), (has_userinfo, secrets), "{text}");
        }
    }

    #[test]
    fn where_a_url_belongs_it_is_looked_into_without_its_scheme() {
        for (text, has_userinfo, secrets) in [
            ("//u:p@h:1", true, vec!["p"]),
            ("s//5:u:p@h:1", true, vec!["u:p"]),
            ("me@a.test:p@h", true, vec!["p"]),
            ("1u:p@h", true, vec!["p"]),
            ("//p@h", true, vec!["p"]),
            ("p@h", true, vec!["p"]),
            ("u:p@h", true, vec!["p"]),
            ("http://u:p@h", true, vec!["p"]),
            ("//h:1", false, vec![]),
            ("proxy.test", false, vec![]),
            ("jo:hunter2", true, vec!["hunter2"]),
            ("smtp://jo:hunter2", true, vec!["hunter2"]),
            ("smtps:jo:hun/ter2?a=b", true, vec!["hun/ter2?a=b"]),
            ("smtpse}}jo:p/?pool=true", true, vec!["p/?pool=true"]),
            ("smtp://jo:hunter2.mx.test:465", true, vec!["hunter2.mx.test:465"]),
            ("5ocks://jo:hunter2.proxy:1080", true, vec!["hunter2.proxy:1080"]),
            ("5ocks://proxy.test:1080", false, vec![]),
            ("http//jo:hunter2", true, vec!["hunter2"]),
            ("5!:*//jo:hunter2://mx.test:25", true, vec!["*//jo:hunter2://mx.test:25"]),
            ("smtp://u:p@jo:hunter2/x?a=b", true, vec!["p", "hunter2/x?a=b"]),
            ("smtp://u:p@h:25/x", true, vec!["p"]),
            ("x}?pass=a:b&y=c", true, vec!["a:b&y=c"]),
            ("smtps:/x/y//jo:hunter2.test:465/?a=b", true, vec!["hunter2.test:465/?a=b"]),
            ("smtp:mx.test/x//jo:hunter2", true, vec!["hunter2"]),
            ("smtp://mx.test/jo:hunter2?a=b", true, vec!["hunter2?a=b"]),
            ("smtp://[::1]:25/x?a=b:c", false, vec![]),
            ("smtp://h?proxy=http%3A%2F%2Fjo%3Aw", false, vec!["http%3A%2F%2Fjo%3Aw"]),
            ("smtp://h?proxy=http://proxy.test:3128", false, vec![]),
            ("smtp://h/x?tls.servername=a:b", false, vec![]),
            ("smtp:?service=x", false, vec![]),
            ("smtp://[::1]:25/?a=b", false, vec![]),
            ("proxy.test:3128", false, vec![]),
        ] {
            let found = shown(text, Confidential::find_in_url(text));
            assert_eq!(found, (has_userinfo, secrets), "{text}");
        }
    }

    #[test]
    fn a_url_comes_apart() {
        let url = |scheme: &str, user: Option<&str>, has_password, host, port, query| {
            let (scheme, user) = (scheme.to_owned(), user.map(str::to_owned));
            Some(Url { scheme, user, has_password, host, port, query })
        };
        for (text, expected) in [
            (
                "SMTPS://me%40a:p@mx.test:465/x?a=b#f",
                url("smtps", Some("me@a"), true, "mx.test", Some(465), "a=b"),
            ),
            ("smtp:u:p@h:25", url("smtp", Some("u"), true, "h", Some(25), "")),
            ("smtp://h:", url("smtp", None, false, "h", None, "")),
            ("smtp://:p@h", url("smtp", Some(""), true, "h", None, "")),
            ("smtp://u:@h", url("smtp", Some("u"), false, "h", None, "")),
            ("smtp://u@x:p@h", url("smtp", Some("u@x"), true, "h", None, "")),
            ("socks5://[::1]:1080", url("socks5", None, false, "::1", Some(1080), "")),
            (
                "smtp://h?tls.servername=a@b",
                url("smtp", None, false, "h", None, "tls.servername=a@b"),
            ),
            ("smtp://h?a=b#c?d", url("smtp", None, false, "h", None, "a=b")),
            ("smtp:?service=x", url("smtp", None, false, "", None, "service=x")),
            ("smtp://%+f@h", url("smtp", Some("%+f"), false, "h", None, "")),
            ("smtp://%E9@h", None),
            ("smtp://h:0", None),
            ("smtp://h:+25", None),
            ("smtp://h:x", None),
            ("mx.test", None),
            ("1a://h", None),
        ] {
            assert_eq!(Url::parse(text), expected, "{text}");
        }
    }
}
