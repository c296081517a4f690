//! How long a caller wants to wait for a result (RFC 7240).

use std::time::Duration;

use axum::http::HeaderMap;

/// The longest wait: proxies give up after a minute, and people earlier.
const LONGEST: Duration = Duration::from_secs(30);

/// How long the caller wants to wait; not at all unless said.
pub(super) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let preferences = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let preferences = preferences.flat_map(|value| value.split([',', ';'])).map(str::trim);
    let mut wait = None;
    for preference in preferences {
        if preference.eq_ignore_ascii_case("respond-async") {
            return None;
        }
        if let Some((name, seconds)) = preference.split_once('=')
            && name.trim().eq_ignore_ascii_case("wait")
            && let Ok(seconds) = seconds.trim().trim_matches('"').parse()
        {
            wait = wait.or(Some(Duration::from_secs(seconds).min(LONGEST)));
        }
    }
    wait
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_what_is_preferred_and_bounded() {
        let cases = [
            ("wait=5", Some(5)),
            ("WAIT = \"7\", foo", Some(7)),
            ("wait=3600", Some(30)),
            ("wait=5, respond-async", None),
            ("respond-async; wait=5", None),
            ("wait=soon", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let headers = HeaderMap::from_iter([(
                axum::http::HeaderName::from_static("prefer"),
                text.parse().expect("a value"),
            )]);
            assert_eq!(wait(&headers), expected.map(Duration::from_secs), "{text}");
        }
        assert_eq!(wait(&HeaderMap::new()), None);
    }
}
