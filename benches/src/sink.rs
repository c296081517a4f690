//! Postfix's `smtp-sink`: a server that takes all mail and forgets it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;
use std::time::Instant;

use crate::Outcome;
use crate::running::{Running, unused_port};

/// A running sink, which ends with this value.
#[derive(Debug)]
pub(crate) struct Sink {
    _running: Running,
    pub(crate) port: u16,
}

impl Sink {
    /// Starts a sink on a free port of loopback.
    pub(crate) fn start() -> Outcome<Self> {
        let port = unused_port()?;
        let mut command = Command::new("smtp-sink");
        if rustix::process::geteuid().is_root() {
            // It refuses to run as root.
            command.args(["-u", "nobody"]);
        }
        command.args([&format!("127.0.0.1:{port}"), "1000"]);
        Ok(Self { _running: Running::listening(&mut command, port)?, port })
    }
}

/// How long the answers to some NOOPs took, in seconds.
pub(crate) fn round_trips(port: u16) -> Outcome<Vec<f64>> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    let mut replies = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    replies.read_line(&mut line)?;
    let mut measured = Vec::new();
    for _ in 0..10 {
        let began = Instant::now();
        (&stream).write_all(b"NOOP\r\n")?;
        replies.read_line(&mut line)?;
        measured.push(began.elapsed().as_secs_f64());
    }
    Ok(measured)
}
