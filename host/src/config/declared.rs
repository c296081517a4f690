//! What a configuration says of the journey, read by the host itself: a plan that departs from it
//! to its harm is refused, whatever the component thinks. The keys are part of the contract.

use super::endpoints::Endpoints;
use super::login::Login;
use super::pace::Pace;
use super::protection::Protection;
use super::scalars::Scalars;
use super::secret_places;
use super::service::Service;
use super::signatures::Signatures;
use crate::diagnostic::Diagnostic;
use crate::error::Result;
use crate::host::Host;
use crate::plan::TransportPlan;

/// What the host holds a plan against.
#[derive(Debug)]
pub(crate) struct Declared {
    pub(super) endpoints: Endpoints,
    pub(super) protection: Protection,
    pub(super) login: Login,
    pub(super) signatures: Signatures,
    pub(super) pace: Pace,
    author: String,
    findings: Vec<Diagnostic>,
}

impl Declared {
    /// Reads the values that the walk over the text collected, and goes on with its findings.
    pub(super) fn read(scalars: Scalars, mut findings: Vec<Diagnostic>) -> Self {
        let scalars = scalars.in_effect();
        // What `url` replaces is not judged.
        findings.retain(|finding| scalars.place(&finding.path) == finding.path);
        let service = Service::named(&scalars);
        let endpoints = Endpoints::read(&scalars, service, &mut findings);
        let protection = Protection::read(&scalars, service, &mut findings);
        findings.extend(unknown_name(&scalars));
        for pointer in ["/fromEmail", "/replyTo"] {
            findings.extend(unknown_domain(&scalars, pointer));
        }
        Self {
            endpoints,
            protection,
            login: Login::read(&scalars, service),
            signatures: Signatures::read(&scalars),
            pace: Pace::read(&scalars),
            author: scalars.text("/fromEmail").unwrap_or_default().to_owned(),
            findings,
        }
    }

    /// The author's mailbox, as `fromEmail` has it; empty where there is none.
    pub(crate) fn author(&self) -> &str {
        &self.author
    }

    /// What the host alone finds wrong: names that cannot be converted, and URLs that lead nowhere.
    /// A place at which there is an error already is passed over.
    pub(crate) fn findings(&self, known: &[Diagnostic]) -> Vec<Diagnostic> {
        let is_known = |finding: &Diagnostic| {
            known.iter().any(|other| other.is_error() && other.path == finding.path)
        };
        self.findings.iter().filter(|finding| !is_known(finding)).cloned().collect()
    }

    /// Refuses a plan that leads elsewhere, gives a secret to somebody whom it is not for, protects
    /// less, or acts in another name.
    pub(crate) fn check(&self, plan: &TransportPlan) -> Result<()> {
        self.endpoints.check(plan)?;
        secret_places::check(plan)?;
        self.endpoints.check_way(plan)?;
        self.protection.check(plan)?;
        self.login.check(plan)?;
        self.signatures.check(plan)?;
        self.pace.check(plan)
    }
}

/// The finding on a name for EHLO beyond ASCII that has none in the DNS.
fn unknown_name(scalars: &Scalars) -> Option<Diagnostic> {
    let name = scalars.text("/name").filter(|name| !name.is_ascii())?;
    let is_unknown = !name.parse().is_ok_and(|host: Host| host.address().is_none());
    is_unknown.then(|| {
        let problem = "is no internationalized domain name";
        Diagnostic::error(scalars.place("/name"), "invalid-value", problem)
            .with_help("write the name as it stands in the DNS, where it has `xn--` labels")
    })
}

/// The finding on mailboxes of which a domain beyond ASCII has no name in the DNS.
fn unknown_domain(scalars: &Scalars, pointer: &str) -> Option<Diagnostic> {
    let ends = |c: char| c.is_whitespace() || ",;<>\"()".contains(c);
    let mailboxes = scalars.text(pointer)?.split('@').skip(1);
    let mut domains = mailboxes.map(|rest| rest.split(ends).next().unwrap_or_default());
    let is_unknown = |domain: &str| !domain.is_ascii() && domain.parse::<Host>().is_err();
    domains.any(is_unknown).then(|| {
        let problem = "the domain of the address is no internationalized domain name";
        Diagnostic::error(pointer, "invalid-address", problem)
            .with_help("write the domain as it stands in the DNS, where it has `xn--` labels")
    })
}
