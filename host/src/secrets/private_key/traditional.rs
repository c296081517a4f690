//! Opens what OpenSSL writes with `-traditional`: PEM whose header `DEK-Info` names a cipher and
//! its vector. The key comes from `EVP_BytesToKey` with MD5 and one round, which costs nothing and
//! protects little.

use aes::{Aes128, Aes192, Aes256};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipherDecrypt, BlockModeDecrypt as _, KeyInit, KeyIvInit as _};
use des::TdesEde3;
use md5::{Digest as _, Md5};
use zeroize::Zeroizing;

use super::Unusable;

/// How many bytes of the vector are the salt as well.
const SALT: usize = 8;

/// The key in clear; `cipher` is the value of `DEK-Info`.
pub(super) fn open(
    content: Zeroizing<Vec<u8>>,
    cipher: &str,
    passphrase: Option<&str>,
) -> Result<Zeroizing<Vec<u8>>, Unusable> {
    let (name, vector) = cipher.split_once(',').ok_or(Unusable::Damaged)?;
    let vector = hexadecimal(vector).ok_or(Unusable::Damaged)?;
    let decrypt = match name.to_ascii_uppercase().as_str() {
        "AES-128-CBC" => decrypt::<Aes128>,
        "AES-192-CBC" => decrypt::<Aes192>,
        "AES-256-CBC" => decrypt::<Aes256>,
        "DES-EDE3-CBC" => decrypt::<TdesEde3>,
        _ => return Err(Unusable::UnknownCipher),
    };
    decrypt(content, &vector, passphrase.ok_or(Unusable::MissingPassphrase)?)
}

fn decrypt<C: BlockCipherDecrypt + KeyInit>(
    mut content: Zeroizing<Vec<u8>>,
    vector: &[u8],
    passphrase: &str,
) -> Result<Zeroizing<Vec<u8>>, Unusable> {
    let salt = vector.get(..SALT).ok_or(Unusable::Damaged)?;
    let key = derive(passphrase.as_bytes(), salt, C::key_size());
    let cipher =
        cbc::Decryptor::<C>::new_from_slices(&key, vector).map_err(|_| Unusable::Damaged)?;
    let length = match cipher.decrypt_padded::<Pkcs7>(&mut content) {
        Ok(key) => key.len(),
        Err(_) => return Err(Unusable::WrongPassphrase),
    };
    content.truncate(length);
    Ok(content)
}

/// `EVP_BytesToKey`: each digest covers the one before, the passphrase and the salt.
fn derive(passphrase: &[u8], salt: &[u8], length: usize) -> Zeroizing<Vec<u8>> {
    let mut key = Zeroizing::new(Vec::with_capacity(length + Md5::output_size()));
    let mut digest = Zeroizing::new(Vec::with_capacity(Md5::output_size()));
    while key.len() < length {
        let next = Md5::new()
            .chain_update(&*digest)
            .chain_update(passphrase)
            .chain_update(salt)
            .finalize();
        digest.clear();
        digest.extend_from_slice(&next);
        key.extend_from_slice(&next);
    }
    key.truncate(length);
    key
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<_>> =
        text.chars().map(|digit| u8::try_from(digit.to_digit(16)?).ok()).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}
