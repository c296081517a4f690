//! A URL in place of host and port, in any of its forms.

use serde_json::json;
use smtp_connector_tests::certificates::Authority;
use smtp_connector_tests::peer::{Peer, Script};

use crate::helpers::session::send;

#[tokio::test]
async fn a_url_works_in_each_of_its_forms() {
    let plain = || Script::offering(&[]).takes_mail();
    let login = || {
        Script::offering(&["AUTH PLAIN"]).on("AUTH PLAIN AGFAYgBwOnc=", "235 ok\r\n").takes_mail()
    };
    for (url, script) in [
        ("smtp:localhost:PORT?logger=false", plain()),
        ("smtp://127.0.0.1:PORT", plain()),
        ("smtp://127.0.0.1:PORT/?ignoreTLS=true&name=app.test", plain()),
        ("SMTP://127.0.0.1:PORT/", plain()),
        ("smtp:a%40b:p%3Aw@127.0.0.1:PORT", login()),
        ("smtp://a%40b:p%3Aw@127.0.0.1:PORT/?authMethod=PLAIN", login()),
        ("smtp://127.0.0.1?port=PORT", plain()),
    ] {
        let peer = Peer::start(script);
        let members = json!({
            "url": url.replace("PORT", &peer.port().to_string()), "host": null, "port": null,
        });
        send(peer.port(), &members).await.unwrap_or_else(|error| panic!("{url}: {error}"));
        peer.finish().await;
    }
}

#[tokio::test]
async fn a_url_may_ask_for_tls_at_once_and_set_its_options() {
    let server = Authority::new().localhost().server();
    let peer = Peer::start(Script::new().tls(&server).say("220 peer\r\n").ehlo(&[]).takes_mail());
    let url = format!("smtps:localhost:{}?tls.rejectUnauthorized=false", peer.port());
    let receipt = send(peer.port(), &json!({ "url": url })).await.expect("acceptance");
    assert!(receipt.tls.is_some_and(|tls| !tls.verified));
    peer.finish().await;
}
