//! A server that webhooks are posted to: it keeps what it hears, and answers what a test wants.

use std::collections::HashMap;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// A server on loopback. It ends when it is dropped.
#[derive(Debug)]
pub struct Receiver {
    port: u16,
    heard: mpsc::UnboundedReceiver<Posted>,
    serving: JoinHandle<()>,
}

/// What was posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// The path.
    pub path: String,
    /// The fields of the head, with their names in lower case.
    pub headers: HashMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Receiver {
    /// Starts one that answers its requests with the statuses that `answer` gives for their number,
    /// from 0 on.
    ///
    /// # Panics
    ///
    /// Panics where there is no free port.
    pub async fn start(answer: impl Fn(usize) -> u16 + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let (told, heard) = mpsc::unbounded_channel();
        let serving = tokio::spawn(async move {
            for number in 0.. {
                let Ok((stream, _)) = listener.accept().await else { return };
                if let Some(posted) = hear(stream, answer(number)).await {
                    // A test that is over does not listen any more.
                    let _ = told.send(posted);
                }
            }
        });
        Self { port, heard, serving }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/ends?of=acme", self.port)
    }

    /// What is posted next.
    ///
    /// # Panics
    ///
    /// Panics where the server has ended.
    pub async fn next(&mut self) -> Posted {
        self.heard.recv().await.expect("it serves")
    }

    /// Whether anything was posted that was not looked at.
    pub fn is_quiet(&self) -> bool {
        self.heard.is_empty()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Posted {
    /// The body as text, as far as it is some.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// Panics where it is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }
}

/// Hears one request and answers it.
async fn hear(stream: TcpStream, status: u16) -> Option<Posted> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = HashMap::new();
    loop {
        line.clear();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    let answer = format!("HTTP/1.1 {status} -\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.ok()?;
    Some(Posted { path, headers, body })
}
