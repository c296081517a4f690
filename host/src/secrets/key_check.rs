//! Checks what only the host can check, because it takes the values themselves: that secrets named
//! by environment variable or file can be had, and that certificates and keys can be used.

use rustls::pki_types::CertificateDer;

use crate::diagnostic::Diagnostic;
use crate::host::Host;
use crate::plan::{
    Authentication, DkimSigner, Grant, SecretRef, TlsOptions, TokenRequest, TransportPlan,
};
use crate::secrets::{
    Secret, SecretStore, Source, pem,
    private_key::{self, Budget, ClearKey, KeyPlace, Purpose},
};

/// The host's own findings. Deriving the keys of keys may take a second.
///
/// A key that was opened stays so in the secret store: its passphrase is expensive to try, and is
/// tried once.
pub(crate) fn examine(
    secrets: &mut SecretStore,
    plan: Option<&TransportPlan>,
    sources_allowed: bool,
) -> Vec<Diagnostic> {
    let sources =
        secrets.entries().map(|(pointer, source)| examine_source(pointer, source, sources_allowed));
    let diagnostics = sources.flatten().collect();
    let mut examination =
        Examination { secrets, sources_allowed, budget: Budget::default(), diagnostics };
    if let Some(plan) = plan {
        examination.plan(plan);
    }
    examination.diagnostics
}

fn examine_source(pointer: &str, source: &Source, allowed: bool) -> Option<Diagnostic> {
    match source {
        Source::Inline(_) => None,
        Source::Environment(_) | Source::File(_) if !allowed => {
            let message = "a secret may not be read from this host's environment or files";
            let help = "write the secret itself, or let the embedder allow secret sources";
            Some(Diagnostic::error(pointer, "secret-source-not-allowed", message).with_help(help))
        }
        source => {
            let problem = source.value().err()?;
            let help = "name a variable or a file that holds the secret, readable by this process";
            Some(Diagnostic::error(pointer, "secret-unavailable", problem).with_help(help))
        }
    }
}

/// The look at the certificates and keys of one plan.
struct Examination<'a> {
    secrets: &'a mut SecretStore,
    sources_allowed: bool,
    budget: Budget,
    diagnostics: Vec<Diagnostic>,
}

impl Examination<'_> {
    fn plan(&mut self, plan: &TransportPlan) {
        self.tls("/tls", &plan.tls_options);
        if let Authentication::OAuth2(login) = &plan.authentication
            && let Some(renewal) = &login.renewal
        {
            self.token_request(renewal);
        }
        for signer in plan.dkim.iter().flat_map(|dkim| &dkim.signers) {
            let place =
                KeyPlace { key: &signer.private_key, passphrase: signer.passphrase.as_ref() };
            self.signing_key(place, Purpose::Signature);
            self.signing_domain(signer);
        }
    }

    /// Names beyond ASCII are the host's to convert.
    fn signing_domain(&mut self, signer: &DkimSigner) {
        if signer.domain.parse().is_ok_and(|host: Host| host.address().is_none()) {
            return;
        }
        let object =
            signer.private_key.0.rsplit_once("/privateKey").map_or("", |(object, _)| object);
        let message = "is no domain name";
        let error = Diagnostic::error(format!("{object}/domainName"), "invalid-host", message);
        self.diagnostics
            .push(error.with_help("write the name as it stands in the DNS, with `xn--` labels"));
    }

    fn token_request(&mut self, request: &TokenRequest) {
        if let Grant::Jwt { private_key, passphrase, .. } = &request.grant {
            let place = KeyPlace { key: private_key, passphrase: passphrase.as_ref() };
            self.signing_key(place, Purpose::Assertion);
        }
        self.tls("/auth/tls", &request.tls);
    }

    fn tls(&mut self, pointer: &str, options: &TlsOptions) {
        for (index, roots) in options.roots.iter().enumerate() {
            let place = match options.roots.len() {
                1 => format!("{pointer}/ca"),
                _ => format!("{pointer}/ca/{index}"),
            };
            self.certificates(place, roots);
        }
        let Some(identity) = &options.identity else { return };
        let place =
            KeyPlace { key: &identity.private_key, passphrase: identity.passphrase.as_ref() };
        let chain = self.certificates(format!("{pointer}/cert"), &identity.certificate_chain);
        let key = self.key(place);
        if let (Some(chain), Some(key)) = (chain, key)
            && let Err(unusable) = private_key::certify(chain, &key)
        {
            self.diagnostics.push(unusable.diagnostic(place));
        }
    }

    /// The certificates in a text, where it holds some and nothing broken.
    fn certificates(&mut self, place: String, text: &str) -> Option<Vec<CertificateDer<'static>>> {
        let problem = match pem::certificates(text) {
            Err(pem::Damaged) => "the certificate cannot be read: its PEM is damaged",
            Ok(certificates) if certificates.is_empty() => "there is no certificate here",
            Ok(certificates) if certificates.iter().all(is_certificate) => {
                return Some(certificates);
            }
            Ok(_) => "the certificate is damaged: its content is no X.509 certificate",
        };
        let help = "expected PEM: the text from `-----BEGIN CERTIFICATE-----` to \
            `-----END CERTIFICATE-----`, complete and unchanged";
        self.diagnostics
            .push(Diagnostic::error(place, "unusable-certificate", problem).with_help(help));
        None
    }

    fn signing_key(&mut self, place: KeyPlace<'_>, purpose: Purpose) {
        if let Some(key) = self.key(place)
            && let Err(unusable) = private_key::signer(&key, purpose)
        {
            self.diagnostics.push(unusable.diagnostic(place));
        }
    }

    fn key(&mut self, place: KeyPlace<'_>) -> Option<ClearKey> {
        let text = self.secret(place.key)?;
        let passphrase = match place.passphrase {
            Some(passphrase) => Some(self.secret(passphrase)?),
            None => None,
        };
        let passphrase = passphrase.as_ref().map(Secret::expose);
        let key = match private_key::open(text.expose(), passphrase, &mut self.budget) {
            Ok(key) => key,
            Err(unusable) => {
                self.diagnostics.push(unusable.diagnostic(place));
                return None;
            }
        };
        if private_key::is_encrypted(text.expose()) {
            let clear = Secret::new(private_key::write(&key).as_str());
            self.secrets.keep(place.key.0.clone(), Source::Inline(clear));
        } else if let Some(passphrase) = place.passphrase {
            let message = "has no effect: the private key is not encrypted";
            let warning = Diagnostic::warning(&passphrase.0, "no-effect", message);
            self.diagnostics.push(warning.with_help("remove it"));
        }
        Some(key)
    }

    /// The value behind a reference, unless it cannot be had or must not be, which is told already.
    fn secret(&self, reference: &SecretRef) -> Option<Secret> {
        match self.secrets.entries().find(|(pointer, _)| *pointer == reference.0)?.1 {
            Source::Inline(secret) => Some(secret.clone()),
            source if self.sources_allowed => source.value().ok(),
            _ => None,
        }
    }
}

fn is_certificate(certificate: &CertificateDer<'static>) -> bool {
    x509_parser::parse_x509_certificate(certificate).is_ok()
}

#[cfg(test)]
mod tests {
    use pkcs8::PrivateKeyInfoRef;
    use pkcs8::der::Decode as _;
    use pkcs8::pkcs5::pbes2::Parameters;

    use super::*;

    fn refer(pointer: &str) -> SecretRef {
        SecretRef(pointer.to_owned())
    }

    fn look(
        secrets: &mut SecretStore,
        sources_allowed: bool,
    ) -> (Option<ClearKey>, Vec<Diagnostic>) {
        let (budget, diagnostics) = (Budget::default(), Vec::new());
        let mut examination = Examination { secrets, sources_allowed, budget, diagnostics };
        let (key, passphrase) = (refer("/tls/key"), refer("/tls/passphrase"));
        let opened = examination.key(KeyPlace { key: &key, passphrase: Some(&passphrase) });
        (opened, examination.diagnostics)
    }

    #[test]
    fn an_opened_key_stays_open() {
        let key = rcgen::KeyPair::generate().expect("a key").serialize_der();
        let parameters = Parameters::generate_pbkdf2_sha256_aes256cbc(2048, b"saltsalt", [7; 16]);
        let info = PrivateKeyInfoRef::from_der(&key).expect("a key");
        let encrypted =
            info.encrypt_with_params(parameters.expect("sound ones"), "phrase").expect("ciphers");
        let text = pem::write("ENCRYPTED PRIVATE KEY", encrypted.as_bytes());
        let mut secrets = SecretStore::default();
        secrets.keep("/tls/key".to_owned(), Source::Inline(Secret::new(text.as_str())));
        secrets.keep("/tls/passphrase".to_owned(), Source::Inline(Secret::new("phrase")));
        let (opened, diagnostics) = look(&mut secrets, false);
        assert_eq!((opened.expect("a key").secret_der(), diagnostics), (key.as_slice(), vec![]));
        let kept = secrets.resolve(&refer("/tls/key")).expect("it is there");
        assert_eq!(kept.expose(), pem::write("PRIVATE KEY", &key).as_str());
    }

    #[test]
    fn files_are_not_read_where_they_must_not_be() {
        let mut secrets = SecretStore::default();
        secrets.keep(
            "/tls/key".to_owned(),
            Source::File(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").to_owned()),
        );
        secrets.keep("/tls/passphrase".to_owned(), Source::Inline(Secret::new("phrase")));
        assert_eq!(look(&mut secrets, false).1, vec![]);
        let found = look(&mut secrets, true).1;
        assert_eq!(
            found.iter().map(|finding| finding.code.as_str()).collect::<Vec<_>>(),
            ["unusable-key"]
        );
    }
}
