//! TLS: what is negotiated, who is trusted, and who is let in.

pub(crate) mod keys;
pub(crate) mod options;
mod session;

use serde_json::{Value, json};
use smtp_connector::{Error, NegotiatedTls};
use smtp_connector_tests::peer::{Peer, Script, ServerTls};

use crate::helpers::tenant;

pub(crate) const PASSPHRASE: &str = "correct horse";

fn configuration(port: u16, tls: &Value) -> Value {
    let mut configuration = tenant::configuration(port);
    configuration["ignoreTLS"] = json!(false);
    configuration["secure"] = json!(true);
    configuration["tls"] = tls.clone();
    configuration
}

/// Verifies against a server with implicit TLS, which gets as far as the script says.
pub(crate) async fn verify(script: Script, tls: &Value) -> Result<NegotiatedTls, Error> {
    let peer = Peer::start(script);
    let configuration = configuration(peer.port(), tls).to_string();
    let mailer = tenant::bundled().await.configure_with(&configuration, &tenant::local()).await?;
    let verification = mailer.verify(None).await.expect("there is no recipient");
    peer.finish().await;
    match verification.error {
        Some(error) => Err(error),
        None => Ok(verification.tls.expect("it was negotiated")),
    }
}

pub(crate) fn sound(server: &ServerTls) -> Script {
    Script::new().tls(server).say("220 peer\r\n").ehlo(&[]).on("NOOP", "250 ok\r\n").quit()
}
