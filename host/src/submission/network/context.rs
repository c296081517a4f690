//! What all connections of one configuration have in common.

use std::sync::Arc;

use super::dial::{Dialler, LastGood, Tcp};
use super::tls::Tls;
use crate::egress::EgressPolicy;
use crate::error::Result;
use crate::plan::{ProxyProtocol, TlsOptions, TransportPlan};
use crate::secrets::SecretStore;

/// The plan, and what is made ready once to carry it out.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) plan: TransportPlan,
    pub(crate) secrets: Arc<SecretStore>,
    pub(crate) dialler: Dialler,
    pub(crate) tls: Tls,
    /// For a proxy that is reached by TLS.
    pub(crate) proxy_tls: Option<Tls>,
}

impl Context {
    /// Makes ready what every connection needs. Options that this host cannot carry out are
    /// refused here, before there is any connection.
    pub(crate) fn new(
        plan: TransportPlan,
        secrets: Arc<SecretStore>,
        egress: EgressPolicy,
    ) -> Result<Self> {
        let tls = Tls::new(&plan.tls_options, &plan.endpoint.host, &secrets, "/tls")?;
        let proxy_tls = proxy_tls(&plan, &secrets)?;
        let (dns, connection) = (plan.timeouts.dns, plan.timeouts.connection);
        let dialler = Dialler {
            local: plan.local_address,
            dns,
            connection,
            egress,
            network: Arc::new(Tcp),
            last_good: LastGood::default(),
        };
        Ok(Self { plan, secrets, dialler, tls, proxy_tls })
    }
}

/// TLS to the proxy follows the options of the session, but for what is the server's own: its name
/// in the certificate, and the client's certificate, which the proxy has no business with.
fn proxy_tls(plan: &TransportPlan, secrets: &SecretStore) -> Result<Option<Tls>> {
    let Some(proxy) = plan.proxy.as_ref().filter(|proxy| proxy.protocol == ProxyProtocol::Https)
    else {
        return Ok(None);
    };
    let options = TlsOptions { server_name: None, identity: None, ..plan.tls_options.clone() };
    Tls::new(&options, &proxy.endpoint.host, secrets, "/tls").map(Some)
}
