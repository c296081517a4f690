//! The command line: arguments in, documents and exit codes out.
//!
//! The only module that reads the environment and the arguments of the process.

mod arguments;
mod batch;
mod check;
mod component;
mod demo;
mod describe;
mod exit;
mod failure;
mod input;
mod log;
mod manual;
mod memory;
mod render;
mod report;
mod send;
#[cfg(feature = "serve")]
mod serve;
mod terminal;
mod verify;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use tokio::runtime::{Builder, Runtime};

use arguments::{Arguments, Command};
use failure::{Failure, Problem};
use input::Config;
use terminal::{Style, tell};

use smtp_connector::{Connector, EgressPolicy, Engine, Mailer, Options};

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let json = std::env::args_os().any(|argument| argument == "--json");
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if error.use_stderr() => {
            return Failure::from(Problem::from(&error)).print(json);
        }
        Err(help) => return show(&help),
    };
    match arguments.command {
        // Its settings have a say.
        #[cfg(feature = "serve")]
        Command::Serve(_) => {}
        _ => log::start(arguments.log),
    }
    let runtime = match runtime(&arguments.command) {
        Ok(runtime) => runtime,
        Err(error) => {
            let problem = Problem::internal(format!("cannot start: {error}"));
            return Failure::from(problem).print(json);
        }
    };
    let outcome = runtime.block_on(run(&arguments));
    // Nothing is awaited that a blocking thread might still be doing.
    runtime.shutdown_background();
    match outcome {
        Ok(code) => code,
        Err(failure) => failure.print(json),
    }
}

/// One thread serves one message. Of many, one is composed while others are sent.
fn runtime(command: &Command) -> std::io::Result<Runtime> {
    let mut builder = match command {
        Command::Batch(_) => Builder::new_multi_thread(),
        #[cfg(feature = "serve")]
        Command::Serve(_) => Builder::new_multi_thread(),
        _ => Builder::new_current_thread(),
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from).max(2);
    builder.worker_threads(workers).enable_all().build()
}

/// Prints help or the version, which clap hands over as an error.
fn show(help: &clap::Error) -> ExitCode {
    // A reader that went away does not want the help.
    let _ = help.print();
    ExitCode::SUCCESS
}

async fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let session = || Session::new(arguments);
    match &arguments.command {
        Command::Batch(command) => batch::run(&session()?, command).await,
        Command::Check(command) => check::run(&session()?, command).await,
        Command::Completions(command) => manual::completions(command),
        Command::Component(arguments::Component::Check(command)) => {
            component::check(&session()?, command).await
        }
        Command::Demo(command) => demo::run(&session()?, command).await,
        Command::Describe => describe::descriptor(&session()?).await,
        Command::Example(command) => describe::example(&session()?, command).await,
        Command::Man => manual::page(),
        Command::Render(command) => render::run(&session()?, command).await,
        Command::Schema => describe::schema(&session()?).await,
        Command::Send(command) => send::run(&session()?, command).await,
        #[cfg(feature = "serve")]
        Command::Serve(command) => serve::run(&session()?, command).await,
        Command::Verify(command) => verify::run(&session()?, command).await,
    }
}

/// What all commands share: the component and the policy.
struct Session<'a> {
    arguments: &'a Arguments,
    engine: Engine,
}

impl<'a> Session<'a> {
    /// Makes an engine that keeps what it compiles; from then on secrets may be read.
    fn new(arguments: &'a Arguments) -> smtp_connector::Result<Self> {
        let mut engine = Engine::builder();
        if let Some(directory) = cache_directory() {
            engine = engine.cache_directory(directory);
        }
        let engine = engine.build()?;
        // The engine has opened what the kernel shows to processes only whose memory may be read.
        memory::withhold();
        Ok(Self { arguments, engine })
    }

    /// Loads the component that the arguments name.
    async fn connector(&self) -> smtp_connector::Result<Connector> {
        match &self.arguments.component {
            Some(path) => self.engine.load_file(path).await,
            None => self.engine.bundled().await,
        }
    }

    /// Makes a mailer of a configuration, and shows the check's warnings to people.
    async fn mailer(&self, config: Config) -> Result<Mailer, Failure> {
        let connector = self.connector().await?;
        let findings =
            |diagnostics: &[_]| report::findings(&config, &connector, diagnostics, Style::stderr());
        match connector.configure_with(&config.text, &self.options()).await {
            Ok(mailer) => {
                tell(findings(mailer.warnings()));
                Ok(mailer)
            }
            Err(error) => {
                let report = findings(error.diagnostics());
                Err(Failure::from(error).reporting(report))
            }
        }
    }

    /// What a configuration may do: on a command line the operator writes it, so that it may name
    /// the operator's environment and files.
    fn options(&self) -> Options {
        let egress = self.arguments.egress.clone().unwrap_or_else(EgressPolicy::any);
        Options::default().egress(egress).secret_sources(true)
    }
}

/// Where compiled components are kept (XDG base directories).
fn cache_directory() -> Option<std::path::PathBuf> {
    let variable = |name| {
        std::env::var_os(name).filter(|value| !value.is_empty()).map(std::path::PathBuf::from)
    };
    let base = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")))?;
    base.is_absolute().then(|| base.join("smtp-connector"))
}

/// Writes a document to the standard output, whole.
fn print(document: &[u8]) -> Result<(), Problem> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(document).and_then(|()| stdout.flush()) {
        // The reader has seen enough, as in `… | head`.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Problem::internal(format!("cannot write the output: {error}"))),
        Ok(()) => Ok(()),
    }
}

/// Writes a JSON document to the standard output.
fn print_json(document: &impl serde::Serialize) -> Result<(), Problem> {
    let mut text = serde_json::to_string_pretty(document)
        .map_err(|error| Problem::internal(format!("cannot write JSON: {error}")))?;
    text.push('\n');
    print(text.as_bytes())
}
