//! Reads the numbers of a configuration: durations, counts and ports.
//!
//! Only a port may be written as a string, because platforms store it so.

use std::fmt::Display;
use std::ops::RangeInclusive;

use serde_json::Value;

use super::object::{Object, wrong_type};
use crate::findings::Findings;

impl Object<'_> {
    /// The duration at `key` in milliseconds, rounded up. Zero counts as absent, as it does for the
    /// keys' inventor.
    pub(super) fn milliseconds(
        &mut self,
        key: &'static str,
        findings: &mut Findings,
    ) -> Option<u32> {
        let value = self.value(key)?;
        let Some(number) = value.as_f64() else {
            wrong_type(&self.pointer_to(key), "a number of milliseconds", value, findings);
            return None;
        };
        if !(0.0..=f64::from(u32::MAX)).contains(&number) {
            out_of_range(&self.pointer_to(key), value, 0, u32::MAX, findings);
            return None;
        }
        let milliseconds = number.ceil() as u32;
        (milliseconds > 0).then_some(milliseconds)
    }

    /// The whole number at `key`.
    pub(super) fn count(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u32>,
        findings: &mut Findings,
    ) -> Option<u32> {
        let value = self.value(key)?;
        if !value.is_number() {
            wrong_type(&self.pointer_to(key), "a whole number", value, findings);
            return None;
        }
        let count = whole(value).and_then(|n| u32::try_from(n).ok()).filter(|n| range.contains(n));
        if count.is_none() {
            out_of_range(&self.pointer_to(key), value, range.start(), range.end(), findings);
        }
        count
    }

    /// The port at `key`: a number, or a string of digits.
    pub(super) fn port(&mut self, key: &'static str, findings: &mut Findings) -> Option<u16> {
        let value = self.value(key).filter(|value| *value != "")?;
        if !value.is_number() && !value.is_string() {
            wrong_type(&self.pointer_to(key), "a port number", value, findings);
            return None;
        }
        let port = port_of(value);
        if port.is_none() {
            findings
                .error(
                    self.pointer_to(key),
                    "invalid-port",
                    "is not a port: expected a whole number from 1 to 65535",
                )
                .help("submission servers listen on 587 (STARTTLS) or 465 (implicit TLS)");
        }
        port
    }
}

/// The port that a value says, whether as a number or as a string of digits.
pub(super) fn port_of(value: &Value) -> Option<u16> {
    let number = match value {
        Value::String(digits) => port_in(digits.trim())?,
        other => u16::try_from(whole(other)?).ok()?,
    };
    (number > 0).then_some(number)
}

/// The port that digits say; signs, which Rust's own parser takes, are none.
pub(super) fn port_in(digits: &str) -> Option<u16> {
    digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| digits.parse().ok())?
        .filter(|port| *port > 0)
}

/// A number without a fraction, such as `587` or `587.0`, which JSON does not tell apart.
fn whole(value: &Value) -> Option<u64> {
    let from_float = |float: f64| {
        (float.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&float))
            .then_some(float as u64)
    };
    value.as_u64().or_else(|| value.as_f64().and_then(from_float))
}

fn out_of_range(
    pointer: &str,
    found: &Value,
    low: impl Display,
    high: impl Display,
    findings: &mut Findings,
) {
    findings
        .error(
            pointer,
            "out-of-range",
            format!("`{found}` is out of range: expected a number from {low} to {high}"),
        )
        .help("write a number in this range, or remove it");
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read<T>(
        value: &Value,
        reader: impl Fn(&mut Object<'_>, &mut Findings) -> Option<T>,
    ) -> Result<Option<T>, String> {
        let document = json!({ "k": value });
        let mut findings = Findings::default();
        let mut object = Object::read(&document, "", &mut findings).expect("an object");
        let read = reader(&mut object, &mut findings);
        match findings.into_vec().pop() {
            Some(finding) => Err(format!("{}: {}", finding.code, finding.message)),
            None => Ok(read),
        }
    }

    #[test]
    fn ports_are_numbers_or_digits() {
        for (value, port) in [
            (json!(465), Some(465)),
            (json!("465"), Some(465)),
            (json!(" 25 "), Some(25)),
            (json!(587.0), Some(587)),
            (json!(65535), Some(65535)),
            (json!(null), None),
            (json!(""), None),
        ] {
            assert_eq!(read(&value, |o, f| o.port("k", f)), Ok(port), "{value}");
        }
        for value in [
            json!(0),
            json!(65536),
            json!(-1),
            json!(25.5),
            json!("smtp"),
            json!("+25"),
            json!("0"),
            json!(" "),
        ] {
            let error = read(&value, |o, f| o.port("k", f)).expect_err("not a port");
            assert!(error.starts_with("invalid-port: "), "{value}: {error}");
        }
        for value in [json!(true), json!([25]), json!({})] {
            let error = read(&value, |o, f| o.port("k", f)).expect_err("not a port");
            assert!(error.starts_with("wrong-type: expected a port number"), "{value}: {error}");
        }
    }

    #[test]
    fn durations_are_numbers_and_zero_is_absent() {
        for (value, duration) in [
            (json!(0), None),
            (json!(0.25), Some(1)),
            (json!(30000), Some(30000)),
            (json!(u32::MAX), Some(u32::MAX)),
        ] {
            assert_eq!(read(&value, |o, f| o.milliseconds("k", f)), Ok(duration), "{value}");
        }
        for (value, code) in [
            (json!("30000"), "wrong-type"),
            (json!(true), "wrong-type"),
            (json!(-1), "out-of-range"),
            (json!(1e300), "out-of-range"),
        ] {
            let error = read(&value, |o, f| o.milliseconds("k", f)).expect_err("not a duration");
            assert!(error.starts_with(code), "{value}: {error}");
        }
    }

    #[test]
    fn counts_stay_in_their_range() {
        assert_eq!(read(&json!(5), |o, f| o.count("k", 1..=9, f)), Ok(Some(5)));
        assert_eq!(read(&json!(5.0), |o, f| o.count("k", 1..=9, f)), Ok(Some(5)));
        for value in [json!(0), json!(10), json!(-3), json!(2.5)] {
            let error = read(&value, |o, f| o.count("k", 1..=9, f)).expect_err("out of range");
            assert_eq!(
                error,
                format!("out-of-range: `{value}` is out of range: expected a number from 1 to 9")
            );
        }
    }
}
