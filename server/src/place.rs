//! Places on the web that connectors name: keys of platforms, webhooks.

use serde::Deserialize;
use url::Url;

/// A place on the web: over TLS, or on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Place(Url);

impl Place {
    /// Where it is.
    pub(crate) fn url(&self) -> &Url {
        &self.0
    }
}

impl TryFrom<String> for Place {
    type Error = String;

    /// Reads a URL. One that is wrong is not quoted: there may be a secret in it.
    fn try_from(text: String) -> Result<Self, String> {
        let url = Url::parse(&text).map_err(|error| format!("a URL cannot be read: {error}"))?;
        let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_here => Ok(Self(url)),
            _ => {
                Err("a URL does not begin with `https://`, nor with `http://localhost`".to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_reached_over_tls_or_on_this_machine() {
        let place = |text: &str| Place::try_from(text.to_owned());
        for text in [
            "https://a.test/x?y",
            "http://localhost:81",
            "http://127.0.0.1/x",
            "http://[::1]:8080/",
        ] {
            assert!(place(text).is_ok(), "{text}");
        }
        for text in ["http://a.test/tok-1", "http://localhost.a.test", "ftp://a.test", "tok-1", ""]
        {
            let problem = place(text).expect_err(text);
            assert!(problem.starts_with("a URL ") && !problem.contains("tok-1"), "{problem}");
        }
    }
}
