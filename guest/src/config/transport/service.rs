//! The key `service`: a name that stands for host, port and more, looked up in `wit/services.tsv`.
//!
//! The native host reads the same table to know where the configuration points. The rule of both:
//! of what is asked for, take the part after the last `@`, drop all but `A-Z a-z 0-9 . -`, and
//! lower the case; do the last two with names, aliases and domains, and compare.

use crate::config::Object;
use crate::config::object::nearest;
use crate::findings::Findings;

const TABLE: &str = include_str!("../../../wit/services.tsv");

/// What a service fills in. Values win over those of the configuration.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(super) struct Service {
    /// Whether the configuration names a service, known or not.
    pub(super) named: bool,
    /// Whether it is known.
    pub(super) known: bool,
    /// The server's name.
    pub(super) host: Option<&'static str>,
    /// The server's port.
    pub(super) port: Option<u16>,
    /// Whether it speaks TLS from the first byte.
    pub(super) secure: Option<bool>,
    /// The mechanism it wants, whatever it advertises.
    pub(super) auth_method: Option<&'static str>,
    /// Whether STARTTLS is a must.
    pub(super) require_tls: bool,
    /// Whether STARTTLS is never used.
    pub(super) ignore_tls: bool,
}

/// Reads the key.
pub(super) fn read(root: &mut Object<'_>, findings: &mut Findings) -> Service {
    let Some(name) = root.text("service", findings) else {
        return Service { named: root.has("service"), ..Service::default() };
    };
    if let Some(service) = look_up(name) {
        return service;
    }
    let finding = findings.error(
        root.pointer_to("service"),
        "unknown-service",
        "no service of this name is known",
    );
    let names: Vec<_> = rows().map(|row| row[0]).collect();
    finding.help(match nearest(name, &names) {
        Some(nearest) => {
            format!("did you mean `{nearest}`? otherwise remove it and set `host` and `port`")
        }
        None => "remove it and set `host` and `port`".to_owned(),
    });
    Service { named: true, ..Service::default() }
}

fn look_up(asked: &str) -> Option<Service> {
    let wanted = normalize(asked.rsplit('@').next().unwrap_or(asked));
    rows().find(|row| names_of(row).any(|name| normalize(name) == wanted)).map(|row| service(&row))
}

/// The seven columns of each line: name, host, port, secure, aliases, domains, flags.
fn rows() -> impl Iterator<Item = [&'static str; 7]> {
    TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let columns: Vec<_> =
            line.split('\t').map(|column| if column == "-" { "" } else { column }).collect();
        columns.try_into().ok()
    })
}

fn names_of(row: &[&'static str; 7]) -> impl Iterator<Item = &'static str> {
    let [name, _, _, _, aliases, domains, _] = *row;
    [name]
        .into_iter()
        .chain(aliases.split(','))
        .chain(domains.split(','))
        .filter(|name| !name.is_empty())
}

fn service(row: &[&'static str; 7]) -> Service {
    let [_, host, port, secure, _, _, flags] = *row;
    Service {
        named: true,
        known: true,
        host: Some(host).filter(|host| !host.is_empty()),
        port: port.parse().ok(),
        secure: secure.parse().ok(),
        auth_method: flags.split(',').find_map(|flag| flag.strip_prefix("authMethod=")),
        require_tls: flags.split(',').any(|flag| flag == "requireTLS"),
        ignore_tls: flags.split(',').any(|flag| flag == "ignoreTLS"),
    }
}

fn normalize(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::config::transport::fixture::{at, codes, plan};
    use crate::config::transport::plan::TlsMode;
    use serde_json::json;

    #[test]
    fn every_line_of_the_table_is_a_service_and_no_name_means_two() {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!((lines, rows().count()), (88, 88));
        let mut owners = HashMap::new();
        for row in rows() {
            assert!(
                row[1].is_empty() || crate::config::host_name::parse(row[1]) == Ok(row[1]),
                "{}",
                row[0]
            );
            assert!(row[2].is_empty() || service(&row).port.is_some(), "{}", row[0]);
            assert!(row[3].is_empty() || service(&row).secure.is_some(), "{}", row[0]);
            for name in names_of(&row) {
                let owner = owners.insert(normalize(name), row[0]);
                assert!(
                    owner.is_none_or(|owner| owner == row[0]),
                    "{name} means {owner:?} and {}",
                    row[0]
                );
            }
        }
    }

    #[test]
    fn names_aliases_domains_and_addresses_find_a_service() {
        for (asked, host) in [
            ("Gmail", Some("smtp.gmail.com")),
            ("gmail", Some("smtp.gmail.com")),
            ("G-mail", None),
            ("google mail", Some("smtp.gmail.com")),
            ("someone@googlemail.com", Some("smtp.gmail.com")),
            ("a@b@qq.com", Some("smtp.qq.com")),
            ("Forward_Email", Some("smtp.forwardemail.net")),
            ("SES-EU-WEST-1", Some("email-smtp.eu-west-1.amazonaws.com")),
            ("163", Some("smtp.163.com")),
            ("", None),
            ("@", None),
        ] {
            assert_eq!(look_up(asked).and_then(|service| service.host), host, "{asked}");
        }
    }

    #[test]
    fn a_service_fills_in_what_it_knows() {
        let auth = json!({"user": "u", "pass": "ref"});
        let zoho = plan(json!({"service": "Zoho", "auth": auth}));
        assert_eq!((zoho.endpoint.host.as_str(), zoho.endpoint.port), ("smtp.zoho.com", 465));
        assert_eq!(zoho.tls, TlsMode::Implicit);
        let loopia = plan(json!({"service": "Loopia"}));
        assert_eq!(loopia.tls, TlsMode::Implicit);
        let proton = plan(json!({"service": "someone@pm.me"}));
        assert_eq!(proton.tls, TlsMode::RequiredStarttls);
        let hot = plan(json!({"service": "hot.ee"}));
        assert_eq!((hot.endpoint.host.as_str(), hot.endpoint.port), ("mail.hot.ee", 587));
    }

    #[test]
    fn a_service_without_a_host_takes_the_given_one_or_this_machine() {
        let given = plan(json!({"service": "Maildev", "host": "maildev"}));
        assert_eq!((given.endpoint.host.as_str(), given.endpoint.port), ("maildev", 1025));
        assert_eq!(given.tls, TlsMode::None);
        assert_eq!(plan(json!({"service": "Maildev"})).endpoint.host, "localhost");
    }

    #[test]
    fn an_unknown_service_is_an_error_with_the_nearest_name() {
        let config = json!({"service": "Gmial", "auth": {}});
        assert_eq!(codes(&config), [("/service", "unknown-service")]);
        let help = at(&config, "/service").help.unwrap_or_default();
        assert!(help.starts_with("did you mean `Gmail`?"), "{help}");
        assert_eq!(codes(&json!({"service": 163})), [("/service", "wrong-type")]);
    }

    #[test]
    fn values_that_a_service_replaces_are_warnings() {
        let same =
            json!({"service": "Gmail", "host": "smtp.gmail.com", "port": "465", "secure": true});
        assert_eq!(codes(&same), []);
        let other = json!({
            "service": "Gmail", "host": "dummy host", "port": 587, "secure": false,
            "authMethod": "PLAIN",
            "auth": {"user": "u", "pass": "ref"}
        });
        assert_eq!(
            codes(&other),
            [("/host", "overridden"), ("/port", "overridden"), ("/secure", "overridden")]
        );
        let zoho =
            json!({"service": "Zoho", "authMethod": "PLAIN", "auth": {"user": "u", "pass": "ref"}});
        assert_eq!(codes(&zoho), [("/authMethod", "overridden")]);
        assert_eq!(
            codes(&json!({"service": "Proton", "requireTLS": false})),
            [("/requireTLS", "overridden")]
        );
    }
}
