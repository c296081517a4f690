//! The service as a process, and a client of it that says over HTTP/1.1 exactly what a test wants.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::cli::binary;

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running service. It is killed where it is dropped.
#[derive(Debug)]
pub struct Served {
    process: Child,
    /// A client without a token.
    pub client: Client,
    /// The administrator's token, where the service has just made it.
    pub first_token: Option<String>,
    log: Arc<Mutex<Vec<String>>>,
}

/// A client of a service.
#[derive(Debug, Clone)]
pub struct Client {
    address: String,
    token: Option<String>,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// The fields of the head, with their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Served {
    /// Starts a service on a free port, with these arguments. The administrator's token is kept in
    /// the folder, for those who start it again.
    ///
    /// # Panics
    ///
    /// Panics where it does not start.
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(binary());
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .env_clear()
            .env("XDG_CACHE_HOME", binary().with_file_name("test-cache"))
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut process = command.spawn().expect("the binary can be run");
        let mut lines =
            BufReader::new(process.stderr.take().expect("standard error is piped")).lines();
        let mut said = Vec::new();
        let (mut address, mut first_token) = (None, None);
        let known = std::fs::read_to_string(folder.join("token")).is_ok();
        // The first time, the token follows the address.
        while address.is_none() || !known && first_token.is_none() {
            let Some(Ok(line)) = lines.next() else { panic!("it does not start: {said:#?}") };
            let word = line.split_whitespace().last().unwrap_or_default();
            if line.contains(" listens at ") {
                address = Some(word.to_owned());
            } else if word.starts_with("smtpc_") {
                std::fs::write(folder.join("token"), word).expect("the folder is ours");
                first_token = Some(word.to_owned());
            }
            said.push(line);
        }
        // It is read to its end, lest the service wait for a reader.
        let log = Arc::new(Mutex::new(said));
        let kept = log.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        let client = Client { address: address.expect("it listens"), token: None };
        Self { process, client, first_token, log }
    }

    /// A client with the administrator's token.
    ///
    /// # Panics
    ///
    /// Panics where this store's first token was made elsewhere.
    pub fn administrator(&self, folder: &Path) -> Client {
        let token = std::fs::read_to_string(folder.join("token")).expect("a token was made");
        self.client.with_token(&token)
    }

    /// What it has said on its standard error so far.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Kills it at once (SIGKILL).
    pub fn kill(mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Asks it to end (SIGTERM); its exit code.
    ///
    /// # Panics
    ///
    /// Panics where it does not end in time.
    pub async fn stop(mut self) -> Option<i32> {
        crate::cli::send_signal(self.process.id(), crate::cli::Signal::TERM);
        for _ in 0..600 {
            if let Some(status) = self.process.try_wait().expect("it is a child") {
                return status.code();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("it does not end");
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: crate::cli::Signal) {
        crate::cli::send_signal(self.process.id(), signal);
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Client {
    /// A client of the service at this address.
    pub fn at(address: &str, token: &str) -> Self {
        Self { address: address.to_owned(), token: Some(token.to_owned()) }
    }

    /// The same client with another token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { address: self.address.clone(), token: Some(token.to_owned()) }
    }

    /// Where the service listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Asks for something without a body.
    ///
    /// # Panics
    ///
    /// Panics where no answer comes.
    pub async fn get(&self, path: &str) -> Answered {
        self.ask("GET", path, &[], b"").await.expect("an answer")
    }

    /// Posts a document.
    ///
    /// # Panics
    ///
    /// Panics where no answer comes.
    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answered {
        let asked = self.ask("POST", path, headers, body.to_string().as_bytes()).await;
        asked.expect("an answer")
    }

    /// Says a request and hears the answer; none where the connection is lost.
    pub async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Option<Answered> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        head += "Connection: close\r\n";
        if let Some(token) = &self.token {
            head += &format!("Authorization: Bearer {token}\r\n");
        }
        let has = |name: &str| headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
        if !body.is_empty() && !has("content-type") {
            head += "Content-Type: application/json\r\n";
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        let request = [head.as_bytes(), b"\r\n", body].concat();
        let said = self.say(&request).await?;
        Answered::read(&said)
    }

    /// Says these bytes and hears all that is answered; none where the connection is lost.
    ///
    /// # Panics
    ///
    /// Panics where the answer takes too long.
    pub async fn say(&self, request: &[u8]) -> Option<Vec<u8>> {
        let exchange = async {
            let mut stream = TcpStream::connect(&self.address).await.ok()?;
            // Who refuses a body does so before all of it has come.
            let _ = stream.write_all(request).await;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.ok()?;
            Some(answer)
        };
        timeout(PATIENCE, exchange).await.expect("an answer in time")
    }
}

impl Answered {
    fn read(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers =
            headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
        let answered = Self { status, headers: headers.collect(), body: body.to_owned() };
        // One that was cut off is none.
        let length = answered.header("content-length").and_then(|length| length.parse().ok());
        length.is_none_or(|length: usize| length == body.len()).then_some(answered)
    }

    /// A field of the head.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as the one JSON document that it must be.
    ///
    /// # Panics
    ///
    /// Panics, showing everything, where it is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}
