//! Connects by itself, so that it imports `wasi:sockets`.

use smtp_connector_test_guests::{Behaviour, component};

struct ImportsSockets;

impl Behaviour for ImportsSockets {
    fn misbehave() {
        let _ = std::net::TcpStream::connect("127.0.0.1:25");
    }
}

component!(ImportsSockets);
