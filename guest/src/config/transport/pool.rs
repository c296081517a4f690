//! The key `pool` and those beside it: how many connections are kept, how fast messages go, and
//! whether commands go out together.
//!
//! Unlike nodemailer's, connections are kept unless `pool` is false.

use super::plan::{Pool, RateLimit};
use crate::config::Object;
use crate::findings::Findings;

/// nodemailer's.
const DEFAULT_CONNECTIONS: u32 = 5;
/// nodemailer's.
const DEFAULT_MESSAGES: u32 = 100;
/// nodemailer's `rateDelta`.
const DEFAULT_WINDOW_MS: u32 = 1000;

const KEYS: [&str; 5] = ["maxConnections", "maxMessages", "maxRequeues", "rateLimit", "rateDelta"];

/// Reads the keys.
pub(super) fn read(root: &mut Object<'_>, findings: &mut Findings) -> Option<Pool> {
    let kept = root.boolean("pool", findings).unwrap_or(true);
    let pool = Pool {
        max_connections: root
            .count("maxConnections", 1..=u32::MAX, findings)
            .unwrap_or(DEFAULT_CONNECTIONS),
        max_messages: root.count("maxMessages", 1..=u32::MAX, findings).unwrap_or(DEFAULT_MESSAGES),
        max_requeues: max_requeues(root, findings),
        rate_limit: rate_limit(root, kept, findings),
    };
    if !kept {
        for key in KEYS.into_iter().filter(|key| root.has(key)) {
            findings
                .no_effect(
                    root.pointer_to(key),
                    "`pool` is false: each message has its own connection",
                )
                .help("remove it, or remove `pool`");
        }
    }
    kept.then_some(pool)
}

/// Reads `pipelining`, a key of our own: commands wait for each other's replies where it is false.
pub(super) fn pipelining(root: &mut Object<'_>, findings: &mut Findings) -> bool {
    root.boolean("pipelining", findings).unwrap_or(true)
}

/// A negative number means without limit, as it does for nodemailer.
fn max_requeues(root: &mut Object<'_>, findings: &mut Findings) -> Option<u32> {
    if root.value("maxRequeues")?.as_i64().is_some_and(i64::is_negative) {
        return None;
    }
    root.count("maxRequeues", 0..=u32::MAX, findings)
}

fn rate_limit(root: &mut Object<'_>, kept: bool, findings: &mut Findings) -> Option<RateLimit> {
    let messages = root.count("rateLimit", 0..=u32::MAX, findings).filter(|messages| *messages > 0);
    let window = root.milliseconds("rateDelta", findings);
    if window.is_some() && messages.is_none() && kept {
        findings
            .no_effect(
                root.pointer_to("rateDelta"),
                "there is no `rateLimit` that it could be the window of",
            )
            .help("set `rateLimit`, or remove it");
    }
    Some(RateLimit { messages: messages?, window_ms: window.unwrap_or(DEFAULT_WINDOW_MS) })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{codes, plan, warnings, with};
    use super::*;
    use serde_json::json;

    #[test]
    fn connections_are_kept_unless_told_otherwise() {
        let default =
            Pool { max_connections: 5, max_messages: 100, max_requeues: None, rate_limit: None };
        for pool in [json!(null), json!(true)] {
            assert_eq!(plan(with(json!({ "pool": pool }))).pool, Some(default));
        }
        assert_eq!(plan(with(json!({"pool": false}))).pool, None);
    }

    #[test]
    fn every_bound_can_be_set() {
        let document = with(json!({
            "maxConnections": 2, "maxMessages": 3, "maxRequeues": 0, "rateLimit": 10,
            "rateDelta": 60000
        }));
        let rate_limit = Some(RateLimit { messages: 10, window_ms: 60_000 });
        let pool = Pool { max_connections: 2, max_messages: 3, max_requeues: Some(0), rate_limit };
        assert_eq!(plan(document).pool, Some(pool));
        let limited = plan(with(json!({"rateLimit": 4, "maxRequeues": -1}))).pool.expect("a pool");
        assert_eq!(limited.rate_limit, Some(RateLimit { messages: 4, window_ms: 1000 }));
        assert_eq!(limited.max_requeues, None);
        assert_eq!(plan(with(json!({"rateLimit": 0}))).pool.expect("a pool").rate_limit, None);
    }

    #[test]
    fn commands_go_out_together_unless_told_otherwise() {
        for (value, expected) in [(json!(null), true), (json!(true), true), (json!(false), false)] {
            assert_eq!(plan(with(json!({ "pipelining": value }))).pipelining, expected);
        }
        assert!(!plan(with(json!({"pool": false, "pipelining": false}))).pipelining);
    }

    #[test]
    fn bounds_without_a_pool_have_no_effect() {
        let document =
            with(json!({"pool": false, "maxConnections": 2, "rateLimit": 1, "rateDelta": 5}));
        assert_eq!(
            warnings(&document),
            [
                ("/maxConnections", "no-effect"),
                ("/rateLimit", "no-effect"),
                ("/rateDelta", "no-effect")
            ]
        );
        assert_eq!(warnings(&with(json!({"rateDelta": 5}))), [("/rateDelta", "no-effect")]);
    }

    #[test]
    fn what_is_no_bound_is_an_error() {
        for (key, value, code) in [
            ("maxConnections", json!(0), "out-of-range"),
            ("maxConnections", json!("5"), "wrong-type"),
            ("maxMessages", json!(-1), "out-of-range"),
            ("maxRequeues", json!(1.5), "out-of-range"),
            ("maxRequeues", json!(true), "wrong-type"),
            ("rateLimit", json!(-1), "out-of-range"),
            ("rateDelta", json!([]), "wrong-type"),
            ("pool", json!("yes"), "wrong-type"),
            ("pool", json!({}), "wrong-type"),
            ("pipelining", json!("no"), "wrong-type"),
        ] {
            let path: &str = format!("/{key}").leak();
            assert_eq!(codes(&with(json!({ key: value }))), [(path, code)], "{value}");
        }
    }
}
