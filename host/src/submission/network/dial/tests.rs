//! Dialling on loopback: the race, what is told where nobody answers, and what a mailer remembers.

use std::time::Instant;

use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::*;
use crate::plan::Logging;
use crate::redactor::Redactor;

const SHORT: Duration = Duration::from_millis(600);

fn dialler() -> Dialler {
    Dialler {
        local: None,
        dns: SHORT,
        connection: SHORT,
        egress: EgressPolicy::any(),
        network: Arc::new(Tcp),
        last_good: LastGood::default(),
    }
}

fn endpoint() -> Endpoint {
    Endpoint { host: "mx.test".parse().expect("a host"), port: 25 }
}

async fn dial(dialler: &Dialler, addresses: &[SocketAddr]) -> Result<Connected> {
    let record = Record::new(Redactor::default(), Logging::None);
    dialler.connect(&endpoint(), addresses, &record).await
}

async fn connect(addresses: &[SocketAddr]) -> Result<Connected> {
    dial(&dialler(), addresses).await
}

async fn listener(address: &str) -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(address).await.expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound");
    (listener, address)
}

/// A listener that takes no further connection, so that another attempt waits for an answer.
async fn full() -> (SocketAddr, Vec<TcpStream>, TcpListener) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
    let listener = socket.listen(0).expect("a listener");
    let address = listener.local_addr().expect("it is bound");
    let mut waiting = Vec::new();
    while let Ok(Ok(stream)) = timeout(SHORT, TcpStream::connect(address)).await {
        waiting.push(stream);
    }
    (address, waiting, listener)
}

async fn closed() -> SocketAddr {
    listener("127.0.0.1:0").await.1
}

#[tokio::test]
async fn dead_addresses_cost_a_head_start_each_and_no_deadline() {
    let (_open, open) = listener("127.0.0.2:0").await;
    let (silent, _waiting, _listener) = full().await;
    let patient = Dialler { connection: 100 * SHORT, ..dialler() };
    let begun = Instant::now();
    let connected = dial(&patient, &[closed().await, silent, silent, open]).await;
    let connected = connected.expect("the last one answers");
    assert_eq!((connected.peer, connected.local.ip()), (open, [127, 0, 0, 1].into()));
    assert!(begun.elapsed() >= Duration::from_millis(500), "each silent address is first");
    assert!(begun.elapsed() < 20 * SHORT, "none is waited for");
}

#[tokio::test]
async fn both_families_are_tried_in_turn() {
    let (v6, address) = listener("[::1]:0").await;
    let (silent, _waiting, _listener) = full().await;
    let connected = connect(&[silent, silent, silent, address]).await.expect("the last answers");
    let (_, client) = v6.accept().await.expect("a connection");
    assert_eq!((connected.peer, connected.local), (address, client));
}

#[tokio::test]
async fn the_address_that_answered_last_is_tried_first() {
    let (one, first) = listener("127.0.0.3:0").await;
    let (_two, second) = listener("127.0.0.2:0").await;
    let (silent, _waiting, _listener) = full().await;
    let dialler = dialler();
    for (addresses, expected) in
        [([silent, second], second), ([first, second], second), ([silent, first], first)]
    {
        let connected = dial(&dialler, &addresses).await.expect("one answers");
        assert_eq!(connected.peer, expected, "{addresses:?}");
    }
    drop(one);
    // One that is gone since is an address like others.
    let connected = dial(&dialler, &[second, first]).await.expect("the other one answers");
    assert_eq!(connected.peer, second);
}

#[tokio::test]
async fn what_loses_the_race_is_closed() {
    /// Takes its time before it connects to one of two.
    #[derive(Debug)]
    struct Slow(SocketAddr, tokio::sync::mpsc::UnboundedSender<SocketAddr>);

    /// Tells when it is dropped.
    struct Dropped(SocketAddr, tokio::sync::mpsc::UnboundedSender<SocketAddr>);

    impl Drop for Dropped {
        fn drop(&mut self) {
            let _ = self.1.send(self.0);
        }
    }

    #[async_trait::async_trait]
    impl Connect for Slow {
        async fn connect(
            &self,
            to: SocketAddr,
            from: Option<IpAddr>,
        ) -> std::io::Result<Connected> {
            let _told = Dropped(to, self.1.clone());
            if to == self.0 {
                std::future::pending::<()>().await;
            }
            Tcp.connect(to, from).await
        }
    }

    let (_open, open) = listener("127.0.0.1:0").await;
    let silent = closed().await;
    let (sender, mut dropped) = tokio::sync::mpsc::unbounded_channel();
    let dialler = Dialler { network: Arc::new(Slow(silent, sender)), ..dialler() };
    let connected = dial(&dialler, &[silent, open]).await.expect("one answers");
    assert_eq!(connected.peer, open);
    assert_eq!((dropped.try_recv(), dropped.try_recv()), (Ok(open), Ok(silent)));
}

#[tokio::test]
async fn where_no_address_answers_each_problem_is_told() {
    let (silent, _waiting, _listener) = full().await;
    let closed = closed().await;
    let error = connect(&[silent, closed]).await.err().expect("nobody answers");
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Connect, Some(Stage::Connect)));
    let expected = format!(
        "cannot connect to `mx.test`: {closed}: connection refused; {silent}: no answer within \
         600ms"
    );
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn a_name_with_addresses_without_number_is_bounded() {
    let many: Vec<SocketAddr> =
        (1..=100).map(|last| SocketAddr::new([127, 0, 1, last].into(), 1)).collect();
    let error = connect(&many).await.err().expect("nobody answers");
    let told = error.to_string();
    assert_eq!(told.matches("127.0.1.").count(), MOST_ADDRESSES, "{told}");
}

#[tokio::test]
async fn the_local_address_decides_the_family() {
    let (_v4, v4) = listener("127.0.0.1:0").await;
    let (_v6, v6) = listener("[::1]:0").await;
    let local = Some([127, 0, 0, 5].into());
    let dialler = Dialler { local, ..dialler() };
    let connected = dial(&dialler, &[v6, v4]).await.expect("IPv4 answers");
    assert_eq!((connected.peer, Some(connected.local.ip())), (v4, local));
    let error = dial(&dialler, &[v6]).await.err().expect("no way");
    let expected = "the local address 127.0.0.5 is of the other IP version";
    assert!(error.to_string().ends_with(expected), "{error}");
}

#[tokio::test]
async fn each_address_is_judged_before_it_is_dialled() {
    let (open, address) = listener("127.0.0.1:0").await;
    let dialler = Dialler { egress: EgressPolicy::public(), ..dialler() };
    let error = dial(&dialler, &[address]).await.err().expect("loopback is refused");
    assert_eq!(error.kind(), ErrorKind::Egress);
    let further = timeout(Duration::from_millis(50), open.accept()).await;
    assert!(further.is_err(), "nobody has dialled");
}

#[tokio::test]
async fn a_name_that_does_not_exist_fails_at_its_stage() {
    let host = "no-such-host.invalid".parse().expect("a host");
    let endpoint = Endpoint { host, port: 25 };
    let error = dialler().resolve(&endpoint).await.expect_err("there is no such name");
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Dns, Some(Stage::Dns)));
}
