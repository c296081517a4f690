//! Servers that nobody here wrote, on loopback: mail servers, proxies, a token endpoint, a
//! database.
//!
//! Each is one file: `start` puts everything that the server writes below a [`Site`] and waits
//! until it listens; the value stops it by its process. `.ci/run` installs them, partly into the
//! folder that the environment variable `REAL_SERVERS` names; Postfix, Exim, Dovecot and
//! PostgreSQL need root.

mod aiosmtpd;
mod curl;
mod dante;
mod dkim;
mod dovecot;
mod exim;
mod microsocks;
mod postfix;
mod postgresql;
mod python_proxy;
mod service;
mod site;
mod smtp_server;
mod stunnel;
mod tinyproxy;
mod token_endpoint;

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

pub use aiosmtpd::Aiosmtpd;
pub use curl::curl;
pub use dante::Dante;
pub use dkim::DkimKey;
pub use dovecot::Dovecot;
pub use exim::Exim;
pub use microsocks::Microsocks;
pub use postfix::Postfix;
pub use postgresql::Postgresql;
pub use python_proxy::PythonProxy;
pub use site::Site;
pub use smtp_server::SmtpServer;
pub use stunnel::Stunnel;
pub use tinyproxy::Tinyproxy;
pub use token_endpoint::TokenEndpoint;

/// The domain whose mail the servers deliver.
pub const DOMAIN: &str = "mail.test";

/// A mailbox of this domain.
pub const RECIPIENT: &str = "user@mail.test";

/// A mailbox that Exim, npm's smtp-server and aiosmtpd refuse.
pub const REFUSED: &str = "refused@mail.test";

/// A mailbox that Exim and npm's smtp-server refuse for now.
pub const DEFERRED: &str = "deferred@mail.test";

/// The account that the servers know.
pub const USER: &str = "robot@acme.test";

/// Its password, which would break a careless encoder.
pub const PASSWORD: &str = "p\"ss wörd+/=\\";

/// How long a server may take to start, or a mail to arrive; a busy machine with two cores needs a
/// tenth of it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A command for Python with a script of `tests/real`; it has the packages of `requirements.txt`.
pub fn python(script: &str) -> Command {
    let mut command = Command::new(installed("python/bin/python"));
    command.arg(script_file(script));
    command
}

/// A command for Node with a script of `tests/real`; it has the packages of `package.json`.
pub fn node(script: &str) -> Command {
    let mut command = Command::new("node");
    command.env("NODE_PATH", installed("node/node_modules")).arg(script_file(script));
    command
}

/// A component of `examples/components`.
pub fn component(name: &str) -> PathBuf {
    installed("components").join(name).with_extension("wasm")
}

fn script_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("real").join(name)
}

/// Something that `.ci/run` installed for these tests alone.
fn installed(path: &str) -> PathBuf {
    let folder = std::env::var_os("REAL_SERVERS").expect("REAL_SERVERS is set, as .ci/run does");
    Path::new(&folder).join(path)
}

/// A port on loopback that was free a moment ago, and that no other test of this process gets.
///
/// It lies below those that the system gives to sockets that do not ask for one: a client of
/// another test could have it by the time that the server binds it.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Two processes begin at different places.
    let begin = (std::process::id() % 100) as u16 * 200;
    let mut ports =
        (0..20_000).map(|_| 10_000 + (begin + NEXT.fetch_add(1, Ordering::Relaxed)) % 20_000);
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    ports.find(is_free).expect("a free port")
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

/// Runs a command to its end and panics with its words where it fails.
fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
