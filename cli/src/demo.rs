//! `demo`: the whole path on one machine with nothing to set up. An embedded server catches one
//! mail of every type that Logto sends, and the terminal shows what arrived.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

use super::arguments;
use super::failure::{Failure, Problem};
use super::terminal::{Style, harmless};
use super::{Session, print};
use smtp_connector::{Connector, Error, ErrorKind, Mailer, Request};
use smtp_connector_catch_all::{CatchAll, Caught, Credentials, Options as ServerOptions};

/// The types of message that Logto asks for.
const TYPES: [&str; 9] = [
    "SignIn",
    "Register",
    "ForgotPassword",
    "OrganizationInvitation",
    "Generic",
    "UserPermissionValidation",
    "BindNewIdentifier",
    "MfaVerification",
    "BindMfa",
];

/// The example that the demo sends with.
const EXAMPLE: &str = "demo";

/// Who logs in, and who receives.
const USER: &str = "demo@example.com";
const RECIPIENT: &str = "Jo Doe <jo@example.org>";

/// How long a message may take from its acceptance to the server's store: it is there already.
const ARRIVAL: Duration = Duration::from_secs(5);

pub(super) async fn run(
    session: &Session<'_>,
    command: &arguments::Demo,
) -> Result<ExitCode, Failure> {
    let style = Style::stdout();
    let password = random_password()?;
    let server = start(&password).await?;
    let connector = session.connector().await?;
    let configuration = configuration(&connector, &server, &password)?;
    let mailer = connector.configure_with(&configuration, &session.options()).await?;
    print(introduction(&server, style).as_bytes())?;
    for (index, usage_type) in TYPES.iter().enumerate() {
        let caught = deliver(&mailer, &server, usage_type).await?;
        let number = format!("{}/{}", index + 1, TYPES.len());
        print(show(&number, usage_type, &caught, command.full, style).as_bytes())?;
    }
    let count = server.caught().len();
    print(format!("{}\n", style.good(&format!("✓ {count} mails arrived"))).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn start(password: &str) -> Result<CatchAll, Problem> {
    let options = ServerOptions::default().credentials(Credentials::new(USER, password));
    let started = CatchAll::start(options).await;
    started.map_err(|error| Problem::internal(format!("cannot start the embedded server: {error}")))
}

pub(super) fn random_password() -> Result<String, Problem> {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random)
        .map_err(|error| Problem::internal(format!("the system has no randomness: {error}")))?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The example, pointed at the embedded server.
pub(super) fn configuration(
    connector: &Connector,
    server: &CatchAll,
    password: &str,
) -> Result<String, Error> {
    let example = connector.descriptor().examples.iter().find(|example| example.id == EXAMPLE);
    let Some(mut configuration) = example.map(|example| example.configuration.clone()) else {
        return Err(Error::new(
            ErrorKind::Component,
            format!("the component has no example `{EXAMPLE}`"),
        ));
    };
    let address = server.address();
    configuration["host"] = json!(address.ip().to_string());
    configuration["port"] = json!(address.port());
    configuration["requireTLS"] = json!(true);
    configuration["auth"] = json!({ "user": USER, "pass": password });
    configuration["tls"] = json!({ "ca": server.certificate_pem() });
    Ok(configuration.to_string())
}

fn payload() -> Value {
    json!({
        "code": "482913",
        "link": "https://accounts.example.com/invitations/7f3a9c",
        "application": { "name": "Example Shop" },
        "organization": { "name": "Exämple & Söhne" },
        "user": { "name": "Jo Doe", "primaryEmail": "jo@example.org" },
        "inviter": { "name": "Sam <Admin>" },
    })
}

async fn deliver(mailer: &Mailer, server: &CatchAll, usage_type: &str) -> Result<Caught, Failure> {
    let request = Request::new(usage_type, RECIPIENT).payload(payload());
    mailer.send(&request).await?;
    tokio::time::timeout(ARRIVAL, server.next()).await.map_err(|_| {
        Problem::internal(format!("the mail of type `{usage_type}` did not arrive")).into()
    })
}

fn introduction(server: &CatchAll, style: Style) -> String {
    format!(
        "{} a catch-all SMTP server listens on {}\n{}\n\n",
        style.bold("smtp-connector demo:"),
        server.address(),
        style.dim(
            "check in the sandbox → compose in the sandbox → STARTTLS → AUTH → DATA → what arrived:"
        ),
    )
}

pub(super) fn show(
    number: &str,
    usage_type: &str,
    caught: &Caught,
    full: bool,
    style: Style,
) -> String {
    let mail = caught.parse();
    let tls = caught.tls.as_deref().unwrap_or("in clear");
    let user = caught.authenticated_as.as_deref().unwrap_or("nobody");
    let session = format!("{tls}, authenticated as {user}, {} bytes", caught.bytes.len());
    let mut text =
        format!("{} {} {}\n", style.dim(number), style.bold(usage_type), style.dim(&session));
    let names = ["From", "To", "Subject"];
    for (name, value) in names.iter().filter_map(|name| Some((name, mail.field(name)?))) {
        text += &format!("  {:<8} {}\n", style.cure(name), harmless(value));
    }
    for part in &mail.parts {
        if full || part.media_type == "text/plain" {
            text += &indented(&part.text, style);
        } else {
            let size = format!("({}, {} characters)", part.media_type, part.text.chars().count());
            text += &format!("  {}\n", style.dim(&size));
        }
    }
    text.push('\n');
    text
}

fn indented(body: &str, style: Style) -> String {
    let bar = style.dim("│");
    harmless(body).trim_end().lines().map(|line| format!("  {bar} {line}\n")).collect()
}
