//! The connectors: each a configuration under a name, with the mailer that is made of it.
//!
//! They come from a folder of JSON files, or over the API into the store. One is replaced whole:
//! the new one takes all that comes from then on, the old one finishes what it has.

mod component;
mod document;
mod folder;
mod managed;
mod name;
mod rotation;
mod webhook;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use serde_json::Value;
use smtp_connector::{
    Activity, Connector as Component, Diagnostic, EgressPolicy, Engine, Error, Mailer, Options,
};

use self::component::Components;
pub(crate) use self::document::Document;
pub(crate) use self::managed::{Change, Changed};
pub(crate) use self::name::Name;
use self::rotation::Rotations;
pub(crate) use self::webhook::Webhook;
use crate::figures;
use crate::limits::micros;
use crate::seal::{Digester, Sealer};
use crate::settings::Settings;
use crate::store::{LaneSettings, Pace, Store, StoreError};

/// How many messages of a connector are under way for each of its connections: one that is said,
/// and one that is announced behind it.
const BY_CONNECTION: usize = 2;

/// All connectors of this process.
pub(crate) struct Connectors {
    components: Components,
    egress: EgressPolicy,
    folder: Option<PathBuf>,
    store: Arc<Store>,
    sealer: Arc<Sealer>,
    digester: Arc<Digester>,
    known: RwLock<HashMap<String, Arc<Connector>>>,
    /// How many mailers were made.
    generations: AtomicU64,
    rotations: Rotations,
    /// What is wrong with those that could not be taken over.
    problems: Mutex<BTreeMap<String, String>>,
}

/// Where a connector comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A file of the folder.
    Folder,
    /// The API, in this version.
    Api(i64),
}

/// One connector.
#[derive(Debug)]
pub(crate) struct Connector {
    name: String,
    origin: Origin,
    document: Document,
    component: Component,
    /// The usage types that the configuration has templates for.
    types: HashSet<String>,
    mailer: Arc<Mailer>,
    /// Which mailer it is.
    generation: u64,
}

impl Connector {
    /// Its configuration with marks in place of its secrets.
    fn quotable(&self) -> String {
        self.component.quotable(self.document.configuration(), &[])
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where it comes from.
    pub(crate) fn origin(&self) -> Origin {
        self.origin
    }

    /// What it is made of.
    pub(crate) fn document(&self) -> &Document {
        &self.document
    }

    /// Its document with marks in place of its secrets.
    pub(crate) fn concealed(&self) -> Value {
        self.document.concealed(&self.quotable())
    }

    /// What sends its mail.
    pub(crate) fn mailer(&self) -> &Mailer {
        &self.mailer
    }

    /// Whether there is a template of this usage type.
    pub(crate) fn has_template(&self, usage_type: &str) -> bool {
        self.types.contains(usage_type)
    }
}

impl std::fmt::Debug for Connectors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connectors").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Connectors {
    /// The connectors of a folder, if any, and of the store, with the component of those that name
    /// none. None is known until [`Connectors::refresh`].
    pub(crate) fn new(
        (engine, component): (Engine, Component),
        settings: &Settings,
        store: Arc<Store>,
        (sealer, digester): (Arc<Sealer>, Arc<Digester>),
    ) -> Self {
        let components = Components::new(engine, component, settings.components.clone());
        let (egress, folder) = (settings.egress.clone(), settings.connectors.clone());
        let (known, problems, generations) = Default::default();
        let rotations = Rotations::default();
        Self {
            components,
            egress,
            folder,
            store,
            sealer,
            digester,
            known,
            generations,
            rotations,
            problems,
        }
    }

    /// The connector of this name.
    pub(crate) fn find(&self, name: &str) -> Option<Arc<Connector>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// All connectors, by name.
    pub(crate) fn all(&self) -> Vec<Arc<Connector>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = known.values().cloned().collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// What the sandbox of all of them has done and does.
    pub(crate) fn activity(&self) -> Activity {
        self.components.activity()
    }

    /// The connectors that a document names as its fallback and that there are not. They are passed
    /// over.
    pub(crate) fn missing_fallback<'d>(&self, document: &'d Document) -> Vec<&'d Name> {
        let fallback = document.fallback().iter();
        fallback.filter(|name| self.find(name.as_str()).is_none()).collect()
    }

    /// What is worth a second look in a connector.
    pub(crate) fn warnings(&self, connector: &Connector) -> Vec<Diagnostic> {
        let missing = self.missing_fallback(&connector.document).into_iter().map(|name| {
            let message = format!("there is no connector `{name}`, which is passed over");
            Diagnostic::warning("/fallback", "unknown-connector", message)
        });
        connector.mailer.warnings().iter().cloned().chain(missing).collect()
    }

    /// What is wrong with connectors that could not be taken over, by name. Where there was one
    /// before, it goes on.
    pub(crate) fn problems(&self) -> BTreeMap<String, String> {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads folder and store again, and takes over what changed.
    ///
    /// # Errors
    ///
    /// Fails where the store does; what is wrong with a single connector is kept for
    /// [`Connectors::problems`].
    pub(crate) async fn refresh(&self) -> Result<(), StoreError> {
        self.refresh_folder().await?;
        self.refresh_managed().await
    }

    /// Ends all of them: what is under way ends first.
    pub(crate) async fn close(&self) {
        for connector in self.all() {
            connector.mailer.close().await;
        }
        self.rotations.end();
    }

    /// Checks a document and makes a connector of it.
    async fn make(
        &self,
        name: &str,
        origin: Origin,
        document: Document,
    ) -> Result<Connector, Error> {
        // Who uses the API must not read this host's environment and files.
        let generation = self.generations.fetch_add(1, Ordering::Relaxed);
        let options = Options::default()
            .egress(self.egress.clone())
            .secret_sources(origin == Origin::Folder)
            .on_rotated_token(self.rotations.observer(name, origin, generation));
        let component = self.components.find(document.component()).await?;
        let mailer = component.configure_with(document.configuration(), &options).await?;
        let types = usage_types(document.configuration());
        let (name, mailer) = (name.to_owned(), Arc::new(mailer));
        Ok(Connector { name, origin, document, component, types, mailer, generation })
    }

    /// Puts a connector in the place of the one before, which finishes what it has.
    async fn install(&self, connector: Connector) -> Result<Arc<Connector>, StoreError> {
        let most_in_flight =
            i64::try_from(connector.mailer.connections() * BY_CONNECTION).unwrap_or(i64::MAX);
        let pace = connector.mailer.rate_limit().map_or(Pace::ANY, |limit| {
            let burst = i64::from(limit.messages.max(1));
            Pace { emission: (micros(limit.window) / burst).max(1), burst }
        });
        let fallback = connector.document.fallback().iter().map(|name| name.as_str().to_owned());
        let configuration = connector.document.configuration().as_bytes();
        let lane = LaneSettings {
            most_in_flight,
            pace,
            fallback: fallback.collect(),
            configuration: self.digester.digest(&[b"configuration", configuration]),
        };
        self.store.set_lane(&connector.name, &lane).await?;
        let has_webhook = connector.document.webhook().is_some();
        self.store.set_webhook(&connector.name, has_webhook).await?;
        let connector = Arc::new(connector);
        let before = {
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            known.insert(connector.name.clone(), connector.clone())
        };
        self.forgive(&connector.name);
        retire(before);
        tracing::info!(target: "smtp_connector", connector = connector.name, "connector in use");
        Ok(connector)
    }

    /// Takes over a document; what is wrong with it is kept for [`Connectors::problems`].
    async fn adopt(
        &self,
        name: &str,
        origin: Origin,
        document: Document,
    ) -> Result<(), StoreError> {
        match self.make(name, origin, document).await {
            Ok(connector) => drop(self.install(connector).await?),
            Err(error) => self.blame(name, in_one_line(&error)),
        }
        Ok(())
    }

    /// Notes a later document of a connector whose mailer goes on with it.
    fn amend(&self, connector: &Connector, origin: Origin, document: Document) {
        let Connector { name, component, types, mailer, generation, .. } = connector;
        let amended = Connector {
            name: name.clone(),
            origin,
            document,
            component: component.clone(),
            types: types.clone(),
            mailer: mailer.clone(),
            generation: *generation,
        };
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(present) = known.get_mut(name)
            && present.generation == *generation
        {
            *present = Arc::new(amended);
        }
    }

    /// Takes a connector away; it finishes what it has.
    fn remove(&self, name: &str) {
        let before = self.known.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        self.forgive(name);
        retire(before);
    }

    fn blame(&self, name: &str, problem: String) {
        tracing::error!(
            target: "smtp_connector", connector = name, problem,
            "connector not taken over"
        );
        self.problems
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.to_owned(), problem);
    }

    fn forgive(&self, name: &str) {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

/// Lets a connector finish what it has.
fn retire(connector: Option<Arc<Connector>>) {
    if let Some(connector) = connector {
        tokio::spawn(async move {
            connector.mailer.close().await;
            // None is open; where there is another of this name, its own are told when asked for.
            figures::connections(&connector.name, connector.mailer.occupancy());
        });
    }
}

/// The usage types that a configuration has templates for.
fn usage_types(configuration: &str) -> HashSet<String> {
    let configuration: Value = serde_json::from_str(configuration).unwrap_or_default();
    let templates = configuration["templates"].as_array().cloned().unwrap_or_default();
    let types = templates.iter().filter_map(|template| template["usageType"].as_str());
    types.map(str::to_owned).collect()
}

/// What is wrong with a configuration, in one line for a log.
fn in_one_line(error: &Error) -> String {
    let findings: Vec<_> = error
        .diagnostics()
        .iter()
        .filter(|diagnostic| diagnostic.is_error())
        .map(|Diagnostic { path, message, .. }| format!("`{path}` {message}"))
        .collect();
    if findings.is_empty() { error.to_string() } else { findings.join("; ") }
}
