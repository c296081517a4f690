//! What users of nodemailer rely on, from the connection to the login: behaviour that nobody wrote down and that a
//! configuration may depend on. Each scenario has a test, here or where its subject is at home:
//!
//! | scenario | tests |
//! |---|---|
//! | in clear, by STARTTLS, by TLS at once; STARTTLS wanted, missing, refused | `scenarios/starttls`, `submission/tests/tls` |
//! | bytes before the handshake, a server that leaves before it | `scenarios/starttls`, `submission/tests/tls` |
//! | old cipher lists, ports that speak otherwise | `scenarios/starttls`, `reach/probe` |
//! | closed ports, ports that are none, names that inject | `scenarios/connection`, `command_line/send` |
//! | a server that refuses at once, leaves or resets | `scenarios/connection`, `delivery` |
//! | several addresses, in turn | `submission/dial`, `reach/deadlines` |
//! | a server silent after each stage, a proxy or a token endpoint that drips | `reach/deadlines` |
//! | blank lines, replies in pieces, replies in any charset, the last words of a server | `scenarios/replies`, `submission/answer` |
//! | line ends of the message | `scenarios/connection`, `submission/tests/dialogue` |
//! | services by name, URLs in each form | `scenarios/endpoint`, `config/endpoint` |
//! | logins good, wrong, empty, half; forced and missing offers | `scenarios/authentication`, `reach/login` |
//! | what a verification counts as success | `scenarios/authentication`, `command_line/verify` |
//! | addresses beyond ASCII without SMTPUTF8, extensions that are merely noticed | `scenarios/connection` |
//! | tokens given, refreshed, refused, shared, rotated; fields and errors of the endpoint | `reach/oauth2` |
//! | assertions of service accounts; functions in place of tokens | `scenarios/oauth2` |
//! | tunnels by each kind of proxy, their logins, refusals and certificates | `reach/proxies` |
//! | targets that inject, targets without a port | `scenarios/proxies` |
//! | servers, proxies and token endpoints that speak without end | `scenarios/endless` |
//! | many messages over few connections, refused senders among them | `scenarios/pool` |
//! | idle connections that the server closes, stalls, bounds for a connection, limits of rate | `scenarios/pool` |
//! | closing with messages waiting; a mailer that is dropped | `scenarios/pool` |
//! | several recipients, all or some refused, with and without PIPELINING; SIZE | `submission/tests/flow` |
//! | one recipient refused after the message | `reach/lmtp` |
//!
//! Where this program means to behave otherwise, the test says so.

mod authentication;
mod connection;
#[cfg(target_os = "linux")]
mod endless;
mod endpoint;
mod oauth2;
mod pool;
mod proxies;
mod replies;
mod starttls;

use serde_json::Value;
use smtp_connector::Diagnostic;

use crate::tenant;

/// The errors that the check finds, as code and place.
async fn errors(members: &Value) -> Vec<(String, String)> {
    let configuration = tenant::with(tenant::configuration(587), members);
    let connector = tenant::bundled().await;
    let check = connector.check(&configuration.to_string(), &tenant::local()).await.expect("the check works");
    let errors = check.diagnostics.into_iter().filter(Diagnostic::is_error);
    errors.map(|finding| (finding.code, finding.path)).collect()
}

#[track_caller]
fn check_one_error(errors: &[(String, String)], code: &str, path: &str, case: &str) {
    assert_eq!(errors, [(code.to_owned(), path.to_owned())], "{case}");
}
