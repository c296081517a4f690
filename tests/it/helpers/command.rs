//! Runs of the command line, and the configurations for them.

use std::ffi::OsStr;
use std::path::PathBuf;

use serde_json::{Value, json};
use smtp_connector_catch_all::{CatchAll, Credentials, Options};
use smtp_connector_tests::cli::{Cli, binary};

use super::tenant::with;

/// A configuration as the platform's console stores it.
pub(crate) const CONSOLE: &str = include_str!("../../fixtures/logto-console.json");

/// A command line that shares the cache of compiled components with all others.
pub(crate) fn command<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Cli {
    Cli::new(arguments).env("XDG_CACHE_HOME", cache())
}

fn cache() -> PathBuf {
    binary().with_file_name("test-cache")
}

/// A configuration for a server at a port of 127.0.0.1, without security or credentials, and these
/// members besides.
pub(crate) fn configuration(port: u16, members: &Value) -> Value {
    let template = |usage_type: &str| {
        json!({
            "usageType": usage_type,
            "contentType": "text/plain",
            "subject": "Your code",
            "content": "Code {{code}} for {{user.name}}",
        })
    };
    let templates = ["Register", "SignIn", "ForgotPassword", "Generic"].map(template);
    let configuration = json!({
        "host": "127.0.0.1",
        "port": port,
        "fromEmail": "Example <no-reply@example.com>",
        "templates": templates,
    });
    with(configuration, members)
}

/// A server that wants STARTTLS and a login, and the configuration for it.
pub(crate) async fn server_with_login() -> (CatchAll, Value) {
    let options = Options::default().credentials(Credentials::new("mailer", "open-sesame"));
    let server = CatchAll::start(options).await.expect("it starts");
    let members = json!({
        "requireTLS": true,
        "auth": { "user": "mailer", "pass": "open-sesame" },
        "tls": { "ca": server.certificate_pem() },
    });
    let configuration = configuration(server.address().port(), &members);
    (server, configuration)
}

/// What one command may use, in kilobytes.
#[cfg(target_os = "linux")]
pub(crate) const MEMORY: usize = 200_000;

/// Runs a command; its exit code, and the high-water mark of its memory in kilobytes.
#[cfg(target_os = "linux")]
pub(crate) fn peak_memory(arguments: &[&OsStr]) -> (Option<i32>, usize) {
    let mut child = std::process::Command::new(binary())
        .args(arguments)
        .env("XDG_CACHE_HOME", cache())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("the command runs");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        let status = std::fs::read_to_string(&status).unwrap_or_default();
        let mark =
            status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        peak = peak.max(mark.and_then(|mark| mark.parse().ok()).unwrap_or_default());
        if let Some(ended) = child.try_wait().expect("the command is a child") {
            return (ended.code(), peak);
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

/// Checks that two documents are alike, and shows them where they are not.
#[track_caller]
pub(crate) fn check_json(found: &Value, expected: &Value, case: &str) {
    assert!(found == expected, "{case}:\n{found:#}\nin place of\n{expected:#}");
}
