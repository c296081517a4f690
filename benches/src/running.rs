//! A server beside the measurement: a process that ends with its value.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;

/// How long a server may take to start.
const START: Duration = Duration::from_secs(20);

/// A running process. It is killed with this value.
#[derive(Debug)]
pub(crate) struct Running(Child);

impl Running {
    /// Starts a server that is to listen at this port of loopback.
    pub(crate) fn listening(command: &mut Command, port: u16) -> Outcome<Self> {
        // The report has the standard output for itself.
        let running = Self::start(command.stdout(Stdio::null()))?;
        let began = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if began.elapsed() > START {
                return Err(format!("{command:?} does not start").into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(running)
    }

    /// Starts a server that says on its standard error what there is to know of it: words with
    /// these beginnings, in this order, of which the rest is given.
    pub(crate) fn telling<const N: usize>(
        command: &mut Command,
        beginnings: [&str; N],
    ) -> Outcome<(Self, [String; N])> {
        let mut running = Self::start(command.stdout(Stdio::null()).stderr(Stdio::piped()))?;
        let said = running.0.stderr.take().ok_or("it has no standard error")?;
        let mut lines = BufReader::new(said).lines().map_while(Result::ok);
        let mut known = Vec::new();
        let mut told = beginnings.map(|_| String::new());
        for (told, beginning) in told.iter_mut().zip(beginnings) {
            let mut words = lines.by_ref().inspect(|line| known.push(line.clone()));
            let word = words.find_map(|line| {
                line.split_whitespace()
                    .find_map(|word| word.strip_prefix(beginning))
                    .map(str::to_owned)
            });
            *told = word.ok_or_else(|| format!("{command:?}: {}", known.join("\n")))?;
        }
        // What else it says is let go, lest it wait for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Ok((running, told))
    }

    fn start(command: &mut Command) -> Outcome<Self> {
        let process = command.stdin(Stdio::null()).spawn();
        Ok(Self(process.map_err(|error| format!("{command:?}: {error}"))?))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // What has ended already needs no end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port on loopback where nobody listens.
pub(crate) fn unused_port() -> Outcome<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
