//! TLS as the plan wants it: the configuration is made once for all connections, the handshake has
//! a deadline, and what goes wrong is told in words that help.
//!
//! Which certificates are trusted is decided in `verifier`.

mod explanation;
mod roots;
mod verifier;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, SupportedCipherSuite, SupportedProtocolVersion, client, version};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

pub(crate) use self::explanation::refused_certificate;
use self::roots::Roots;
use self::verifier::Verifier;
use super::Stream;
use super::wire_error::WireError;
use crate::error::{Error, ErrorKind, Result, Stage};
use crate::host::Host;
use crate::plan::{ClientIdentity, TlsOptions, TlsVersion};
use crate::receipt::NegotiatedTls;
use crate::secrets::{
    SecretStore, pem,
    private_key::{self, KeyPlace},
};
use crate::submission::record::Record;

/// How many TLS sessions a configuration remembers: one server has few tickets worth keeping.
const SESSIONS: usize = 8;

/// The TLS options of one plan, checked.
pub(crate) struct Tls {
    name: Host,
    option: String,
    verify: bool,
    roots: Roots,
    identity: Option<Arc<CertifiedKey>>,
    versions: Vec<&'static SupportedProtocolVersion>,
    provider: Arc<CryptoProvider>,
    config: OnceLock<Arc<ClientConfig>>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls")
            .field("name", &self.name)
            .field("verify", &self.verify)
            .finish_non_exhaustive()
    }
}

impl Tls {
    /// Checks the options, which stand at `pointer` in the configuration, such as `/tls`. The
    /// system's roots are not touched before the first handshake.
    pub(crate) fn new(
        options: &TlsOptions,
        host: &Host,
        secrets: &SecretStore,
        pointer: &str,
    ) -> Result<Self> {
        let option = pointer.trim_start_matches('/').replace('/', ".");
        let provider = provider(&options.cipher_suites)?;
        let versions = versions(options, &option)?;
        let usable = |version: &&SupportedProtocolVersion| {
            provider.cipher_suites.iter().any(|suite| suite.version().version == version.version)
        };
        if !versions.iter().any(usable) {
            return Err(refused(format!(
                "`{option}.ciphers` leaves no cipher suite for the versions that are allowed"
            )));
        }
        Ok(Self {
            option,
            name: options.server_name.clone().unwrap_or_else(|| host.clone()),
            verify: options.verify_certificate,
            roots: Roots::new(&options.roots, &format!("{pointer}/ca"))?,
            identity: options
                .identity
                .as_ref()
                .map(|identity| load(identity, secrets, pointer))
                .transpose()?,
            versions,
            provider: Arc::new(provider),
            config: OnceLock::new(),
        })
    }

    /// Negotiates TLS for the session within `patience`.
    pub(crate) async fn handshake(
        &self,
        stream: Box<dyn Stream>,
        patience: Duration,
        record: &Record,
    ) -> Result<Box<dyn Stream>> {
        let (stream, tls) = self.negotiate(stream, patience, record).await?;
        record.secured(&tls);
        let trust = if tls.verified { "certificate verified" } else { "certificate not verified" };
        record.remark(&format!("{} with {}, {trust}", tls.version, tls.cipher));
        record.pass(
            Stage::Tls,
            &format_args!("{} {}, {trust} for `{}`", tls.version, tls.cipher, self.name),
        );
        Ok(stream)
    }

    /// Negotiates TLS on any stream within `patience`.
    pub(crate) async fn negotiate(
        &self,
        stream: Box<dyn Stream>,
        patience: Duration,
        record: &Record,
    ) -> Result<(Box<dyn Stream>, NegotiatedTls)> {
        let name = self.server_name()?;
        let connector = TlsConnector::from(self.config()?);
        let attempt = connector.connect(name.clone(), stream);
        let stream = match timeout(patience, attempt).await {
            Err(_) => return Err(WireError::Overdue(patience).at(Stage::Tls, record)),
            Ok(Err(error)) => {
                return Err(explanation::explain(error, &name, &self.option, record));
            }
            Ok(Ok(stream)) => stream,
        };
        let tls = negotiated(stream.get_ref().1, self.verify);
        Ok((Box::new(stream), tls))
    }

    fn server_name(&self) -> Result<ServerName<'static>> {
        ServerName::try_from(self.name.name().to_owned()).map_err(|_| {
            refused(format!(
                "`{}` is neither a domain name nor an IP address, set `{}.servername`",
                self.name, self.option
            ))
            .at(Stage::Tls)
        })
    }

    fn config(&self) -> Result<Arc<ClientConfig>> {
        if let Some(config) = self.config.get() {
            return Ok(config.clone());
        }
        let made = Arc::new(self.make_config()?);
        Ok(self.config.get_or_init(|| made).clone())
    }

    fn make_config(&self) -> Result<ClientConfig> {
        let internal =
            |error: &dyn std::fmt::Display| Error::new(ErrorKind::Internal, error.to_string());
        let verifier = if self.verify {
            Verifier::strict(&self.roots, self.provider.clone())
                .map_err(|error| internal(&error))?
        } else {
            Verifier::lenient(&self.provider)
        };
        let builder = ClientConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(&self.versions)
            .map_err(|error| internal(&error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some(key) => builder.with_client_cert_resolver(Arc::new(
                rustls::sign::SingleCertAndKey::from(key.clone()),
            )),
        };
        config.resumption = client::Resumption::in_memory_sessions(SESSIONS);
        Ok(config)
    }
}

/// The name of a cipher suite as IANA registers it.
fn iana_name(suite: SupportedCipherSuite) -> String {
    let name = suite.suite().as_str().unwrap_or("unknown");
    name.strip_prefix("TLS13_").map_or_else(|| name.to_owned(), |rest| format!("TLS_{rest}"))
}

/// The provider with those of its suites that the plan names, or all.
fn provider(names: &[String]) -> Result<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    if names.is_empty() {
        return Ok(provider);
    }
    let known: Vec<_> = provider.cipher_suites.iter().map(|suite| iana_name(*suite)).collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(name)) {
        let message = format!("the cipher suite `{unknown}` is not among {}", known.join(", "));
        return Err(refused(message));
    }
    provider.cipher_suites.retain(|suite| names.contains(&iana_name(*suite)));
    Ok(provider)
}

fn versions(options: &TlsOptions, option: &str) -> Result<Vec<&'static SupportedProtocolVersion>> {
    let (lowest, highest) = (
        options.minimum_version.unwrap_or(TlsVersion::Tls12),
        options.maximum_version.unwrap_or(TlsVersion::Tls13),
    );
    let all = [(TlsVersion::Tls12, &version::TLS12), (TlsVersion::Tls13, &version::TLS13)];
    let allowed = all.into_iter().filter(|(version, _)| (lowest..=highest).contains(version));
    let versions: Vec<_> = allowed.map(|(_, version)| version).collect();
    if versions.is_empty() {
        return Err(refused(format!("`{option}.minVersion` is above `{option}.maxVersion`")));
    }
    Ok(versions)
}

fn load(
    identity: &ClientIdentity,
    secrets: &SecretStore,
    pointer: &str,
) -> Result<Arc<CertifiedKey>> {
    let chain = certificates(&identity.certificate_chain, &format!("{pointer}/cert"))?;
    let place = KeyPlace { key: &identity.private_key, passphrase: identity.passphrase.as_ref() };
    let key = private_key::load(secrets, place)?;
    private_key::certify(chain, &key).map(Arc::new).map_err(|unusable| unusable.error(place))
}

/// The certificates in a PEM text, of which there must be one at least.
fn certificates(text: &str, place: &str) -> Result<Vec<CertificateDer<'static>>> {
    match pem::certificates(text) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(refused(format!("no certificate in PEM at `{place}`"))),
        Err(pem::Damaged) => Err(refused(format!("the PEM at `{place}` is damaged"))),
    }
}

fn negotiated(connection: &rustls::ClientConnection, verified: bool) -> NegotiatedTls {
    let version = match connection.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3",
        _ => "unknown",
    };
    let cipher =
        connection.negotiated_cipher_suite().map_or_else(|| "unknown".to_owned(), iana_name);
    NegotiatedTls { version: version.to_owned(), cipher, verified }
}

fn refused(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Configuration, message)
}
