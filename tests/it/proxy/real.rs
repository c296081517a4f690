//! Real proxies in front of Postfix: Dante, microsocks, Tinyproxy with and without stunnel,
//! tiny-proxy.

use serde_json::json;
use smtp_connector_tests::real::{
    Dante, Microsocks, PASSWORD, Postfix, PythonProxy, RECIPIENT, Site, Stunnel, Tinyproxy, USER,
    curl,
};

use crate::helpers::reading::{headers, python_reading};
use crate::helpers::real::{accepted, configuration, fails, implicit_tls};

/// [`USER`] and [`PASSWORD`] as a URL has them.
const LOGIN: &str = "robot%40acme.test:p%22ss%20w%C3%B6rd%2B%2F%3D%5C";

/// A port that nothing listens on.
const CLOSED_PORT: u16 = 1;

/// curl's exit codes where an HTTP proxy refuses, and where a SOCKS proxy does.
const CURL_PROXY_REFUSED: [i32; 2] = [56, 97];

/// The proxies of one site.
struct Proxies {
    dante: Dante,
    microsocks: Microsocks,
    python: PythonProxy,
    stunnel: Stunnel,
    tinyproxy: Tinyproxy,
}

/// One way through a proxy.
#[derive(Debug)]
struct Way {
    url: String,
    /// The same with a wrong login, where the proxy asks for one.
    wrong: Option<String>,
    /// The name of the server: where it is `localhost`, somebody has to resolve it.
    host: &'static str,
}

#[test]
#[ignore = "needs proxies, curl and Postfix; .ci/run installs them"]
fn the_proxies_work_with_another_client() {
    let site = Site::new();
    let (postfix, proxies) = (Postfix::start(&site), Proxies::start(&site));
    let ways =
        [proxies.http(), proxies.https(), proxies.socks4(), proxies.socks4a(), proxies.socks5()];
    for Way { url, wrong, host } in ways.into_iter().flatten() {
        let through = |proxy: &str, scheme: &str, port: u16| {
            let login = format!("{USER}:{PASSWORD}");
            let options = ["--proxytunnel", "--proxy", proxy, "--user", &login];
            curl(&site, &format!("{scheme}://{host}:{port}"), &options)
        };
        assert_eq!(through(&url, "smtp", postfix.submission_port()), 0, "{url}:\n{}", site.logs());
        assert_eq!(through(&url, "smtps", postfix.smtps_port()), 0, "{url}:\n{}", site.logs());
        let closed = through(&url, "smtp", CLOSED_PORT);
        assert!(CURL_PROXY_REFUSED.contains(&closed), "{url} {closed}:\n{}", site.logs());
        if let Some(wrong) = wrong {
            let code = through(&wrong, "smtp", postfix.submission_port());
            assert!(CURL_PROXY_REFUSED.contains(&code), "{wrong} {code}:\n{}", site.logs());
        }
    }
}

#[test]
#[ignore = "needs proxies and Postfix; .ci/run installs them"]
fn mail_goes_through_http_proxies() {
    carry_mail(Proxies::http);
}

#[test]
#[ignore = "needs proxies and Postfix; .ci/run installs them"]
fn mail_goes_through_an_https_proxy() {
    carry_mail(Proxies::https);
}

#[test]
#[ignore = "needs proxies and Postfix; .ci/run installs them"]
fn mail_goes_through_socks4_proxies() {
    carry_mail(Proxies::socks4);
}

#[test]
#[ignore = "needs proxies and Postfix; .ci/run installs them"]
fn mail_goes_through_a_socks4a_proxy() {
    carry_mail(Proxies::socks4a);
}

#[test]
#[ignore = "needs proxies and Postfix; .ci/run installs them"]
fn mail_goes_through_socks5_proxies() {
    carry_mail(Proxies::socks5);
}

/// Sends each way over STARTTLS and implicit TLS, then with a wrong login, and to where no server
/// is.
#[track_caller]
fn carry_mail(ways: impl FnOnce(&Proxies) -> Vec<Way>) {
    let site = Site::new();
    let (postfix, proxies) = (Postfix::start(&site), Proxies::start(&site));
    for Way { url, wrong, host } in ways(&proxies) {
        let [starttls, implicit, closed] = [
            configuration(&site, postfix.submission_port()),
            implicit_tls(&site, postfix.smtps_port()),
            configuration(&site, CLOSED_PORT),
        ]
        .map(|mut configuration| {
            configuration["host"] = json!(host);
            configuration["proxy"] = json!(url);
            configuration
        });
        for configuration in [&starttls, &implicit] {
            let identifier = accepted(configuration, &site);
            assert_eq!(
                headers(&python_reading(&site.next_mail()), "Message-ID"),
                [identifier],
                "{url}"
            );
        }
        fails(&closed, RECIPIENT, ("proxy", "proxy"), &site);
        if let Some(wrong) = wrong {
            let mut configuration = starttls;
            configuration["proxy"] = json!(wrong);
            fails(&configuration, RECIPIENT, ("credentials", "proxy"), &site);
        }
    }
}

impl Proxies {
    fn start(site: &Site) -> Self {
        let tinyproxy = Tinyproxy::start(site);
        Self {
            dante: Dante::start(site),
            microsocks: Microsocks::start(site),
            python: PythonProxy::start(site),
            stunnel: Stunnel::start(site, tinyproxy.port()),
            tinyproxy,
        }
    }

    fn http(&self) -> Vec<Way> {
        let tinyproxy = format!("{}:{}", Tinyproxy::USER, Tinyproxy::PASSWORD);
        vec![
            Way::with_login("http", &tinyproxy, self.tinyproxy.port()),
            Way::with_login("http", LOGIN, self.python.http_port()),
        ]
    }

    fn https(&self) -> Vec<Way> {
        let tinyproxy = format!("{}:{}", Tinyproxy::USER, Tinyproxy::PASSWORD);
        vec![Way::with_login("https", &tinyproxy, self.stunnel.port())]
    }

    fn socks4(&self) -> Vec<Way> {
        vec![
            Way::without_login("socks4", self.dante.port(), "127.0.0.1"),
            Way::without_login("socks4", self.dante.port(), "localhost"),
            Way::with_user("socks4", self.python.socks4_port(), "127.0.0.1"),
        ]
    }

    fn socks4a(&self) -> Vec<Way> {
        vec![Way::with_user("socks4a", self.python.socks4_port(), "localhost")]
    }

    fn socks5(&self) -> Vec<Way> {
        vec![
            Way::without_login("socks5", self.dante.port(), "127.0.0.1"),
            Way::without_login("socks5", self.dante.port(), "localhost"),
            Way::with_login("socks5", LOGIN, self.microsocks.port()),
        ]
    }
}

impl Way {
    fn with_login(scheme: &str, login: &str, port: u16) -> Self {
        let wrong = format!("{scheme}://somebody:else@127.0.0.1:{port}");
        Self {
            url: format!("{scheme}://{login}@127.0.0.1:{port}"),
            wrong: Some(wrong),
            host: "127.0.0.1",
        }
    }

    /// SOCKS 4 knows a user alone.
    fn with_user(scheme: &str, port: u16, host: &'static str) -> Self {
        let url = |user: &str| format!("{scheme}://{user}@127.0.0.1:{port}");
        Self { url: url("robot%40acme.test"), wrong: Some(url("somebody")), host }
    }

    fn without_login(scheme: &str, port: u16, host: &'static str) -> Self {
        Self { url: format!("{scheme}://127.0.0.1:{port}"), wrong: None, host }
    }
}
