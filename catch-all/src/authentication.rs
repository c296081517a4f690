//! AUTH PLAIN (RFC 4616) and AUTH LOGIN, from the server's side (RFC 4954).

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::connection::{Connection, Line};
use super::options::Credentials;

/// What an exchange came to.
pub(super) enum Outcome {
    /// The user is logged in.
    Admitted(String),
    /// The credentials are wrong.
    Denied,
    /// The exchange broke off; the reply says why.
    Failed(&'static str),
}

/// Carries out the exchange of a mechanism.
pub(super) async fn exchange(
    connection: &mut Connection,
    credentials: &Credentials,
    mechanism: &str,
    initial: Option<String>,
) -> io::Result<Outcome> {
    let exchanged = match mechanism {
        "PLAIN" => plain(connection, initial).await?,
        "LOGIN" => login(connection, initial).await?,
        _ => Err("504 5.5.4 the mechanism is not offered"),
    };
    Ok(match exchanged {
        Err(reply) => Outcome::Failed(reply),
        Ok((user, password)) if credentials.admit(&user, &password) => {
            Outcome::Admitted(String::from_utf8_lossy(&user).into_owned())
        }
        Ok(_) => Outcome::Denied,
    })
}

type Secret = Zeroizing<Vec<u8>>;
type Exchanged = Result<(Secret, Secret), &'static str>;

async fn plain(connection: &mut Connection, initial: Option<String>) -> io::Result<Exchanged> {
    let response = match initial {
        Some(initial) => decode(initial.as_bytes()),
        None => challenge(connection, "334 ").await?,
    };
    Ok(response.and_then(|response| {
        let mut fields =
            response.split(|&byte| byte == 0).map(|field| Zeroizing::new(field.to_vec()));
        match (fields.next(), fields.next(), fields.next(), fields.next()) {
            (Some(_identity), Some(user), Some(password), None) => Ok((user, password)),
            _ => Err("501 5.5.2 the response is malformed"),
        }
    }))
}

async fn login(connection: &mut Connection, initial: Option<String>) -> io::Result<Exchanged> {
    let user = match initial {
        Some(initial) => decode(initial.as_bytes()),
        None => challenge(connection, "334 VXNlcm5hbWU6").await?,
    };
    let user = match user {
        Ok(user) => user,
        Err(reply) => return Ok(Err(reply)),
    };
    let password = challenge(connection, "334 UGFzc3dvcmQ6").await?;
    Ok(password.map(|password| (user, password)))
}

async fn challenge(
    connection: &mut Connection,
    reply: &str,
) -> io::Result<Result<Secret, &'static str>> {
    connection.reply(reply);
    Ok(match connection.command().await? {
        Line::Text(line) if line == b"*" => Err("501 5.7.0 authentication cancelled"),
        Line::Text(line) => decode(&line),
        Line::TooLong => Err("500 5.5.6 the response is too long"),
        Line::BareLineBreak => Err("500 5.5.2 the line has a bare CR or LF"),
    })
}

/// Decodes a response; `=` alone is the empty one (RFC 4954 §4).
fn decode(response: &[u8]) -> Result<Secret, &'static str> {
    if response == b"=" {
        return Ok(Secret::default());
    }
    STANDARD
        .decode(response)
        .map(Zeroizing::new)
        .map_err(|_| "501 5.5.2 the response is not base64")
}
