//! Which server certificates are accepted. Beyond the usual chain of trust: a certificate that the
//! configuration gives itself is accepted byte for byte, whatever it says about being a CA, as long
//! as its name and dates fit.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use webpki::{EndEntityCert, RawPublicKeyEntity};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::roots::Roots;

/// Decides about server certificates.
#[derive(Debug)]
pub(super) struct Verifier {
    /// None accepts every chain and every name.
    chain: Option<Arc<WebPkiServerVerifier>>,
    given: Vec<CertificateDer<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    /// Demands a chain to the roots, or one of the given certificates itself.
    pub(super) fn strict(
        roots: &Roots,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, rustls::client::VerifierBuilderError> {
        let algorithms = provider.signature_verification_algorithms;
        let chain = WebPkiServerVerifier::builder_with_provider(roots.store(), provider).build()?;
        Ok(Self { chain: Some(chain), given: roots.given().to_vec(), algorithms })
    }

    /// Accepts any certificate, but still has the server prove that it owns it.
    pub(super) fn lenient(provider: &CryptoProvider) -> Self {
        Self {
            chain: None,
            given: Vec::new(),
            algorithms: provider.signature_verification_algorithms,
        }
    }

    /// Checks a signature by a certificate that webpki cannot read, such as one of X.509 version 1:
    /// with its bare key. Where any certificate is accepted, so is one without proof.
    fn verify_odd_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.chain.is_none() {
            return Ok(HandshakeSignatureValid::assertion());
        }
        let certificate = parse(certificate)?;
        let key = SubjectPublicKeyInfoDer::from(certificate.public_key().raw);
        let key = RawPublicKeyEntity::try_from(&key).map_err(|_| CertificateError::BadEncoding)?;
        let known = self.algorithms.mapping.iter().filter(|(scheme, _)| *scheme == signed.scheme);
        let proven = known
            .flat_map(|(_, algorithms)| *algorithms)
            .any(|algorithm| key.verify_signature(*algorithm, message, signed.signature()).is_ok());
        if proven {
            return Ok(HandshakeSignatureValid::assertion());
        }
        Err(CertificateError::BadSignature.into())
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.chain {
            None => Ok(ServerCertVerified::assertion()),
            Some(_) if self.given.iter().any(|given| given == end_entity) => {
                verify_dates(end_entity, now)?;
                verify_name(end_entity, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            Some(chain) => {
                chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if EndEntityCert::try_from(certificate).is_err() {
            return self.verify_odd_signature(message, certificate, signed);
        }
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if EndEntityCert::try_from(certificate).is_err() {
            return self.verify_odd_signature(message, certificate, signed);
        }
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn parse<'a>(certificate: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, Error> {
    let parsed = X509Certificate::from_der(certificate.as_ref());
    parsed.map(|(_, parsed)| parsed).map_err(|_| CertificateError::BadEncoding.into())
}

fn verify_dates(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let parsed = parse(certificate)?;
    let seconds = |time: x509_parser::time::ASN1Time| u64::try_from(time.timestamp()).unwrap_or(0);
    let (not_before, not_after) =
        (seconds(parsed.validity().not_before), seconds(parsed.validity().not_after));
    let at = |seconds| UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    if now.as_secs() < not_before {
        return Err(
            CertificateError::NotValidYetContext { time: now, not_before: at(not_before) }.into()
        );
    }
    if now.as_secs() > not_after {
        return Err(CertificateError::ExpiredContext { time: now, not_after: at(not_after) }.into());
    }
    Ok(())
}

/// The subject alternative names decide; where there are none, as in certificates made with one
/// openssl command, the common name does.
fn verify_name(
    certificate: &CertificateDer<'_>,
    server_name: &ServerName<'_>,
) -> Result<(), Error> {
    let parsed = parse(certificate)?;
    let mut common_names: Vec<_> = parsed
        .subject()
        .iter_common_name()
        .filter_map(|name| name.as_str().ok().map(str::to_owned))
        .collect();
    let alternatives = parsed.subject_alternative_name().ok().flatten();
    let fits = match &alternatives {
        None => common_names.iter().any(|name| name.eq_ignore_ascii_case(&server_name.to_str())),
        Some(_) => EndEntityCert::try_from(certificate).is_ok_and(|certificate| {
            certificate.verify_is_valid_for_subject_name(server_name).is_ok()
        }),
    };
    if fits {
        return Ok(());
    }
    if let Some(alternatives) = alternatives {
        common_names = alternatives.value.general_names.iter().map(ToString::to_string).collect();
    }
    Err(CertificateError::NotValidForNameContext {
        expected: server_name.to_owned(),
        presented: common_names,
    }
    .into())
}
