//! Times of the store as people write them.

use std::time::{Duration, UNIX_EPOCH};

/// The year 9999 is the last that can be written.
const LATEST: u64 = 253_402_300_799_000_000;

/// A time in microseconds since 1970, by RFC 3339.
pub(crate) fn rfc3339(micros: i64) -> String {
    let micros = u64::try_from(micros).unwrap_or_default().min(LATEST);
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_micros(micros)).to_string()
}
