//! Exim takes submissions over STARTTLS.

use serde_json::json;
use smtp_connector_tests::real::{Exim, RECIPIENT, Site};

use crate::helpers::reading::{headers, python_reading};
use crate::helpers::real::{
    accepted, configuration, connector, curl_logs_in, logs_in, refuses_recipients,
};

#[test]
#[ignore = "needs Exim; .ci/run installs it"]
fn exim_works_with_another_client() {
    let site = Site::new();
    let exim = Exim::start(&site);
    for mechanism in ["PLAIN", "LOGIN", "CRAM-MD5"] {
        curl_logs_in(&site, exim.port(), mechanism);
        assert_eq!(python_reading(&site.next_mail())["subject"], "curl");
    }
}

#[test]
#[ignore = "needs Exim; .ci/run installs it"]
fn exim_delivers_by_the_login_of_its_choice() {
    let site = Site::new();
    let exim = Exim::start(&site);
    let identifier = accepted(&configuration(&site, exim.port()), &site);
    assert_eq!(headers(&python_reading(&site.next_mail()), "Message-ID"), [identifier]);
}

#[test]
#[ignore = "needs Exim; .ci/run installs it"]
fn exim_takes_plain_and_login() {
    takes(&["PLAIN", "LOGIN"]);
}

#[test]
#[ignore = "needs Exim; .ci/run installs it"]
fn exim_takes_cram_md5() {
    takes(&["CRAM-MD5"]);
}

#[test]
#[ignore = "needs Exim; .ci/run installs it"]
fn exim_passes_verify_with_a_recipient() {
    let site = Site::new();
    let exim = Exim::start(&site);
    let report = connector(
        &configuration(&site, exim.port()),
        &["verify", "-", "--to", RECIPIENT, "--json"],
    );
    assert_eq!(report["ok"], true, "{report}\n{}", site.logs());
    let last = report["stages"].as_array().and_then(|stages| stages.last());
    assert_eq!(last.map(|stage| &stage["stage"]), Some(&json!("rcpt")), "{report}");
}

#[test]
#[ignore = "needs Exim; .ci/run installs it"]
fn exim_refuses_recipients_for_good_and_for_now() {
    let site = Site::new();
    let exim = Exim::start(&site);
    refuses_recipients(&configuration(&site, exim.port()), &site);
}

#[track_caller]
fn takes(mechanisms: &[&str]) {
    let site = Site::new();
    let exim = Exim::start(&site);
    for mechanism in mechanisms {
        let identifier = logs_in(&site, exim.port(), mechanism);
        assert_eq!(
            headers(&python_reading(&site.next_mail()), "Message-ID"),
            [identifier],
            "{mechanism}"
        );
    }
}
