//! Refresh tokens that a token endpoint replaces (RFC 6749 §6): whoever keeps the configuration
//! must keep the new one, or the next process has none that counts.

use std::fmt;
use std::sync::Arc;

use crate::secrets::Secret;

/// A refresh token that took the place of the one in the configuration.
///
/// `Debug` shows the user and not the token.
#[derive(Debug, Clone)]
pub struct RotatedToken {
    user: String,
    token: Secret,
}

impl RotatedToken {
    pub(crate) fn new(user: &str, token: Secret) -> Self {
        Self { user: user.to_owned(), token }
    }

    /// The user whose mailbox it opens: `auth.user`.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The new refresh token, to be kept in place of `auth.refreshToken`.
    pub fn expose(&self) -> &str {
        self.token.expose()
    }
}

type Callback = dyn Fn(&RotatedToken) + Send + Sync;

/// Who is told of rotated tokens.
#[derive(Clone, Default)]
pub(crate) struct Observer(Option<Arc<Callback>>);

impl Observer {
    pub(crate) fn new(callback: impl Fn(&RotatedToken) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(callback)))
    }

    /// Hands the token over. Where nobody takes it, `warn` says so: it lasts as long as this
    /// process.
    pub(crate) fn observe(&self, token: &RotatedToken, warn: impl Fn(&str)) {
        match &self.0 {
            Some(callback) => callback(token),
            None => warn(
                "the token endpoint replaced the refresh token, and nobody keeps the new one: the \
                 configuration's may not work again",
            ),
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Observer(set)" } else { "Observer(none)" })
    }
}
