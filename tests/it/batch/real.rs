//! `batch` through servers that others wrote: many messages over few kept connections, pipelined
//! where they offer that, and each arrives once, a refused one among them.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};
use smtp_connector_tests::cli::Cli;
use smtp_connector_tests::real::{
    Aiosmtpd, Dovecot, Exim, Postfix, RECIPIENT, REFUSED, Site, SmtpServer,
};

use crate::helpers::real::{configuration, implicit_tls};

/// So many that each connection carries several, and is replaced once or twice.
const COUNT: usize = 60;

/// The one that is refused, where the server refuses any.
const WRONG: usize = 31;

/// Sends them all, and compares what the results say with what arrives.
#[track_caller]
fn arrives(mut configuration: Value, refuses: bool, site: &Site, next_mail: impl Fn() -> String) {
    configuration["maxConnections"] = json!(2);
    configuration["maxMessages"] = json!(25);
    let request = |number: usize| {
        let to = if refuses && number == WRONG { REFUSED } else { RECIPIENT };
        json!({ "to": to, "type": "SignIn", "payload": { "code": format!("{number:06}") } })
            .to_string()
    };
    let requests: Vec<_> = (0..COUNT).map(request).collect();
    let file = site.join("requests.ndjson");
    fs::write(&file, requests.join("\n")).expect("the folder is ours");
    let command =
        Cli::new(["batch", "-"]).arg(&file).env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    let outcome = command.stdin(configuration.to_string()).run_blocking();
    assert_eq!(outcome.code, Some(if refuses { 67 } else { 0 }), "{outcome:#?}\n{}", site.logs());
    let results: Vec<Value> = outcome
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("a result is JSON"))
        .collect();
    assert_eq!(results.len(), COUNT);
    let accepted: BTreeSet<_> = results
        .iter()
        .filter(|result| result["status"] == "accepted")
        .map(|result| result["result"]["messageId"].as_str().expect("an identifier").to_owned())
        .collect();
    assert_eq!(accepted.len(), COUNT - usize::from(refuses), "{outcome:#?}");
    let identifier = |mail: String| {
        mail.lines()
            .find_map(|line| line.strip_prefix("Message-ID: "))
            .expect("an identifier")
            .to_owned()
    };
    let arrived: BTreeSet<_> = (0..accepted.len()).map(|_| identifier(next_mail())).collect();
    assert_eq!(arrived, accepted);
}

/// The next mail in the site's inbox.
fn inbox(site: &Site) -> String {
    String::from_utf8_lossy(&fs::read(site.next_mail()).expect("a mail")).into_owned()
}

#[test]
#[ignore = "needs Postfix and Dovecot; .ci/run installs them"]
fn postfix_takes_many_over_starttls_and_implicit_tls() {
    let site = Site::new();
    let postfix = Postfix::start(&site);
    arrives(configuration(&site, postfix.submission_port()), false, &site, || inbox(&site));
    arrives(implicit_tls(&site, postfix.smtps_port()), false, &site, || inbox(&site));
}

#[test]
#[ignore = "needs Exim; .ci/run installs it"]
fn exim_takes_many() {
    let site = Site::new();
    let exim = Exim::start(&site);
    arrives(configuration(&site, exim.port()), true, &site, || inbox(&site));
}

#[test]
#[ignore = "needs Dovecot; .ci/run installs it"]
fn dovecot_takes_many_over_lmtp() {
    let site = Site::new();
    let dovecot = Dovecot::start(&site);
    let mut configuration = configuration(&site, dovecot.lmtp_port());
    configuration["lmtp"] = json!(true);
    configuration["auth"] = json!(null);
    arrives(configuration, false, &site, || inbox(&site));
}

#[test]
#[ignore = "needs smtp-server; .ci/run installs it"]
fn smtp_server_takes_many() {
    let site = Site::new();
    let server = SmtpServer::start(&site);
    let next = || server.next_mail()["message"].as_str().expect("a message").to_owned();
    arrives(configuration(&site, server.port()), true, &site, next);
}

#[test]
#[ignore = "needs aiosmtpd; .ci/run installs it"]
fn aiosmtpd_takes_many() {
    let site = Site::new();
    let server = Aiosmtpd::start(&site);
    let next = || server.next_mail()["message"].as_str().expect("a message").to_owned();
    arrives(configuration(&site, server.submission_port()), true, &site, next);
}
