//! DKIM keys that OpenSSL makes, with the records that publish them.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// The passphrase of the keys that have one.
const PASSPHRASE: &str = "pass phrase";

/// The length of an Ed25519 public key, which ends its DER form.
const ED25519: usize = 32;

/// A private key as a configuration holds it, and its public key as the DNS does.
#[derive(Debug)]
pub struct DkimKey {
    /// The private key in PEM.
    pub pem: String,
    /// Its passphrase, where it has one.
    pub passphrase: Option<&'static str>,
    /// The TXT record.
    pub record: String,
}

impl DkimKey {
    /// RSA in PKCS #1.
    pub fn rsa() -> Self {
        Self::made(&["genrsa", "-traditional", "2048"], None)
    }

    /// RSA in PKCS #8, encrypted.
    pub fn encrypted_rsa() -> Self {
        let password = format!("pass:{PASSPHRASE}");
        Self::made(
            &["genpkey", "-algorithm", "rsa", "-aes-256-cbc", "-pass", &password],
            Some(PASSPHRASE),
        )
    }

    /// Ed25519 in PKCS #8.
    pub fn ed25519() -> Self {
        Self::made(&["genpkey", "-algorithm", "ed25519"], None)
    }

    fn made(arguments: &[&str], passphrase: Option<&'static str>) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("key.pem");
        let pem = openssl(Command::new("openssl").args(arguments));
        std::fs::write(&file, &pem).expect("the directory is ours");
        let mut publish = Command::new("openssl");
        publish.args([
            "pkey",
            "-pubout",
            "-outform",
            "DER",
            "-passin",
            &format!("pass:{PASSPHRASE}"),
            "-in",
        ]);
        let public = openssl(publish.arg(file));
        let pem = String::from_utf8(pem).expect("PEM is ASCII");
        let record = match arguments.contains(&"ed25519") {
            true => format!(
                "v=DKIM1; k=ed25519; p={}",
                BASE64.encode(&public[public.len() - ED25519..])
            ),
            false => format!("v=DKIM1; k=rsa; p={}", BASE64.encode(public)),
        };
        Self { pem, passphrase, record }
    }
}

fn openssl(command: &mut Command) -> Vec<u8> {
    let output = command.output().expect("OpenSSL is installed");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
