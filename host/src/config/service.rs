//! The well-known services that the key `service` names.

use super::scalars::Scalars;

/// The services, one on each line; the component reads the same file.
const SERVICES: &str = include_str!("../../wit/services.tsv");

/// What a service fills in. Its values go before those of the configuration.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Service {
    /// The server's name.
    pub(super) host: Option<&'static str>,
    /// The server's port.
    pub(super) port: Option<u16>,
    /// Whether it speaks TLS from the first byte.
    pub(super) secure: Option<bool>,
    /// The mechanism that passwords are meant for there.
    pub(super) auth_method: Option<&'static str>,
    /// Whether STARTTLS is a must.
    pub(super) require_tls: bool,
    /// Whether STARTTLS is never used.
    pub(super) ignore_tls: bool,
}

impl Service {
    /// The service that a configuration names: an empty one where it names none, none where it is
    /// unknown.
    pub(super) fn named(scalars: &Scalars) -> Option<Self> {
        scalars.text("/service").map_or(Some(Self::default()), Self::look_up)
    }

    /// Looks a service up by name, alias, domain, or an address at the domain.
    fn look_up(asked: &str) -> Option<Self> {
        let wanted = normal(asked.rsplit('@').next().unwrap_or_default());
        let lines = SERVICES.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.split('\t').collect::<Vec<_>>()).find_map(|row| {
            let column = |index: usize| row.get(index).copied().filter(|text| *text != "-");
            let names = [0, 4, 5].into_iter().filter_map(column).flat_map(|names| names.split(','));
            if !names.into_iter().any(|name| normal(name) == wanted) {
                return None;
            }
            let has =
                |flag: &str| column(6).is_some_and(|flags| flags.split(',').any(|f| f == flag));
            Some(Self {
                host: column(1),
                port: column(2).and_then(|port| port.parse().ok()),
                secure: column(3).and_then(|secure| secure.parse().ok()),
                auth_method: column(6).and_then(|flags| {
                    flags.split(',').find_map(|flag| flag.strip_prefix("authMethod="))
                }),
                require_tls: has("requireTLS"),
                ignore_tls: has("ignoreTLS"),
            })
        })
    }
}

fn normal(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_ascii_alphanumeric() || ".-".contains(*c))
        .collect::<String>()
        .to_ascii_lowercase()
}
