//! Dovecot: the server that checks passwords for Postfix, and one that takes mail over LMTP.

use std::process::Command;

use super::service::Service;
use super::{DOMAIN, PASSWORD, RECIPIENT, Site, USER, free_port};

/// A running Dovecot.
#[derive(Debug)]
pub struct Dovecot {
    _service: Service,
    ports: Ports,
}

#[derive(Debug, Clone, Copy)]
struct Ports {
    authenticator: u16,
    lmtp: u16,
}

impl Dovecot {
    /// Starts it.
    pub fn start(site: &Site) -> Self {
        let ports = Ports { authenticator: free_port(), lmtp: free_port() };
        site.write("users", format!("{USER}:{{PLAIN}}{PASSWORD}\n"));
        site.write("mailboxes", format!("{RECIPIENT}:::::::\n"));
        let configuration = site.write("dovecot.conf", settings(site, ports));
        let mut command = Command::new("dovecot");
        command.arg("-F").arg("-c").arg(configuration);
        let service =
            Service::start(site, "dovecot", &mut command, &[ports.authenticator, ports.lmtp]);
        Self { _service: service, ports }
    }

    /// The port for LMTP, which delivers into the site's inbox for [`RECIPIENT`] alone; STARTTLS is
    /// optional.
    pub fn lmtp_port(&self) -> u16 {
        self.ports.lmtp
    }

    /// The port at which Postfix asks.
    pub(super) fn authenticator_port(&self) -> u16 {
        self.ports.authenticator
    }
}

fn settings(site: &Site, Ports { authenticator, lmtp }: Ports) -> String {
    let directory = site.path().display();
    format!(
        "base_dir = {directory}/dovecot
state_dir = {directory}/dovecot
log_path = /dev/stderr
protocols = lmtp
hostname = mx.{DOMAIN}
postmaster_address = postmaster@{DOMAIN}
ssl = yes
ssl_cert = <{directory}/server.pem
ssl_key = <{directory}/server.key
disable_plaintext_auth = no
auth_mechanisms = plain login cram-md5
auth_failure_delay = 0
mail_location = maildir:{directory}/mail/inbox
mail_uid = nobody
mail_gid = nogroup
first_valid_uid = 1
passdb {{
  driver = passwd-file
  args = {directory}/users
}}
userdb {{
  driver = passwd-file
  args = {directory}/mailboxes
  default_fields = uid=nobody gid=nogroup home={directory}/mail
}}
service auth {{
  inet_listener {{
    address = 127.0.0.1
    port = {authenticator}
  }}
}}
service lmtp {{
  chroot =
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"
    )
}
