//! Postfix, with three ways in and one inbox for every address of the domain.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::service::{listening, stop};
use super::site::NOBODY;
use super::{DOMAIN, Dovecot, Site, free_port, run, wait_for};

/// A running Postfix with a Dovecot that checks its passwords, by PLAIN, LOGIN and CRAM-MD5.
#[derive(Debug)]
pub struct Postfix {
    queue: PathBuf,
    ports: Ports,
    _authenticator: Dovecot,
}

#[derive(Debug, Clone, Copy)]
struct Ports {
    submission: u16,
    smtps: u16,
    relay: u16,
}

impl Postfix {
    /// Starts both.
    pub fn start(site: &Site) -> Self {
        let authenticator = Dovecot::start(site);
        let ports = Ports { submission: free_port(), smtps: free_port(), relay: free_port() };
        let configuration = site.folder("postfix");
        let queue = site.folder("postfix-queue");
        run(Command::new("chown").arg("postfix").arg(site.folder("postfix-data")));
        site.write("postfix/main.cf", settings(site, authenticator.authenticator_port()));
        site.write("postfix/master.cf", services(ports));
        run(Command::new("postfix").arg("-c").arg(configuration).arg("start"));
        let postfix = Self { queue, ports, _authenticator: authenticator };
        let up =
            wait_for(|| listening(&[ports.submission, ports.smtps, ports.relay]).then_some(()));
        assert!(up.is_some(), "Postfix does not start:\n{}", site.logs());
        postfix
    }

    /// The port for submission: STARTTLS, then AUTH, both required.
    pub fn submission_port(&self) -> u16 {
        self.ports.submission
    }

    /// The port for submission over implicit TLS, with AUTH required.
    pub fn smtps_port(&self) -> u16 {
        self.ports.smtps
    }

    /// The port of a relay that trusts the loopback interface and offers neither TLS nor AUTH.
    pub fn relay_port(&self) -> u16 {
        self.ports.relay
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        let pid = fs::read_to_string(self.queue.join("pid/master.pid")).unwrap_or_default();
        // A test that fails must not fail twice: what cannot be stopped here is left to whoever
        // reads the failure.
        if let Ok(pid) = pid.trim().parse() {
            stop(pid);
            wait_for(|| Some(()).filter(|()| !Path::new("/proc").join(pid.to_string()).exists()));
        }
    }
}

fn settings(site: &Site, authenticator: u16) -> String {
    let directory = site.path().display();
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
    let encrypted = "-o smtpd_tls_security_level=encrypt";
    let authenticated = "-o smtpd_sasl_auth_enable=yes \
                         -o smtpd_client_restrictions=permit_sasl_authenticated,reject";
    format!(
        "127.0.0.1:{submission} inet n - n - - smtpd {encrypted} {authenticated}
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
