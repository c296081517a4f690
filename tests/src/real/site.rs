//! A temporary folder for servers: certificates, logs and one inbox.

use std::fs::{self, Permissions};
use std::net::Ipv4Addr;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;

use super::wait_for;

/// The user `nobody` and the group `nogroup` of Debian, who own what servers write without
/// privileges.
pub(super) const NOBODY: u32 = 65534;

/// Where servers live; it must outlive them.
#[derive(Debug)]
pub struct Site {
    directory: TempDir,
    authority: String,
}

impl Site {
    /// Makes a site with an authority and a certificate for `localhost` and 127.0.0.1.
    #[expect(
        clippy::new_without_default,
        reason = "each one is another place with another authority"
    )]
    pub fn new() -> Self {
        let directory = TempDir::with_prefix("site-").expect("a temporary directory");
        // The servers drop their privileges and must still get in.
        fs::set_permissions(directory.path(), Permissions::from_mode(0o755))
            .expect("the directory is ours");
        let authority = write_certificates(directory.path());
        let site = Self { directory, authority };
        site.folder_of_nobody("mail");
        site
    }

    /// The certificate of the authority that signed the servers' own, in PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The file that holds [`Self::authority`].
    pub fn authority_file(&self) -> PathBuf {
        self.join("authority.pem")
    }

    /// A place in the site's folder.
    pub fn join(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Waits for a mail in the inbox, takes it out and returns the file that it is in now.
    pub fn next_mail(&self) -> PathBuf {
        let new = self.join("mail/inbox/new");
        let arrived = wait_for(|| fs::read_dir(&new).ok()?.next()?.ok().map(|entry| entry.path()));
        let arrived = arrived.unwrap_or_else(|| panic!("no mail arrived:\n{}", self.logs()));
        let taken = self.join("taken.eml");
        fs::rename(arrived, &taken).expect("the inbox is ours");
        taken
    }

    /// What the servers logged.
    pub fn logs(&self) -> String {
        let files = fs::read_dir(self.directory.path()).into_iter().flatten().flatten();
        let logs = files
            .map(|file| file.path())
            .filter(|path| path.extension().is_some_and(|e| e == "log"));
        logs.filter_map(|path| {
            Some(format!("{}:\n{}", path.display(), fs::read_to_string(&path).ok()?))
        })
        .collect()
    }

    /// The folder itself.
    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Writes a file and returns its path.
    pub(super) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        fs::write(&path, content).expect("the directory is ours");
        path
    }

    /// Makes a folder.
    pub(super) fn folder(&self, name: &str) -> PathBuf {
        let path = self.join(name);
        fs::create_dir(&path).expect("the directory is ours");
        path
    }

    /// Makes a folder for a server without privileges.
    pub(super) fn folder_of_nobody(&self, name: &str) -> PathBuf {
        let path = self.folder(name);
        chown(&path, Some(NOBODY), Some(NOBODY)).expect("we are root");
        path
    }
}

/// Writes `authority.pem` and, signed by it, `server.pem` and `server.key`; returns the first.
fn write_certificates(directory: &Path) -> String {
    let key = || KeyPair::generate().expect("a key can be made");
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "Test Authority");
    let authority = CertifiedIssuer::self_signed(params, key()).expect("valid parameters");
    let names = ["localhost".to_owned(), Ipv4Addr::LOCALHOST.to_string()];
    let params = CertificateParams::new(names).expect("valid names");
    let server_key = key();
    let server = params.signed_by(&server_key, &authority).expect("valid parameters");
    for (name, pem) in [
        ("authority.pem", authority.pem()),
        ("server.pem", server.pem()),
        ("server.key", server_key.serialize_pem()),
    ] {
        fs::write(directory.join(name), pem).expect("the directory is ours");
    }
    authority.pem()
}
