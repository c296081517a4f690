//! Makes a certificate of X.509 version 1 out of one of version 3: as much of DER as that takes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{Certificate, KeyPair, SigningKey as _};

const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;

/// The fields of later versions: the version itself, and the extensions.
const LATER: [u8; 2] = [0xa0, 0xa3];

/// The certificate in PEM without version and extensions, signed anew.
pub(super) fn without_extensions(certificate: &Certificate, key: &KeyPair) -> String {
    let parts = elements(content(certificate.der()));
    let mut fields = elements(content(parts[0]));
    fields.retain(|field| !LATER.contains(&field[0]));
    let to_be_signed = element(SEQUENCE, &fields.concat());
    let signature = key.sign(&to_be_signed).expect("the key signs");
    let signature = element(BIT_STRING, &[&[0][..], &signature].concat());
    let certificate = element(SEQUENCE, &[&to_be_signed, parts[1], &signature].concat());
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        STANDARD.encode(certificate)
    )
}

/// The elements that stand one after the other.
fn elements(mut rest: &[u8]) -> Vec<&[u8]> {
    let mut elements = Vec::new();
    while !rest.is_empty() {
        let (header, length) = measure(rest);
        let (element, after) = rest.split_at(header + length);
        elements.push(element);
        rest = after;
    }
    elements
}

fn content(element: &[u8]) -> &[u8] {
    &element[measure(element).0..]
}

/// The lengths of the first element's header and content.
fn measure(element: &[u8]) -> (usize, usize) {
    match element[1] {
        short @ 0..0x80 => (2, short.into()),
        long => {
            let digits = usize::from(long & 0x7f);
            let length = element[2..2 + digits]
                .iter()
                .fold(0, |length, &digit| length << 8 | usize::from(digit));
            (2 + digits, length)
        }
    }
}

/// DER wants the shortest form of a length.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).expect("certificates are short").to_be_bytes();
    let header = match (high, low) {
        (0, 0..0x80) => vec![tag, low],
        (0, _) => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [&header, content].concat()
}
