//! What a connector says of the webhook that is told what became of its messages.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::hooks::WebhookKeys;
use crate::place::Place;

/// A connector's webhook: `{"url": "https://…", "secrets": ["whsec_…"]}`.
#[derive(Clone)]
pub(crate) struct Webhook {
    place: Place,
    keys: WebhookKeys,
}

/// The webhook as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    url: Place,
    secrets: WebhookKeys,
}

impl Webhook {
    /// Reads a webhook. No secret is quoted.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it.
    pub(crate) fn read(written: Value) -> Result<Self, String> {
        if !written.is_object() {
            return Err("it is no JSON object".to_owned());
        }
        let Members { url: place, secrets: keys } =
            serde_json::from_value(written).map_err(|error| error.to_string())?;
        Ok(Self { place, keys })
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &Url {
        self.place.url()
    }

    /// The signatures of a message by Standard Webhooks, one with each key.
    pub(crate) fn sign(&self, id: &str, timestamp: &str, body: &[u8]) -> String {
        self.keys.sign(id, timestamp, body)
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("keys", &self.keys).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

    #[test]
    fn a_webhook_has_a_url_and_secrets() {
        let webhook = Webhook::read(json!({ "url": "https://a.test/h", "secrets": [KEY] }));
        let webhook = webhook.expect("it is sound");
        assert_eq!(webhook.url().as_str(), "https://a.test/h");
        for wrong in [
            json!("tok-1"),
            json!({ "url": "https://a.test" }),
            json!({ "url": "http://a.test/tok-1", "secrets": [KEY] }),
            json!({ "url": "https://a.test", "secrets": ["tok-1"] }),
            json!({ "url": "https://a.test", "secrets": "tok-1" }),
            json!({ "url": "https://a.test", "secret": KEY }),
        ] {
            let problem = Webhook::read(wrong.clone()).expect_err("it is wrong");
            assert!(!problem.contains("tok-1"), "{wrong}: {problem}");
        }
    }
}
