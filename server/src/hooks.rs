//! The dialects in which identity platforms ask for mail: their calls become jobs, and what became
//! of these becomes the answer that each platform understands.

mod answer;
mod body;
mod call;
mod casdoor;
mod clerk;
mod dialect;
mod entra;
mod hanko;
mod ingress;
mod job;
mod kratos;
mod logto;
mod refusal;
mod seal;
mod secrets;
mod sendgrid;
mod signature;
mod standard;
mod supabase;
#[cfg(test)]
mod tests;
mod token;
mod usage;
mod zitadel;

use axum::http::Method;
use jsonwebtoken::jwk::JwkSet;

pub use self::answer::{Answer, Verdict, answer};
pub use self::call::Call;
pub use self::dialect::{Dialect, UnknownDialect};
pub use self::ingress::{Hooks, Ingress, IngressError};
pub use self::job::{Asked, Content, Job};
pub use self::refusal::Refusal;
pub(crate) use self::signature::webhook::Keys as WebhookKeys;

use self::call::Reading;
use self::ingress::Settings;

/// How long a body may be. No platform sends more than some kilobytes.
pub const MOST_BODY: usize = 1 << 20;

/// Reads a call: who calls is known before anything of the body is looked at. `keys` are those of
/// [`Ingress::keys_url`], or none.
///
/// # Errors
///
/// A [`Refusal`], of which [`answer`] makes the platform's own answer. After
/// [`Refusal::UnknownKey`] the keys may be fetched anew, not more than once in a while, and the
/// call be read again.
///
/// # Example
///
/// ```
/// use std::time::SystemTime;
///
/// use axum::http::{HeaderMap, Method, header::AUTHORIZATION};
/// use jsonwebtoken::jwk::JwkSet;
/// use smtp_connector_server::hooks::{Asked, Call, Dialect, Ingress, read};
///
/// let settings = serde_json::json!({ "secrets": ["Bearer 3f0c6f9d2b1e4a58"] });
/// let ingress = Ingress::parse(Dialect::Logto, settings)?;
/// let mut headers = HeaderMap::new();
/// headers.insert(AUTHORIZATION, "Bearer 3f0c6f9d2b1e4a58".parse()?);
/// let call = Call {
///     method: &Method::POST,
///     headers: &headers,
///     body: br#"{"to":"jo@example.org","type":"SignIn","payload":{"code":"482913"}}"#,
///     now: SystemTime::now(),
/// };
/// let Ok(Asked::Mail(jobs)) = read(&ingress, &call, &JwkSet { keys: Vec::new() }) else {
///     panic!("the call is sound");
/// };
/// assert_eq!(jobs[0].to, "jo@example.org");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read(ingress: &Ingress, call: &Call<'_>, keys: &JwkSet) -> Result<Asked, Refusal> {
    if call.method != Method::POST {
        return Err(Refusal::Method);
    }
    if call.body.len() > MOST_BODY {
        return Err(Refusal::TooLarge);
    }
    let reading = Reading { call, keys, deadline: ingress.deadline };
    match &ingress.settings {
        Settings::Casdoor(settings) => casdoor::read(settings, &reading),
        Settings::Clerk(settings) => clerk::read(settings, &reading),
        Settings::Entra(settings) => entra::read(settings, &reading),
        Settings::Hanko(settings) => hanko::read(settings, &reading),
        Settings::Kratos(settings) => kratos::read(settings, &reading),
        Settings::Logto(settings) => logto::read(settings, &reading),
        Settings::SendGrid(settings) => sendgrid::read(settings, &reading),
        Settings::Standard(settings) => standard::read(settings, &reading),
        Settings::Supabase(settings) => supabase::read(settings, &reading),
        Settings::Zitadel(settings) => zitadel::read(settings, &reading),
    }
}
