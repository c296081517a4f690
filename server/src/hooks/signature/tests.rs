//! Signatures as others make them, and whatever else may stand in their fields.

use std::time::{Duration, SystemTime};

use axum::http::{HeaderMap, Method};
use proptest::prelude::*;
use serde_json::json;

use super::{webhook, zitadel};
use crate::hooks::call::Call;
use crate::hooks::refusal::Refusal;

fn call<'a>(headers: &'a HeaderMap, body: &'a str, now: u64) -> Call<'a> {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(now);
    Call { method: &Method::POST, headers, body: body.as_bytes(), now }
}

fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.insert(*name, value.parse().expect("a value"));
    }
    headers
}

/// The example that Standard Webhooks gives.
const EXAMPLE_KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const EXAMPLE_ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const EXAMPLE_TIME: u64 = 1_614_265_330;
const EXAMPLE_BODY: &str = r#"{"test": 2432232314}"#;
const EXAMPLE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

/// A signature of the right form that no key made.
const FOREIGN: &str = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

fn webhook(signature: &str, now: u64) -> Result<(), Refusal> {
    let keys = webhook::Keys::try_from(json!([EXAMPLE_KEY])).expect("a key");
    let headers = headers(&[
        ("webhook-id", EXAMPLE_ID),
        ("webhook-timestamp", &EXAMPLE_TIME.to_string()),
        ("webhook-signature", signature),
    ]);
    keys.admit(&call(&headers, EXAMPLE_BODY, now)).map(|signed| {
        assert_eq!(signed.id, EXAMPLE_ID);
    })
}

#[test]
fn a_webhook_of_ours_is_signed_as_the_example_with_each_key() {
    let other = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    let keys = webhook::Keys::try_from(json!([EXAMPLE_KEY, other])).expect("two keys");
    let signed = keys.sign(EXAMPLE_ID, &EXAMPLE_TIME.to_string(), EXAMPLE_BODY.as_bytes());
    let (first, second) = signed.split_once(' ').expect("two signatures");
    assert_eq!(first, EXAMPLE);
    assert!(second.starts_with("v1,") && second != first);
}

#[test]
fn a_webhook_is_signed_by_one_of_several() {
    for signature in [
        EXAMPLE.to_owned(),
        EXAMPLE.replace('=', ""),
        format!("{FOREIGN} {EXAMPLE}"),
        format!("{EXAMPLE} {FOREIGN}"),
        format!("{FOREIGN}, {EXAMPLE}"),
        format!("{EXAMPLE}, {FOREIGN}"),
        format!(
            "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg== {EXAMPLE}"
        ),
    ] {
        assert_eq!(webhook(&signature, EXAMPLE_TIME), Ok(()), "{signature}");
    }
    for signature in [
        String::new(),
        "v1".to_owned(),
        "v1,".to_owned(),
        FOREIGN.to_owned(),
        EXAMPLE.replace("v1,", "v2,"),
        EXAMPLE.replace("v1,", ""),
        EXAMPLE.replace("g0h", "G0h"),
        format!("{} {EXAMPLE}", vec![FOREIGN; 16].join(" ")),
    ] {
        let wrong = Refusal::Unauthorized("the signature is missing or wrong");
        assert_eq!(webhook(&signature, EXAMPLE_TIME), Err(wrong), "{signature}");
    }
}

#[test]
fn a_signature_is_good_for_five_minutes_by_either_clock() {
    let stale = Refusal::Unauthorized("the signature is of another time; compare the clocks");
    for (now, expected) in [
        (EXAMPLE_TIME - 301, Err(stale.clone())),
        (EXAMPLE_TIME - 300, Ok(())),
        (EXAMPLE_TIME + 300, Ok(())),
        (EXAMPLE_TIME + 301, Err(stale)),
    ] {
        assert_eq!(webhook(EXAMPLE, now), expected, "{now}");
    }
}

/// Somebody who signs what another one chooses must not sign for another time.
#[test]
fn an_id_holds_no_dot_and_a_time_is_a_number() {
    let key = "MDEyMzQ1Njc4OWFiY2RlZg==";
    let keys = webhook::Keys::try_from(json!([key])).expect("a key");
    let (now, text) = (1_764_250_000, "1764250000");
    for (id, timestamp, body) in [
        ("id-1", text, r#"{"a":1}"#),
        // The same bytes, cut elsewhere.
        ("id-1.1764250000", r#"{"a":1}"#, ""),
        ("id-1.1764250000", text, ""),
        ("", text, r#"{"a":1}"#),
        ("id-1", "+1764250000", r#"{"a":1}"#),
        ("id-1", "99999999999999999999", r#"{"a":1}"#),
        ("id-1", "18446744073709551615", r#"{"a":1}"#),
    ] {
        let signature = format!("v1,{}", signature(b"0123456789abcdef", id, timestamp, body));
        let headers = headers(&[
            ("svix-id", id),
            ("svix-timestamp", timestamp),
            ("svix-signature", &signature),
        ]);
        let is_sound = id == "id-1" && timestamp == text;
        assert_eq!(keys.admit(&call(&headers, body, now)).is_ok(), is_sound, "{id} {timestamp}");
    }
}

fn signature(key: &[u8], id: &str, timestamp: &str, body: &str) -> String {
    use base64::Engine as _;
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key);
    let tag = aws_lc_rs::hmac::sign(&key, format!("{id}.{timestamp}.{body}").as_bytes());
    base64::engine::general_purpose::STANDARD.encode(tag.as_ref())
}

/// Made with Python's `hmac`.
const ZITADEL: &str = "0092cb2156408f1d131685dca5d49cd146293d945a6fe62a05edc719aaaba111";

#[test]
fn zitadels_signature() {
    let now = 1_732_660_000;
    let keys = json!(["another key that rotates out", "zitadel-signing-key-1"]);
    let keys = zitadel::Keys::try_from(keys).expect("keys");
    let foreign = "00".repeat(32);
    for (field, is_sound) in [
        (format!("t=1732660000,v1={ZITADEL}"), true),
        (format!("t=1732660000,v1={foreign},v1={ZITADEL}"), true),
        (format!("v1={} , t=1732660000, v0=x, y", ZITADEL.to_uppercase()), true),
        (format!("t=1732660001,v1={ZITADEL}"), false),
        (format!("v1={ZITADEL}"), false),
        (format!("t=1732660000,v1={foreign}"), false),
        (format!("t=1732660000,v1={}", &ZITADEL[..62]), false),
        (format!("t=1732660000,v1={}", &ZITADEL[..63]), false),
        (format!("t=1732660000,v0={ZITADEL}"), false),
        (String::new(), false),
    ] {
        let headers = headers(&[("zitadel-signature", &field)]);
        assert_eq!(keys.admit(&call(&headers, r#"{"a":1}"#, now)).is_ok(), is_sound, "{field}");
        let late = keys.admit(&call(&headers, r#"{"a":1}"#, now + 301));
        assert!(late.is_err(), "{field}");
    }
}

proptest! {
    #[test]
    fn nothing_in_the_fields_is_taken_for_a_signature(
        field in "[\\x20-\\x7e\\t]{0,200}",
        id in "[\\x20-\\x7e]{0,40}",
        timestamp in "[\\x20-\\x7e]{0,24}",
        body in ".{0,80}",
    ) {
        let headers = headers(&[
            ("webhook-id", &id),
            ("webhook-timestamp", &timestamp),
            ("webhook-signature", &field),
            ("zitadel-signature", &field),
        ]);
        let call = call(&headers, &body, 1_764_250_000);
        let keys = webhook::Keys::try_from(json!([EXAMPLE_KEY])).expect("a key");
        prop_assert!(keys.admit(&call).is_err());
        let keys = zitadel::Keys::try_from(json!(["zitadel-signing-key-1"])).expect("a key");
        prop_assert!(keys.admit(&call).is_err());
    }

    #[test]
    fn signatures_are_found_however_they_are_joined(
        tags in prop::collection::vec(prop::collection::vec(any::<u8>(), 32), 1..8),
        separators in prop::collection::vec("( |, | ,|,|\\t|  )", 8),
    ) {
        use base64::Engine as _;
        let mut field = String::new();
        for (tag, separator) in tags.iter().zip(&separators) {
            let tag = base64::engine::general_purpose::STANDARD.encode(tag);
            field.push_str(&format!("v1,{tag}{separator}"));
        }
        prop_assert_eq!(webhook::signatures(&field), tags);
    }

    #[test]
    fn any_change_of_the_body_is_noticed(index in 0..EXAMPLE_BODY.len(), byte in 0x20u8..0x7f) {
        let mut body = EXAMPLE_BODY.as_bytes().to_vec();
        prop_assume!(body[index] != byte);
        body[index] = byte;
        let body = String::from_utf8(body).expect("ASCII");
        let headers = headers(&[
            ("webhook-id", EXAMPLE_ID),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", EXAMPLE),
        ]);
        let keys = webhook::Keys::try_from(json!([EXAMPLE_KEY])).expect("a key");
        prop_assert!(keys.admit(&call(&headers, &body, EXAMPLE_TIME)).is_err());
    }
}
