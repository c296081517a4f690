//! The keys that platforms sign tokens with, fetched from where they publish them (RFC 7517).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use jsonwebtoken::jwk::JwkSet;
use url::Url;

use crate::outbound::{Inquiry, Outbound};

/// How long fetching keys may take: somebody waits for a code.
const PATIENCE: Duration = Duration::from_secs(3);

/// How often keys are fetched at most, however many tokens name others.
const PAUSE: Duration = Duration::from_secs(30);

/// The keys of all platforms.
#[derive(Debug)]
pub(crate) struct Keys {
    outbound: Arc<Outbound>,
    sets: Mutex<HashMap<Url, Set>>,
}

#[derive(Debug)]
struct Set {
    keys: Arc<JwkSet>,
    fetched: Instant,
}

impl Keys {
    /// None are known yet.
    pub(crate) fn new(outbound: Arc<Outbound>) -> Self {
        Self { outbound, sets: Mutex::default() }
    }

    /// The keys that are known of a place.
    pub(super) fn known(&self, url: &Url) -> Arc<JwkSet> {
        self.sets().get(url).map_or_else(none, |set| set.keys.clone())
    }

    /// The keys of a place as they are now, or as they were a moment ago.
    pub(super) async fn renewed(&self, url: &Url) -> Arc<JwkSet> {
        {
            let mut sets = self.sets();
            if let Some(set) = sets.get(url).filter(|set| set.fetched.elapsed() < PAUSE) {
                return set.keys.clone();
            }
            // Who comes meanwhile does not fetch them, too.
            let keys = sets.get(url).map_or_else(none, |set| set.keys.clone());
            sets.insert(url.clone(), Set { keys, fetched: Instant::now() });
        }
        match self.fetch(url).await {
            Ok(keys) => {
                let keys = Arc::new(keys);
                let set = Set { keys: keys.clone(), fetched: Instant::now() };
                self.sets().insert(url.clone(), set);
                keys
            }
            Err(problem) => {
                tracing::warn!(
                    target: "smtp_connector", %url, problem,
                    "the keys of a platform cannot be fetched"
                );
                self.known(url)
            }
        }
    }

    async fn fetch(&self, url: &Url) -> Result<JwkSet, String> {
        let json = HeaderValue::from_static("application/json");
        let inquiry = Inquiry {
            method: Method::GET,
            url,
            headers: HeaderMap::from_iter([(header::ACCEPT, json)]),
            body: Bytes::new(),
            patience: PATIENCE,
        };
        let answered = self.outbound.ask(inquiry).await.map_err(|error| error.to_string())?;
        if !answered.status.is_success() {
            return Err(format!("the answer has the status {}", answered.status));
        }
        serde_json::from_slice(&answered.body).map_err(|error| error.to_string())
    }

    fn sets(&self) -> MutexGuard<'_, HashMap<Url, Set>> {
        self.sets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn none() -> Arc<JwkSet> {
    Arc::new(JwkSet { keys: Vec::new() })
}
