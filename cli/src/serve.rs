//! `serve`: the service over HTTP.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::arguments;
use super::failure::{Failure, Problem};
use super::input::unreadable;
use super::terminal::{Style, tell};
use super::{Session, demo, log, print};
use smtp_connector::{Error, ErrorKind};
use smtp_connector_catch_all::CatchAll;
use smtp_connector_server::{Settings, StartError, Started, StoreError, Telemetry};

/// The name of the connector of `serve --demo`.
const DEMO: &str = "demo";

/// The file of the first token, within the same folder.
const TOKEN: &str = "administrator-token";

/// The store where nothing else is set, within the folder that systemd gives.
const STORE: &str = "smtp-connector.db";

pub(super) async fn run(
    session: &Session<'_>,
    command: &arguments::Serve,
) -> Result<ExitCode, Failure> {
    let mut settings = settings(session, command)?;
    if command.demo {
        // Between the mails that arrive a line for each request would only be in the way.
        set(&mut settings, "log", "warn")?;
    }
    let telemetry = settings.otlp.as_ref().map(Telemetry::new).transpose();
    let telemetry = telemetry.map_err(|error| misused(&error))?;
    log::start_for_service(session.arguments.log, &settings, telemetry.as_ref());
    let served = match command.demo {
        true => show(session, settings).await,
        false => serve(session, &settings, None).await,
    };
    if let Some(telemetry) = telemetry {
        telemetry.end().await;
    }
    served
}

async fn serve(
    session: &Session<'_>,
    settings: &Settings,
    connector: Option<&str>,
) -> Result<ExitCode, Failure> {
    let component = session.connector().await?;
    let tell = |started: Started| tell(introduction(&started, connector, Style::stderr()));
    smtp_connector_server::serve(settings, session.engine.clone(), component, tell)
        .await
        .map_err(|error| failure(&error))?;
    Ok(ExitCode::SUCCESS)
}

/// Serves with an embedded server as the relay, and shows what arrives there.
async fn show(session: &Session<'_>, mut settings: Settings) -> Result<ExitCode, Failure> {
    let password = demo::random_password()?;
    let relay = demo::start(&password).await?;
    let configuration = demo::configuration(&session.connector().await?, &relay, &password)?;
    let folder = tempfile::tempdir().map_err(|error| unwritable(&error))?;
    let file = folder.path().join(format!("{DEMO}.json"));
    std::fs::write(file, configuration).map_err(|error| unwritable(&error))?;
    let place = |path: &Path| path.display().to_string();
    set(&mut settings, "connectors", &place(folder.path()))?;
    set(&mut settings, "store", &place(&folder.path().join(STORE)))?;
    set(&mut settings, "egress", &relay.address().ip().to_string())?;
    tokio::select! {
        served = serve(session, &settings, Some(DEMO)) => served,
        failed = show_arrivals(&relay) => Err(failed.into()),
    }
}

/// Shows what arrives, until it cannot.
async fn show_arrivals(relay: &CatchAll) -> Problem {
    let style = Style::stdout();
    loop {
        let caught = relay.next().await;
        let text = demo::show("✓", "arrived", &caught, false, style);
        if let Err(problem) = print(text.as_bytes()) {
            return problem;
        }
    }
}

/// The settings of the file, the environment and the arguments; the last word counts.
fn settings(session: &Session<'_>, command: &arguments::Serve) -> Result<Settings, Failure> {
    let mut settings = match &command.config {
        None => Settings::default(),
        Some(path) => {
            let name = path.display().to_string();
            let text = std::fs::read_to_string(path).map_err(|error| unreadable(&name, &error))?;
            let read = Settings::from_toml(&text);
            read.map_err(|error| Problem::input(format!("`{name}` holds no settings: {error}")))?
        }
    };
    if command.config.is_none()
        && let Some(folder) = std::env::var_os("STATE_DIRECTORY")
    {
        set(&mut settings, "store", &Path::new(&folder).join(STORE).display().to_string())?;
    }
    // What is no text is no setting of ours.
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    settings = settings.with_environment(variables).map_err(|error| misused(&error))?;
    let arguments = [
        ("listen", &command.listen),
        ("store", &command.store),
        ("connectors", &command.connectors),
        ("key_file", &command.key_file),
    ];
    for (name, value) in arguments {
        if let Some(value) = value {
            set(&mut settings, name, value)?;
        }
    }
    if let Some(egress) = &session.arguments.egress {
        settings.egress = egress.clone();
    }
    Ok(settings)
}

fn set(settings: &mut Settings, name: &str, value: &str) -> Result<(), Failure> {
    settings.set(name, value).map_err(|error| misused(&error).into())
}

fn misused(error: &impl std::error::Error) -> Problem {
    Problem::usage(error.to_string(), "docs/service.md lists the settings")
}

fn unwritable(error: &std::io::Error) -> Problem {
    Problem::internal(format!("cannot write a temporary file: {error}"))
}

fn failure(error: &StartError) -> Failure {
    let message = error.to_string();
    match error {
        StartError::Setting(_) => {
            Problem::usage(message, "docs/service.md lists the settings").into()
        }
        StartError::Keys(_) | StartError::Store(StoreError::Version(_) | StoreError::File(..)) => {
            Problem::input(message).into()
        }
        StartError::Store(StoreError::Away(_)) => Error::new(ErrorKind::Connect, message).into(),
        // Another process has it, and may end.
        StartError::Store(StoreError::Closed | StoreError::Taken(_)) | StartError::Listen(..) => {
            Error::new(ErrorKind::Temporary, message).into()
        }
        StartError::System(_) => Problem::internal(message).into(),
    }
}

/// What people see when the service has started.
fn introduction(started: &Started, connector: Option<&str>, style: Style) -> String {
    let places = started.places.join(", ");
    let mut text = format!("{} listens at {places}\n", style.bold("smtp-connector"));
    // The key of a demo goes with the demo.
    if let Some(path) = started.new_keys.as_ref().filter(|_| connector.is_none()) {
        let path = path.display();
        text += &format!("  The store is encrypted with the key in {path}: keep a copy of it.\n");
    }
    let Some(token) = &started.first_token else { return text };
    if let Some(path) = keep(token) {
        let path = path.display();
        text += &format!(
            "  The administrator's token is in {path}: take it from there and delete the file.\n"
        );
        return text;
    }
    text += &format!("  The administrator's token, which is shown only now:\n  {token}\n");
    if let Some(connector) = connector {
        let place = started.places.first().map_or("127.0.0.1:8025", String::as_str);
        text += &format!(
            "Send a mail from another terminal:\n\n\
             curl http://{place}/v1/connectors/{connector}/messages \\\n  \
               -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' \\\n  \
               -d '{{\"to\":\"jo@example.org\",\"type\":\"SignIn\",\"payload\":{{\"code\":\"482913\"}}}}'\n\n"
        );
    }
    text
}

/// Puts the first token into a file of the state's folder where the standard error is systemd's
/// journal, which others may read, too, and which keeps it; gives the place.
fn keep(token: &str) -> Option<PathBuf> {
    let journal = std::env::var("JOURNAL_STREAM").ok()?;
    let folder = std::env::var_os("STATE_DIRECTORY")?;
    // A terminal below a service has the variable, too.
    let stderr = std::fs::metadata("/dev/stderr").ok()?;
    if journal != format!("{}:{}", stderr.dev(), stderr.ino()) {
        return None;
    }
    let path = Path::new(&folder).join(TOKEN);
    let opened = File::options().create(true).truncate(true).write(true).mode(0o600).open(&path);
    writeln!(opened.ok()?, "{token}").ok()?;
    Some(path)
}
