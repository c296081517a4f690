//! Keys of every form, made here: opened by their passphrase, and by nothing else.

use std::sync::LazyLock;

use aes::{Aes128, Aes192, Aes256};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipherEncrypt, BlockModeEncrypt as _, KeyInit, KeyIvInit as _};
use des::TdesEde3;
use md5::{Digest as _, Md5};
use pkcs8::der::Encode as _;
use pkcs8::der::asn1::OctetStringRef;
use pkcs8::pkcs5::pbes2::{
    EncryptionScheme, Kdf, Parameters, Pbkdf2Params, Pbkdf2Prf, ScryptParams,
};
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256};

use super::*;
use crate::plan::SecretRef;
use crate::secrets::Source;

const PASSPHRASE: &str = "correct horse 🐎";

fn opened(text: &str, passphrase: Option<&str>) -> Result<Vec<u8>, Unusable> {
    open(text, passphrase, &mut Budget::default()).map(|key| key.secret_der().to_vec())
}

fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key")
}

fn ed25519() -> KeyPair {
    KeyPair::generate_for(&PKCS_ED25519).expect("a key")
}

fn rsa() -> &'static KeyPair {
    static KEY: LazyLock<KeyPair> =
        LazyLock::new(|| KeyPair::generate_for(&PKCS_RSA_SHA256).expect("a key"));
    &KEY
}

fn pbkdf2(prf: Pbkdf2Prf, iteration_count: u32) -> Kdf {
    let salt = [7; 16].as_slice().try_into().expect("a salt");
    Pbkdf2Params { salt, iteration_count, key_length: None, prf }.into()
}

fn scrypt(cost_parameter: u64, block_size: u16, parallelization: u16) -> Kdf {
    let salt = [7; 16].as_slice().try_into().expect("a salt");
    Kdf::Scrypt(ScryptParams {
        salt,
        cost_parameter,
        block_size,
        parallelization,
        key_length: None,
    })
}

/// What claims to be encrypted in this way, without the cost of having been.
fn sealed(kdf: Kdf) -> String {
    let parameters = Parameters { kdf, encryption: EncryptionScheme::Aes256Cbc { iv: [9; 16] } };
    let encrypted_data = OctetStringRef::new(&[0; 64]).expect("a text");
    let info =
        EncryptedPrivateKeyInfoRef { encryption_algorithm: parameters.into(), encrypted_data };
    pem::write("ENCRYPTED PRIVATE KEY", &info.to_der().expect("DER")).to_string()
}

fn sequence(content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).expect("a short sequence");
    [&[0x30, length], content].concat()
}

fn encrypted(key: &KeyPair, kdf: Kdf, encryption: EncryptionScheme) -> String {
    let der = key.serialize_der();
    let info = PrivateKeyInfoRef::from_der(&der).expect("a key");
    let document =
        info.encrypt_with_params(Parameters { kdf, encryption }, PASSPHRASE).expect("ciphers");
    pem::write("ENCRYPTED PRIVATE KEY", document.as_bytes()).to_string()
}

/// OpenSSL's `-traditional`.
fn traditional<C: BlockCipherEncrypt + KeyInit>(name: &str, label: &str, der: &[u8]) -> String {
    let vector: Vec<u8> = (0..16).take(C::block_size()).collect();
    let (mut key, mut digest) = (Vec::new(), Vec::new());
    while key.len() < C::key_size() {
        digest = Md5::digest([&digest, PASSPHRASE.as_bytes(), &vector[..8]].concat()).to_vec();
        key.extend_from_slice(&digest);
    }
    let cipher =
        cbc::Encryptor::<C>::new_from_slices(&key[..C::key_size()], &vector).expect("lengths");
    let text = pem::write(label, &cipher.encrypt_padded_vec::<Pkcs7>(der));
    let hexadecimal: String = vector.iter().map(|byte| format!("{byte:02X}")).collect();
    let headers =
        format!("{label}-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: {name},{hexadecimal}\n\n");
    text.replacen(&format!("{label}-----\n"), &headers, 1)
}

#[test]
fn pkcs8_opens_under_each_derivation_and_cipher() {
    let key = key();
    let (aes, des) =
        (EncryptionScheme::Aes256Cbc { iv: [9; 16] }, EncryptionScheme::DesEde3Cbc { iv: [9; 8] });
    let few = |prf| pbkdf2(prf, 2048);
    let cases = [
        (few(Pbkdf2Prf::HmacWithSha1), des),
        (few(Pbkdf2Prf::HmacWithSha224), aes),
        (few(Pbkdf2Prf::HmacWithSha256), aes),
        (few(Pbkdf2Prf::HmacWithSha384), aes),
        (few(Pbkdf2Prf::HmacWithSha512), aes),
        (few(Pbkdf2Prf::HmacWithSha256), EncryptionScheme::Aes128Cbc { iv: [9; 16] }),
        (few(Pbkdf2Prf::HmacWithSha256), EncryptionScheme::Aes192Cbc { iv: [9; 16] }),
        (few(Pbkdf2Prf::HmacWithSha256), EncryptionScheme::Aes128Gcm { nonce: [9; 12] }),
        (few(Pbkdf2Prf::HmacWithSha256), EncryptionScheme::Aes256Gcm { nonce: [9; 12] }),
        (scrypt(1 << 14, 8, 1), aes),
    ];
    for (kdf, cipher) in cases {
        let text = encrypted(&key, kdf.clone(), cipher);
        assert!(is_encrypted(&text));
        assert_eq!(opened(&text, Some(PASSPHRASE)), Ok(key.serialize_der()), "{kdf:?} {cipher:?}");
        assert_eq!(
            opened(&text, Some("wrong")),
            Err(Unusable::WrongPassphrase),
            "{kdf:?} {cipher:?}"
        );
        assert_eq!(opened(&text, None), Err(Unusable::MissingPassphrase), "{kdf:?} {cipher:?}");
        let pasted = text.replace('\n', "\\n");
        assert_eq!(opened(&pasted, Some(PASSPHRASE)), Ok(key.serialize_der()));
    }
}

#[test]
fn the_traditional_form_opens_under_each_cipher() {
    let der = key().serialize_der();
    let info = PrivateKeyInfoRef::from_der(&der).expect("a key");
    let sec1 = info.private_key.as_bytes();
    for (text, expected) in [
        (traditional::<Aes128>("AES-128-CBC", "EC PRIVATE KEY", sec1), sec1),
        (traditional::<Aes192>("AES-192-CBC", "EC PRIVATE KEY", sec1), sec1),
        (traditional::<Aes256>("AES-256-CBC", "PRIVATE KEY", &der), &der),
        (traditional::<TdesEde3>("DES-EDE3-CBC", "EC PRIVATE KEY", sec1), sec1),
    ] {
        assert!(is_encrypted(&text));
        assert_eq!(opened(&text, Some(PASSPHRASE)).as_deref(), Ok(expected), "{text}");
        assert_eq!(opened(&text, Some("wrong")), Err(Unusable::WrongPassphrase), "{text}");
        assert_eq!(opened(&text, None), Err(Unusable::MissingPassphrase), "{text}");
        let pasted = text.replace('\n', "\\n");
        assert_eq!(opened(&pasted, Some(PASSPHRASE)).as_deref(), Ok(expected));
        let odd = text.replace("-CBC,", "-CFB,");
        assert_eq!(opened(&odd, Some(PASSPHRASE)), Err(Unusable::UnknownCipher));
        for vector in ["", "00", "0G", "000102030405060708090A0B0C0D0E0F00"] {
            let line = text.lines().find(|line| line.starts_with("DEK-Info")).expect("a header");
            let cut = format!("{},{vector}", line.split(',').next().expect("a name"));
            let damaged = text.replace(line, &cut);
            assert_eq!(opened(&damaged, Some(PASSPHRASE)), Err(Unusable::Damaged), "{vector}");
        }
    }
}

#[test]
fn keys_in_clear_need_no_passphrase_and_mind_none() {
    let (ecdsa, rsa) = (key().serialize_der(), rsa().serialize_der());
    let inner = |der: &[u8]| {
        PrivateKeyInfoRef::from_der(der).expect("a key").private_key.as_bytes().to_vec()
    };
    for (label, der) in [
        ("PRIVATE KEY", ecdsa.clone()),
        ("EC PRIVATE KEY", inner(&ecdsa)),
        ("PRIVATE KEY", rsa.clone()),
        ("RSA PRIVATE KEY", inner(&rsa)),
    ] {
        let text = pem::write(label, &der);
        assert!(!is_encrypted(&text));
        let around = format!(
            "Bag Attributes\n{}{}",
            pem::write("CERTIFICATE", b"x").as_str(),
            text.as_str()
        );
        for text in [text.to_string(), text.replace('\n', "\\n"), text.replace('\n', " "), around] {
            assert_eq!(opened(&text, None).as_ref(), Ok(&der), "{label}");
            assert_eq!(opened(&text, Some(PASSPHRASE)).as_ref(), Ok(&der), "{label}");
        }
        let read = open(&text, None, &mut Budget::default()).expect("a key");
        assert_eq!(*write(&read), *text, "{label}");
    }
}

#[test]
fn what_is_no_key_or_not_one_is_told() {
    let one = key().serialize_pem();
    let damaged = pem::write("PRIVATE KEY", b"\x30\x03\x02\x01");
    let trailing = pem::write("PRIVATE KEY", &[key().serialize_der(), vec![0]].concat());
    for (text, reason) in [
        ("/etc/ssl/private/key.pem", Unusable::NotPem),
        ("", Unusable::NotPem),
        ("-----BEGIN PUBLIC KEY-----\nYWJj\n-----END PUBLIC KEY-----\n", Unusable::NoKey),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\nYWJj\n-----END OPENSSH PRIVATE KEY-----\n",
            Unusable::OtherForm,
        ),
        (&one.repeat(2), Unusable::Several),
        (&one.replace("-----END", "-----BEND"), Unusable::Damaged),
        (&one.replacen("\nM", "\nM*", 1), Unusable::Damaged),
        (&damaged, Unusable::Damaged),
        (&trailing, Unusable::Damaged),
        ("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n", Unusable::Damaged),
        (&format!("{one}{}", " ".repeat(TEXT)), Unusable::TooLarge),
    ] {
        assert_eq!(opened(text, None), Err(reason), "{text}");
        assert!(!is_encrypted(text), "{text}");
    }
}

#[test]
fn derivations_that_cost_too_much_are_not_begun() {
    use Pbkdf2Prf::{HmacWithSha1, HmacWithSha256, HmacWithSha512};
    for (kdf, reason) in [
        (pbkdf2(HmacWithSha256, 1_500_001), Unusable::TooCostly),
        (pbkdf2(HmacWithSha256, u32::MAX), Unusable::TooCostly),
        (pbkdf2(HmacWithSha1, 750_001), Unusable::TooCostly),
        (pbkdf2(HmacWithSha512, 750_001), Unusable::TooCostly),
        (scrypt(1 << 16, 8, 1), Unusable::TooCostly),
        (scrypt(1 << 63, u16::MAX, u16::MAX), Unusable::TooCostly),
        (scrypt(2, 8, u16::MAX), Unusable::TooCostly),
        (scrypt(1 << 15, 8, 3), Unusable::TooCostly),
        (scrypt(0, 8, 1), Unusable::Damaged),
        (scrypt(1, 8, 1), Unusable::Damaged),
        (scrypt((1 << 14) + 1, 8, 1), Unusable::Damaged),
        (scrypt(1 << 14, 0, 1), Unusable::Damaged),
        (scrypt(1 << 14, 8, 0), Unusable::Damaged),
    ] {
        assert_eq!(opened(&sealed(kdf.clone()), Some(PASSPHRASE)), Err(reason), "{kdf:?}");
    }
}

#[test]
fn the_keys_of_one_configuration_share_a_budget() {
    let mut budget = Budget::default();
    let half = sealed(pbkdf2(Pbkdf2Prf::HmacWithSha256, 750_000));
    let mut try_again = || open(&half, Some("wrong"), &mut budget).map(drop);
    assert_eq!(try_again(), Err(Unusable::WrongPassphrase));
    assert_eq!(try_again(), Err(Unusable::WrongPassphrase));
    assert_eq!(try_again(), Err(Unusable::TooCostly));
    let mut budget = Budget::default();
    let clear = key().serialize_pem();
    let read = (0..100).take_while(|_| open(&clear, None, &mut budget).is_ok()).count();
    assert_eq!(read, 64);
    assert_eq!(open(&clear, None, &mut budget).map(drop), Err(Unusable::TooMany));
}

#[test]
fn no_change_of_a_byte_makes_a_panic() {
    let sound = sealed(pbkdf2(Pbkdf2Prf::HmacWithSha256, 1));
    let content = pem::sections(&sound).next().expect("a section").expect("sound").content();
    let der = content.expect("base64").bytes;
    for index in 0..der.len() {
        for change in [0x00, 0x01, 0x08, 0x7f, 0x80, 0xff] {
            let mut changed = der.to_vec();
            changed[index] = change;
            let text = pem::write("ENCRYPTED PRIVATE KEY", &changed);
            assert!(opened(&text, Some("p")).is_err(), "{index} {change}");
        }
        let cut = pem::write("ENCRYPTED PRIVATE KEY", &der[..index]);
        assert_eq!(opened(&cut, Some("p")), Err(Unusable::Damaged), "{index}");
    }
}

#[test]
fn triple_des_with_a_short_vector_is_damaged() {
    let parameters = |vector: &[u8]| {
        // SEQUENCE { OID PBES2, SEQUENCE { PBKDF2 with salt and one iteration, triple DES with the
        // vector } }
        let length = u8::try_from(vector.len()).expect("a short vector");
        let cipher = [b"\x06\x08\x2a\x86\x48\x86\xf7\x0d\x03\x07\x04", &[length][..], vector];
        let cipher = sequence(&cipher.concat());
        let derivation = [
            &b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c"[..],
            &sequence(b"\x04\x01s\x02\x01\x01"),
        ];
        let both = sequence(&[sequence(&derivation.concat()), cipher].concat());
        let scheme =
            sequence(&[&b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d"[..], &both].concat());
        pem::write(
            "ENCRYPTED PRIVATE KEY",
            &sequence(&[&scheme[..], &b"\x04\x0812345678"[..]].concat()),
        )
    };
    assert_eq!(opened(&parameters(b"12345678"), Some("p")), Err(Unusable::WrongPassphrase));
    for vector in [&b""[..], b"1234567"] {
        assert_eq!(opened(&parameters(vector), Some("p")), Err(Unusable::Damaged));
    }
}

#[test]
fn each_purpose_has_its_keys() {
    use Purpose::{Assertion, Certificate, Signature};
    let (ecdsa, ed25519) = (key(), ed25519());
    let keys =
        [(rsa(), [true; 3]), (&ecdsa, [false, true, false]), (&ed25519, [false, true, true])];
    for (key, suited) in keys {
        let der = open(&key.serialize_pem(), None, &mut Budget::default()).expect("a key");
        for (purpose, suited) in [Assertion, Certificate, Signature].into_iter().zip(suited) {
            let expected = if suited { None } else { Some(Unusable::Unsuited(purpose)) };
            assert_eq!(signer(&der, purpose).err(), expected, "{key:?}");
        }
    }
    let der = rsa().serialize_der();
    let inner = PrivateKeyInfoRef::from_der(&der).expect("a key").private_key.as_bytes();
    for text in [pem::write("PRIVATE KEY", &der), pem::write("RSA PRIVATE KEY", inner)] {
        let key = open(&text, None, &mut Budget::default()).expect("a key");
        assert_eq!(signer(&key, Assertion).err(), None, "{text:?}");
    }
    let other = pem::write(
        "PRIVATE KEY",
        &sequence(&[&b"\x02\x01\x00"[..], &sequence(b"\x06\x01\x2a"), b"\x04\x00"].concat()),
    );
    let other = open(&other, None, &mut Budget::default()).expect("a key of an unknown kind");
    assert_eq!(signer(&other, Certificate).err(), Some(Unusable::Unsuited(Certificate)));
}

#[test]
fn findings_stand_where_they_are_mended() {
    let refer = |pointer: &str| SecretRef(pointer.to_owned());
    let cases = [
        ("/tls/key", Some("/tls/passphrase"), Unusable::WrongPassphrase, "/tls/passphrase"),
        ("/tls/key", None, Unusable::MissingPassphrase, "/tls/passphrase"),
        ("/auth/privateKey", None, Unusable::MissingPassphrase, "/auth/privateKey/passphrase"),
        ("/auth/privateKey/key", None, Unusable::MissingPassphrase, "/auth/privateKey/passphrase"),
        ("/auth/tls/key", Some("/auth/tls/passphrase"), Unusable::Damaged, "/auth/tls/key"),
    ];
    for (key, passphrase, reason, expected) in cases {
        let (key, passphrase) = (refer(key), passphrase.map(refer));
        let place = KeyPlace { key: &key, passphrase: passphrase.as_ref() };
        assert_eq!(reason.diagnostic(place).path, expected);
        assert!(
            reason
                .error(place)
                .to_string()
                .starts_with(&format!("the private key at `{}` is ", key.0))
        );
    }
}

#[test]
fn keys_come_from_the_secret_store() {
    let (rsa, place) = (rsa(), SecretRef("/auth/privateKey/key".to_owned()));
    let phrase = SecretRef("/auth/privateKey/passphrase".to_owned());
    let text = encrypted(
        rsa,
        pbkdf2(Pbkdf2Prf::HmacWithSha256, 2048),
        EncryptionScheme::Aes256Cbc { iv: [9; 16] },
    );
    let mut secrets = SecretStore::default();
    secrets.keep(place.0.clone(), Source::Inline(Secret::new(text)));
    secrets.keep(phrase.0.clone(), Source::Inline(Secret::new(PASSPHRASE)));
    let der = rsa.serialize_der();
    let with = KeyPlace { key: &place, passphrase: Some(&phrase) };
    assert_eq!(load(&secrets, with).expect("a key").secret_der(), der);
    let error =
        load(&secrets, KeyPlace { key: &place, passphrase: None }).expect_err("no passphrase");
    let expected =
        "the private key at `/auth/privateKey/key` is encrypted, and its passphrase is missing";
    assert_eq!(
        (error.to_string().as_str(), error.hint()),
        (expected, Some("set `passphrase` beside the key"))
    );
}
