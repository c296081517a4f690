//! The arguments.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tracing::level_filters::LevelFilter;

use smtp_connector::EgressPolicy;

/// What stands below the help of the program.
const HELP: &str = "\
CONFIG is a file with a Logto SMTP configuration, or `-` for the standard input.
Exit codes follow sysexits: 0 done, 64 usage, 65 payload, template, address or message,
66 file, 67 recipients, 68 host name, 69 connection, TLS or refusal, 70 bug, 75 try
again, 76 protocol, 77 egress or credentials, 78 configuration.";

/// What stands below the help of `batch`.
const BATCH_HELP: &str = "\
A request is {\"to\",\"type\",\"payload\"?,\"locale\"?,\"template\"?,\"id\"?}, a result is
{\"line\",\"id\"?,\"status\",\"result\"?,\"error\"?} with the status accepted, refused, failed (for
now: the next run with the same RESULTS sends it again) or ambiguous. The exit code is 0
when all were accepted, else 75 when any failed for now or is ambiguous, else 67 when a
recipient was refused, else 65.";

/// What stands below the help of `serve`.
#[cfg(feature = "serve")]
const SERVE_HELP: &str = "\
Without any of these it listens at 127.0.0.1:8025 and keeps its queue in
./smtp-connector.db (in $STATE_DIRECTORY where systemd sets it). Each setting can
come from the file, then from a variable such as SMTP_CONNECTOR_LISTEN, then from
an argument; the last one counts. SIGTERM ends it once what is under way has ended,
SIGHUP has it read the connectors again.";

/// Sends an identity platform's mail through a sandboxed connector component.
#[derive(Debug, Parser)]
#[command(name = "smtp-connector", version, about, max_term_width = 100)]
#[command(after_help = HELP)]
pub(super) struct Arguments {
    /// Use this component in place of the bundled one
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) component: Option<PathBuf>,

    /// Which addresses may be connected to: any (unless `serve`), public, or these hosts only
    #[arg(long, value_name = "any|public|HOST,…", global = true)]
    pub(super) egress: Option<EgressPolicy>,

    /// Log to the standard error: off, error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", global = true)]
    pub(super) log: Option<LevelFilter>,

    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check a configuration and report everything that is wrong with it
    Check(Check),
    /// Compose a message without sending it
    Render(Render),
    /// Connect, secure and authenticate, and show each stage; sends nothing
    Verify(Verify),
    /// Send one message
    Send(Send),
    /// Send many messages, one for each line of a file
    Batch(Batch),
    /// Send one mail of every type through an embedded server and show what arrived
    Demo(Demo),
    /// Take mail over HTTP, queue it durably and deliver it
    #[cfg(feature = "serve")]
    Serve(Serve),
    /// Print what the component says of itself, as JSON
    Describe,
    /// Print the JSON Schema of the configuration
    Schema,
    /// Print a ready configuration
    Example(Example),
    /// For authors of components and for those who admit them
    #[command(subcommand)]
    Component(Component),
    /// Print what a shell needs to complete commands
    Completions(Completions),
    /// Print the manual page
    Man,
}

#[derive(Debug, Subcommand)]
pub(super) enum Component {
    /// Try a component and show what it costs and why a platform would refuse it
    Check(ComponentCheck),
}

#[derive(Debug, Args)]
pub(super) struct ComponentCheck {
    /// The component
    pub(super) file: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    pub(super) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// The configuration
    pub(super) config: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// What makes a message.
#[derive(Debug, Args)]
pub(super) struct MessageArguments {
    /// The configuration
    pub(super) config: PathBuf,
    /// What the message is for, such as `SignIn`
    #[arg(long = "type", value_name = "TYPE")]
    pub(super) usage_type: String,
    /// The recipient
    #[arg(long, value_name = "ADDRESS")]
    pub(super) to: String,
    /// The template's values: a JSON object, or `@` and a file that holds one
    #[arg(long, value_name = "JSON|@FILE", default_value = "{}", hide_default_value = true)]
    pub(super) payload: String,
    /// The language wanted, before the payload's own
    #[arg(long, value_name = "TAG")]
    pub(super) locale: Option<String>,
    /// A JSON file with the template to use: subject, content, contentType, replyTo, sendFrom
    #[arg(long, value_name = "FILE")]
    pub(super) template: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Render {
    #[command(flatten)]
    pub(super) message: MessageArguments,
    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Json)]
    pub(super) format: Format,
}

/// What `render` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// The composed message as JSON
    Json,
    /// The whole message as it would be submitted
    Eml,
    /// The HTML part
    Html,
    /// The plain text part
    Text,
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The configuration
    pub(super) config: PathBuf,
    /// Go on to MAIL and RCPT with this recipient, then take it back
    #[arg(long, value_name = "ADDRESS")]
    pub(super) to: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Send {
    #[command(flatten)]
    pub(super) message: MessageArguments,
    /// Keep trying this long, then give the message up (such as `90s` or `5m`)
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(super) deadline: Option<Duration>,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = BATCH_HELP)]
pub(super) struct Batch {
    /// The configuration
    pub(super) config: PathBuf,
    /// The requests, one JSON object in each line, or `-` for the standard input
    pub(super) requests: PathBuf,
    /// Append the results to this file; run again with it, it sends what has no final result yet
    #[arg(long, value_name = "RESULTS")]
    pub(super) out: Option<PathBuf>,
    /// Keep trying each message this long, then give it up (such as `90s` or `5m`)
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(super) deadline: Option<Duration>,
}

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Show each message in full
    #[arg(long)]
    pub(super) full: bool,
}

#[cfg(feature = "serve")]
#[derive(Debug, Args)]
#[command(after_help = SERVE_HELP)]
pub(super) struct Serve {
    /// Read the settings from this file (TOML)
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Listen at an address and a port, `unix:PATH` or `systemd`
    #[arg(long, value_name = "PLACE,…")]
    pub(super) listen: Option<String>,
    /// Keep the queue in this file, or in PostgreSQL
    #[arg(long, value_name = "FILE|postgres://…")]
    pub(super) store: Option<String>,
    /// Take the connectors from the JSON files of this folder
    #[arg(long, value_name = "FOLDER")]
    pub(super) connectors: Option<String>,
    /// Read the keys of the store from this file
    #[arg(long, value_name = "FILE")]
    pub(super) key_file: Option<String>,
    /// Deliver to an embedded server, show what arrives, and forget it all at the end
    #[arg(long, conflicts_with_all = ["config", "store", "connectors", "key_file"])]
    pub(super) demo: bool,
}

#[derive(Debug, Args)]
pub(super) struct Example {
    /// Which one, such as `gmail`; `all` has every parameter
    #[arg(default_value = "all")]
    pub(super) provider: String,
}
