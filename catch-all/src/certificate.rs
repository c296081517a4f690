//! The certificate of a catch-all server, made anew at each start.
//!
//! It signs itself and is no certificate authority, so that trusting it trusts this one server and
//! nothing else.

use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

pub(super) struct Certificate {
    pub(super) pem: String,
    pub(super) config: ServerConfig,
}

/// Makes a certificate for `localhost` and 127.0.0.1.
pub(super) fn generate() -> io::Result<Certificate> {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).map_err(io::Error::other)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key)
        })
        .map_err(io::Error::other)?;
    Ok(Certificate { pem: made.cert.pem(), config })
}
