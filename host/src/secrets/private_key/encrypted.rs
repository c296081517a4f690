//! Opens PKCS #8 `EncryptedPrivateKeyInfo` (RFC 5958) that is encrypted by PBES2 (RFC 8018).

use pkcs8::der::asn1::OctetStringRef;
use pkcs8::der::{self, Decode as _, ErrorKind, Reader as _, SliceReader};
use pkcs8::pkcs5::{self, pbes2};
use pkcs8::spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use super::{Budget, Unusable};

/// The shortest initialization vector there is, that of triple DES. The library takes so much of
/// one unseen.
const SHORTEST_VECTOR: usize = 8;

/// The key in clear.
pub(super) fn open(
    content: &[u8],
    passphrase: Option<&str>,
    budget: &mut Budget,
) -> Result<Zeroizing<Vec<u8>>, Unusable> {
    let (scheme, encrypted) = read(content).map_err(|_| Unusable::Damaged)?;
    let parameters = parameters(&scheme)?;
    let passphrase = passphrase.ok_or(Unusable::MissingPassphrase)?;
    budget.pay_derivation(&parameters)?;
    let mut bytes = Zeroizing::new(encrypted.to_vec());
    let length = match parameters.decrypt_in_place(passphrase, &mut bytes) {
        Ok(key) => key.len(),
        Err(pkcs5::Error::DecryptFailed) => return Err(Unusable::WrongPassphrase),
        Err(_) => return Err(Unusable::Damaged),
    };
    bytes.truncate(length);
    Ok(bytes)
}

fn read(content: &[u8]) -> der::Result<(AlgorithmIdentifierRef<'_>, &[u8])> {
    let mut reader = SliceReader::new(content)?;
    let pair = reader.sequence(|reader| {
        let scheme = AlgorithmIdentifierRef::decode(reader)?;
        let encrypted = <&OctetStringRef>::decode(reader)?;
        Ok::<_, der::Error>((scheme, encrypted.as_bytes()))
    })?;
    reader.finish()?;
    Ok(pair)
}

fn parameters(scheme: &AlgorithmIdentifierRef<'_>) -> Result<pbes2::Parameters, Unusable> {
    if scheme.oid != pbes2::PBES2_OID {
        return Err(Unusable::UnknownCipher);
    }
    let parts = scheme.parameters.ok_or(Unusable::Damaged)?.sequence(|reader| {
        let parts =
            (AlgorithmIdentifierRef::decode(reader)?, AlgorithmIdentifierRef::decode(reader)?);
        Ok::<_, der::Error>(parts)
    });
    let (derivation, cipher) = parts.map_err(|_| Unusable::Damaged)?;
    let vector = cipher.parameters.and_then(|vector| vector.decode_as::<&OctetStringRef>().ok());
    if vector.is_none_or(|vector| vector.as_bytes().len() < SHORTEST_VECTOR) {
        return Err(Unusable::Damaged);
    }
    Ok(pbes2::Parameters {
        kdf: derivation.try_into().map_err(unknown_or_damaged)?,
        encryption: cipher.try_into().map_err(unknown_or_damaged)?,
    })
}

fn unknown_or_damaged(error: der::Error) -> Unusable {
    match error.kind() {
        ErrorKind::OidUnknown { .. } => Unusable::UnknownCipher,
        _ => Unusable::Damaged,
    }
}
