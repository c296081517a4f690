//! The ways to a session, as plans.

use crate::plan::{
    Authentication, Endpoint, Grant, OAuth2Login, Pool, Protocol, Proxy, ProxyProtocol, SecretRef,
    TlsMode, TokenEndpoint, TokenRequest, TransportPlan,
};
use crate::submission::tests::{password, plan};

/// Where the server is, and where its neighbours are.
pub(super) const SERVER: u16 = 25;
pub(super) const PROXY: u16 = 3128;
pub(super) const TOKENS: u16 = 80;

/// A way to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Plain,
    Starttls,
    Implicit,
    HttpProxy,
    Socks5,
    Lmtp,
    Password,
    OAuth2,
}

impl Way {
    /// Whether what is on the wire is encrypted in the end.
    pub(super) fn is_encrypted(self) -> bool {
        matches!(self, Self::Starttls | Self::Implicit)
    }

    /// The plan that leads this way, to a server whose certificate can be trusted by `roots`.
    pub(super) fn plan(self, roots: &str) -> TransportPlan {
        let pool =
            Pool { max_connections: 1, max_messages: 100, max_requeues: None, rate_limit: None };
        let mut plan = TransportPlan { pool: Some(pool), ..plan(SERVER) };
        plan.tls_options.roots = vec![roots.to_owned()];
        match self {
            Self::Plain => {}
            Self::Starttls => plan.tls = TlsMode::RequiredStarttls,
            Self::Implicit => plan.tls = TlsMode::Implicit,
            Self::HttpProxy => plan.proxy = Some(proxy(ProxyProtocol::Http)),
            Self::Socks5 => plan.proxy = Some(proxy(ProxyProtocol::Socks5)),
            Self::Lmtp => plan.protocol = Protocol::Lmtp,
            Self::Password => plan.authentication = password("ann"),
            Self::OAuth2 => plan.authentication = by_token(&plan),
        }
        plan
    }
}

fn proxy(protocol: ProxyProtocol) -> Proxy {
    let endpoint = Endpoint { host: "127.0.0.1".parse().expect("a host"), port: PROXY };
    Proxy { protocol, endpoint, user: None, password: None }
}

fn by_token(plan: &TransportPlan) -> Authentication {
    let endpoint = TokenEndpoint::parse("http://127.0.0.1/token").expect("a URL");
    let client_secret = SecretRef("/auth/clientSecret".to_owned());
    let request = TokenRequest {
        endpoint,
        grant: Grant::ClientCredentials { client_id: "client".to_owned(), client_secret },
        scope: None,
        parameters: Vec::new(),
        headers: Vec::new(),
        tls: plan.tls_options.clone(),
    };
    Authentication::OAuth2(Box::new(OAuth2Login {
        user: "ann".to_owned(),
        mechanism: None,
        access_token: None,
        renewal: Some(request),
    }))
}
