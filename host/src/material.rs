//! Checks what only the host can check, because it takes the values themselves: that secrets named by
//! environment variable or file can be had, and that certificates and keys can be read.

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::diagnostic::Diagnostic;
use crate::plan::{ClientIdentity, SecretRef, TlsOptions, TransportPlan};
use crate::vault::{Source, Vault};

/// The host's own findings.
pub(crate) fn examine(vault: &Vault, plan: Option<&TransportPlan>, sources_allowed: bool) -> Vec<Diagnostic> {
    let sources = vault.entries().map(|(pointer, source)| examine_source(pointer, source, sources_allowed));
    let mut diagnostics: Vec<_> = sources.flatten().collect();
    if let Some(plan) = plan {
        examine_tls("/tls", &plan.tls_options, vault, &mut diagnostics);
    }
    diagnostics
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

fn examine_tls(pointer: &str, options: &TlsOptions, vault: &Vault, diagnostics: &mut Vec<Diagnostic>) {
    for (index, roots) in options.roots.iter().enumerate() {
        let place = match options.roots.len() {
            1 => format!("{pointer}/ca"),
            _ => format!("{pointer}/ca/{index}"),
        };
        if let Err(problem) = certificates(roots) {
            diagnostics.push(unusable(place, "unusable-certificate", &problem));
        }
    }
    if let Some(identity) = &options.identity {
        if let Err(problem) = certificates(&identity.certificate_chain) {
            diagnostics.push(unusable(format!("{pointer}/cert"), "unusable-certificate", &problem));
        }
        if let Err(problem) = private_key(identity, vault) {
            diagnostics.push(unusable(identity.private_key.0.clone(), "unusable-key", &problem));
        }
    }
}

fn unusable(path: String, code: &str, problem: &str) -> Diagnostic {
    Diagnostic::error(path, code, problem).with_help(
        "expected PEM: the lines from `-----BEGIN …-----` to `-----END …-----`, line breaks included",
    )
}

/// Whether a text holds certificates and nothing broken.
fn certificates(pem: &str) -> Result<(), String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let certificates = certificates.map_err(|error| format!("the certificate cannot be read: {error}"))?;
    if certificates.is_empty() {
        return Err("there is no certificate here".to_owned());
    }
    for certificate in &certificates {
        x509_parser::parse_x509_certificate(certificate)
            .map_err(|_| "the certificate is damaged: its content is no X.509 certificate".to_owned())?;
    }
    Ok(())
}

fn private_key(identity: &ClientIdentity, vault: &Vault) -> Result<(), String> {
    let key = value(&identity.private_key, vault)?;
    if key.expose().contains("ENCRYPTED") {
        // Decrypting is the submission's business, and so is saying that it cannot.
        return Ok(());
    }
    PrivateKeyDer::from_pem_slice(key.expose().as_bytes())
        .map(|_| ())
        .map_err(|_| "the private key cannot be read".to_owned())
}

fn value(reference: &SecretRef, vault: &Vault) -> Result<crate::secret::Secret, String> {
    vault.resolve(reference).map_err(|error| error.to_string())
}
