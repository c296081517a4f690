//! Why a handshake failed, for people: which check, for which name, until when.

use std::io;

use rustls::pki_types::{ServerName, UnixTime};
use rustls::{AlertDescription, CertificateError, OtherError};
use x509_parser::time::ASN1Time;

use crate::error::{Error, ErrorKind, Stage};
use crate::submission::network::wire_error::WireError;
use crate::submission::record::Record;

const CLOCK: &str = "Check the clock of this machine and the server's certificate.";
const WIDE: &str = "Have the server's certificate name the server itself, such as `mail.lan`.";
const EXPIRED: &str = "Have the server's certificate renewed.";

/// The error that a failed handshake with `name` is; `option` is the name of the TLS options, such
/// as `tls`.
pub(crate) fn explain(
    error: io::Error,
    name: &ServerName<'_>,
    option: &str,
    record: &Record,
) -> Error {
    let cause = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()).cloned();
    let Some(cause) = cause else {
        let lost = (error.kind() != io::ErrorKind::UnexpectedEof).then_some(error);
        return WireError::Lost(lost).at(Stage::Tls, record);
    };
    let name = name.to_str();
    let (problem, hint) = match &cause {
        rustls::Error::InvalidCertificate(reason) => certificate(reason, &name, option),
        rustls::Error::AlertReceived(alert) => alerted(*alert, option),
        rustls::Error::InvalidMessage(_) => {
            ("the server answered with something other than TLS".to_owned(), None)
        }
        rustls::Error::PeerIncompatible(_) => (
            "the server and this host have no TLS version or cipher suite in common".to_owned(),
            Some(versions(option)),
        ),
        other => (format!("the TLS handshake failed: {other}"), None),
    };
    failure(&record.redaction.mask(&problem), hint, cause)
}

/// The failure that a server reports when it has read the client's certificate. In TLS 1.3 that is
/// after the handshake, in place of its first words.
pub(crate) fn refused_certificate(error: &io::Error) -> Option<Error> {
    let cause = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    let rustls::Error::AlertReceived(alert) = cause else { return None };
    let (problem, hint) = alerted(*alert, "tls");
    is_about_certificate(*alert).then(|| failure(&problem, hint, cause.clone()))
}

fn failure(problem: &str, hint: Option<String>, cause: rustls::Error) -> Error {
    let error = Error::new(ErrorKind::Tls, problem).at(Stage::Tls).with_source(cause);
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// What is wrong with the server's certificate, and what to do about it.
fn certificate(reason: &CertificateError, name: &str, option: &str) -> (String, Option<String>) {
    let private = format!(
        "If the server is your own, put its certificate, or that of the CA that issued it, into \
         `{option}.ca`."
    );
    let other_name = other_name(option);
    let (problem, hint) = match reason {
        CertificateError::Expired => ("has expired".to_owned(), EXPIRED),
        CertificateError::ExpiredContext { not_after, .. } => {
            (format!("expired on {}", date(*not_after)), EXPIRED)
        }
        CertificateError::NotValidYet => ("is not valid yet".to_owned(), CLOCK),
        CertificateError::NotValidYetContext { not_before, .. } => {
            (format!("is not valid before {}", date(*not_before)), CLOCK)
        }
        CertificateError::NotValidForName => ("is for other names".to_owned(), other_name.as_str()),
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            ("names no server".to_owned(), other_name.as_str())
        }
        CertificateError::NotValidForNameContext { presented, .. }
            if presented.iter().any(|presented| is_too_wide(&readable(presented), name)) =>
        {
            let problem = format!(
                "is for a wildcard right below a top-level domain, which is too wide to be \
                 accepted: {}",
                listed(presented)
            );
            (problem, WIDE)
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            (format!("is for other names: {}", listed(presented)), other_name.as_str())
        }
        CertificateError::UnknownIssuer => {
            ("was issued by nobody who is trusted here".to_owned(), private.as_str())
        }
        CertificateError::Other(OtherError(inner))
            if matches!(inner.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity)) =>
        {
            ("is self-signed and not trusted here".to_owned(), private.as_str())
        }
        CertificateError::Revoked => ("was revoked".to_owned(), EXPIRED),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            ("is not meant for servers".to_owned(), private.as_str())
        }
        CertificateError::BadSignature => {
            ("is not signed by the CA that it names".to_owned(), private.as_str())
        }
        other => (format!("cannot be accepted: {other}"), private.as_str()),
    };
    (format!("the certificate presented for `{name}` {problem}"), Some(hint.to_owned()))
}

/// What to do about a server of other versions.
fn versions(option: &str) -> String {
    format!(
        "TLS 1.2 and 1.3 are supported, unless `{option}.minVersion` or `{option}.maxVersion` \
         allow less; older servers need an update."
    )
}

/// The first of the names in a certificate.
fn listed(presented: &[String]) -> String {
    presented.iter().take(5).map(|name| readable(name)).collect::<Vec<_>>().join(", ")
}

/// Whether a name in a certificate, such as `*.lan`, would cover the server's if wildcards could
/// stand right below a top-level domain.
fn is_too_wide(presented: &str, name: &str) -> bool {
    let domain = presented.trim_matches('`').strip_prefix("*.").filter(|rest| !rest.contains('.'));
    let covered = name.trim_end_matches('.').split_once('.').map(|(_, domain)| domain);
    domain.is_some() && domain.zip(covered).is_some_and(|(own, of)| own.eq_ignore_ascii_case(of))
}

/// What to do about a certificate for other names.
fn other_name(option: &str) -> String {
    match option {
        "tls" => {
            "Use a name of the certificate as `host`, or set `tls.servername` to it.".to_owned()
        }
        _ => {
            format!("Use a name of the certificate in the URL, or set `{option}.servername` to it.")
        }
    }
}

/// What the server objects to.
fn alerted(alert: AlertDescription, option: &str) -> (String, Option<String>) {
    let problem = match alert {
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            "the server found no cipher suite in common"
        }
        AlertDescription::ProtocolVersion => "the server found no TLS version in common",
        AlertDescription::CertificateRequired => "the server wants a client certificate",
        alert if is_about_certificate(alert) => "the server refused the client certificate",
        AlertDescription::UnrecognisedName => "the server does not know the name it was asked for",
        other => {
            return (format!("the server ended the TLS handshake with the alert {other:?}"), None);
        }
    };
    let hint = match alert {
        AlertDescription::HandshakeFailure => Some(format!(
            "Allow more in `{option}.ciphers`. A server that wants a client certificate may say \
             this, too: set `{option}.cert` and `{option}.key`."
        )),
        AlertDescription::CertificateRequired => {
            Some(format!("Set `{option}.cert` and `{option}.key`."))
        }
        AlertDescription::ProtocolVersion => Some(versions(option)),
        AlertDescription::UnrecognisedName => Some(other_name(option)),
        alert if is_about_certificate(alert) => Some(format!(
            "Give the certificate that the server expects, with its intermediate ones, in \
             `{option}.cert`."
        )),
        _ => None,
    };
    (problem.to_owned(), hint)
}

fn is_about_certificate(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::AccessDenied
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRequired
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::UnsupportedCertificate
    )
}

/// The name in a description such as `DnsName("mx.example")`.
fn readable(name: &str) -> String {
    let quoted = name.split_once('"').and_then(|(_, rest)| rest.rsplit_once('"'));
    let inner =
        quoted.map(|(inner, _)| inner).or_else(|| name.split_once('(')?.1.strip_suffix(')'));
    format!("`{}`", inner.unwrap_or(name))
}

fn date(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    let date = ASN1Time::from_timestamp(seconds).ok().and_then(|time| time.to_rfc2822().ok());
    date.unwrap_or_else(|| "a date beyond all calendars".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_below_a_top_level_domain_is_called_too_wide() {
        for (presented, name, expected) in [
            ("`*.lan`", "mail.lan", true),
            ("`*.LAN`", "mail.lan.", true),
            ("`*.home.lan`", "mail.lan", false),
            ("`*.lan`", "mail.home.lan", false),
            ("`*.test`", "mail.lan", false),
            ("`mail.lan`", "imap.lan", false),
        ] {
            assert_eq!(is_too_wide(presented, name), expected, "{presented} {name}");
        }
    }

    #[test]
    fn a_server_without_common_versions_needs_an_update() {
        let (problem, hint) = alerted(AlertDescription::ProtocolVersion, "tls");
        assert_eq!(problem, "the server found no TLS version in common");
        assert!(hint.is_some_and(|hint| hint.ends_with("older servers need an update.")));
    }
}
