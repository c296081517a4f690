//! A no for now (4yz): what to wait for, or to do less of.

use super::provider::Provider;
use super::{Cures, Refusal};

const FULL: &str =
    "The recipient's mailbox is full: the mail can be delivered once there is room in it.";

const GREYLISTED: &str = "The server defers senders that it does not know yet: the same mail is \
    taken when it is tried again after some minutes.";

const SLOWER: &str = "The provider slows this sender down: wait some minutes, send less at once \
    and lower `maxConnections`.";

const THREE: &str = "Microsoft takes mail of one mailbox over three connections at once: set \
    `maxConnections` to 3 or less.";

const ANYWHERE: &Cures = &[
    ("greylist", GREYLISTED),
    ("graylist", GREYLISTED),
    (" 4.2.2 ", FULL),
    (" 4.7.28 ", SLOWER),
    ("too many", SLOWER),
    ("too fast", SLOWER),
    ("rate limit", SLOWER),
    ("throttl", SLOWER),
    ("exceeded", SLOWER),
];

const MICROSOFT: &Cures =
    &[("thread limit", THREE), ("concurrent connection", THREE), (" 4.7.500 ", SLOWER)];

/// The advice on a refusal that may pass.
pub(super) fn on(refusal: &Refusal<'_>) -> &'static str {
    let own = match refusal.provider {
        Some(Provider::Microsoft) => refusal.among(MICROSOFT),
        Some(Provider::Aliyun | Provider::Gmail | Provider::SendGrid) | None => None,
    };
    own.or_else(|| refusal.among(ANYWHERE)).unwrap_or(match refusal.code {
        421 => {
            "The server is busy, or has had enough of this machine for now: wait some minutes, and \
             lower `maxConnections` if it happens often."
        }
        _ => "The server cannot take this for now: try again after some minutes.",
    })
}
