//! Who may do what: tokens and their scopes.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::{constant_time, digest};
use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::Service;
use super::problem::Problem;
use crate::connectors::Name;

/// What a token is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    /// To manage connectors and tokens.
    Manage,
    /// To read what became of all messages.
    Read,
    /// To send as a connector, or as any, and to read what became of it.
    Send(Option<Name>),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manage => f.write_str("manage"),
            Self::Read => f.write_str("read"),
            Self::Send(None) => f.write_str("send:*"),
            Self::Send(Some(name)) => write!(f, "send:{}", name.as_str()),
        }
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "manage" => Ok(Self::Manage),
            "read" => Ok(Self::Read),
            "send:*" => Ok(Self::Send(None)),
            _ => {
                let name = text.strip_prefix("send:").and_then(|name| name.parse().ok());
                let known = name.map(|name| Self::Send(Some(name)));
                known.ok_or_else(|| {
                    "a scope is `manage`, `read`, `send:NAME` or `send:*`".to_owned()
                })
            }
        }
    }
}

/// What the token of a request is good for.
#[derive(Debug)]
pub(crate) struct Access(Vec<Scope>);

impl Access {
    /// Lets those pass who may manage.
    pub(crate) fn manages(&self) -> Result<(), Problem> {
        self.needs(&Scope::Manage, |scope| *scope == Scope::Manage)
    }

    /// Lets those pass who may send as a connector.
    pub(crate) fn sends(&self, connector: &Name) -> Result<(), Problem> {
        self.needs(&Scope::Send(Some(connector.clone())), |scope| scope.sends(connector.as_str()))
    }

    /// Lets those pass who may read what became of all messages.
    pub(crate) fn reads_all(&self) -> Result<(), Problem> {
        self.needs(&Scope::Read, |scope| *scope == Scope::Read)
    }

    /// Whether what became of a connector's messages may be read.
    pub(crate) fn may_read(&self, connector: &str) -> bool {
        self.0.iter().any(|scope| *scope == Scope::Read || scope.sends(connector))
    }

    fn needs(&self, scope: &Scope, does: impl Fn(&Scope) -> bool) -> Result<(), Problem> {
        if self.0.iter().any(does) { Ok(()) } else { Err(Problem::forbidden(&scope.to_string())) }
    }
}

impl Scope {
    fn sends(&self, connector: &str) -> bool {
        match self {
            Self::Send(None) => true,
            Self::Send(Some(name)) => name.as_str() == connector,
            Self::Manage | Self::Read => false,
        }
    }
}

/// The digest by which a token is kept. It has as many random bits as the digest, so that nobody
/// finds it by trying.
pub(crate) fn token_digest(token: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, token.as_bytes()).as_ref().to_vec()
}

impl FromRequestParts<Arc<Service>> for Access {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &Arc<Service>,
    ) -> Result<Self, Problem> {
        let given = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let (scheme, token) =
            given.and_then(|given| given.split_once(' ')).ok_or_else(Problem::unauthorized)?;
        if !scheme.eq_ignore_ascii_case("Bearer") {
            return Err(Problem::unauthorized());
        }
        let digest = token_digest(token.trim());
        let known = service.store.token(&digest).await?.ok_or_else(Problem::unauthorized)?;
        constant_time::verify_slices_are_equal(&known.digest, &digest)
            .map_err(|_| Problem::unauthorized())?;
        Ok(Self(known.scopes.split(' ').filter_map(|scope| scope.parse().ok()).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_good_for_what_it_says() {
        let access = |scopes: &[&str]| {
            Access(scopes.iter().map(|scope| scope.parse().expect("a scope")).collect())
        };
        let name: Name = "acme".parse().expect("a name");
        let other: Name = "other".parse().expect("a name");
        let cases = [
            (access(&["send:acme"]), true, false, false, true),
            (access(&["send:*"]), true, true, false, true),
            (access(&["read"]), false, false, false, true),
            (access(&["manage"]), false, false, true, false),
            (access(&[]), false, false, false, false),
        ];
        for (access, sends, sends_other, manages, reads) in cases {
            assert_eq!(access.sends(&name).is_ok(), sends, "{access:?}");
            assert_eq!(access.sends(&other).is_ok(), sends_other, "{access:?}");
            assert_eq!(access.manages().is_ok(), manages, "{access:?}");
            assert_eq!(access.may_read("acme"), reads, "{access:?}");
        }
    }

    #[test]
    fn a_scope_is_read_as_it_is_written() {
        for scope in ["manage", "read", "send:*", "send:acme"] {
            assert_eq!(scope.parse::<Scope>().expect("a scope").to_string(), scope);
        }
        for scope in ["", "send", "send:", "send:a/b", "admin"] {
            assert!(scope.parse::<Scope>().is_err(), "{scope}");
        }
    }
}
