//! TLS in both modes: whom it trusts, what it says when it does not, and that nothing crosses it in
//! clear.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

use super::peer::{Peer, SILENCE};
use super::{failure, password, submit};
use crate::error::{Error, ErrorKind, Stage};
use crate::plan::{TlsMode, TlsVersion, TransportPlan};
use crate::secrets::SecretStore;
use crate::submission::network::tls::Tls;

const STARTTLS: &str = "250-mx.test\r\n250 STARTTLS\r\n";
const AFTER_TLS: &str = "250-mx.test\r\n250 AUTH PLAIN\r\n";

/// A server's certificate and what a client needs to trust it.
pub(super) struct Server {
    pub(super) acceptor: TlsAcceptor,
    pub(super) trust: String,
}

fn acceptor(chain: Vec<rustls::pki_types::CertificateDer<'static>>, key: &KeyPair) -> TlsAcceptor {
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a certificate");
    TlsAcceptor::from(Arc::new(config))
}

/// A self-signed certificate that calls itself a CA, as openssl makes them.
fn self_signed(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Server {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "made with one command");
    change(&mut params);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    Server { acceptor: acceptor(vec![certificate.der().clone()], &key), trust: certificate.pem() }
}

/// A certificate issued by a private CA.
pub(super) fn issued(names: &[&str]) -> Server {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, format!("CA of {}", names.join(", ")));
    let ca =
        CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a CA");
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(names).expect("names");
    let certificate = params.signed_by(&key, &ca).expect("a certificate");
    Server { acceptor: acceptor(vec![certificate.der().clone()], &key), trust: ca.pem() }
}

fn implicit(server: &Server) -> Peer {
    Peer::new().with_tls(server.acceptor.clone(), true)
}

fn with_starttls(server: &Server) -> Peer {
    Peer::new()
        .on("EHLO", &[STARTTLS, AFTER_TLS])
        .on("AUTH PLAIN", &["235 welcome\r\n"])
        .with_tls(server.acceptor.clone(), false)
}

fn secure(plan: &mut TransportPlan, trust: &str) {
    plan.tls = TlsMode::Implicit;
    plan.tls_options.roots = vec![trust.to_owned()];
}

#[tokio::test]
async fn implicit_tls_comes_before_everything() {
    for server in [issued(&["127.0.0.1"]), self_signed(&["127.0.0.1"], |_| {})] {
        let (result, heard) = submit(implicit(&server), |plan| secure(plan, &server.trust)).await;
        result.expect("acceptance");
        assert!(heard.starts_with("(tls)\r\nEHLO app.test\r\nMAIL"), "{heard}");
    }
}

#[tokio::test]
async fn starttls_starts_the_session_anew() {
    let server = issued(&["mx.test"]);
    for tls in [TlsMode::OpportunisticStarttls, TlsMode::RequiredStarttls] {
        let (result, heard) = submit(with_starttls(&server), |plan| {
            plan.authentication = password("ann");
            plan.tls = tls;
            plan.tls_options.server_name = "mx.test".parse().ok();
            plan.tls_options.roots = vec![server.trust.clone()];
        })
        .await;
        result.expect("acceptance");
        let expected = "EHLO app.test\r\nSTARTTLS\r\n(tls)\r\nEHLO app.test\r\nAUTH PLAIN ";
        assert!(heard.starts_with(expected), "{heard}");
    }
}

#[tokio::test]
async fn bytes_injected_before_the_handshake_end_the_session() {
    let server = issued(&["127.0.0.1"]);
    let injection = "220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n";
    let peer = with_starttls(&server).on("STARTTLS", &[injection]);
    let (error, heard) = failure(peer, |plan| {
        plan.authentication = password("ann");
        plan.tls_options.roots = vec![server.trust.clone()];
    })
    .await;
    assert_eq!((error.stage(), error.kind()), (Some(Stage::Starttls), ErrorKind::Protocol));
    assert_eq!(heard, "EHLO app.test\r\nSTARTTLS\r\n");
}

#[tokio::test]
async fn starttls_that_fails_is_decided_by_the_plan() {
    use TlsMode::{OpportunisticStarttls, RequiredStarttls};
    let cases = [
        ("250 mx\r\n", "502 no\r\n", RequiredStarttls, false, Some(ErrorKind::Tls)),
        (STARTTLS, "502 no\r\n", OpportunisticStarttls, false, Some(ErrorKind::Tls)),
        (STARTTLS, "454 later\r\n", OpportunisticStarttls, false, Some(ErrorKind::Temporary)),
        (STARTTLS, "454 later\r\n", OpportunisticStarttls, true, None),
        (STARTTLS, "421 closing\r\n", OpportunisticStarttls, true, Some(ErrorKind::Temporary)),
        ("250 mx\r\n", "502 no\r\n", RequiredStarttls, true, None),
    ];
    for (ehlo, reply, tls, goes_on, kind) in cases {
        let peer = Peer::new().on("EHLO", &[ehlo]).on("STARTTLS", &[reply]);
        let (result, _) =
            submit(peer, |plan| (plan.tls, plan.plaintext_after_refusal) = (tls, goes_on)).await;
        let error = result.err();
        assert_eq!(error.as_ref().map(Error::kind), kind, "{tls:?} {reply}");
        assert_eq!(
            error.and_then(|error| error.stage()),
            kind.map(|_| Stage::Starttls),
            "{tls:?} {reply}"
        );
    }
}

#[tokio::test]
async fn certificates_that_do_not_fit_are_explained() {
    let stranger = issued(&["127.0.0.1"]);
    let expired =
        self_signed(&["127.0.0.1"], |params| params.not_after = rcgen::date_time_ymd(2020, 1, 2));
    let renamed = issued(&["other.test"]);
    let renamed_own = self_signed(&["other.test"], |_| {});
    let own = self_signed(&["127.0.0.1"], |_| {});
    let other_name = "the certificate presented for `127.0.0.1` is for other names: `other.test`";
    let set_ca = "If the server is your own, put its certificate, or that of the CA that issued \
        it, into `tls.ca`.";
    let set_name = "Use a name of the certificate as `host`, or set `tls.servername` to it.";
    let cases = [
        (
            &stranger,
            &renamed.trust,
            "the certificate presented for `127.0.0.1` was issued by nobody who is trusted here",
            set_ca,
        ),
        (
            &own,
            &renamed.trust,
            "the certificate presented for `127.0.0.1` is self-signed and not trusted here",
            set_ca,
        ),
        (&renamed, &renamed.trust, other_name, set_name),
        (&renamed_own, &renamed_own.trust, other_name, set_name),
        (
            &expired,
            &expired.trust,
            "the certificate presented for `127.0.0.1` expired on Thu, 02 Jan 2020 00:00:00 +0000",
            "Have the server's certificate renewed.",
        ),
    ];
    for (server, trust, message, hint) in cases {
        for starttls in [false, true] {
            let peer = if starttls { with_starttls(server) } else { implicit(server) };
            let (error, _) = failure(peer, |plan| {
                secure(plan, trust);
                if starttls {
                    plan.tls = TlsMode::RequiredStarttls;
                }
            })
            .await;
            assert_eq!(error.to_string(), message);
            assert_eq!(
                (error.stage(), error.kind()),
                (Some(Stage::Tls), ErrorKind::Tls),
                "{message}"
            );
            assert_eq!((error.hint(), error.is_transient()), (Some(hint), false), "{message}");
        }
    }
}

#[tokio::test]
async fn a_given_certificate_without_alternative_names_is_known_by_its_common_name() {
    let server =
        self_signed(&[], |params| params.distinguished_name.push(DnType::CommonName, "mx.test"));
    for (name, trusted) in [("MX.test", true), ("other.test", false)] {
        let (result, _) = submit(implicit(&server), |plan| {
            secure(plan, &server.trust);
            plan.tls_options.server_name = name.parse().ok();
        })
        .await;
        assert_eq!(result.is_ok(), trusted, "{name}");
    }
}

#[tokio::test]
async fn without_verification_any_certificate_will_do() {
    let server =
        self_signed(&["other.test"], |params| params.not_after = rcgen::date_time_ymd(2020, 1, 2));
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let (result, _) = submit(implicit(&server), |plan| {
            plan.tls = TlsMode::Implicit;
            plan.tls_options.verify_certificate = false;
            plan.tls_options.maximum_version = Some(version);
        })
        .await;
        result.expect("acceptance");
    }
}

#[tokio::test]
async fn the_wrong_kind_of_port_is_named() {
    let hint = "This port speaks plaintext with STARTTLS, set `secure` to false.";
    let (error, _) = failure(Peer::new(), |plan| plan.tls = TlsMode::Implicit).await;
    assert_eq!(
        (error.stage(), error.kind(), error.hint()),
        (Some(Stage::Tls), ErrorKind::Tls, Some(hint))
    );

    let hint = "This port speaks implicit TLS, set `secure` to true.";
    let (error, _) =
        failure(Peer::new().on("GREETING", &[b"\x15\x03\x01\x00\x02\x02\x0a"]), |_| {}).await;
    assert_eq!((error.stage(), error.hint()), (Some(Stage::Greeting), Some(hint)));
}

#[tokio::test]
async fn a_handshake_that_stalls_times_out() {
    let peer = Peer::new().on("EHLO", &[STARTTLS]);
    let (error, _) =
        failure(peer.on("STARTTLS", &["220 go\r\n"]).on("AUTH LINE", &[SILENCE]), |plan| {
            plan.timeouts.socket = std::time::Duration::from_millis(100);
        })
        .await;
    assert_eq!((error.stage(), error.kind()), (Some(Stage::Tls), ErrorKind::Timeout));
}

#[test]
fn options_are_named_by_their_place() {
    let refused = |change: fn(&mut TransportPlan)| {
        let mut plan = super::plan(465);
        change(&mut plan);
        let host = "token.test".parse().expect("a host");
        let refusal = Tls::new(&plan.tls_options, &host, &SecretStore::default(), "/auth/tls");
        refusal.expect_err("a refusal").to_string()
    };
    let message = refused(|plan| plan.tls_options.roots = vec!["not a pem".to_owned()]);
    assert_eq!(message, "no certificate in PEM at `/auth/tls/ca`");
    let message = refused(|plan| {
        plan.tls_options.minimum_version = Some(TlsVersion::Tls13);
        plan.tls_options.maximum_version = Some(TlsVersion::Tls12);
    });
    assert_eq!(message, "`auth.tls.minVersion` is above `auth.tls.maxVersion`");
}

#[test]
fn options_that_cannot_work_are_refused() {
    let refused = |change: fn(&mut TransportPlan)| {
        let mut plan = super::plan(465);
        change(&mut plan);
        let error = super::submitter(plan).expect_err("a refusal");
        assert_eq!(error.kind(), ErrorKind::Configuration);
        error.to_string()
    };
    let message = refused(|plan| plan.tls_options.roots = vec!["not a pem".to_owned()]);
    assert_eq!(message, "no certificate in PEM at `/tls/ca`");
    let message = refused(|plan| {
        plan.tls_options.minimum_version = Some(TlsVersion::Tls13);
        plan.tls_options.maximum_version = Some(TlsVersion::Tls12);
    });
    assert_eq!(message, "`tls.minVersion` is above `tls.maxVersion`");
    let message = refused(|plan| plan.tls_options.cipher_suites = vec!["TLS_NULL".to_owned()]);
    assert!(
        message.starts_with("the cipher suite `TLS_NULL` is not among TLS_AES_256_GCM_SHA384, "),
        "{message}"
    );
    let message = refused(|plan| {
        plan.tls_options.cipher_suites = vec!["TLS_AES_128_GCM_SHA256".to_owned()];
        plan.tls_options.maximum_version = Some(TlsVersion::Tls12);
    });
    assert_eq!(message, "`tls.ciphers` leaves no cipher suite for the versions that are allowed");
}
