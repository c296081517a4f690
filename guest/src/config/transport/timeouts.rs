//! The keys `dnsTimeout`, `connectionTimeout`, `greetingTimeout` and `socketTimeout`, in
//! milliseconds.

use super::plan::Timeouts;
use crate::config::Object;
use crate::findings::Findings;

/// What nodemailer waits where a configuration does not say, in milliseconds.
const DEFAULTS: Timeouts =
    Timeouts { dns_ms: 30_000, connection_ms: 120_000, greeting_ms: 30_000, socket_ms: 600_000 };

/// Reads the keys.
pub(super) fn read(root: &mut Object<'_>, findings: &mut Findings) -> Timeouts {
    Timeouts {
        dns_ms: root.milliseconds("dnsTimeout", findings).unwrap_or(DEFAULTS.dns_ms),
        connection_ms: root
            .milliseconds("connectionTimeout", findings)
            .unwrap_or(DEFAULTS.connection_ms),
        greeting_ms: root.milliseconds("greetingTimeout", findings).unwrap_or(DEFAULTS.greeting_ms),
        socket_ms: root.milliseconds("socketTimeout", findings).unwrap_or(DEFAULTS.socket_ms),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{codes, plan, with};
    use super::*;
    use serde_json::json;

    #[test]
    fn each_deadline_has_its_key_and_its_default() {
        let zero = json!({"dnsTimeout": 0, "connectionTimeout": null, "greetingTimeout": 0,
            "socketTimeout": 0});
        assert_eq!(plan(with(zero)).timeouts, DEFAULTS);
        let set = json!({"dnsTimeout": 1, "connectionTimeout": 2, "greetingTimeout": 3,
            "socketTimeout": 4.5});
        assert_eq!(
            plan(with(set)).timeouts,
            Timeouts { dns_ms: 1, connection_ms: 2, greeting_ms: 3, socket_ms: 5 }
        );
    }

    #[test]
    fn each_fault_is_told() {
        let document = with(json!({
            "dnsTimeout": "1000", "connectionTimeout": -1, "greetingTimeout": true,
            "socketTimeout": 1e12
        }));
        assert_eq!(
            codes(&document),
            [
                ("/dnsTimeout", "wrong-type"),
                ("/connectionTimeout", "out-of-range"),
                ("/greetingTimeout", "wrong-type"),
                ("/socketTimeout", "out-of-range")
            ]
        );
    }
}
