//! Times of the store, as people write them by RFC 3339.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The year 9999 is the last that can be written.
const LATEST: u64 = 253_402_300_799_000_000;

/// A time in microseconds since 1970, in words.
pub(crate) fn rfc3339(micros: i64) -> String {
    let micros = u64::try_from(micros).unwrap_or_default().min(LATEST);
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_micros(micros)).to_string()
}

/// The time that a text says, in whatever zone; none before 1970.
pub(crate) fn moment(text: &str) -> Option<SystemTime> {
    // A date has hyphens, too: only what follows the time of day is a zone.
    let (_, time) = text.split_once('T')?;
    let Some(at) = time.rfind(['+', '-']) else { return humantime::parse_rfc3339(text).ok() };
    let (local, zone) = text.split_at(text.len() - time.len() + at);
    let (hours, minutes) = zone[1..].split_once(':')?;
    let ahead = Duration::from_secs(60 * (60 * two_digits(hours)? + two_digits(minutes)?));
    let utc = humantime::parse_rfc3339(&format!("{local}Z")).ok()?;
    if zone.starts_with('+') { utc.checked_sub(ahead) } else { utc.checked_add(ahead) }
}

fn two_digits(text: &str) -> Option<u64> {
    let is_number = text.len() == 2 && text.bytes().all(|digit| digit.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_in_whatever_zone() {
        for (text, seconds) in [
            ("1970-01-02T00:00:00Z", Some(86_400)),
            ("1970-01-02T00:00:00.5Z", Some(86_400)),
            ("1970-01-02T02:30:00+02:30", Some(86_400)),
            ("1970-01-01T23:00:00-01:00", Some(86_400)),
            ("1970-01-02T00:00:00-00:00", Some(86_400)),
            ("1970-01-02T02:30:00+2:30", None),
            ("1970-01-02T02:30:00*02:30", None),
            ("1970-01-02T02:30:00", None),
            ("02:30", None),
            ("10:00:00é0", None),
            ("", None),
        ] {
            let read = moment(text).and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            assert_eq!(read.map(|since| since.as_secs()), seconds, "{text}");
        }
    }
}
