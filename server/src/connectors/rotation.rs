//! Refresh tokens that a token endpoint replaces: the new one takes the place of the old one in the
//! document of its connector, so that the next process goes on with it.

use std::sync::Arc;
use std::time::Duration;

use smtp_connector::RotatedToken;
use tokio::sync::{Mutex, mpsc};
use tokio::time::sleep;
use zeroize::Zeroizing;

use super::managed::place;
use super::{Connectors, Origin};
use crate::store::StoreError;

/// How long a token waits that could not be kept, before it is tried once more.
const AGAIN: Duration = Duration::from_secs(1);

/// A refresh token that is to be kept.
struct Rotated {
    connector: String,
    /// Which mailer was given it.
    generation: u64,
    token: Zeroizing<String>,
}

/// The refresh tokens that are to be kept, in the order in which they came. None is the end.
pub(super) struct Rotations {
    arriving: mpsc::UnboundedSender<Option<Rotated>>,
    waiting: Mutex<mpsc::UnboundedReceiver<Option<Rotated>>>,
}

impl Default for Rotations {
    fn default() -> Self {
        // What waits is bounded by how often token endpoints are asked.
        let (arriving, waiting) = mpsc::unbounded_channel();
        Self { arriving, waiting: Mutex::new(waiting) }
    }
}

impl Rotations {
    /// What is to be done with the tokens that one mailer of a connector is given.
    pub(super) fn observer(
        &self,
        connector: &str,
        origin: Origin,
        generation: u64,
    ) -> impl Fn(&RotatedToken) + Send + Sync + use<> {
        let (connector, arriving) = (connector.to_owned(), self.arriving.clone());
        move |rotated| match origin {
            Origin::Folder => tracing::warn!(
                target: "smtp_connector", connector,
                "the token endpoint replaced the refresh token, which a file cannot follow: its \
                 own may not work once this process has ended"
            ),
            Origin::Api(_) => {
                let token = Zeroizing::new(rotated.expose().to_owned());
                let connector = connector.clone();
                // Whoever keeps them ends after the last mailer.
                let _ = arriving.send(Some(Rotated { connector, generation, token }));
            }
        }
    }

    /// Has no further token kept than those that wait.
    pub(super) fn end(&self) {
        let _ = self.arriving.send(None);
    }
}

impl Connectors {
    /// Keeps the refresh tokens that are replaced, until all connectors are closed.
    pub(crate) async fn keep_tokens(self: Arc<Self>) {
        let mut waiting = self.rotations.waiting.lock().await;
        while let Some(Some(rotated)) = waiting.recv().await {
            loop {
                match self.keep(&rotated).await {
                    Ok(true) => break,
                    Ok(false) => {}
                    Err(error) => tracing::warn!(
                        target: "smtp_connector", %error, connector = rotated.connector,
                        "a replaced refresh token waits for the store"
                    ),
                }
                sleep(AGAIN).await;
            }
        }
    }

    /// Keeps a token; whether there is nothing left to do.
    async fn keep(&self, rotated: &Rotated) -> Result<bool, StoreError> {
        let Rotated { connector: name, generation, token } = rotated;
        let known = self.find(name).filter(|known| known.generation == *generation);
        // Whatever has taken its place has a token of its own.
        let Some(known) = known else { return Ok(true) };
        let Origin::Api(version) = known.origin else { return Ok(true) };
        let document = known.document.with_refresh_token(name, token);
        let sealed = document
            .as_ref()
            .and_then(|document| self.sealer.seal(&place(name), document.text().as_bytes()).ok());
        let Some((document, sealed)) = document.zip(sealed) else {
            tracing::error!(
                target: "smtp_connector", connector = name,
                "the replaced refresh token cannot be kept: there is none at `auth.refreshToken`"
            );
            return Ok(true);
        };
        let Some(version) = self.store.put_document(name, Some(version), &sealed).await? else {
            // Somebody else has changed it.
            self.refresh_managed().await?;
            return Ok(false);
        };
        self.amend(&known, Origin::Api(version), document);
        tracing::info!(
            target: "smtp_connector", connector = name,
            "the replaced refresh token is kept"
        );
        Ok(true)
    }
}
