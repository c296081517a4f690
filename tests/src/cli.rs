//! Runs the command line in a clean environment, with a cache of its own, within a deadline.
//!
//! Cargo builds no program of another package for tests. So this package has one, which is the
//! command line by another name.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, kill_process};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

pub use rustix::process::Signal;

/// How long a command may take unless a test says otherwise: it must never hang.
const DEADLINE: Duration = Duration::from_secs(60);

/// A command line to run.
#[derive(Debug)]
#[must_use]
pub struct Cli {
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    input: Vec<u8>,
    deadline: Duration,
    folder: TempDir,
}

/// What a command left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The exit code. None where a signal ended the process.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Cli {
    /// A command with these arguments, no input, and an empty environment but for a cache folder
    /// and `PATH`.
    pub fn new<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Self {
        let arguments =
            arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect();
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        Self { arguments, environment: Vec::new(), input: Vec::new(), deadline: DEADLINE, folder }
    }

    /// Adds an argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args(self, arguments: &[&str]) -> Self {
        arguments.iter().fold(self, Self::arg)
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Gives standard input.
    pub fn stdin(mut self, input: impl AsRef<[u8]>) -> Self {
        self.input = input.as_ref().to_vec();
        self
    }

    /// Writes a file into the working folder of the command, which is deleted after the run.
    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        std::fs::write(self.folder.path().join(name), content).expect("the folder can be written");
        self
    }

    /// Gives the command more or less time than a minute.
    pub fn within(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The working folder of the command.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs the command.
    ///
    /// # Panics
    ///
    /// Panics where the binary cannot be run or does not end in time.
    pub async fn run(self) -> Outcome {
        self.start().await.finish().await
    }

    /// Starts the command, so that the test can meddle with it.
    ///
    /// # Panics
    ///
    /// Panics where the binary cannot be run.
    pub async fn start(self) -> Running {
        let mut command = Command::new(binary());
        command
            .arg0("smtp-connector")
            .args(&self.arguments)
            .current_dir(self.folder.path())
            .kill_on_drop(true)
            .env_clear();
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command
            .env("XDG_CACHE_HOME", self.folder.path().join("cache"))
            .env("HOME", self.folder.path());
        command.envs(self.environment);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary can be run");
        let mut stdin = child.stdin.take().expect("standard input is piped");
        let feed = async move {
            // A command that fails early does not read its input.
            let _ = stdin.write_all(&self.input).await;
        };
        let id = child.id().expect("nobody has waited for it");
        let ran = async { tokio::join!(feed, child.wait_with_output()).1 };
        Running {
            id,
            deadline: self.deadline,
            ran: Box::pin(ran),
            output: None,
            _folder: self.folder,
        }
    }

    /// Does as [`Cli::run`] outside of a runtime.
    ///
    /// # Panics
    ///
    /// Panics where the binary cannot be run or does not end in time.
    pub fn run_blocking(self) -> Outcome {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime can be made").block_on(self.run())
    }
}

/// A command that runs. It is killed where it is dropped.
#[must_use = "a command that is not finished is killed"]
pub struct Running {
    id: u32,
    deadline: Duration,
    ran: Pin<Box<dyn Future<Output = std::io::Result<std::process::Output>> + Send>>,
    output: Option<std::io::Result<std::process::Output>>,
    _folder: TempDir,
}

impl Running {
    /// The process's id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Sends the process a signal.
    ///
    /// # Panics
    ///
    /// Panics where it has ended already.
    pub fn signal(&self, signal: Signal) {
        send_signal(self.id, signal);
    }

    /// Lets the command run for a while. Whether it has ended by then.
    pub async fn ended_within(&mut self, duration: Duration) -> bool {
        if self.output.is_none() {
            self.output = timeout(duration, &mut self.ran).await.ok();
        }
        self.output.is_some()
    }

    /// Waits for the end of the command.
    ///
    /// # Panics
    ///
    /// Panics where it does not end in time.
    pub async fn finish(self) -> Outcome {
        let ran = match self.output {
            Some(output) => output,
            None => timeout(self.deadline, self.ran).await.expect("the command ends in time"),
        };
        let output = ran.expect("the output can be read");
        Outcome {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("the command writes UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("the command writes UTF-8"),
        }
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Outcome {
    /// Standard output as the one JSON document that it must be.
    ///
    /// # Panics
    ///
    /// Panics, showing everything, where it is none.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

/// Sends a process a signal.
///
/// # Panics
///
/// Panics where there is no such process.
pub fn send_signal(id: u32, signal: Signal) {
    let id = i32::try_from(id).ok().and_then(Pid::from_raw).expect("a process has an id");
    kill_process(id, signal).expect("the process is there");
}

/// The program of the profile under test: cargo builds it before the tests of this package.
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("the system tells the path of the test");
    // The test is `<target>/<profile>/deps/<name>`.
    let profile = test.ancestors().nth(2).expect("a test has its place below the target folder");
    profile.join("smtp-connector-under-test").with_extension(std::env::consts::EXE_EXTENSION)
}
