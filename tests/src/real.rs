//! Real mail servers on loopback: Postfix with Dovecot as its authenticator, in a temporary directory.
//!
//! They need the Debian packages `postfix` and `dovecot-core` and, since Postfix starts as root, root. Each
//! [`MailHost`] is a world of its own and ends with its value.

mod dovecot;
mod postfix;

use std::fs::{self, Permissions};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;

use dovecot::Dovecot;
use postfix::Postfix;

/// The domain whose mail the servers deliver.
pub const DOMAIN: &str = "mail.test";

/// The account that the servers know.
pub const USER: &str = "robot@acme.test";

/// Its password, which would break a careless encoder.
pub const PASSWORD: &str = "p\"ss wörd+/=\\";

/// How long a server may take to start, or a mail to arrive; a busy machine with two cores needs a tenth of it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A mail server for [`DOMAIN`], with an inbox.
#[derive(Debug)]
pub struct MailHost {
    // Servers go before the directory that they write to.
    postfix: Postfix,
    _dovecot: Dovecot,
    directory: TempDir,
    authority: String,
}

impl MailHost {
    /// Starts the servers and waits until they greet.
    pub fn start() -> Self {
        let directory = TempDir::with_prefix("mail-host-").expect("a temporary directory");
        // The servers drop their privileges and must still get in.
        fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).expect("the directory is ours");
        let authority = write_certificates(directory.path());
        let dovecot = Dovecot::start(directory.path());
        let postfix = Postfix::start(directory.path(), dovecot.port());
        Self { postfix, _dovecot: dovecot, directory, authority }
    }

    /// The port for submission: STARTTLS, then AUTH, both required.
    pub fn submission_port(&self) -> u16 {
        self.postfix.submission_port()
    }

    /// The port for submission over implicit TLS, with AUTH required.
    pub fn smtps_port(&self) -> u16 {
        self.postfix.smtps_port()
    }

    /// The port of a relay that trusts the loopback interface and offers neither TLS nor AUTH.
    pub fn relay_port(&self) -> u16 {
        self.postfix.relay_port()
    }

    /// The certificate of the authority that signed the servers' own, in PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The file that holds [`Self::authority`].
    pub fn authority_file(&self) -> PathBuf {
        self.directory.path().join("authority.pem")
    }

    /// Waits for a mail, takes it out of the inbox and returns the file that it is in now.
    pub fn next_mail(&self) -> PathBuf {
        let new = self.directory.path().join("mail/inbox/new");
        let arrived = wait_for(|| fs::read_dir(&new).ok()?.next()?.ok().map(|entry| entry.path()));
        let arrived = arrived.unwrap_or_else(|| panic!("no mail arrived:\n{}", self.logs()));
        let taken = self.directory.path().join("taken.eml");
        fs::rename(arrived, &taken).expect("the inbox is ours");
        taken
    }

    /// What the servers logged.
    pub fn logs(&self) -> String {
        ["postfix.log", "dovecot.log"].map(|name| log(self.directory.path(), name)).concat()
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

/// A port on loopback that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

fn wait_for_listener(port: u16) -> bool {
    wait_for(|| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()).is_some()
}

fn wait_for<T>(mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match probe() {
            None if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(20)),
            outcome => return outcome,
        }
    }
}

fn log(directory: &Path, name: &str) -> String {
    fs::read_to_string(directory.join(name)).unwrap_or_default()
}

/// Runs a command to its end and panics with its words where it fails.
fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
