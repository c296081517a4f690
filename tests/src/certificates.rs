//! Certificates for tests, made when a test runs: good ones and every bad one that a client must
//! refuse.

mod version_one;

use std::sync::Arc;

use pkcs8::der::Decode as _;
use pkcs8::pkcs5::pbes2::Parameters;
use pkcs8::{LineEnding, PrivateKeyInfoRef};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_RSA_SHA256, date_time_ymd,
};
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

use crate::peer::ServerTls;

/// A certificate authority of a test.
#[derive(Debug)]
pub struct Authority {
    pem: String,
    /// What a server or client shows beside a certificate of this authority.
    chain: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its private key.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate in PEM, and after it those of intermediate authorities.
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
        Self { pem, chain: String::new(), issuer: Issuer::new(params, key) }
    }

    /// Makes an authority whose certificate this one issues.
    pub fn intermediate(&self) -> Self {
        let key = generate();
        let params = authority_params("test intermediate", Vec::new());
        let pem = params.signed_by(&key, &self.issuer).expect("the parameters are sound").pem();
        let chain = format!("{pem}{}", self.chain);
        Self { pem, chain, issuer: Issuer::new(params, key) }
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

    /// A certificate for `localhost` and 127.0.0.1 that is valid from 2200 on.
    pub fn not_yet_valid(&self) -> Identity {
        let mut params = leaf_params(&["localhost", "127.0.0.1"]);
        params.not_before = date_time_ymd(2200, 1, 1);
        params.not_after = date_time_ymd(2201, 1, 1);
        self.issue(&params)
    }

    /// A certificate for `localhost` and 127.0.0.1 with an RSA key.
    pub fn localhost_rsa(&self) -> Identity {
        let key = KeyPair::generate_for(&PKCS_RSA_SHA256).expect("the system has random numbers");
        self.issue_for(&leaf_params(&["localhost", "127.0.0.1"]), &key)
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
        self.issue_for(params, &generate())
    }

    fn issue_for(&self, params: &CertificateParams, key: &KeyPair) -> Identity {
        let certificate = params.signed_by(key, &self.issuer).expect("the parameters are sound");
        let certificate_pem = format!("{}{}", certificate.pem(), self.chain);
        Identity { certificate_pem, key_pem: key.serialize_pem() }
    }
}

impl Identity {
    /// A server's own certificate for `localhost` and 127.0.0.1, signed by itself, as no authority.
    pub fn self_signed() -> Self {
        Self::signed_by_itself(&leaf_params(&["localhost", "127.0.0.1"]))
    }

    /// The same with CA:TRUE, as `openssl req -x509` makes it.
    pub fn self_signed_authority() -> Self {
        Self::signed_by_itself(&authority_params(
            "localhost",
            vec!["localhost".into(), "127.0.0.1".into()],
        ))
    }

    fn signed_by_itself(params: &CertificateParams) -> Self {
        let key = generate();
        let certificate = params.self_signed(&key).expect("the parameters are sound");
        Self { certificate_pem: certificate.pem(), key_pem: key.serialize_pem() }
    }

    /// A server's own certificate for the common name `localhost`, of X.509 version 1: without
    /// extensions, as `openssl x509 -req -signkey` made them.
    pub fn version_one() -> Self {
        let key = generate();
        let mut params = CertificateParams::new(Vec::new()).expect("there are no names");
        params.distinguished_name.push(DnType::CommonName, "localhost");
        let certificate = params.self_signed(&key).expect("the parameters are sound");
        Self {
            certificate_pem: version_one::without_extensions(&certificate, &key),
            key_pem: key.serialize_pem(),
        }
    }

    /// The private key in PEM, encrypted under a passphrase.
    pub fn encrypted_key_pem(&self, passphrase: &str) -> String {
        let parameters = Parameters::generate_pbkdf2_sha256_aes256cbc(2048, b"saltsalt", [7; 16]);
        let key = self.key();
        let key = PrivateKeyInfoRef::from_der(key.secret_der()).expect("the key was just written");
        let encrypted = key.encrypt_with_params(parameters.expect("they are sound"), passphrase);
        let text = encrypted.and_then(|it| Ok(it.to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF)?));
        text.expect("the key can be encrypted").to_string()
    }

    /// A server that shows this certificate.
    pub fn server(&self) -> ServerTls {
        let builder = builder().with_no_client_auth();
        Arc::new(
            builder
                .with_single_cert(self.chain(), self.key())
                .expect("the key fits the certificate"),
        )
    }

    /// A server that shows this certificate and speaks one version of TLS.
    pub fn server_speaking(&self, version: &'static SupportedProtocolVersion) -> ServerTls {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder =
            ServerConfig::builder_with_provider(provider).with_protocol_versions(&[version]);
        let builder = builder.expect("the provider has the version").with_no_client_auth();
        // The usual way looks into the certificate, and knows version 3 only.
        let key = any_supported_type(&self.key()).expect("the key was just written");
        let certified = CertifiedKey::new(self.chain(), key);
        Arc::new(builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified))))
    }

    /// A server that shows this certificate and demands one from the client, of this authority.
    pub fn server_demanding(&self, clients: &Authority) -> ServerTls {
        let mut roots = RootCertStore::empty();
        roots.add(certificate(&clients.pem)).expect("the authority is sound");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
        let builder = builder().with_client_cert_verifier(verifier.expect("there is a root"));
        Arc::new(
            builder
                .with_single_cert(self.chain(), self.key())
                .expect("the key fits the certificate"),
        )
    }

    fn chain(&self) -> Vec<CertificateDer<'static>> {
        let chain = CertificateDer::pem_slice_iter(self.certificate_pem.as_bytes()).collect();
        Result::expect(chain, "the certificates were just written")
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
