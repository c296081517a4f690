//! What a proxy is told of the server, and what it never hears.

use serde_json::{Value, json};
use smtp_connector::{EgressPolicy, ErrorKind, Options};
use smtp_connector_tests::peer::{Peer, Script};

use crate::helpers::examination::errors;
use crate::helpers::session::mailer;
use crate::helpers::tenant;

/// nodemailer finds out when it asks the proxy; here the check does.
#[tokio::test]
async fn a_target_that_would_inject_is_refused_by_the_check() {
    let proxy = "http://127.0.0.1:9";
    for members in [
        json!({ "proxy": proxy, "host": "mx.example\r\nX-A: b" }),
        json!({ "proxy": proxy, "host": "mx.example HTTP/1.1" }),
        json!({ "proxy": proxy, "port": "25\r\nX-A: b" }),
        json!({ "proxy": "http://127.0.0.1:9\r\nX-A: b" }),
        json!({ "proxy": "http://me%0d%0aX-A: b@127.0.0.1:9" }),
    ] {
        assert_eq!(errors(&members).await.len(), 1, "{members}");
    }
}

/// nodemailer refuses a proxy without a port of the server; here the default holds behind a proxy,
/// too.
#[tokio::test]
async fn a_target_without_a_port_has_the_default_one() {
    let peer = Peer::start(
        Script::new()
            .hear("CONNECT mx.example:587 HTTP/1.1")
            .hear("Host: mx.example:587")
            .on("", "HTTP/1.1 200 ok\r\n\r\n220 mx\r\n")
            .ehlo(&[])
            .takes_mail(),
    );
    let proxy = format!("http://127.0.0.1:{}", peer.port());
    let members = json!({ "proxy": proxy, "host": "mx.example", "port": null });
    mailer(587, &members).await.send(&tenant::sign_in("1")).await.expect("acceptance");
    peer.finish().await;
}

/// Letters and dots of other scripts stand for those of US-ASCII once a name is resolved.
#[tokio::test]
async fn a_target_is_judged_in_whichever_script_it_is_written() {
    let connector = tenant::bundled().await;
    for host in ["ｌocalhost", "１２７.0.0.1", "127.0.0.１", "loc\u{ad}alhost"] {
        let mut configuration: Value = tenant::configuration(587);
        (configuration["host"], configuration["proxy"]) =
            (json!(host), json!("socks5://192.0.32.8:9"));
        let options = Options::default().egress(EgressPolicy::public());
        let configured = connector.configure_with(&configuration.to_string(), &options).await;
        let outcome = match configured {
            Ok(mailer) => mailer.send(&tenant::sign_in("1")).await.map(drop),
            Err(error) => Err(error),
        };
        let kind = outcome.expect_err("a refusal").kind();
        assert!(matches!(kind, ErrorKind::Configuration | ErrorKind::Egress), "{host}: {kind:?}");
    }
}
