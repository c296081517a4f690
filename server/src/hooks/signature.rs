//! Signatures that platforms put beside a body, verified before anything of it is read.

#[cfg(test)]
mod tests;
pub(super) mod webhook;
pub(super) mod zitadel;

use std::time::{Duration, SystemTime};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;

use super::job::moment;
use super::refusal::Refusal;

/// How far the caller's clock may be from ours, and how long a signature is good: what Standard
/// Webhooks and Zitadel both take.
const TOLERANCE: Duration = Duration::from_secs(300);

/// More than any platform sends; each is compared with each key.
const MOST_SIGNATURES: usize = 16;

const WRONG: Refusal = Refusal::Unauthorized("the signature is missing or wrong");
const STALE: Refusal =
    Refusal::Unauthorized("the signature is of another time; compare the clocks");

/// The key that made one of the signatures over the parts, one after another.
fn maker<'k>(
    keys: &'k [hmac::Key],
    parts: &[&[u8]],
    signatures: &[Vec<u8>],
) -> Option<&'k hmac::Key> {
    // All are tried, so that time does not tell which one it was.
    keys.iter().fold(None, |found, key| {
        let mut context = hmac::Context::with_key(key);
        parts.iter().for_each(|part| context.update(part));
        let tag = context.sign();
        let is_same =
            |signature: &&Vec<u8>| verify_slices_are_equal(tag.as_ref(), signature).is_ok();
        if signatures.iter().filter(is_same).count() > 0 { Some(key) } else { found }
    })
}

/// The moment of a signature, in seconds of Unix time, unless it is not now.
fn current(timestamp: &str, now: SystemTime) -> Result<SystemTime, Refusal> {
    let is_number = timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = timestamp.parse().ok().filter(|_| is_number).ok_or(STALE)?;
    let at = moment(Duration::from_secs(seconds)).ok_or(STALE)?;
    let distance = now.duration_since(at).unwrap_or_else(|ahead| ahead.duration());
    if distance > TOLERANCE { Err(STALE) } else { Ok(at) }
}
