//! Private keys in the forms that OpenSSL writes. The files were made by OpenSSL 3.

use serde_json::{Value, json};

use crate::helpers::proof::findings;

const PASSPHRASE: &str = "pass phrase";

macro_rules! file {
    ($name:literal) => {
        include_str!(concat!("../../fixtures/keys/", $name, ".pem"))
    };
}

/// What is found where this key signs.
async fn signing(key: &str, passphrase: Option<&str>) -> String {
    let key = json!({ "key": key, "passphrase": passphrase });
    let dkim = json!({ "domainName": "acme.test", "keySelector": "s", "privateKey": key });
    findings(&json!({ "dkim": dkim })).await
}

/// What is found where this key belongs to the client's certificate.
async fn certifying(key: &str, passphrase: Option<&str>) -> String {
    let tls: Value =
        json!({ "cert": file!("ec-certificate"), "key": key, "passphrase": passphrase });
    findings(&json!({ "tls": tls })).await
}

async fn check_opened_by_its_passphrase_only(key: &str) {
    assert_eq!(signing(key, Some(PASSPHRASE)).await, "");
    assert_eq!(
        signing(key, Some("wrong")).await,
        "error wrong-passphrase /dkim/privateKey/passphrase"
    );
    assert_eq!(signing(key, None).await, "error missing-key /dkim/privateKey/passphrase");
}

#[tokio::test]
pub(crate) async fn pkcs8() {
    let clear = file!("ed25519");
    let joined = clear.replace('\n', "");
    let escaped = clear.replace('\n', "\\n");
    let accompanied = format!("{}{clear}", file!("ec-certificate"));
    for text in [clear, &joined, &escaped, &accompanied] {
        assert_eq!(signing(text, None).await, "", "{text}");
    }
    for key in [file!("ed25519-aes"), file!("ed25519-scrypt"), file!("ed25519-des3")] {
        check_opened_by_its_passphrase_only(key).await;
    }
    let warning = "warning no-effect /dkim/privateKey/passphrase";
    assert_eq!(signing(clear, Some(PASSPHRASE)).await, warning);
    for text in
        [&clear[..80], &format!("{clear}{clear}"), file!("ec-certificate"), "text", file!("ec")]
    {
        assert_eq!(signing(text, None).await, "error unusable-key /dkim/privateKey/key", "{text}");
    }
}

#[tokio::test]
pub(crate) async fn pkcs1_and_sec1() {
    assert_eq!(signing(file!("rsa"), None).await, "");
    for key in [file!("rsa-aes"), file!("rsa-des3")] {
        check_opened_by_its_passphrase_only(key).await;
    }
    assert_eq!(certifying(file!("ec"), None).await, "");
    assert_eq!(certifying(file!("ec-aes"), Some(PASSPHRASE)).await, "");
    assert_eq!(
        certifying(file!("ec-aes"), Some("wrong")).await,
        "error wrong-passphrase /tls/passphrase"
    );
    assert_eq!(certifying(file!("rsa"), None).await, "error unusable-key /tls/key");
}
