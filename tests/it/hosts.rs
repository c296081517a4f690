//! A host has one spelling, whatever it was written like.

use proptest::prelude::*;
use smtp_connector::{EgressPolicy, Host};

/// Texts that are hosts now and then.
fn texts() -> impl Strategy<Value = String> {
    let label =
        "[a-zA-Z0-9_äßИ例\u{301}\u{ff11}-]{1,6}|xn--[a-z0-9]{1,6}|0x[0-9a-f]{0,4}|[0-9]{1,4}";
    let name = proptest::collection::vec(label, 1..5);
    prop_oneof![
        3 => (name, "[.。]").prop_map(|(labels, dot)| labels.join(&dot)),
        1 => "\\[?[0-9a-f:.]{1,20}\\]?",
        1 => any::<std::net::IpAddr>().prop_map(|address| address.to_string()),
        1 => "\\PC{0,12}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_host_is_read_from_its_own_spelling(text in texts()) {
        if let Ok(host) = text.parse::<Host>() {
            let spelt = host.to_string();
            prop_assert!(spelt.is_ascii() && !spelt.bytes().any(|byte| byte.is_ascii_uppercase()));
            prop_assert_eq!(spelt.parse::<Host>(), Ok(host.clone()));
            prop_assert_eq!(host.name().parse().ok(), host.address());
        }
    }

    /// A list of the policy is read as hosts are.
    #[test]
    fn the_policy_lists_what_is_a_host(text in texts()) {
        let listed = text.parse::<EgressPolicy>();
        if !text.contains(',') && !["any", "public"].contains(&text.trim()) {
            prop_assert_eq!(listed.is_ok(), text.trim().parse::<Host>().is_ok());
        }
    }
}
