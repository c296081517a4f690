//! Postfix, with three ways in and one inbox for every address of the domain.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{DOMAIN, free_port, log, run, wait_for, wait_for_listener};

/// The user `nobody` and the group `nogroup` of Debian, who own the inbox: virtual(8) delivers for no one
/// privileged.
const NOBODY: u32 = 65534;

/// A running Postfix.
#[derive(Debug)]
pub(super) struct Postfix {
    configuration: PathBuf,
    queue: PathBuf,
    ports: Ports,
}

#[derive(Debug, Clone, Copy)]
struct Ports {
    submission: u16,
    smtps: u16,
    relay: u16,
}

impl Postfix {
    /// Starts it with everything that it writes below `directory`; passwords are checked at `authenticator`.
    pub(super) fn start(directory: &Path, authenticator: u16) -> Self {
        let ports = Ports { submission: free_port(), smtps: free_port(), relay: free_port() };
        let configuration = directory.join("postfix");
        for made in ["postfix", "postfix-queue", "postfix-data", "mail"] {
            fs::create_dir(directory.join(made)).expect("the directory is ours");
        }
        chown(directory.join("mail"), Some(NOBODY), Some(NOBODY)).expect("we are root");
        run(Command::new("chown").arg("postfix").arg(directory.join("postfix-data")));
        fs::write(configuration.join("main.cf"), settings(directory, authenticator)).expect("we are root");
        fs::write(configuration.join("master.cf"), services(ports)).expect("we are root");
        let postfix = Self { configuration, queue: directory.join("postfix-queue"), ports };
        run(&mut postfix.command("start"));
        for port in [ports.submission, ports.smtps, ports.relay] {
            assert!(wait_for_listener(port), "Postfix does not start:\n{}", log(directory, "postfix.log"));
        }
        postfix
    }

    pub(super) fn submission_port(&self) -> u16 {
        self.ports.submission
    }

    pub(super) fn smtps_port(&self) -> u16 {
        self.ports.smtps
    }

    pub(super) fn relay_port(&self) -> u16 {
        self.ports.relay
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new("postfix");
        command.arg("-c").arg(&self.configuration).arg(verb);
        command
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        let pid = fs::read_to_string(self.queue.join("pid/master.pid")).unwrap_or_default();
        let process = Path::new("/proc").join(pid.trim());
        // A test that fails must not fail twice: what cannot be stopped here is left to whoever reads the failure.
        let _ = self.command("abort").output();
        wait_for(|| Some(()).filter(|()| pid.is_empty() || !process.exists()));
    }
}

fn settings(directory: &Path, authenticator: u16) -> String {
    let directory = directory.display();
    format!(
        "compatibility_level = 3.6
myhostname = mx.{DOMAIN}
queue_directory = {directory}/postfix-queue
data_directory = {directory}/postfix-data
maillog_file = {directory}/postfix.log
maillog_file_prefixes = {directory}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
mydestination =
alias_maps =
alias_database =
default_transport = discard
virtual_mailbox_domains = {DOMAIN}
virtual_mailbox_base = {directory}/mail
virtual_mailbox_maps = static:inbox/
virtual_uid_maps = static:{NOBODY}
virtual_gid_maps = static:{NOBODY}
smtpd_tls_cert_file = {directory}/server.pem
smtpd_tls_key_file = {directory}/server.key
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{authenticator}
"
    )
}

fn services(Ports { submission, smtps, relay }: Ports) -> String {
    let authenticated = "-o smtpd_sasl_auth_enable=yes \
                         -o smtpd_client_restrictions=permit_sasl_authenticated,reject";
    format!(
        "127.0.0.1:{submission} inet n - n - - smtpd -o smtpd_tls_security_level=encrypt {authenticated}
127.0.0.1:{smtps} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes {authenticated}
127.0.0.1:{relay} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"
    )
}
