//! Connectors from a folder: each file `NAME.json` is one. A bad file leaves the old one working.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use notify::{RecursiveMode, Watcher as _};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::{Connectors, Document, Name, Origin};
use crate::store::StoreError;

/// How long it is quiet before a change of the folder is taken for complete.
const QUIET: Duration = Duration::from_millis(200);

/// How often the folder is read although nobody has told of a change: not every file system tells.
const READ: Duration = Duration::from_secs(60);

/// How soon a folder is read again of which the store could not take everything.
const AGAIN: Duration = Duration::from_secs(1);

impl Connectors {
    /// Reads the folder again, and takes over what changed.
    ///
    /// # Errors
    ///
    /// Fails where the store does; what was not taken over by then stays as it was.
    pub(super) async fn refresh_folder(&self) -> Result<(), StoreError> {
        let Some(folder) = self.folder.clone() else { return Ok(()) };
        let read = tokio::task::spawn_blocking(move || read(&folder)).await;
        let files = match read.map_err(std::io::Error::other).flatten() {
            Ok(files) => files,
            Err(error) => {
                // The old ones go on.
                tracing::error!(
                    target: "smtp_connector", %error,
                    "the folder of connectors cannot be read"
                );
                return Ok(());
            }
        };
        for connector in self.all() {
            if connector.origin() == Origin::Folder && !files.contains_key(connector.name()) {
                self.remove(connector.name());
            }
        }
        for (name, text) in files {
            match text {
                Ok(text) => self.take_over(&name, &text).await?,
                Err(problem) => self.blame(&name, problem),
            }
        }
        Ok(())
    }

    async fn take_over(&self, name: &str, text: &str) -> Result<(), StoreError> {
        let before = self.find(name);
        let is_same = |origin: Origin, known: &str| origin == Origin::Folder && known == text;
        if before.is_some_and(|known| is_same(known.origin(), known.document().text())) {
            self.forgive(name);
            return Ok(());
        }
        match Document::read(name, text) {
            Ok(document) => {
                let adopted = self.adopt(name, Origin::Folder, document).await;
                adopted.inspect_err(|error| self.blame(name, error.to_string()))
            }
            Err(problem) => {
                self.blame(name, problem.to_string());
                Ok(())
            }
        }
    }

    /// Follows the folder for ever.
    pub(crate) async fn follow(self: Arc<Self>) {
        let Some(folder) = self.folder.clone() else { return std::future::pending().await };
        let (told, mut changes) = mpsc::channel(1);
        let watcher = notify::recommended_watcher(move |_| {
            // One that waits already stands for this one, too.
            let _ = told.try_send(());
        });
        // The folder and not its files: they may be links that are replaced.
        let watching = watcher.and_then(|mut watcher| {
            watcher.watch(&folder, RecursiveMode::NonRecursive).map(|()| watcher)
        });
        if let Err(error) = &watching {
            tracing::warn!(
                target: "smtp_connector", %error,
                "the folder of connectors is read each minute only"
            );
        }
        loop {
            if let Ok(None) = timeout(READ, changes.recv()).await {
                sleep(READ).await;
            }
            while let Ok(Some(())) = timeout(QUIET, changes.recv()).await {}
            while self.refresh_folder().await.is_err() {
                // The store is away; what the folder holds is not to wait for the next change.
                sleep(AGAIN).await;
            }
        }
    }
}

/// What the files of a folder hold, by the name of the connector.
fn read(folder: &Path) -> std::io::Result<HashMap<String, Result<String, String>>> {
    let mut files = HashMap::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_json = path.extension().is_some_and(|extension| extension == "json");
        let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()).filter(|_| is_json) else {
            continue;
        };
        if stem.starts_with('.') {
            continue;
        }
        let text = match stem.parse::<Name>() {
            Ok(_) => std::fs::read_to_string(&path).map_err(|error| error.to_string()),
            Err(problem) => Err(problem.to_string()),
        };
        files.insert(stem.to_owned(), text);
    }
    Ok(files)
}
