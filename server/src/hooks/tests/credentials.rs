//! Who is let in, and that whoever is not learns nothing.

use std::sync::LazyLock;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;

use super::zitadel::signature as zitadel_signature;
use super::*;
use crate::hooks::MOST_BODY;

/// A platform's key for tokens.
#[derive(Clone)]
pub(super) struct Signer {
    key: EncodingKey,
    algorithm: Algorithm,
    id: String,
}

static RSA: LazyLock<EncodingKey> = LazyLock::new(rsa);
static ELLIPTIC: LazyLock<EncodingKey> = LazyLock::new(elliptic);

impl Signer {
    pub(super) fn new(algorithm: Algorithm, id: &str) -> Self {
        let key = match algorithm {
            Algorithm::RS256 => RSA.clone(),
            Algorithm::ES256 => ELLIPTIC.clone(),
            other => panic!("no key for {other:?}"),
        };
        Self { key, algorithm, id: id.to_owned() }
    }

    pub(super) fn token(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.id.clone()), ..Header::new(self.algorithm) };
        encode(&header, claims, &self.key).expect("it signs")
    }

    pub(super) fn keys(&self) -> JwkSet {
        let mut key = Jwk::from_encoding_key(&self.key, self.algorithm).expect("a public key");
        key.common.key_id = Some(self.id.clone());
        JwkSet { keys: vec![key] }
    }
}

fn rsa() -> EncodingKey {
    /// What PKCS #8 puts before the key of PKCS #1 at this size.
    const PKCS8: usize = 26;
    let pair = KeyPair::generate(KeySize::Rsa2048).expect("a key");
    let der: Pkcs8V1Der<'_> = pair.as_der().expect("DER");
    EncodingKey::from_rsa_der(&der.as_ref()[PKCS8..])
}

fn elliptic() -> EncodingKey {
    let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
    EncodingKey::from_ec_der(pair.expect("a key").as_ref())
}

/// Settings of each dialect, and a call with the credentials for them.
fn admitted(dialect: Dialect) -> Post {
    const SECRET: &str = "Bearer 5f1d0c9a7b3e4f28";
    let signer = Signer::new(Algorithm::ES256, "k1");
    let post = |settings: Value| Post::new(dialect, settings, "{}");
    match dialect {
        Dialect::Casdoor | Dialect::Kratos | Dialect::Logto => {
            post(json!({ "secrets": ["another 0123456789", SECRET] }))
                .header("authorization", SECRET)
        }
        Dialect::SendGrid | Dialect::Standard => {
            post(json!({ "secrets": ["another 0123456789", "5f1d0c9a7b3e4f28"] }))
                .header("authorization", SECRET)
        }
        Dialect::Clerk | Dialect::Supabase => {
            post(json!({ "secrets": [WHSEC] })).signed("webhook", "m", NOW, &[WHSEC])
        }
        Dialect::Zitadel => {
            let signature = zitadel_signature(SECRET, NOW, "{}");
            post(json!({ "secrets": [SECRET] }))
                .header("zitadel-signature", &format!("t={NOW},v1={signature}"))
        }
        Dialect::Entra => {
            let claims = json!({
                "iss": "https://id.test/v2.0", "aud": "a", "exp": NOW,
                "azp": "99045fe1-7639-4a75-9d4a-577b6ca3810f",
            });
            let settings = json!({ "issuer": "https://id.test/v2.0", "audience": "a" });
            let token = format!("Bearer {}", signer.token(&claims));
            Post { keys: signer.keys(), ..post(settings).header("authorization", &token) }
        }
        Dialect::Hanko => {
            let claims = json!({
                "sub": "hanko webhooks", "aud": "a", "exp": NOW, "evt": "email.send",
            });
            let body = json!({ "token": signer.token(&claims) }).to_string();
            let settings = json!({ "keys": "https://id.test/keys", "audience": "a" });
            Post { keys: signer.keys(), body, ..post(settings) }
        }
    }
}

#[test]
fn whoever_is_known_is_told_what_is_wrong() {
    for dialect in Dialect::ALL {
        let (status, _, reason) = admitted(dialect).refused();
        assert_eq!(status, 400, "{dialect}: {reason}");
    }
}

/// The body is no JSON, and nobody finds out.
#[test]
fn whoever_is_not_known_is_told_the_same_as_by_a_connector_that_there_is_not() {
    for dialect in Dialect::ALL {
        let known = admitted(dialect);
        let nobody = Ingress::of_nobody(dialect).expect("random bytes");
        let stranger = Post { ingress: nobody.clone(), ..known.clone() };
        let (status, body, _) = stranger.refused();
        assert_eq!(status, 401, "{dialect}");
        let mut without = known.clone();
        without.headers.clear();
        without.body = "no JSON".to_owned();
        for other in [
            Post { ingress: nobody.clone(), keys: JwkSet { keys: Vec::new() }, ..known.clone() },
            Post { ingress: nobody, ..without.clone() },
            without,
        ] {
            let (other_status, other_body, _) = other.refused();
            assert_eq!((other_status, &other_body), (401, &body), "{dialect}");
        }
    }
}

#[test]
fn other_methods_and_large_bodies_are_refused_before_anything_is_read() {
    for dialect in Dialect::ALL {
        let mut post = admitted(dialect);
        post.body = "x".repeat(MOST_BODY + 1);
        assert_eq!(post.refused().0, 413, "{dialect}");
        post.method = Method::PUT;
        assert_eq!(post.read(), Err(Refusal::Method), "{dialect}");
        let answer = answer(dialect, &Verdict::Refused(&Refusal::Method));
        assert_eq!(answer.status, 405);
        let allow = answer.headers.iter().find(|(name, _)| name == "allow");
        assert_eq!(allow.expect("it says which").1, "POST");
    }
}

#[test]
fn tokens_are_signed_by_a_key_that_is_published_for_it() {
    let sound = admitted(Dialect::Hanko);
    assert_eq!(sound.refused().0, 400);
    let mut unknown = sound.clone();
    unknown.keys.keys[0].common.key_id = Some("k2".to_owned());
    assert_eq!(unknown.read(), Err(Refusal::UnknownKey));
    let mut other_key = sound.clone();
    other_key.keys = Signer::new(Algorithm::RS256, "k1").keys();
    let mut for_encryption = sound;
    for_encryption.keys.keys[0].common.public_key_use = Some(PublicKeyUse::Encryption);
    for post in [other_key, for_encryption] {
        assert!(matches!(post.read(), Err(Refusal::Unauthorized(_))));
    }
}

/// The public key, taken for a shared secret, would sign for anybody.
#[test]
fn tokens_of_other_algorithms_are_refused() {
    let claims = json!({ "sub": "hanko webhooks", "aud": "a", "exp": NOW, "evt": "email.send" });
    let sound = admitted(Dialect::Hanko);
    let public = serde_json::to_vec(&sound.keys.keys[0]).expect("JSON");
    let header = Header { kid: Some("k1".to_owned()), ..Header::new(Algorithm::HS256) };
    let symmetric = encode(&header, &claims, &EncodingKey::from_secret(&public));
    let encoded =
        |value: &Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
    let none = json!({ "alg": "none", "kid": "k1" });
    let unsigned = format!("{}.{}.", encoded(&none), encoded(&claims));
    for token in [symmetric.expect("it signs"), unsigned] {
        let body = json!({ "token": token }).to_string();
        let post = Post { body, ..sound.clone() };
        assert!(matches!(post.read(), Err(Refusal::Unauthorized(_))), "{token}");
    }
}

#[test]
fn settings_that_cannot_be_used_are_described_and_no_secret_is_quoted() {
    let base64 = "`clerk`: one of `secrets` is no base64; copy it with its `whsec_`";
    let short = "one of `secrets` is shorter than 16 bytes; make a longer one";
    let list = "`secrets` is no list of 1 to 8 strings";
    for (dialect, settings, expected) in [
        (Dialect::Logto, json!([]), "`logto`: it is no JSON object".to_owned()),
        (Dialect::Logto, json!({}), "`logto`: missing field `secrets`".to_owned()),
        (Dialect::Logto, json!({ "secrets": "991188" }), format!("`logto`: {list}")),
        (Dialect::Zitadel, json!({ "secrets": ["991188"] }), format!("`zitadel`: {short}")),
        (Dialect::Supabase, json!({ "secrets": ["whsec_OTkx"] }), format!("`supabase`: {short}")),
        (Dialect::Clerk, json!({ "secrets": ["whsec_9911*88"] }), base64.to_owned()),
        (
            Dialect::Kratos,
            json!({ "secrets": ["0123456789abcdef"], "header": "a b" }),
            "`kratos`: `a b` is no name of a header field".to_owned(),
        ),
        (
            Dialect::Hanko,
            json!({ "keys": "http://id.test/keys", "audience": "a" }),
            "`hanko`: a URL does not begin with `https://`, nor with `http://localhost`".to_owned(),
        ),
        (
            Dialect::Logto,
            json!({ "secrets": ["0123456789abcdef"], "deadline": 10 }),
            "`logto`: `deadline` is no duration such as `10m`".to_owned(),
        ),
    ] {
        let error = Ingress::parse(dialect, settings).expect_err(&expected);
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_connector_has_settings_by_the_names_of_dialects() {
    let text = r#"{"logto":{"secrets":["Bearer 0123456789"]},"clerk":{"secrets":["whsec_MDEyMzQ1Njc4OWFiY2RlZg=="]}}"#;
    let hooks: crate::hooks::Hooks = serde_json::from_str(text).expect("they are sound");
    assert!(hooks.of(Dialect::Logto).is_some() && hooks.of(Dialect::Clerk).is_some());
    assert!(hooks.of(Dialect::Zitadel).is_none());
    let shown = format!("{hooks:?}");
    assert!(!shown.contains("0123456789") && !shown.contains("MDEy"), "{shown}");
    let error = serde_json::from_str::<crate::hooks::Hooks>(r#"{"auth0":{}}"#);
    assert!(error.expect_err("there is none").to_string().starts_with("`auth0`: there is no such"));
}
