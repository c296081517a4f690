//! A server that says what a test wants it to say, and keeps what it heard.

use std::collections::HashMap;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::submission::network::Stream;

/// A reply after which the connection is closed.
pub(super) const CLOSE: &str = "(close)";

/// No reply at all.
pub(super) const SILENCE: &str = "(silence)";

/// A scripted server for one connection.
pub(super) struct Peer {
    replies: HashMap<&'static str, Vec<Vec<u8>>>,
    tls: Option<TlsAcceptor>,
    implicit: bool,
    heard: Vec<u8>,
}

impl Peer {
    /// One that takes everything, without any extension.
    pub(super) fn new() -> Self {
        let usual = [
            ("GREETING", "220 mx.test ready\r\n"),
            ("EHLO", "250 mx.test\r\n"),
            ("HELO", "250 mx.test\r\n"),
            ("NOOP", "250 ok\r\n"),
            ("RSET", "250 ok\r\n"),
            ("MAIL", "250 2.1.0 sender ok\r\n"),
            ("RCPT", "250 2.1.5 recipient ok\r\n"),
            ("DATA", "354 go\r\n"),
            ("CONTENT", "250 2.0.0 queued as 1\r\n"),
            ("QUIT", "221 bye\r\n"),
            ("STARTTLS", "220 go\r\n"),
        ];
        let replies = usual.into_iter().map(|(verb, reply)| (verb, vec![reply.into()])).collect();
        Self { replies, tls: None, implicit: false, heard: Vec::new() }
    }

    /// Has a command answered by this. Several answers are given in turn, the last one for ever.
    pub(super) fn on(mut self, verb: &'static str, replies: &[impl AsRef<[u8]>]) -> Self {
        self.replies.insert(verb, replies.iter().map(|reply| reply.as_ref().to_vec()).collect());
        self
    }

    /// Has it speak TLS: from the first byte, or after STARTTLS.
    pub(super) fn with_tls(mut self, acceptor: TlsAcceptor, implicit: bool) -> Self {
        (self.tls, self.implicit) = (Some(acceptor), implicit);
        self
    }

    /// Listens; the task ends with all that was heard when the connection does.
    pub(super) async fn start(mut self) -> (SocketAddr, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let task = tokio::spawn(async move {
            if let Ok((stream, _)) = listener.accept().await {
                drop(listener);
                self.serve(Box::new(stream)).await;
            }
            String::from_utf8_lossy(&self.heard).into_owned()
        });
        (address, task)
    }

    async fn serve(&mut self, mut stream: Box<dyn Stream>) {
        if self.implicit {
            let Some(secured) = self.secure(stream).await else { return };
            stream = secured;
        }
        if !self.say(&mut stream, "GREETING").await {
            return;
        }
        while let Some(line) = self.hear(&mut stream, b"\r\n").await {
            let verb = self.verb(&line);
            if !self.say(&mut stream, verb).await {
                return;
            }
            if verb == "STARTTLS" && self.tls.is_some() {
                let Some(secured) = self.secure(stream).await else { return };
                stream = secured;
            }
            if verb == "DATA" && self.replies["DATA"].iter().any(|reply| reply.starts_with(b"354"))
            {
                // After DATA the end of the message may come at once.
                let heard = self.hear_content(&mut stream).await;
                if heard.is_none() || !self.say(&mut stream, "CONTENT").await {
                    return;
                }
            }
        }
    }

    async fn secure(&mut self, stream: Box<dyn Stream>) -> Option<Box<dyn Stream>> {
        let secured = self.tls.as_ref()?.accept(stream).await.ok()?;
        self.heard.extend_from_slice(b"(tls)\r\n");
        Some(Box::new(secured))
    }

    /// The key of the reply to a line; lines that belong to AUTH have their own.
    fn verb(&self, line: &str) -> &'static str {
        let known = self.replies.keys().find(|verb| line.starts_with(**verb));
        known.copied().unwrap_or("AUTH LINE")
    }

    async fn say(&mut self, stream: &mut Box<dyn Stream>, verb: &'static str) -> bool {
        let fallback = || vec![b"500 what?\r\n".to_vec()];
        let queue = self.replies.entry(verb).or_insert_with(fallback);
        let reply = if queue.len() > 1 { queue.remove(0) } else { queue[0].clone() };
        let words = reply.strip_suffix(CLOSE.as_bytes()).unwrap_or(&reply);
        if words == SILENCE.as_bytes() {
            return true;
        }
        let written = stream.write_all(words).await.is_ok() && stream.flush().await.is_ok();
        written && words.len() == reply.len()
    }

    async fn hear_content(&mut self, stream: &mut Box<dyn Stream>) -> Option<()> {
        while self.hear(stream, b"\r\n").await? != ".\r\n" {}
        Some(())
    }

    /// Reads one byte at a time, so that what belongs to TLS stays in the stream.
    async fn hear(&mut self, stream: &mut Box<dyn Stream>, end: &[u8]) -> Option<String> {
        let from = self.heard.len();
        while !self.heard[from..].ends_with(end) {
            let byte = stream.read_u8().await.ok()?;
            self.heard.push(byte);
        }
        String::from_utf8(self.heard[from..].to_vec()).ok()
    }
}
