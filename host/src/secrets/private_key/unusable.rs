//! Why a private key cannot be used, and what to write instead. No word of the key's text is
//! repeated: it may be another secret that was put in the wrong place.

use std::fmt;

use crate::diagnostic::Diagnostic;
use crate::error::{Error, ErrorKind};
use crate::plan::SecretRef;
use crate::secrets::pem::Damaged;

/// Where a private key and its passphrase stand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyPlace<'a> {
    /// The key in PEM.
    pub(crate) key: &'a SecretRef,
    /// The passphrase, where there is one.
    pub(crate) passphrase: Option<&'a SecretRef>,
}

/// What a key is used for, and with it which keys can be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Purpose {
    /// The assertion of a service account.
    Assertion,
    /// A client certificate.
    Certificate,
    /// A DKIM signature.
    Signature,
}

/// Why a private key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Unusable {
    /// Its PEM or its content is incomplete or changed.
    Damaged,
    /// It does not belong to the certificate.
    Foreign,
    /// It is encrypted, and there is no passphrase.
    MissingPassphrase,
    /// There is PEM, but no private key.
    NoKey,
    /// There is no PEM.
    NotPem,
    /// It is in OpenSSH's, DSA's or another form.
    OtherForm,
    /// There are several private keys.
    Several,
    /// Opening it takes more time or memory than a key deserves.
    TooCostly,
    /// The text is longer than any key.
    TooLarge,
    /// The configuration holds more keys than are read.
    TooMany,
    /// It is encrypted in a way that is not known.
    UnknownCipher,
    /// It is of a kind that does not serve the purpose.
    Unsuited(Purpose),
    /// The passphrase does not open it.
    WrongPassphrase,
}

impl Unusable {
    /// The finding that this is.
    pub(crate) fn diagnostic(self, place: KeyPlace<'_>) -> Diagnostic {
        Diagnostic::error(self.place(place), self.code(), format!("the private key {self}"))
            .with_help(self.help(place))
    }

    /// The failure that this is.
    pub(crate) fn error(self, place: KeyPlace<'_>) -> Error {
        let message = format!("the private key at `{}` {self}", place.key.0);
        Error::new(ErrorKind::Configuration, message).with_hint(self.help(place))
    }

    /// The place to mend.
    fn place(self, place: KeyPlace<'_>) -> String {
        match (self, place.passphrase) {
            (Self::MissingPassphrase, _) => passphrase_pointer(&place.key.0),
            (Self::WrongPassphrase, Some(passphrase)) => passphrase.0.clone(),
            _ => place.key.0.clone(),
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::MissingPassphrase => "missing-key",
            Self::WrongPassphrase => "wrong-passphrase",
            Self::TooMany => "too-complex",
            _ => "unusable-key",
        }
    }

    fn help(self, place: KeyPlace<'_>) -> String {
        const RECODE: &str =
            "convert it with `openssl pkcs8 -topk8 -v2 aes-256-cbc -in old.pem -out new.pem`";
        match self {
            Self::Damaged | Self::NotPem => {
                "expected PEM: the text from `-----BEGIN …-----` to `-----END …-----`, complete \
                and unchanged"
            }
            Self::Foreign => {
                "give the key with which the certificate was requested; the chain begins with its \
                certificate"
            }
            Self::MissingPassphrase if is_pair(&place.key.0) => "set `passphrase` beside the key",
            Self::MissingPassphrase => {
                "write `{\"key\": …, \"passphrase\": …}` in place of the \
                key"
            }
            Self::NoKey => "give the private key that belongs to the certificate or public key",
            Self::OtherForm => {
                "convert it: `ssh-keygen -p -m PKCS8 -f key` for OpenSSH's form; DSA keys are not \
                supported"
            }
            Self::Several => "keep the one that is meant",
            Self::TooCostly => return format!("{RECODE}, with the default number of iterations"),
            Self::TooLarge => "give the private key alone",
            Self::TooMany => "use fewer keys",
            Self::UnknownCipher => RECODE,
            Self::Unsuited(_) => {
                "make another key, such as with `openssl genrsa -out key.pem \
                2048`"
            }
            Self::WrongPassphrase => {
                "give the passphrase with which the key was encrypted, without blanks around it"
            }
        }
        .to_owned()
    }
}

/// Completes "the private key …".
impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Damaged => "is damaged",
            Self::Foreign => "does not belong to the certificate",
            Self::MissingPassphrase => "is encrypted, and its passphrase is missing",
            Self::NoKey => "is missing: there is PEM, but of something else",
            Self::NotPem => "is not in PEM: there is no `-----BEGIN PRIVATE KEY-----` in it",
            Self::OtherForm => "is in a form that is not supported",
            Self::Several => "is not alone: there are several in the text",
            Self::TooCostly => "is encrypted so that opening it takes too much time or memory",
            Self::TooLarge => "is longer than a key can be",
            Self::TooMany => "is one too many in this configuration",
            Self::UnknownCipher => {
                "is encrypted with a cipher or key derivation that is not \
                supported"
            }
            Self::Unsuited(Purpose::Assertion) => {
                "does not fit: assertions are signed with an RSA key of 2048 to 8192 bits"
            }
            Self::Unsuited(Purpose::Certificate) => {
                "does not fit: expected RSA of 2048 to 8192 bits, ECDSA on P-256, P-384 or P-521, \
                or Ed25519"
            }
            Self::Unsuited(Purpose::Signature) => {
                "does not fit: DKIM signatures are made with RSA of 2048 to 8192 bits or with \
                Ed25519"
            }
            Self::WrongPassphrase => "is not opened by its passphrase",
        })
    }
}

impl From<Damaged> for Unusable {
    fn from(_: Damaged) -> Self {
        Self::Damaged
    }
}

/// Whether the passphrase of the key at this pointer stands beside it.
fn is_pair(pointer: &str) -> bool {
    pointer.ends_with("/key")
}

/// Where the passphrase of the key at this pointer is expected.
fn passphrase_pointer(pointer: &str) -> String {
    let object = if is_pair(pointer) { pointer.trim_end_matches("/key") } else { pointer };
    format!("{object}/passphrase")
}
