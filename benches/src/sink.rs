//! Postfix's `smtp-sink`: a server that takes all mail and forgets it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;

/// How long the sink may take to start.
const START: Duration = Duration::from_secs(5);

/// A running sink, which ends with this value.
#[derive(Debug)]
pub(crate) struct Sink {
    process: Child,
    pub(crate) port: u16,
}

impl Sink {
    /// Starts a sink on a free port of loopback.
    pub(crate) fn start() -> Outcome<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut command = Command::new("smtp-sink");
        if rustix::process::geteuid().is_root() {
            // It refuses to run as root.
            command.args(["-u", "nobody"]);
        }
        command.args([&format!("127.0.0.1:{port}"), "1000"]).stdin(Stdio::null());
        let process = command.spawn().map_err(|error| format!("smtp-sink: {error}"))?;
        let sink = Self { process, port };
        let began = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if began.elapsed() > START {
                return Err("smtp-sink does not start".into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(sink)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // What has ended already needs no end.
        let _ = self.process.kill();
        let _ = self.process.wait();
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
