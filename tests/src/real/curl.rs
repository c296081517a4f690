//! curl: another client, which proves that a server works before ours is held against it.

use std::process::Command;

use super::{RECIPIENT, Site, USER};

/// Sends a mail with curl to an `smtp:` or `smtps:` URL, with `options` before it, and returns
/// curl's exit code.
///
/// TLS is required and the site's authority trusted, for proxies as well. Of the codes that are not
/// 0, 67 means that the login was refused, 55 that a recipient was, 56 that an HTTP proxy said no,
/// and 97 that another proxy did.
pub fn curl(site: &Site, url: &str, options: &[&str]) -> i32 {
    let mail = site.write("curl.eml", "Subject: curl\r\n\r\nA mail by another client.\r\n");
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--ssl-reqd", "--max-time", "30"])
        .arg("--cacert")
        .arg(site.authority_file())
        .arg("--proxy-cacert")
        .arg(site.authority_file())
        .args(["--mail-from", USER, "--mail-rcpt", RECIPIENT])
        .arg("--upload-file")
        .arg(mail)
        .args(options)
        .arg(url)
        .output()
        .expect("curl is installed");
    output.status.code().expect("curl ends by itself")
}
