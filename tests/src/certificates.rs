//! Certificates for tests, made when a test runs: good ones and every bad one that a client must refuse.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use crate::peer::ServerTls;

/// A certificate authority of a test.
#[derive(Debug)]
pub struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its private key.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate in PEM.
    pub certificate_pem: String,
    /// The private key in PEM, PKCS #8.
    pub key_pem: String,
}

impl Authority {
    /// Makes an authority.
    #[expect(clippy::new_without_default, reason = "each one has another key")]
    pub fn new() -> Self {
        let key = generate();
        let params = authority_params("test authority", Vec::new());
        let pem = params.self_signed(&key).expect("the parameters are sound").pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// The authority's certificate in PEM: what a client must trust.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for `localhost` and 127.0.0.1.
    pub fn localhost(&self) -> Identity {
        self.issue(&leaf_params(&["localhost", "127.0.0.1"]))
    }

    /// A certificate for `localhost` and 127.0.0.1 that expired in 2001.
    pub fn expired(&self) -> Identity {
        let mut params = leaf_params(&["localhost", "127.0.0.1"]);
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2001, 1, 1);
        self.issue(&params)
    }

    /// A certificate for another name.
    pub fn named(&self, name: &str) -> Identity {
        self.issue(&leaf_params(&[name]))
    }

    /// A client's certificate.
    pub fn client(&self, name: &str) -> Identity {
        let mut params = leaf_params(&[name]);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(&params)
    }

    fn issue(&self, params: &CertificateParams) -> Identity {
        let key = generate();
        let certificate = params.signed_by(&key, &self.issuer).expect("the parameters are sound");
        Identity { certificate_pem: certificate.pem(), key_pem: key.serialize_pem() }
    }
}

impl Identity {
    /// A server's own certificate for `localhost` and 127.0.0.1, signed by itself, as no authority.
    pub fn self_signed() -> Self {
        Self::signed_by_itself(&leaf_params(&["localhost", "127.0.0.1"]))
    }

    /// The same with CA:TRUE, as `openssl req -x509` makes it.
    pub fn self_signed_authority() -> Self {
        Self::signed_by_itself(&authority_params("localhost", vec!["localhost".into(), "127.0.0.1".into()]))
    }

    fn signed_by_itself(params: &CertificateParams) -> Self {
        let key = generate();
        let certificate = params.self_signed(&key).expect("the parameters are sound");
        Self { certificate_pem: certificate.pem(), key_pem: key.serialize_pem() }
    }

    /// A server that shows this certificate.
    pub fn server(&self) -> ServerTls {
        let builder = builder().with_no_client_auth();
        Arc::new(builder.with_single_cert(self.chain(), self.key()).expect("the key fits the certificate"))
    }

    /// A server that shows this certificate and demands one from the client, of this authority.
    pub fn server_demanding(&self, clients: &Authority) -> ServerTls {
        let mut roots = RootCertStore::empty();
        roots.add(certificate(&clients.pem)).expect("the authority is sound");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
        let builder = builder().with_client_cert_verifier(verifier.expect("there is a root"));
        Arc::new(builder.with_single_cert(self.chain(), self.key()).expect("the key fits the certificate"))
    }

    fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![certificate(&self.certificate_pem)]
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(self.key_pem.as_bytes()).expect("the key was just written")
    }
}

fn builder() -> rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider);
    builder.with_safe_default_protocol_versions().expect("the provider has the default versions")
}

fn certificate(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).expect("the certificate was just written")
}

fn generate() -> KeyPair {
    KeyPair::generate().expect("the system has random numbers")
}

fn leaf_params(names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("the names are ASCII");
    params.distinguished_name.push(DnType::CommonName, "test certificate");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

fn authority_params(name: &str, names: Vec<String>) -> CertificateParams {
    let mut params = CertificateParams::new(names).expect("the names are ASCII");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    params
}
