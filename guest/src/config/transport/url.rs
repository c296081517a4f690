//! The key `url`: a whole transport in one URL, which replaces the keys beside it.
//!
//! The URL becomes an object of the same keys, read by the same readers; what they find is then
//! told of the URL, and secrets are known by its place.

use serde_json::{Map, Value, json};

use super::plan::{Authentication, TransportPlan};
use crate::config::Object;
use crate::config::uri::{Uri, fields};
use crate::findings::{Diagnostic, Findings};

/// Options that hold secrets, which the host cannot find in a query.
const SECRET_OPTIONS: [&str; 2] = ["tls.key", "tls.passphrase"];

/// Reads the URL, which stands at `pointer`.
pub(super) fn read(text: &str, pointer: &str, findings: &mut Findings) -> Option<TransportPlan> {
    let mut inner = Findings::default();
    let plan = match options(text, &mut inner) {
        Ok(options) => plan(&options, &mut inner),
        Err(fault) => {
            let problem = format!("is no URL of a mail server: it {fault}");
            findings.error(pointer, "invalid-url", problem).help(
                "write `smtp://USER:PASSWORD@HOST:PORT`, or `smtps:` for TLS from the first byte, \
                 with user and password percent-encoded",
            );
            None
        }
    };
    findings.absorb(inner, |finding| rehome(finding, pointer));
    let mut plan = plan?;
    if let Authentication::Password(login) = &mut plan.authentication {
        pointer.clone_into(&mut login.password.pointer);
    }
    Some(plan)
}

/// Reports the keys that a URL replaces: all that the transport's readers know.
pub(super) fn report_replaced(root: &mut Object<'_>, findings: &mut Findings) {
    super::options(root, &mut Findings::default());
    root.report_unused(&["url"], "`url` replaces it", "remove it, or remove `url`", findings);
}

fn plan(options: &Value, inner: &mut Findings) -> Option<TransportPlan> {
    let mut root = Object::read(options, "", inner)?;
    super::inert::read(&mut root, inner);
    let plan = super::options(&mut root, inner);
    root.finish(inner);
    plan
}

/// The options that a URL means. Those of its first part go before those of its query.
fn options(text: &str, inner: &mut Findings) -> Result<Value, &'static str> {
    let uri = Uri::parse(text)?;
    let secure = match uri.scheme.as_str() {
        "smtp" => false,
        "smtps" => true,
        "direct" => return Err("asks for delivery without a server, which is not supported"),
        _ => return Err("has another scheme than smtp or smtps"),
    };
    let mut options = Map::new();
    options.insert("secure".into(), json!(secure));
    if !uri.host.is_empty() {
        options.insert("host".into(), json!(uri.host));
    }
    if let Some(port) = uri.port {
        options.insert("port".into(), json!(port));
    }
    if let Some(user) = uri.user.filter(|user| !user.is_empty() || uri.has_password) {
        let pass = if uri.has_password { "reference" } else { "" };
        options.insert("auth".into(), json!({"user": user, "pass": pass}));
    }
    if !matches!(uri.path, "" | "/") {
        inner
            .warning("", "no-effect", "the path of the URL has no effect")
            .help("end it after the port, or go on with `?`");
    }
    if uri.has_fragment {
        inner
            .warning("", "no-effect", "the fragment of the URL, from `#` on, has no effect")
            .help("end the URL before it; in a user or a password write `#` as `%23`");
    }
    for field in fields(uri.query.unwrap_or_default()) {
        let (name, value) = field?;
        insert(&mut options, &name, &value, inner);
    }
    Ok(Value::Object(options))
}

fn insert(options: &mut Map<String, Value>, name: &str, value: &str, inner: &mut Findings) {
    if SECRET_OPTIONS.contains(&name) || name == "proxy" && holds_login(value) {
        inner
            .error(
                "",
                "unsupported",
                "a secret in the query of the URL is not kept from logs, and is refused",
            )
            .help("write the configuration with keys of their own in place of `url`");
        return;
    }
    let (object, key) = match name.split_once('.') {
        None => (options, name),
        Some(("tls", key)) => match options.entry("tls").or_insert_with(|| json!({})) {
            Value::Object(tls) => (tls, key),
            _ => return,
        },
        Some(_) => {
            inner
                .warning(
                    "",
                    "unknown-key",
                    "an option in the query of the URL is unknown and has no effect",
                )
                .help("of nested options only those of `tls` can be set in a URL");
            return;
        }
    };
    if object.contains_key(key) {
        inner
            .warning(
                "",
                "no-effect",
                "an option in the query of the URL has no effect: it is set already",
            )
            .help("remove it from the query, or from the rest of the URL");
        return;
    }
    object.insert(key.to_owned(), typed(value));
}

/// How a reference begins that the host puts in the place of a secret.
const SECRET_PREFIX: &str = include_str!("../../../wit/secret-prefix.txt");

/// Whether the URL of a proxy holds a login: the host puts a reference in the place of the whole
/// URL then.
fn holds_login(proxy: &str) -> bool {
    proxy.starts_with(SECRET_PREFIX) || Uri::parse(proxy).is_ok_and(|proxy| proxy.user.is_some())
}

/// What looks like a number or a boolean is one; what is empty is absent.
fn typed(value: &str) -> Value {
    match value {
        "" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        text => match text.parse::<i64>() {
            Ok(number) => json!(number),
            Err(_) => text
                .parse::<f64>()
                .ok()
                .filter(|number| number.is_finite())
                .map_or(json!(text), |n| json!(n)),
        },
    }
}

/// Tells a finding on an option as one on the URL. Unknown options are not named: they may be part
/// of a password that was not percent-encoded.
fn rehome(finding: Diagnostic, pointer: &str) -> Diagnostic {
    let option = finding.path.trim_start_matches('/').replace('/', ".");
    let message = match (option.as_str(), finding.code.as_str()) {
        ("", _) => finding.message,
        (_, "unknown-key") => {
            "an option in the query of the URL is unknown and has no effect".to_owned()
        }
        (option, _) => format!("option `{option}` of the URL: {}", finding.message),
    };
    Diagnostic { path: pointer.to_owned(), message, ..finding }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{at, check, codes, plan, warnings};
    use super::super::plan::{Authentication, TlsMode};
    use serde_json::{Value, json};

    fn url(url: &str) -> Value {
        json!({ "url": url })
    }

    #[test]
    fn a_url_says_server_beginning_and_credentials() {
        for (text, host, port, tls, user) in [
            (
                "smtp://smtp.example.com",
                "smtp.example.com",
                587,
                TlsMode::OpportunisticStarttls,
                None,
            ),
            ("smtps://smtp.example.com", "smtp.example.com", 465, TlsMode::Implicit, None),
            ("SMTPS://smtp.example.com:4465/", "smtp.example.com", 4465, TlsMode::Implicit, None),
            (
                "smtp://me%40a.example:ref@[::1]:25",
                "::1",
                25,
                TlsMode::OpportunisticStarttls,
                Some("me@a.example"),
            ),
            ("smtp:me:ref@mail:25", "mail", 25, TlsMode::OpportunisticStarttls, Some("me")),
            (
                "smtp://h.example?requireTLS=true&port=2525",
                "h.example",
                2525,
                TlsMode::RequiredStarttls,
                None,
            ),
            ("smtp:?service=Gmail", "smtp.gmail.com", 465, TlsMode::Implicit, None),
        ] {
            let plan =
                plan(if text.contains("service") { json!({"url": text}) } else { url(text) });
            assert_eq!(
                (plan.endpoint.host.as_str(), plan.endpoint.port, plan.tls),
                (host, port, tls),
                "{text}"
            );
            match (plan.authentication, user) {
                (Authentication::None, None) => {}
                (Authentication::Password(login), Some(user)) => {
                    assert_eq!(
                        (login.user.as_str(), login.password.pointer.as_str()),
                        (user, "/url")
                    );
                }
                (other, _) => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn the_query_sets_options() {
        let text = "smtps://h.example?pool=false&greetingTimeout=5000&name=mail.example.com\
                    &tls.rejectUnauthorized=false\
                    &tls.servername=x.example&authMethod=&proxy=http%3A%2F%2Fp.example";
        assert_eq!(warnings(&url(text)), [("/url", "certificate-not-verified")]);
        let plan = plan(url(text));
        assert_eq!((plan.pool, plan.timeouts.greeting_ms), (None, 5000));
        assert_eq!(plan.ehlo_name.as_deref(), Some("mail.example.com"));
        assert_eq!(plan.tls_options.server_name.as_deref(), Some("x.example"));
        assert!(!plan.tls_options.verify_certificate);
        assert_eq!(plan.proxy.map(|proxy| proxy.endpoint.port), Some(80));
    }

    #[test]
    fn faults_in_the_query_name_the_option_and_stand_at_the_url() {
        let text = "smtp://h.example?connectionTimeout=soon&tls.minVersion=TLSv9&localAddress=eth0";
        assert_eq!(
            codes(&url(text)),
            [("/url", "invalid-value"), ("/url", "invalid-address"), ("/url", "wrong-type")]
        );
        let idle = at(&url("smtp://h.example?name=a&name=b"), "/url").message;
        assert_eq!(idle, "an option in the query of the URL has no effect: it is set already");
        let messages: Vec<_> =
            check(&url(text)).1.into_iter().map(|finding| finding.message).collect();
        assert!(
            messages[0].starts_with("option `tls.minVersion` of the URL: is no version of TLS"),
            "{messages:?}"
        );
    }

    #[test]
    fn options_without_effect_are_warnings() {
        for (text, code) in [
            ("smtp://h.example?nonsense=1", "unknown-key"),
            ("smtp://h.example?auth.user=x", "unknown-key"),
            ("smtp://h.example?__proto__=x", "unknown-key"),
            ("smtp://h.example?host=other.example", "no-effect"),
            ("smtp://h.example?name=a&name=b", "no-effect"),
            ("smtp://h.example/path", "no-effect"),
            ("smtp://h.example#x", "no-effect"),
            ("smtp://h.example?pool=true#x", "no-effect"),
            ("smtp://h.example?from=x", "no-effect"),
            ("smtp://h.example:465", "secure-port-mismatch"),
        ] {
            assert_eq!(warnings(&url(text)), [("/url", code)], "{text}");
        }
        assert_eq!(plan(url("smtp://h.example?host=other.example")).endpoint.host, "h.example");
        assert_eq!(
            at(&url("smtp://h.example?poool=true"), "/url").help.as_deref(),
            Some("did you mean `pool`?")
        );
    }

    #[test]
    fn what_is_no_mail_url_is_an_error() {
        for (text, code) in [
            ("smtp.example.com:587", "invalid-url"),
            ("http://h.example", "invalid-url"),
            ("direct://h.example", "invalid-url"),
            ("smtp://h example", "invalid-url"),
            ("smtp://", "missing-key"),
            ("smtp://me@h.example", "missing-key"),
            ("smtp://h.example?tls.key=x", "unsupported"),
            ("smtp://h.example?proxy=http%3A%2F%2Fu%3Ap%40p.example", "unsupported"),
            ("smtp://h.example?proxy=http%3A%2F%2Fu%40p.example", "unsupported"),
            ("smtp://h.example?proxy=secret%3A%2Furl", "unsupported"),
        ] {
            assert_eq!(codes(&url(text)), [("/url", code)], "{text}");
        }
        assert_eq!(codes(&json!({"url": 5})), [("/url", "wrong-type")]);
        let beside = json!({"url": ["smtp://h.example"], "port": "x"});
        assert_eq!(codes(&beside), [("/url", "wrong-type"), ("/port", "no-effect")]);
        assert_eq!(plan(json!({"url": "", "host": "h.example"})).endpoint.host, "h.example");
    }

    #[test]
    fn keys_beside_a_url_are_replaced() {
        let document = json!({
            "url": "smtp://h.example", "host": "other.example", "port": "x",
            "auth": {"user": "u", "pass": "p"},
            "pool": false, "tls": {"bad": 1}, "sendmail": true, "from": "x", "dkim": {},
            "secure": null, "zzz": 1
        });
        assert_eq!(
            warnings(&document),
            [
                ("/host", "no-effect"),
                ("/port", "no-effect"),
                ("/auth", "no-effect"),
                ("/pool", "no-effect"),
                ("/tls", "no-effect"),
                ("/sendmail", "no-effect"),
                ("/from", "no-effect"),
                ("/zzz", "unknown-key")
            ]
        );
        let plan = plan(document);
        assert_eq!((plan.endpoint.host.as_str(), plan.pool.is_some()), ("h.example", true));
        assert_eq!(plan.authentication, Authentication::None);
    }

    #[test]
    fn no_part_of_the_user_information_is_told() {
        for text in [
            "smtp://MARKER:MARKER@h.example:0",
            "smtp://MARKER:MAR/KER@h.example",
            "smtp://MARKER:x?MARKER=MARKER@h.example",
            "smtp://MARKER:x?MARKER&MARKER@h.example?auth.MARKER=1",
            "http://MARKER:MARKER@h.example",
            "smtp://MARKER@h.example?tls.MARKER=MARKER&MARKER=MARKER&host=MARKER",
            "MARKER:MARKER@h.example",
        ] {
            for finding in check(&url(text)).1 {
                assert!(!format!("{finding:?}").contains("MARKER"), "{text}: {finding:?}");
            }
        }
    }
}
