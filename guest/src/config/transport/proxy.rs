//! The key `proxy`: the URL of an HTTP or SOCKS proxy on the way to the server.

use serde_json::Value;

use super::plan::{Endpoint, Proxy, ProxyProtocol, Secret};
use crate::config::uri::Uri;
use crate::config::{Object, wrong_type};
use crate::findings::Findings;

/// IANA's port for SOCKS.
const SOCKS_PORT: u16 = 1080;

/// Reads the key. `false` and the empty string mean no proxy.
pub(super) fn read(root: &mut Object<'_>, findings: &mut Findings) -> Option<Proxy> {
    let pointer = root.pointer_to("proxy");
    match root.value("proxy")? {
        Value::Bool(false) => None,
        Value::String(url) if url.is_empty() => None,
        Value::String(url) => proxy(url, pointer, findings),
        other => {
            wrong_type(&pointer, "the URL of a proxy, or false", other, findings);
            None
        }
    }
}

fn proxy(text: &str, pointer: String, findings: &mut Findings) -> Option<Proxy> {
    let (uri, protocol, default_port) = match parse(text) {
        Ok(parts) => parts,
        Err((code, message)) => {
            findings.error(pointer, code, message).help(
                "write `http://HOST:PORT`, or `https`, `socks4`, `socks4a` or `socks5` in place of \
                 `http`; user and password, percent-encoded, go before the host: \
                 `http://USER:PASSWORD@HOST:PORT`",
            );
            return None;
        }
    };
    if uri.has_tail() {
        findings
            .warning(&pointer, "no-effect", "what follows the port has no effect")
            .help("end the URL after the port");
    }
    let takes_password = !matches!(protocol, ProxyProtocol::Socks4 | ProxyProtocol::Socks4a);
    if uri.has_password && !takes_password {
        findings
            .warning(
                &pointer,
                "no-effect",
                "the password has no effect: SOCKS 4 knows a user alone",
            )
            .help("use `socks5`");
    }
    Some(Proxy {
        protocol,
        endpoint: Endpoint { host: uri.host.to_owned(), port: uri.port.unwrap_or(default_port) },
        user: uri.user,
        password: (uri.has_password && takes_password).then_some(Secret { pointer }),
    })
}

fn parse(text: &str) -> Result<(Uri<'_>, ProxyProtocol, u16), (&'static str, String)> {
    let invalid = |fault: &str| ("invalid-url", format!("is no URL of a proxy: it {fault}"));
    if !text.contains("://") {
        return Err(invalid("has no scheme before its host"));
    }
    let uri = Uri::parse(text).map_err(invalid)?;
    let (protocol, port) = match uri.scheme.as_str() {
        "http" => (ProxyProtocol::Http, 80),
        "https" => (ProxyProtocol::Https, 443),
        "socks" | "socks5" => (ProxyProtocol::Socks5, SOCKS_PORT),
        "socks4" => (ProxyProtocol::Socks4, SOCKS_PORT),
        "socks4a" => (ProxyProtocol::Socks4a, SOCKS_PORT),
        _ => return Err(("unsupported", "is a proxy of an unknown kind".to_owned())),
    };
    if uri.host.is_empty() {
        return Err(invalid("does not name a host"));
    }
    Ok((uri, protocol, port))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{at, codes, plan, warnings, with};
    use super::*;
    use serde_json::json;

    fn read_one(url: &str) -> Proxy {
        plan(with(json!({ "proxy": url }))).proxy.expect(url)
    }

    #[test]
    fn the_scheme_says_what_a_proxy_speaks() {
        for (url, protocol, port) in [
            ("http://p.example", ProxyProtocol::Http, 80),
            ("HTTP://p.example:3128/", ProxyProtocol::Http, 3128),
            ("https://p.example", ProxyProtocol::Https, 443),
            ("socks://p.example", ProxyProtocol::Socks5, 1080),
            ("socks5://p.example:9050", ProxyProtocol::Socks5, 9050),
            ("socks4://p.example", ProxyProtocol::Socks4, 1080),
            ("socks4a://p.example", ProxyProtocol::Socks4a, 1080),
        ] {
            let proxy = read_one(url);
            assert_eq!((proxy.protocol, proxy.endpoint.port), (protocol, port), "{url}");
            assert_eq!(
                (proxy.endpoint.host.as_str(), proxy.user, proxy.password),
                ("p.example", None, None)
            );
        }
        assert_eq!(
            read_one("http://[::1]:8080").endpoint,
            Endpoint { host: "::1".into(), port: 8080 }
        );
    }

    #[test]
    fn a_password_is_known_by_the_place_of_the_url() {
        let proxy = read_one("http://me%40a:ref@p.example:8080");
        assert_eq!(proxy.user.as_deref(), Some("me@a"));
        assert_eq!(proxy.password, Some(Secret { pointer: "/proxy".into() }));
        assert_eq!(read_one("http://me@p.example").password, None);
        let old = with(json!({"proxy": "socks4://me:ref@p.example"}));
        assert_eq!(warnings(&old), [("/proxy", "no-effect")]);
        assert_eq!(plan(old).proxy.and_then(|proxy| proxy.password), None);
    }

    #[test]
    fn no_proxy_is_written_in_three_ways() {
        for value in [json!(false), json!(""), json!(null)] {
            let document = with(json!({ "proxy": value }));
            assert_eq!(warnings(&document), []);
            assert_eq!(plan(document).proxy, None);
        }
    }

    #[test]
    fn what_is_no_proxy_is_an_error() {
        for (value, code) in [
            (json!("localhost:3128"), "invalid-url"),
            (json!("p.example"), "invalid-url"),
            (json!("http://"), "invalid-url"),
            (json!("http://a b"), "invalid-url"),
            (json!("http://p.example:0"), "invalid-url"),
            (json!("ftp://p.example"), "unsupported"),
            (json!(true), "wrong-type"),
            (json!({"host": "p.example"}), "wrong-type"),
        ] {
            assert_eq!(codes(&with(json!({ "proxy": value }))), [("/proxy", code)], "{value}");
        }
        let bare = at(&with(json!({"proxy": "localhost:3128"})), "/proxy");
        assert_eq!(bare.message, "is no URL of a proxy: it has no scheme before its host");
        assert_eq!(
            warnings(&with(json!({"proxy": "http://p.example/x"}))),
            [("/proxy", "no-effect")]
        );
    }
}
