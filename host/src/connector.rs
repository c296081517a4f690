//! A loaded connector: what it says of itself, and configurations checked with it.

use std::sync::Arc;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use tokio::task::spawn_blocking;

use crate::author::Authors;
use crate::boxed::Boxed;
use crate::config::{SecretPaths, Unmaskable, blot_out, locate_all};
use crate::descriptor::Descriptor;
use crate::diagnostic::Diagnostic;
use crate::egress::EgressPolicy;
use crate::error::{Error, ErrorKind, Result};
use crate::mailer::Mailer;
use crate::plan::TransportPlan;
use crate::sandbox::{Checked, Component, Composers, Limits, Outcome, Program};
use crate::secrets::{Observer, RotatedToken, SecretStore, key_check};

/// A component that is ready to check configurations. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Connector {
    component: Arc<Component>,
    secret_paths: Arc<SecretPaths>,
}

/// What a configuration may do, decided by the embedder.
///
/// # Example
///
/// ```
/// use smtp_connector::{EgressPolicy, Options};
///
/// let options = Options::default().egress(EgressPolicy::only(["relay.internal"]));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Options {
    author_domains: Vec<String>,
    egress: EgressPolicy,
    keep_instances: usize,
    secret_sources: bool,
    rotations: Observer,
}

impl Options {
    /// Sets the domains in which the placeholders of a template's `sendFrom` may make an author's
    /// address. Without it they may do so only where the domain itself stands in `sendFrom`, as in
    /// `{{user}}@example.com`.
    ///
    /// # Example
    ///
    /// ```
    /// let options = smtp_connector::Options::default().author_domains(["example.com"]);
    /// ```
    #[must_use]
    pub fn author_domains(mut self, domains: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.author_domains = domains.into_iter().map(Into::into).collect();
        self
    }

    /// Sets which addresses may be connected to: public ones only, unless set.
    #[must_use]
    pub fn egress(mut self, policy: EgressPolicy) -> Self {
        self.egress = policy;
        self
    }

    /// Sets how many instances of the component are kept open for this configuration's further
    /// messages, two at most: none unless set, so that each message is composed in a fresh one and
    /// nothing of it, such as a code, can reach the next. Kept instances save some ten microseconds
    /// a message, more for templates with blocks and for components with a language's runtime.
    ///
    /// Keep them only of a component that you trust to forget. An instance never serves two
    /// configurations, and one engine keeps at most 128.
    #[must_use]
    pub fn keep_instances(mut self, count: usize) -> Self {
        self.keep_instances = count;
        self
    }

    /// Whether `{"env": …}` and `{"file": …}` in place of a secret are resolved. Off unless set: a
    /// tenant's configuration must not read this process's environment or files.
    #[must_use]
    pub fn secret_sources(mut self, allowed: bool) -> Self {
        self.secret_sources = allowed;
        self
    }

    /// Sets what is called when a token endpoint replaces the refresh token of the configuration,
    /// so that the new one can be kept. It is called on a task of the runtime, and must not block.
    ///
    /// Without it the new token is used as long as the mailer lives, and a warning is logged.
    ///
    /// # Example
    ///
    /// ```
    /// use smtp_connector::Options;
    ///
    /// let options = Options::default().on_rotated_token(|rotated| {
    ///     // Here the platform stores `rotated.expose()` as `auth.refreshToken`.
    ///     println!("{} has a new refresh token", rotated.user());
    /// });
    /// ```
    #[must_use]
    pub fn on_rotated_token(
        mut self,
        callback: impl Fn(&RotatedToken) + Send + Sync + 'static,
    ) -> Self {
        self.rotations = Observer::new(callback);
        self
    }
}

/// What a check found: every diagnostic, and the plan unless there are errors.
#[derive(Debug)]
#[non_exhaustive]
pub struct Check {
    /// The findings, in the order of the document.
    pub diagnostics: Vec<Diagnostic>,
    /// How the server will be reached; none where there are errors.
    pub plan: Option<TransportPlan>,
}

impl Check {
    /// A check that ended with these findings, for programs that find something wrong before a
    /// component is asked.
    pub fn without_plan(diagnostics: Vec<Diagnostic>) -> Self {
        Self { diagnostics, plan: None }
    }

    /// Whether mail can be sent with the configuration.
    pub fn is_ok(&self) -> bool {
        self.plan.is_some()
    }
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("ok", &self.is_ok())?;
        map.serialize_entry("diagnostics", &self.diagnostics)?;
        if let Some(plan) = &self.plan {
            map.serialize_entry("transport", plan)?;
        }
        map.end()
    }
}

impl Connector {
    pub(crate) fn new(component: Arc<Component>) -> Self {
        let pointers = component.descriptor().secret_pointers.iter().map(String::as_str);
        let secret_paths = Arc::new(SecretPaths::new(pointers));
        Self { component, secret_paths }
    }

    /// What the component says of itself.
    ///
    /// # Example
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let connector = smtp_connector::Engine::new()?.bundled().await?;
    /// let examples = &connector.descriptor().examples;
    /// assert!(examples.iter().any(|example| example.id == "gmail"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn descriptor(&self) -> &Descriptor {
        self.component.descriptor()
    }

    /// Checks a configuration and reports every finding at once.
    ///
    /// Secrets are taken out before the component sees the configuration.
    ///
    /// # Example
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use smtp_connector::{Engine, Options};
    ///
    /// let connector = Engine::new()?.bundled().await?;
    /// let check = connector.check(r#"{"host": "smtp.example.com"}"#, &Options::default()).await?;
    /// assert!(!check.is_ok());
    /// assert!(check.diagnostics.iter().any(|finding| finding.path == "/fromEmail"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// A configuration with errors is an `Ok` that says so. Fails with [`ErrorKind::Component`]
    /// where the component misbehaves, its plan leading elsewhere than the configuration included.
    ///
    /// [`ErrorKind::Component`]: crate::ErrorKind::Component
    pub async fn check(&self, configuration: &str, options: &Options) -> Result<Check> {
        self.examine(configuration, options).await.map(|(check, _)| check)
    }

    /// Checks a configuration and makes a mailer of it, with the default options.
    ///
    /// # Example
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use smtp_connector::{Engine, ErrorKind};
    ///
    /// let connector = Engine::new()?.bundled().await?;
    /// let incomplete = r#"{"host": "smtp.example.com"}"#;
    /// let error = connector.configure(incomplete).await.expect_err("it has errors");
    /// assert_eq!(error.kind(), ErrorKind::Configuration);
    /// assert!(!error.diagnostics().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Connector::configure_with`].
    pub async fn configure(&self, configuration: &str) -> Result<Mailer> {
        self.configure_with(configuration, &Options::default()).await
    }

    /// Checks a configuration and makes a mailer of it. Do this once per configuration and keep the
    /// mailer.
    ///
    /// # Example
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use smtp_connector::{EgressPolicy, Engine, Options};
    /// use smtp_connector_catch_all::CatchAll;
    ///
    /// let server = CatchAll::start(Default::default()).await?;
    /// let configuration = server.configuration().to_string();
    /// let connector = Engine::new()?.bundled().await?;
    /// // The server of a test is on loopback, where the default policy lets no mail go.
    /// let options = Options::default().egress(EgressPolicy::only(["127.0.0.1"]));
    /// let mailer = connector.configure_with(&configuration, &options).await?;
    /// assert!(mailer.verify(None).await?.error.is_none());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Configuration`] where the configuration has errors (see
    /// [`Error::diagnostics`]), and with [`ErrorKind::Component`] where the component misbehaves.
    ///
    /// [`ErrorKind::Component`]: crate::ErrorKind::Component
    /// [`ErrorKind::Configuration`]: crate::ErrorKind::Configuration
    pub async fn configure_with(&self, configuration: &str, options: &Options) -> Result<Mailer> {
        let (check, prepared) = self.examine(configuration, options).await?;
        let (Some(plan), Some(prepared)) = (check.plan, prepared) else {
            return Err(Error::configuration(check.diagnostics));
        };
        let Prepared { secrets, program, author } = prepared;
        let composers = Composers::new(self.component.clone(), program, options.keep_instances);
        let authors = Authors::of(&author, options.author_domains.clone());
        let (egress, rotations) = (options.egress.clone(), options.rotations.clone());
        Mailer::new(composers, authors, plan, secrets, egress, rotations, check.diagnostics)
    }

    /// A copy of a configuration that a report on it may quote: without secrets, without the values
    /// that the findings are not to show, and without the user information of URLs. Empty where it
    /// is not JSON.
    ///
    /// It is JSON of the same shape, so that [`locate`](crate::locate) finds its way in it.
    ///
    /// # Example
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let connector = smtp_connector::Engine::new()?.bundled().await?;
    /// let configuration = r#"{ "auth": { "user": "jo", "pass": "hunter2" } }"#;
    /// let quotable = connector.quotable(configuration, &[]);
    /// assert_eq!(quotable, r#"{ "auth": { "user": "jo", "pass": "***" } }"#);
    /// # Ok(())
    /// # }
    /// ```
    pub fn quotable(&self, configuration: &str, diagnostics: &[Diagnostic]) -> String {
        let Ok(masked) = self.secret_paths.mask(configuration) else {
            return String::new();
        };
        let withheld = diagnostics.iter().filter(|diagnostic| !diagnostic.quotable);
        let pointers = masked.unquotable.iter().chain(withheld.map(|diagnostic| &diagnostic.path));
        blot_out(configuration, pointers.map(String::as_str))
    }

    /// The bounds on every call.
    pub(crate) fn limits(&self) -> &Limits {
        self.component.limits()
    }

    pub(crate) fn examine<'a>(
        &'a self,
        configuration: &'a str,
        options: &'a Options,
    ) -> Boxed<'a, Result<(Check, Option<Prepared>)>> {
        Box::pin(self.examine_unboxed(configuration, options))
    }

    async fn examine_unboxed(
        &self,
        configuration: &str,
        options: &Options,
    ) -> Result<(Check, Option<Prepared>)> {
        let limit = self.limits().configuration_bytes;
        if configuration.len() > limit {
            let message = format!(
                "the configuration has {} bytes; at most {limit} are read",
                configuration.len()
            );
            return Ok((Check::failed(Diagnostic::error("", "too-large", message)), None));
        }
        let mut masked = match self.secret_paths.mask(configuration) {
            Ok(masked) => masked,
            Err(problem) => return Ok((Check::failed(unmaskable(&problem)), None)),
        };
        let Checked { mut diagnostics, outcome } = self.component.check(&masked.text).await?;
        // A configuration that cannot be carried out is no fault of the component's.
        let mut own = masked.declared.findings(&diagnostics);
        let (plan, program) = match outcome {
            Some(Outcome { plan, program }) if own.is_empty() => (Some(plan?), Some(program)),
            _ => (None, None),
        };
        if let Some(plan) = &plan {
            masked.declared.check(plan)?;
        }
        let mut secrets = std::mem::take(&mut masked.secrets);
        let sources_allowed = options.secret_sources;
        let examined = spawn_blocking(move || {
            own.extend(key_check::examine(&mut secrets, plan.as_ref(), sources_allowed));
            (secrets, plan, own)
        });
        let (secrets, plan, own) =
            examined.await.map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))?;
        if !own.is_empty() {
            diagnostics = merge(diagnostics, own, configuration);
        }
        let failed = diagnostics.iter().any(Diagnostic::is_error);
        let author = masked.declared.author().to_owned();
        let prepared = program.map(|program| Prepared { secrets, program, author });
        Ok((Check { diagnostics, plan: plan.filter(|_| !failed) }, prepared))
    }
}

/// What a mailer is made of, beside the plan.
pub(crate) struct Prepared {
    secrets: SecretStore,
    pub(crate) program: Program,
    /// The author's mailbox, as the configuration has it.
    author: String,
}

/// Puts the host's findings among the component's, which are in the order of the document.
fn merge(
    component: Vec<Diagnostic>,
    host: Vec<Diagnostic>,
    configuration: &str,
) -> Vec<Diagnostic> {
    let placed = |diagnostics: Vec<Diagnostic>| {
        let paths: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.path.as_str()).collect();
        let places = locate_all(configuration, &paths).into_iter();
        let starts: Vec<_> =
            places.map(|place| place.map_or(usize::MAX, |range| range.start)).collect();
        starts.into_iter().zip(diagnostics).collect::<Vec<_>>()
    };
    let mut host = placed(host);
    host.sort_by_key(|(start, _)| *start);
    let mut host = host.into_iter().peekable();
    let mut merged = Vec::new();
    for (start, diagnostic) in placed(component) {
        while let Some((_, earlier)) = host.next_if(|(own, _)| *own < start) {
            merged.push(earlier);
        }
        merged.push(diagnostic);
    }
    merged.extend(host.map(|(_, diagnostic)| diagnostic));
    merged
}

impl Check {
    fn failed(diagnostic: Diagnostic) -> Self {
        Self { diagnostics: vec![diagnostic], plan: None }
    }
}

fn unmaskable(problem: &Unmaskable) -> Diagnostic {
    match problem {
        Unmaskable::NotJson(error) => Diagnostic::error(
            "",
            "not-json",
            format!("the configuration is not valid JSON: {error}"),
        )
        .with_help("the configuration is one JSON object; look at the line and column named"),
        Unmaskable::TooComplex => {
            let message = "the configuration holds too many secrets, certificates or parameters";
            Diagnostic::error("", "too-complex", message).with_help("shorten it")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_findings_of_both_sides_come_in_document_order() {
        let text = r#"{"auth": {"user": "u", "pass": {"env": "X"}}, "host": 1, "tls": {"ca": "x"},
            "port": 0}"#;
        let finding = |path: &str| Diagnostic::error(path, "code", "message");
        let component = ["/auth/user", "/host", "/port", "/templates"].map(finding).to_vec();
        let host = ["/tls/ca", "/auth/pass"].map(finding).to_vec();
        let merged = merge(component, host, text);
        let paths: Vec<_> = merged.iter().map(|diagnostic| diagnostic.path.as_str()).collect();
        assert_eq!(paths, ["/auth/user", "/auth/pass", "/host", "/tls/ca", "/port", "/templates"]);
    }
}
