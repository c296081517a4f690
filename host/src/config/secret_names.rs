//! Names of secrets, which are masked wherever they stand and whatever a component declares.

/// The names, in lower case and without separators.
const NAMES: [&str; 23] = [
    "accesskey",
    "accesstoken",
    "apikey",
    "apitoken",
    "authtoken",
    "bearertoken",
    "clientassertion",
    "clientsecret",
    "credential",
    "idtoken",
    "pass",
    "passphrase",
    "passwd",
    "password",
    "pfx",
    "privatekey",
    "pwd",
    "refreshtoken",
    "secret",
    "secretaccesskey",
    "secretkey",
    "token",
    "userpassword",
];

/// Whether a key is the name of a secret.
pub(super) fn contain(key: &str) -> bool {
    let plain: String = key.chars().filter(|c| !matches!(c, '_' | '-' | '.')).collect();
    NAMES.contains(&plain.to_ascii_lowercase().as_str())
}
