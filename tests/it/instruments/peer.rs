//! The scripted peer keeps to its script, and tells when the client does not.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use smtp_connector_tests::certificates::{Authority, Identity};
use smtp_connector_tests::peer::{Peer, Recording, Script};

/// Sends, then reads to the end.
fn exchange(peer: &Peer, octets: &[u8]) -> String {
    let mut socket = TcpStream::connect(peer.address()).expect("the peer listens");
    socket.write_all(octets).expect("the peer reads");
    socket.shutdown(std::net::Shutdown::Write).expect("the socket is open");
    let mut replies = String::new();
    // A peer that fails resets the connection when octets are left over.
    let _ = socket.read_to_string(&mut replies);
    replies
}

/// Why a peer fails.
fn failure(peer: Peer) -> String {
    let panic =
        catch_unwind(AssertUnwindSafe(|| peer.finish_blocking())).expect_err("the peer fails");
    panic.downcast_ref::<String>().expect("the reason is a text").clone()
}

#[test]
fn a_script_is_played_and_recorded() {
    let script = Script::offering(&["PIPELINING", "SIZE 1000"])
        .on("MAIL FROM:<*>", "250 ok\r\n")
        .hear("RCPT TO:<b@example.com>")
        .hear("DATA")
        .say("250 ok\r\n354 go\r\n")
        .hear_content("..\r\n.\r\n")
        .say("250 done\r\n")
        .quit();
    let peer = Peer::start(script);
    let said =
        "EHLO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n..\r\n.\r\nQUIT\r\n";
    let replies = exchange(&peer, said.as_bytes());
    let expected = "220 peer ESMTP\r\n250-peer\r\n250-PIPELINING\r\n250 SIZE 1000\r\n\
                    250 ok\r\n250 ok\r\n354 go\r\n250 done\r\n221 goodbye\r\n";
    assert_eq!(replies, expected);
    let Recording { received, contents, transcript } = peer.finish_blocking().remove(0);
    assert_eq!(received, said.as_bytes());
    assert_eq!(contents, [b"..\r\n.\r\n"]);
    assert_eq!(transcript[..2], ["S: 220 peer ESMTP\\r\\n", "C: EHLO me\\r\\n"]);
}

#[test]
fn departures_fail_with_the_transcript() {
    let rows = [
        ("HELO me\r\n", "expected `EHLO *`, got `HELO me`\nS: 220 peer ESMTP\\r\\nC: HELO me"),
        ("EHLO me\r\nQUIT\r\nNOOP\r\n", "expected the end, got `NOOP\\r\\n`"),
        ("EHLO me", "expected `EHLO *`, got the end after `EHLO me`"),
        ("EHLO me\nQUIT\n", "got the end after `EHLO me\\nQUIT\\n`"),
    ];
    for (said, reason) in rows {
        let peer = Peer::start(Script::offering(&[]).quit());
        exchange(&peer, said.as_bytes());
        let failure = failure(peer).replace("\\r\\n\nC:", "\\r\\nC:");
        assert!(failure.contains(reason), "{said:?}: {failure}");
    }
}

#[test]
fn a_message_that_differs_fails() {
    let peer = Peer::start(Script::new().hear_content("a\r\n.\r\n"));
    exchange(&peer, b"b\r\n.\r\n");
    assert!(
        failure(peer).contains("expected the message\n  a\\r\\n.\\r\\n\ngot\n  b\\r\\n.\\r\\n")
    );
}

#[test]
fn connections_beyond_the_scripts_fail() {
    let peer = Peer::start(Script::greeting().stall());
    let first = TcpStream::connect(peer.address()).expect("the peer listens");
    let _second = TcpStream::connect(peer.address()).expect("the peer listens");
    drop(first);
    assert!(failure(peer).contains("the client made more than 1 connections"));
}

#[test]
fn a_peer_closes_resets_and_drips() {
    let drip = Script::new().drip("220 slow\r\n", Duration::from_millis(1)).close();
    let peer = Peer::start_all(vec![drip, Script::new().reset()]);
    assert_eq!(exchange(&peer, b""), "220 slow\r\n");
    let mut socket = TcpStream::connect(peer.address()).expect("the peer listens");
    let reset = socket.read(&mut [0]).expect_err("the connection is reset");
    assert_eq!(reset.kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(peer.finish_blocking().len(), 2);
}

#[tokio::test]
async fn a_handshake_shows_the_certificate_that_the_script_gives() {
    let authority = Authority::new();
    let rows = [
        (authority.localhost(), authority.pem().to_owned(), None),
        (authority.expired(), authority.pem().to_owned(), Some("certificate expired")),
        (authority.named("other.example"), authority.pem().to_owned(), Some("not valid for name")),
        (authority.localhost(), Authority::new().pem().to_owned(), Some("BadSignature")),
    ];
    for (identity, trusted, error) in rows {
        let script = Script::greeting();
        let peer = Peer::start(match error {
            None => script.starttls(&identity.server()).quit(),
            Some(_) => script.on("STARTTLS", "220 go ahead\r\n").fail_tls(&identity.server()),
        });
        let said = tokio::task::spawn_blocking({
            let address = peer.address();
            move || upgrade(address, &trusted)
        });
        let said = said.await.expect("the client does not panic");
        let verdict = match (error, &said) {
            (None, Ok(reply)) => reply == "221 goodbye\r\n",
            (Some(error), Err(said)) => said.contains(error),
            _ => false,
        };
        assert!(verdict, "expected {error:?}, got {said:?}");
        peer.finish().await;
    }
}

#[tokio::test]
async fn a_certificate_with_ca_true_is_refused_by_plain_rustls() {
    let identity = Identity::self_signed_authority();
    let peer =
        Peer::start(Script::greeting().on("STARTTLS", "220 go\r\n").fail_tls(&identity.server()));
    let address = peer.address();
    let said = tokio::task::spawn_blocking(move || upgrade(address, &identity.certificate_pem));
    let said = said.await.expect("the client does not panic").expect_err("rustls refuses");
    assert!(said.contains("CaUsedAsEndEntity"), "{said}");
    peer.finish().await;
}

/// Says STARTTLS, and QUIT inside TLS; returns the reply, or why TLS failed.
fn upgrade(address: std::net::SocketAddr, trusted: &str) -> Result<String, String> {
    let mut roots = rustls::RootCertStore::empty();
    let trusted =
        CertificateDer::from_pem_slice(trusted.as_bytes()).expect("the certificate is PEM");
    roots.add(trusted).expect("the certificate can be trusted");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has the default versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let session =
        rustls::ClientConnection::new(Arc::new(config), name).expect("the configuration is sound");
    let mut socket = TcpStream::connect(address).expect("the peer listens");
    expect(&mut socket, "220 peer ESMTP\r\n");
    socket.write_all(b"STARTTLS\r\n").expect("the peer reads");
    let mut go = [0; 64];
    let read = socket.read(&mut go).expect("the peer answers");
    assert!(go[..read].starts_with(b"220 "));
    let mut stream = rustls::StreamOwned::new(session, socket);
    stream.write_all(b"QUIT\r\n").map_err(|error| error.to_string())?;
    let mut reply = [0; 64];
    let read = stream.read(&mut reply).map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&reply[..read]).into_owned())
}

fn expect(socket: &mut TcpStream, expected: &str) {
    let mut said = vec![0; expected.len()];
    socket.read_exact(&mut said).expect("the peer speaks");
    assert_eq!(said, expected.as_bytes());
}
