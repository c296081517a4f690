//! The keys `host`, `port` and `secure`: where the server is, and whether TLS begins with the first
//! byte.

use serde_json::Value;

use super::plan::Endpoint;
use super::service::Service;
use crate::config::numbers::port_of;
use crate::config::{Object, host_name, wrong_type};
use crate::findings::Findings;

/// Implicit TLS (RFC 8314 §3.3).
const SUBMISSIONS_PORT: u16 = 465;
/// Submission with STARTTLS (RFC 6409).
const SUBMISSION_PORT: u16 = 587;
/// Ports on which servers begin in clear: relay, submission, and the one providers offer where 25
/// is closed.
const CLEAR_PORTS: [u16; 3] = [25, SUBMISSION_PORT, 2525];

/// Reads the keys: the server, and whether TLS is implicit, which is known even without a host.
pub(super) fn read(
    root: &mut Object<'_>,
    service: Service,
    findings: &mut Findings,
) -> (Option<Endpoint>, bool) {
    let host = host(root, service, findings);
    let own_port = port(root, service, findings);
    let secure = secure(root, service, findings);
    let implicit_tls = secure.unwrap_or(own_port == Some(SUBMISSIONS_PORT));
    let port = own_port.unwrap_or(if implicit_tls { SUBMISSIONS_PORT } else { SUBMISSION_PORT });
    report_mismatch(root, secure, port, findings);
    (host.map(|host| Endpoint { host, port }), implicit_tls)
}

fn host(root: &mut Object<'_>, service: Service, findings: &mut Findings) -> Option<String> {
    let given = root.text("host", findings);
    if let Some(host) = service.host {
        if given.is_some_and(|given| !given.eq_ignore_ascii_case(host)) {
            overridden(root, "host", findings);
        }
        return Some(host.to_owned());
    }
    let Some(given) = given else {
        return missing_host(root, service, findings);
    };
    match host_name::parse(given) {
        Ok(host) => Some(host.to_owned()),
        Err(fault) => {
            findings
                .error(root.pointer_to("host"), "invalid-host", fault.to_string())
                .help(fault.help());
            None
        }
    }
}

fn missing_host(root: &Object<'_>, service: Service, findings: &mut Findings) -> Option<String> {
    // A service without a host is a catch-all server that developers run beside the application.
    if service.known {
        return Some("localhost".to_owned());
    }
    if !service.named {
        root.require(
            "host",
            "the server's host is missing",
            "name the server, or a well-known `service`",
            findings,
        );
    }
    None
}

fn port(root: &mut Object<'_>, service: Service, findings: &mut Findings) -> Option<u16> {
    let Some(port) = service.port else {
        return root.port("port", findings);
    };
    // Platforms that insist on a port store a dummy beside a service: whatever number it is, it is
    // only replaced.
    match root.value("port") {
        Some(given @ (Value::Number(_) | Value::String(_)))
            if given != "" && port_of(given) != Some(port) =>
        {
            overridden(root, "port", findings);
        }
        None | Some(Value::Number(_) | Value::String(_)) => {}
        Some(other) => wrong_type(&root.pointer_to("port"), "a port number", other, findings),
    }
    Some(port)
}

fn secure(root: &mut Object<'_>, service: Service, findings: &mut Findings) -> Option<bool> {
    let given = root.boolean("secure", findings);
    if given.is_some() && service.secure.is_some() && given != service.secure {
        overridden(root, "secure", findings);
    }
    service.secure.or(given)
}

/// Reports a value that a service replaces.
pub(super) fn overridden(root: &Object<'_>, key: &str, findings: &mut Findings) {
    findings
        .warning(
            root.pointer_to(key),
            "overridden",
            "the service sets another value, which goes before this one",
        )
        .help("remove this key, or remove `service` and set all of the server's keys");
}

fn report_mismatch(root: &Object<'_>, secure: Option<bool>, port: u16, findings: &mut Findings) {
    let message = match secure {
        Some(false) if port == SUBMISSIONS_PORT => {
            "port 465 speaks TLS from the first byte, but `secure` is false: the greeting will \
            never come"
                .to_owned()
        }
        Some(true) if CLEAR_PORTS.contains(&port) => {
            format!(
                "port {port} begins in clear, but `secure` is true: the TLS handshake will \
                fail"
            )
        }
        _ => return,
    };
    let help = if port == SUBMISSIONS_PORT {
        "set `secure` to true (in a `url`, write `smtps:`)"
    } else {
        "set `secure` to false (in a `url`, write `smtp:`): STARTTLS then encrypts the connection"
    };
    findings.warning(root.pointer_to("secure"), "secure-port-mismatch", message).help(help);
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{at, codes, plan};
    use super::super::plan::TlsMode;
    use serde_json::{Value, json};

    #[test]
    fn the_port_and_the_beginning_follow_from_each_other() {
        for (keys, port, implicit) in [
            (json!({}), 587, false),
            (json!({"secure": false}), 587, false),
            (json!({"secure": true}), 465, true),
            (json!({"secure": null, "port": 465}), 465, true),
            (json!({"port": "465"}), 465, true),
            (json!({"port": 465, "secure": false}), 465, false),
            (json!({"port": 25}), 25, false),
            (json!({"port": 8465, "secure": true}), 8465, true),
            (json!({"port": null}), 587, false),
        ] {
            let mut document = keys.clone();
            document["host"] = json!("smtp.example.com");
            let plan = plan(document);
            assert_eq!(
                (plan.endpoint.port, plan.tls == TlsMode::Implicit),
                (port, implicit),
                "{keys}"
            );
        }
    }

    #[test]
    fn a_host_is_a_must() {
        for document in [json!({}), json!({"host": ""}), json!({"host": null})] {
            assert_eq!(codes(&document), [("/host", "missing-key")], "{document}");
        }
        assert_eq!(plan(json!({"host": "[2001:db8::1]"})).endpoint.host, "2001:db8::1");
    }

    #[test]
    fn what_is_no_host_comes_with_the_key_to_use() {
        for (host, help) in [
            ("smtp://smtp.example.com", "write the name alone; a URL belongs into `url`"),
            ("smtp.example.com:587", "put the port into `port`"),
            (
                "user:pass@smtp.example.com",
                "write the name alone; user and password belong into `auth`",
            ),
            ("smtp.example.com/x", "write the name alone, without a path"),
            ("smtp.example.com\n", "remove the spaces and line breaks"),
        ] {
            let document = json!({ "host": host });
            assert_eq!(codes(&document), [("/host", "invalid-host")], "{host}");
            assert_eq!(at(&document, "/host").help.as_deref(), Some(help));
        }
        assert_eq!(codes(&json!({"host": 5})), [("/host", "wrong-type")]);
    }

    #[test]
    fn a_beginning_that_the_port_does_not_speak_is_a_warning() {
        let mismatch = |document: Value| codes(&document);
        assert_eq!(
            mismatch(json!({"host": "a.example", "port": 465, "secure": false})),
            [("/secure", "secure-port-mismatch")]
        );
        for port in [25, 587, 2525] {
            assert_eq!(
                mismatch(json!({"host": "a.example", "port": port, "secure": true})),
                [("/secure", "secure-port-mismatch")]
            );
        }
        assert_eq!(mismatch(json!({"host": "a.example", "port": 1025, "secure": true})), []);
        assert_eq!(
            mismatch(json!({"host": "a.example", "secure": "false"})),
            [("/secure", "wrong-type")]
        );
        assert_eq!(mismatch(json!({"host": "a.example", "port": 0})), [("/port", "invalid-port")]);
    }
}
