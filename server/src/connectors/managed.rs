//! Connectors over the API: kept in the store, sealed, and the same in all processes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use smtp_connector::Error;
use tokio::time::sleep;

use super::{Connector, Connectors, Document, Name, Origin};
use crate::json::Misread;
use crate::seal::SealError;
use crate::store::StoreError;

/// How often it is looked for what other processes have changed.
const LOOK: Duration = Duration::from_secs(2);

/// What was done to a connector.
#[derive(Debug)]
pub(crate) enum Changed {
    /// There was none before.
    Created(Arc<Connector>),
    /// It took the place of another version.
    Replaced(Arc<Connector>),
}

/// Why a connector was not changed.
#[derive(Debug)]
pub(crate) enum Change {
    /// The document cannot be read.
    Unreadable(Misread),
    /// It names a connector as its fallback that there is not.
    NoFallback(Name),
    /// The configuration has errors.
    Faulty(Error),
    /// It is of another version than its author knows.
    Conflict,
    /// There is none.
    Missing,
    /// It is a file of the folder, and changed there.
    InFolder,
    /// The store is away.
    Away(StoreError),
    /// It cannot be encrypted.
    Unsealed(SealError),
}

impl From<StoreError> for Change {
    fn from(error: StoreError) -> Self {
        Self::Away(error)
    }
}

impl Connectors {
    /// Puts a connector: checks the document, keeps it, and takes it over. `expected` is the
    /// version that it replaces; any where absent.
    ///
    /// # Errors
    ///
    /// See [`Change`]; nothing is changed then.
    pub(crate) async fn put(
        &self,
        name: &Name,
        text: &str,
        expected: Option<i64>,
    ) -> Result<Changed, Change> {
        let name = name.as_str();
        let before = self.find(name);
        let version = match before.as_ref().map(|before| before.origin()) {
            Some(Origin::Folder) => return Err(Change::InFolder),
            Some(Origin::Api(version)) => Some(version),
            None => None,
        };
        if expected.is_some() && expected != version {
            return Err(Change::Conflict);
        }
        let document = match &before {
            None => Document::read(name, text),
            Some(before) => Document::read_over(name, before.document(), &before.quotable(), text),
        };
        let document = document.map_err(Change::Unreadable)?;
        if !self.missing_fallback(&document).is_empty() {
            // Another process may have made it just now.
            self.refresh_managed().await?;
        }
        if let Some(missing) = self.missing_fallback(&document).first() {
            return Err(Change::NoFallback((*missing).clone()));
        }
        // The version is known once it is kept.
        let made = self.make(name, Origin::Api(0), document).await.map_err(Change::Faulty)?;
        let sealed = self.sealer.seal(&place(name), made.document().text().as_bytes());
        let sealed = sealed.map_err(Change::Unsealed)?;
        let version = self.store.put_document(name, version, &sealed).await?;
        let origin = Origin::Api(version.ok_or(Change::Conflict)?);
        let connector = self.install(Connector { origin, ..made }).await?;
        Ok(match before {
            None => Changed::Created(connector),
            Some(_) => Changed::Replaced(connector),
        })
    }

    /// Takes a connector away.
    ///
    /// # Errors
    ///
    /// See [`Change`]; nothing is changed then.
    pub(crate) async fn delete(&self, name: &Name, expected: Option<i64>) -> Result<(), Change> {
        let name = name.as_str();
        let version = match self.find(name).ok_or(Change::Missing)?.origin() {
            Origin::Folder => return Err(Change::InFolder),
            Origin::Api(version) => version,
        };
        if expected.is_some_and(|expected| expected != version)
            || !self.store.delete_document(name, version).await?
        {
            return Err(Change::Conflict);
        }
        self.remove(name);
        Ok(())
    }

    /// Follows for ever what other processes change.
    pub(crate) async fn follow_store(self: Arc<Self>) {
        loop {
            sleep(LOOK).await;
            if let Err(error) = self.refresh_managed().await {
                tracing::warn!(target: "smtp_connector", %error, "the connectors cannot be read");
            }
        }
    }

    /// Takes over what changed in the store.
    pub(super) async fn refresh_managed(&self) -> Result<(), StoreError> {
        let versions: HashMap<_, _> = self.store.versions().await?.into_iter().collect();
        for connector in self.all() {
            let is_gone = !versions.contains_key(connector.name());
            if is_gone && matches!(connector.origin(), Origin::Api(_)) {
                self.remove(connector.name());
            }
        }
        for (name, version) in versions {
            let is_known = match self.find(&name).map(|known| known.origin()) {
                // A file of the same name comes first.
                Some(Origin::Folder) => true,
                Some(Origin::Api(known)) => known >= version,
                None => false,
            };
            if !is_known && let Some(kept) = self.store.document(&name).await? {
                self.take_over_kept(&name, kept.version, &kept.document).await?;
            }
        }
        Ok(())
    }

    async fn take_over_kept(
        &self,
        name: &str,
        version: i64,
        sealed: &[u8],
    ) -> Result<(), StoreError> {
        let origin = Origin::Api(version);
        let document = match self.open(name, sealed) {
            Ok(document) => document,
            Err(problem) => {
                self.blame(name, problem);
                return Ok(());
            }
        };
        if let Some(known) = self.find(name)
            && let Some(token) = known.document.replaced_token(&document)
        {
            // It goes on, with its connections and its access token.
            known.mailer.take_refresh_token(&token).await;
            self.amend(&known, origin, document);
            return Ok(());
        }
        self.adopt(name, origin, document).await
    }

    fn open(&self, name: &str, sealed: &[u8]) -> Result<Document, String> {
        let opened = self.sealer.open(&place(name), sealed).map_err(|error| error.to_string())?;
        let text = std::str::from_utf8(&opened).map_err(|error| error.to_string())?;
        Document::read(name, text).map_err(|error| error.to_string())
    }
}

/// What the document of a connector is sealed for.
pub(super) fn place(name: &str) -> String {
    format!("connector/{name}")
}
