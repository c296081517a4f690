//! DKIM signatures (RFC 6376, with RFC 8463 for Ed25519): one field for each key, in order, before
//! all others.
//!
//! What is signed are the finished bytes, before transparency. The fields are those of nodemailer:
//! relaxed canonicalization of header and body, the last field of each name, no age and no length.
//!
//! The crate `mail-auth` is left out: with aws-lc-rs it brings a DNSSEC resolver into a library
//! that only signs, and without it the crate `rsa`, whose timing tells of the key
//! (RUSTSEC-2023-0071).

mod canonical;
mod field;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use aws_lc_rs::digest::{Context, SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustls::sign::Signer;
use rustls::{SignatureAlgorithm, SignatureScheme};

use self::canonical::Mail;
use self::field::Field;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::plan::{Dkim, DkimSigner};
use crate::secrets::{
    SecretStore,
    private_key::{self, KeyPlace, Purpose, Unusable},
};

/// What is signed where the plan does not say: nodemailer's list, which is that of RFC 4871 §5.5,
/// and the field without whose signature mailbox providers offer no one-click unsubscription (RFC
/// 8058 §4).
const FIELDS: [&str; 29] = [
    "from",
    "sender",
    "reply-to",
    "subject",
    "date",
    "message-id",
    "to",
    "cc",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "content-id",
    "content-description",
    "resent-date",
    "resent-from",
    "resent-sender",
    "resent-to",
    "resent-cc",
    "resent-message-id",
    "in-reply-to",
    "references",
    "list-id",
    "list-help",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "list-subscribe",
    "list-post",
    "list-owner",
    "list-archive",
];

/// The one field that a signature must cover (RFC 6376 §5.4).
const AUTHOR: &str = "from";

/// The longest domain and selector, in octets (RFC 1035 §2.3.4).
const MAX_NAME: usize = 253;

/// The keys of one configuration, opened and ready to sign.
#[derive(Debug)]
pub(crate) struct Signers {
    signers: Vec<DomainSigner>,
    /// The names to sign where they are present, in lower case and in the order of `h=`.
    names: Vec<String>,
}

/// A key and the domain that it signs for.
#[derive(Debug)]
struct DomainSigner {
    key: Box<dyn Signer>,
    /// Where the key stands in the configuration.
    pointer: String,
    algorithm: &'static str,
    domain: String,
    selector: String,
}

impl Signers {
    /// Opens every key. A plan without one is refused: whoever asks for signatures gets no unsigned
    /// mail.
    pub(crate) fn new(dkim: &Dkim, secrets: &SecretStore) -> Result<Self> {
        if dkim.signers.is_empty() {
            return Err(Error::new(
                ErrorKind::Component,
                "the plan asks for a DKIM signature and has no key",
            ));
        }
        let signers = dkim.signers.iter().map(|signer| DomainSigner::new(signer, secrets));
        Ok(Self { signers: signers.collect::<Result<_>>()?, names: names(dkim)? })
    }

    /// The signatures of a message as header fields, which belong before it.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<String> {
        let mail = Mail::read(message);
        let mut hash = Context::new(&SHA256);
        canonical::body(mail.body, |octets| hash.update(octets));
        let body_hash = BASE64.encode(hash.finish());
        // A later field replaces an earlier one, so that the last of each name is left.
        let last: HashMap<_, _> =
            mail.fields().map(|field| (canonical::name(field), field)).collect();
        let names: Vec<_> =
            self.names.iter().filter(|name| last.contains_key(name.as_bytes())).collect();
        let mut covered = Vec::with_capacity(mail.header.len());
        for name in &names {
            canonical::field(name.as_bytes(), last[name.as_bytes()], &mut covered);
            covered.extend(b"\r\n");
        }
        self.signers.iter().map(|signer| signer.sign(&covered, &body_hash, &names)).collect()
    }
}

impl DomainSigner {
    fn new(signer: &DkimSigner, secrets: &SecretStore) -> Result<Self> {
        let place = KeyPlace { key: &signer.private_key, passphrase: signer.passphrase.as_ref() };
        let unsuited = || Unusable::Unsuited(Purpose::Signature).error(place);
        let key = private_key::load(secrets, place)?;
        let key = private_key::signer(&key, Purpose::Signature)
            .map_err(|unusable| unusable.error(place))?;
        let (scheme, algorithm) = match key.algorithm() {
            SignatureAlgorithm::RSA => (SignatureScheme::RSA_PKCS1_SHA256, "rsa-sha256"),
            SignatureAlgorithm::ED25519 => (SignatureScheme::ED25519, "ed25519-sha256"),
            _ => return Err(unsuited()),
        };
        let pointer = signer.private_key.0.clone();
        Ok(Self {
            key: key.choose_scheme(&[scheme]).ok_or_else(unsuited)?,
            algorithm,
            domain: domain(&signer.domain).ok_or_else(|| unnamed("domain", &pointer))?,
            selector: name(&signer.selector).ok_or_else(|| unnamed("selector", &pointer))?,
            pointer,
        })
    }

    /// The field with the signature over what is covered, and over the field itself.
    fn sign<S: AsRef<str>>(&self, covered: &[u8], body_hash: &str, names: &[S]) -> Result<String> {
        let mut field = Field::new();
        field.tags(&[
            "v=1",
            &format!("a={}", self.algorithm),
            "c=relaxed/relaxed",
            &format!("d={}", self.domain),
            "q=dns/txt",
            &format!("s={}", self.selector),
            &format!("bh={body_hash}"),
        ]);
        field.names(names);
        let mut data = covered.to_vec();
        canonical::field(b"dkim-signature", field.unsigned().as_bytes(), &mut data);
        let signature = match self.key.scheme() {
            // RFC 8463 §3: Ed25519 signs the hash and not the data.
            SignatureScheme::ED25519 => self.key.sign(digest(&SHA256, &data).as_ref()),
            _ => self.key.sign(&data),
        };
        let signature = signature.map_err(|error| {
            let message =
                format!("the message could not be signed with the key at `{}`", self.pointer);
            Error::new(ErrorKind::Internal, message).with_source(error)
        })?;
        Ok(field.signed(&BASE64.encode(signature)))
    }
}

/// The names to sign, each once. The author's is among them whatever the plan says.
fn names(dkim: &Dkim) -> Result<Vec<String>> {
    let listed: Vec<_> = match &dkim.header_fields {
        Some(names) => names.iter().map(|name| name.to_ascii_lowercase()).collect(),
        None => FIELDS.map(str::to_owned).into(),
    };
    let mut names = Vec::with_capacity(listed.len() + 1);
    if !listed.iter().any(|name| name == AUTHOR) {
        names.push(AUTHOR.to_owned());
    }
    for name in listed {
        let skipped =
            name != AUTHOR && dkim.skip_fields.iter().any(|skip| skip.eq_ignore_ascii_case(&name));
        if !skipped && !names.contains(&name) {
            names.push(name);
        }
    }
    // A semicolon, which may stand in a field's name, would end the list.
    match names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';'))
    {
        true => Ok(names),
        false => Err(Error::new(
            ErrorKind::Component,
            "the plan has a DKIM signature cover what is no field's name",
        )),
    }
}

/// The domain as it stands in the DNS.
fn domain(text: &str) -> Option<String> {
    let host: Host = text.parse().ok()?;
    name(host.name()).filter(|_| host.address().is_none())
}

/// A name that holds nothing but a name: neither blanks nor what would begin another tag.
fn name(text: &str) -> Option<String> {
    let fits = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    (text.len() <= MAX_NAME && text.split('.').all(fits)).then(|| text.to_owned())
}

fn unnamed(what: &str, pointer: &str) -> Error {
    let message = format!("the {what} of the DKIM key at `{pointer}` is no name of the DNS");
    Error::new(ErrorKind::Configuration, message).with_hint(
        "Write the names under which the public key is published, such as `example.com`.",
    )
}
