//! The keys `logger`, `debug` and `transactionLog`: how much of a session is logged.

use super::plan::Logging;
use crate::config::Object;
use crate::findings::Findings;

/// Reads the keys. Without `logger` the others have no effect, as with nodemailer.
pub(super) fn read(root: &mut Object<'_>, findings: &mut Findings) -> Logging {
    let logger = root.flag("logger", findings);
    let debug = root.flag("debug", findings);
    let dialogue = root.flag("transactionLog", findings);
    if !logger {
        for (key, _) in
            [("debug", debug), ("transactionLog", dialogue)].iter().filter(|(_, set)| *set)
        {
            findings
                .no_effect(root.pointer_to(key), "`logger` is not true")
                .help("set `logger` to true, or remove it");
        }
    }
    match (logger, debug) {
        (false, _) => Logging::None,
        (true, false) => Logging::Dialogue,
        (true, true) => Logging::Debug,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{codes, plan, warnings, with};
    use super::*;
    use serde_json::json;

    #[test]
    fn the_logger_logs_and_the_others_say_how_much() {
        for (logger, debug, transaction, logging, idle) in [
            (false, false, false, Logging::None, 0),
            (false, true, true, Logging::None, 2),
            (true, false, false, Logging::Dialogue, 0),
            (true, false, true, Logging::Dialogue, 0),
            (true, true, false, Logging::Debug, 0),
            (true, true, true, Logging::Debug, 0),
        ] {
            let document =
                with(json!({"logger": logger, "debug": debug, "transactionLog": transaction}));
            assert_eq!(warnings(&document).len(), idle, "{document}");
            assert_eq!(plan(document).logging, logging);
        }
        assert_eq!(warnings(&with(json!({"debug": true}))), [("/debug", "no-effect")]);
    }

    #[test]
    fn other_types_are_errors() {
        for key in ["logger", "debug", "transactionLog"] {
            let path: &str = format!("/{key}").leak();
            assert_eq!(codes(&with(json!({ key: {} }))), [(path, "wrong-type")]);
        }
    }
}
