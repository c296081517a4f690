//! A platform calls the service: header fields, an empty line and a body. The first octet picks the
//! dialect and who calls: somebody with the right credentials, or somebody without.
#![no_main]

use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jsonwebtoken::jwk::JwkSet;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use smtp_connector_server::hooks::{Asked, Call, Dialect, Ingress, Refusal, Verdict, answer, read};

/// The clock of every call, in seconds of Unix time.
const NOW: u64 = 1_764_249_600;

/// What callers are known by. No input holds it.
const SECRET: &[u8] = b"0f1e2d3c4b5a69788796a5b4c3d2e1f0";

/// The octet of an input from which on its caller has the right credentials.
const TRUSTED: u8 = 0x80;

static INGRESSES: LazyLock<Vec<Ingress>> = LazyLock::new(|| {
    let ingress = |dialect| Ingress::parse(dialect, settings(dialect)).expect("they are sound");
    Dialect::ALL.into_iter().map(ingress).collect()
});

fuzz_target!(|input: &[u8]| {
    let Some((first, rest)) = input.split_first() else { return };
    let ingress = &INGRESSES[usize::from(first % TRUSTED) % INGRESSES.len()];
    let end = rest.windows(2).position(|octets| octets == b"\n\n");
    let (head, body) = end.map_or((&[][..], rest), |end| (&rest[..end], &rest[end + 2..]));
    let mut headers = fields(head);
    let is_trusted = *first >= TRUSTED && add_credentials(&mut headers, ingress.dialect(), body);
    let now = UNIX_EPOCH + Duration::from_secs(NOW);
    let call = Call { method: &Method::POST, headers: &headers, body, now };
    match read(ingress, &call, &JwkSet { keys: Vec::new() }) {
        Ok(asked) => {
            assert!(is_trusted, "a stranger is let in");
            check(&asked, now);
        }
        Err(refusal) => {
            let is_unknown = matches!(refusal, Refusal::Unauthorized(_) | Refusal::UnknownKey);
            assert!(is_trusted || is_unknown || is_early(&refusal), "{refusal}");
            assert!(!is_trusted || !is_unknown, "{} {refusal}", ingress.dialect());
            let answer = answer(ingress.dialect(), &Verdict::Refused(&refusal));
            assert!(answer.status.as_u16() >= 200);
        }
    }
});

/// Whether a refusal comes before anybody asks who calls.
fn is_early(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::TooLarge | Refusal::Malformed { .. })
}

/// Each mail becomes a request.
fn check(asked: &Asked, now: SystemTime) {
    let Asked::Mail(jobs) = asked else { return };
    for job in jobs {
        assert!(!job.types.is_empty(), "{job:?}");
        assert!(job.deadline >= UNIX_EPOCH && now > UNIX_EPOCH, "{job:?}");
        job.request(|_| false);
        job.request(|_| true);
    }
}

fn settings(dialect: Dialect) -> Value {
    let secret = match dialect {
        Dialect::Clerk | Dialect::Standard => format!("whsec_{}", BASE64.encode(SECRET)),
        Dialect::Supabase => format!("v1,whsec_{}", BASE64.encode(SECRET)),
        _ => String::from_utf8_lossy(SECRET).into_owned(),
    };
    match dialect {
        Dialect::Entra => json!({ "issuer": "https://id.example/v2.0", "audience": "app" }),
        Dialect::Hanko => json!({ "keys": "https://id.example/keys", "audience": "app" }),
        _ => json!({ "secrets": [secret] }),
    }
}

/// The header fields: a line each, as far as they are some.
fn fields(head: &[u8]) -> HeaderMap {
    let field = |line: &[u8]| {
        let colon = line.iter().position(|octet| *octet == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        Some((name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?))
    };
    head.split(|octet| *octet == b'\n').filter_map(field).collect()
}

/// Adds what lets a caller in; false for the dialects whose callers need a token that the platform
/// has signed with a key of its own.
fn add_credentials(headers: &mut HeaderMap, dialect: Dialect, body: &[u8]) -> bool {
    let secret = String::from_utf8_lossy(SECRET);
    let mut set = |name: &'static str, value: &str| {
        headers.insert(name, HeaderValue::from_str(value).expect("it is plain text"));
    };
    match dialect {
        Dialect::Entra | Dialect::Hanko => return false,
        Dialect::Clerk | Dialect::Standard | Dialect::Supabase => {
            let tag = tag(&[format!("msg_1.{NOW}.").as_bytes(), body]);
            set("webhook-id", "msg_1");
            set("webhook-timestamp", &NOW.to_string());
            set("webhook-signature", &format!("v1,{}", BASE64.encode(tag)));
        }
        Dialect::SendGrid => set("authorization", &format!("Bearer {secret}")),
        Dialect::Zitadel => {
            let tag = tag(&[format!("{NOW}.").as_bytes(), body]);
            let tag: String = tag.iter().map(|octet| format!("{octet:02x}")).collect();
            set("zitadel-signature", &format!("t={NOW},v1={tag}"));
        }
        Dialect::Casdoor | Dialect::Kratos | Dialect::Logto => set("authorization", &secret),
    }
    true
}

fn tag(parts: &[&[u8]]) -> Vec<u8> {
    sign(&Key::new(HMAC_SHA256, SECRET), &parts.concat()).as_ref().to_vec()
}
