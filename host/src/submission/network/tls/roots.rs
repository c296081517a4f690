//! The certificates that are trusted: the configuration's own, or else the system's, which are read
//! once per process and shared.

use std::sync::{Arc, OnceLock};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

use super::{certificates, refused};
use crate::error::Result;

static SYSTEM: OnceLock<Arc<RootCertStore>> = OnceLock::new();

/// Where trust begins.
pub(super) enum Roots {
    /// With these certificates and no others.
    Given { certificates: Vec<CertificateDer<'static>>, store: Arc<RootCertStore> },
    /// With the system's store.
    System,
}

impl Roots {
    /// Reads the configuration's certificates in PEM, which stand at `place`; without any, the
    /// system's are meant.
    pub(super) fn new(pems: &[String], place: &str) -> Result<Self> {
        if pems.is_empty() {
            return Ok(Self::System);
        }
        let mut given = Vec::new();
        for pem in pems {
            given.extend(certificates(pem, place)?);
        }
        let mut store = RootCertStore::empty();
        for certificate in &given {
            store.add(certificate.clone()).map_err(|_| {
                refused(format!("a certificate at `{place}` cannot be read as one"))
            })?;
        }
        Ok(Self::Given { certificates: given, store: Arc::new(store) })
    }

    /// The trust anchors.
    pub(super) fn store(&self) -> Arc<RootCertStore> {
        match self {
            Self::Given { store, .. } => store.clone(),
            Self::System => SYSTEM.get_or_init(|| Arc::new(system())).clone(),
        }
    }

    /// The configuration's certificates, each of which may also be the server's own.
    pub(super) fn given(&self) -> &[CertificateDer<'static>] {
        match self {
            Self::Given { certificates, .. } => certificates,
            Self::System => &[],
        }
    }
}

/// The system's store; Mozilla's where the system has none, as in a bare container.
fn system() -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if store.is_empty() {
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    store
}
