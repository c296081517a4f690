//! Exim: submission with STARTTLS and its own authenticators, delivering into the inbox.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use super::service::Service;
use super::{DEFERRED, PASSWORD, REFUSED, Site, USER, free_port, installed};

/// A running Exim.
#[derive(Debug)]
pub struct Exim {
    _service: Service,
    port: u16,
}

impl Exim {
    /// Starts it.
    pub fn start(site: &Site) -> Self {
        let port = free_port();
        // It runs itself again as nobody, who may not get to where it is installed.
        let binary = site
            .write("exim4", fs::read(installed("exim/usr/sbin/exim4")).expect("Exim is installed"));
        fs::set_permissions(&binary, Permissions::from_mode(0o755)).expect("the file is ours");
        site.folder_of_nobody("exim-spool");
        site.write("exim-password", PASSWORD);
        let configuration = site.write(
            "exim.conf",
            format!(
                "T_SITE = {}\nT_EXIM = {}\nT_PORT = {port}\nT_USER = {USER}\n\
                 T_REFUSED = {REFUSED}\nT_DEFERRED = {DEFERRED}\n{SETTINGS}",
                site.path().display(),
                binary.display()
            ),
        );
        let mut command = Command::new(binary);
        command.arg("-C").arg(configuration).arg("-bdf");
        Self { _service: Service::start(site, "exim", &mut command, &[port]), port }
    }

    /// The port for submission: STARTTLS, then AUTH by PLAIN, LOGIN or CRAM-MD5, both required.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// What the macros before it do not say. Exim replaces their names wherever they stand.
const SETTINGS: &str = r"
exim_user = nobody
exim_group = nogroup
never_users =
exim_path = T_EXIM
spool_directory = T_SITE/exim-spool
log_file_path = T_SITE/exim-spool/%slog
pid_file_path = T_SITE/exim-spool/exim.pid
primary_hostname = mx.mail.test
local_interfaces = 127.0.0.1
daemon_smtp_ports = T_PORT
keep_environment =
# Otherwise the eleventh message of a connection waits for a queue runner.
smtp_accept_queue_per_connection = 0
host_lookup =
tls_advertise_hosts = *
tls_certificate = T_SITE/server.pem
tls_privatekey = T_SITE/server.key
auth_advertise_hosts = ${if eq{$tls_in_cipher}{}{}{*}}
acl_smtp_mail = senders
acl_smtp_rcpt = recipients

begin acl
senders:
  deny
    !authenticated = *
    message = log in first
  accept
recipients:
  deny
    recipients = T_REFUSED
    message = no such mailbox
  defer
    recipients = T_DEFERRED
    message = come again later
  accept
    domains = mail.test
  deny
    message = relaying is not permitted

begin routers
inbox:
  driver = accept
  transport = inbox

begin transports
inbox:
  driver = appendfile
  maildir_format
  directory = T_SITE/mail/inbox
  user = nobody
  group = nogroup

begin authenticators
PLAIN:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if and {{eq{$auth2}{T_USER}}{eq{$auth3}{${readfile{T_SITE/exim-password}}}}}}
  server_set_id = $auth2
LOGIN:
  driver = plaintext
  public_name = LOGIN
  server_prompts = <| Username: | Password:
  server_condition = ${if and {{eq{$auth1}{T_USER}}{eq{$auth2}{${readfile{T_SITE/exim-password}}}}}}
  server_set_id = $auth1
CRAM_MD5:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = ${if eq{$auth1}{T_USER}{${readfile{T_SITE/exim-password}}}fail}
  server_set_id = $auth1
";
