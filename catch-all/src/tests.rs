//! The dialogue of a catch-all server as exact bytes, over raw sockets.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::connection::Stream;
use super::{CatchAll, Credentials, Options, Security};

const PATIENCE: Duration = Duration::from_secs(5);

struct Client(BufReader<Box<dyn Stream>>);

impl Client {
    async fn connect(server: &CatchAll) -> Self {
        let mut client = Self::dial(server).await;
        client.expect("220 localhost").await;
        client
    }

    async fn dial(server: &CatchAll) -> Self {
        let socket = TcpStream::connect(server.address()).await.expect("the server listens");
        Self(BufReader::new(Box::new(socket)))
    }

    async fn encrypt(self, server: &CatchAll) -> Self {
        let mut roots = rustls::RootCertStore::empty();
        let trusted = CertificateDer::from_pem_slice(server.certificate_pem().as_bytes());
        roots
            .add(trusted.expect("the certificate is PEM"))
            .expect("the certificate can be trusted");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has the default versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("127.0.0.1").expect("an address is a name");
        let stream = TlsConnector::from(Arc::new(config)).connect(name, self.0.into_inner()).await;
        Self(BufReader::new(Box::new(stream.expect("the handshake succeeds"))))
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.expect("the server reads");
        self.0.flush().await.expect("the server reads");
    }

    /// Reads one reply and asserts how it begins.
    #[track_caller]
    fn expect(&mut self, start: &str) -> impl Future<Output = String> {
        let caller = std::panic::Location::caller();
        async move {
            let reply = self.reply().await;
            assert!(reply.starts_with(start), "at {caller}: expected `{start}`, got {reply:?}");
            reply
        }
    }

    async fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let begin = reply.len();
            let read = timeout(PATIENCE, self.0.read_line(&mut reply))
                .await
                .expect("the server answers in time");
            if read.expect("the connection holds") == 0 || reply[begin..].get(3..4) != Some("-") {
                return reply;
            }
        }
    }

    /// Says each line, and asserts how its reply begins.
    async fn converse(&mut self, rows: &[(&str, &str)]) {
        for (line, start) in rows {
            self.send(format!("{line}\r\n").as_bytes()).await;
            let reply = self.reply().await;
            assert!(reply.starts_with(start), "{line}: expected `{start}`, got {reply:?}");
        }
    }
}

async fn server(security: Security) -> CatchAll {
    start(Options::default().security(security)).await
}

async fn start(options: Options) -> CatchAll {
    CatchAll::start(options).await.expect("loopback has a free port")
}

fn with_credentials(security: Security) -> Options {
    Options::default().security(security).credentials(Credentials::new("jo", "pass word"))
}

#[tokio::test]
async fn keeps_envelope_and_bytes() {
    let server = server(Security::Plaintext).await;
    let mut client = Client::connect(&server).await;
    client
        .converse(&[
            (
                "EHLO client",
                "250-localhost\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-SIZE \
                10485760",
            ),
            ("MAIL FROM:<a@example.com> SIZE=20 BODY=8BITMIME", "250 2.1.0"),
            ("RCPT TO:<b@example.com>", "250 2.1.5"),
            ("RCPT TO:<c@example.com>", "250 2.1.5"),
            ("DATA", "354 "),
            ("Subject: x\r\n\r\n..\r\n..two\r\ncaf\u{e9}\r\n.", "250 2.0.0"),
            ("QUIT", "221 2.0.0"),
        ])
        .await;
    assert_eq!(client.reply().await, "");
    let caught = timeout(PATIENCE, server.next()).await.expect("a message was taken");
    assert_eq!(caught.envelope.reverse_path, "a@example.com");
    assert_eq!(caught.envelope.forward_paths, ["b@example.com", "c@example.com"]);
    assert_eq!(caught.bytes, "Subject: x\r\n\r\n.\r\n.two\r\ncaf\u{e9}\r\n".as_bytes());
    assert_eq!((caught.tls.as_deref(), caught.authenticated_as.as_deref()), (None, None));
    assert_eq!(server.caught(), [caught]);
}

#[tokio::test]
async fn refuses_commands_out_of_order() {
    let server = start(with_credentials(Security::Plaintext)).await;
    let mut client = Client::connect(&server).await;
    client
        .converse(&[
            ("MAIL FROM:<a@example.com>", "503 5.5.1"),
            ("AUTH PLAIN AGpvAHBhc3Mgd29yZA==", "503 5.5.1"),
            ("STARTTLS", "502 5.5.1"),
            ("EHLO client", "250-"),
            ("RCPT TO:<b@example.com>", "503 5.5.1"),
            ("DATA", "503 5.5.1"),
            ("MAIL FROM:<a@example.com>", "530 5.7.0"),
            ("AUTH PLAIN AGpvAHBhc3Mgd29yZA==", "235 2.7.0"),
            ("AUTH PLAIN AGpvAHBhc3Mgd29yZA==", "503 5.5.1"),
            ("MAIL FROM:<a@example.com> SIZE=10485761", "552 5.3.4"),
            ("MAIL FROM:<\u{e4}@example.com>", "553 5.6.7"),
            ("MAIL FROM:<a@example.com>", "250 2.1.0"),
            ("MAIL FROM:<a@example.com>", "503 5.5.1"),
            ("DATA", "554 5.5.1"),
            ("RSET", "250 2.0.0"),
            ("RCPT TO:<b@example.com>", "503 5.5.1"),
            ("HELO client", "250 localhost"),
            ("MAIL FROM:<a@example.com> BODY=8BITMIME", "555 5.5.4"),
        ])
        .await;
}

#[tokio::test]
async fn admits_only_the_right_credentials() {
    let server = start(with_credentials(Security::Starttls)).await;
    let mut client = Client::connect(&server).await;
    client
        .converse(&[
            ("EHLO client", "250-localhost\r\n"),
            ("AUTH CRAM-MD5", "504 5.5.4"),
            ("AUTH PLAIN AGpvAHBhc3Mgd29yZG8=", "535 5.7.8"),
            ("AUTH PLAIN AGpvAHBhc3M=", "535 5.7.8"),
            ("AUTH PLAIN anbv", "501 5.5.2"),
            ("AUTH PLAIN !", "501 5.5.2"),
            ("AUTH LOGIN", "334 VXNlcm5hbWU6\r\n"),
            ("*", "501 5.7.0"),
            ("AUTH PLAIN", "334 \r\n"),
            ("=", "501 5.5.2"),
            ("AUTH LOGIN am8=", "334 UGFzc3dvcmQ6\r\n"),
            ("cGFzcyB3b3Jk", "235 2.7.0"),
            ("MAIL FROM:<>", "250 2.1.0"),
        ])
        .await;
}

#[tokio::test]
async fn forgets_everything_said_before_starttls() {
    let server = start(with_credentials(Security::StarttlsBeforeAuth)).await;
    let mut client = Client::connect(&server).await;
    client.send(b"EHLO client\r\n").await;
    let offer = client.expect("250-localhost").await;
    assert!(offer.contains("250-STARTTLS\r\n") && !offer.contains("AUTH"), "{offer}");
    client.converse(&[("AUTH PLAIN AGpvAHBhc3Mgd29yZA==", "538 5.7.11")]).await;
    client.send(b"STARTTLS\r\nNOOP\r\n").await;
    client.expect("220 2.0.0").await;
    let mut client = client.encrypt(&server).await;
    client.converse(&[("MAIL FROM:<a@example.com>", "503 5.5.1")]).await;
    client.send(b"EHLO client\r\n").await;
    let offer = client.expect("250-localhost").await;
    assert!(!offer.contains("STARTTLS") && offer.contains("250-AUTH PLAIN LOGIN\r\n"), "{offer}");
    client
        .converse(&[("STARTTLS", "503 5.5.1"), ("AUTH PLAIN AGpvAHBhc3Mgd29yZA==", "235 2.7.0")])
        .await;
    client.send(b"MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n").await;
    client.expect("250 2.1.0").await;
    client.expect("250 2.1.5").await;
    client.expect("354 ").await;
    client.send(b".\r\n").await;
    client.expect("250 2.0.0").await;
    let caught = &server.caught()[0];
    assert_eq!(caught.tls.as_deref(), Some("TLSv1.3"));
    assert_eq!(caught.authenticated_as.as_deref(), Some("jo"));
    assert_eq!(caught.bytes, b"");
}

#[tokio::test]
async fn speaks_tls_from_the_first_byte() {
    let server = server(Security::ImplicitTls).await;
    let mut client = Client::dial(&server).await.encrypt(&server).await;
    client.expect("220 localhost").await;
    client.converse(&[("EHLO client", "250-localhost"), ("NOOP", "250 2.0.0")]).await;
}

#[tokio::test]
async fn refuses_flawed_content_and_goes_on() {
    let options = Options::default().security(Security::Plaintext);
    let server = start(options.max_message_size(2_000).max_recipients(1)).await;
    let (long, large) =
        (format!("{}\r\n.", "x".repeat(1_000)), format!("{}.", "0123456789\r\n".repeat(200)));
    let rows = [
        (long.as_str(), "550 5.6.0"),
        (large.as_str(), "552 5.3.4"),
        ("bare\nline feed\r\n.", "550 5.6.0"),
        ("\n.\n\r\n.", "550 5.6.0"),
        ("bare\rcarriage return\r\n.", "550 5.6.0"),
        ("caf\u{e9}\r\n.", "554 5.6.1"),
        ("good\r\n.", "250 2.0.0"),
    ];
    let mut client = Client::connect(&server).await;
    client.converse(&[("EHLO client", "250-localhost")]).await;
    for (content, expected) in rows {
        client
            .converse(&[
                ("MAIL FROM:<a@b>", "250"),
                ("RCPT TO:<c@d>", "250"),
                ("RCPT TO:<e@f>", "452 4.5.3"),
            ])
            .await;
        client.converse(&[("DATA", "354 "), (content, expected)]).await;
    }
    assert_eq!(server.caught().len(), 1);
}

#[tokio::test]
async fn ends_sessions_that_misbehave() {
    let server = server(Security::Plaintext).await;
    let mut hasty = Client::connect(&server).await;
    hasty.send(b"EHLO client\r\nMAIL FROM:<a@b>\r\n").await;
    hasty.expect("503 5.5.0 improper pipelining").await;
    assert_eq!(hasty.reply().await, "");

    let mut clumsy = Client::connect(&server).await;
    clumsy.converse(&[("WHAT", "500 5.5.2"); 20]).await;
    clumsy.expect("421 4.7.0").await;

    let mut endless = Client::connect(&server).await;
    endless.converse(&[(&"x".repeat(20_000), "500 5.5.6"), ("NOOP", "250 2.0.0")]).await;
}

#[tokio::test]
async fn ends_idle_sessions_and_fills_up() {
    let options = Options::default().security(Security::Plaintext);
    let server = start(options.idle_timeout(Duration::from_millis(100)).max_messages(0)).await;
    let mut client = Client::connect(&server).await;
    client
        .converse(&[
            ("EHLO client", "250-localhost"),
            ("MAIL FROM:<a@b>", "250"),
            ("RCPT TO:<c@d>", "250"),
            ("DATA", "354"),
            (".", "452 4.3.1"),
        ])
        .await;
    client.expect("421 4.4.2").await;
    assert_eq!(client.reply().await, "");
}

#[tokio::test]
async fn stops_when_it_is_dropped() {
    let server = server(Security::Plaintext).await;
    let address = server.address();
    let mut client = Client::connect(&server).await;
    drop(server);
    assert_eq!(client.reply().await, "");
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn returns_each_message_once() {
    let server = server(Security::Plaintext).await;
    let mut client = Client::connect(&server).await;
    client.converse(&[("HELO client", "250 localhost")]).await;
    for text in ["one\r\n.", "two\r\n."] {
        client
            .converse(&[
                ("MAIL FROM:<>", "250"),
                ("RCPT TO:<postmaster>", "250"),
                ("DATA", "354"),
                (text, "250"),
            ])
            .await;
    }
    assert_eq!(server.next().await.bytes, b"one\r\n");
    assert_eq!(server.next().await.bytes, b"two\r\n");
    assert!(timeout(Duration::from_millis(20), server.next()).await.is_err());
    assert!(!format!("{:?}", server.caught()).contains("two"));
}

#[test]
fn shows_no_password_in_debug() {
    let shown = format!("{:?}", with_credentials(Security::ImplicitTls));
    assert!(shown.contains("jo") && !shown.contains("pass word"), "{shown}");
}
