//! A platform sends a code: an engine, a connector, a mailer, a message.

use smtp_connector::{EgressPolicy, Engine, Options, Request};
use smtp_connector_catch_all::{CatchAll, Options as ServerOptions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // In the place of a tenant's server, one that keeps what it receives.
    let server = CatchAll::start(ServerOptions::default()).await?;
    let configuration = server.configuration().to_string();

    let engine = Engine::new()?; // once per process
    let connector = engine.bundled().await?; // once per component
    // That server is on loopback, where the default policy lets no tenant's mail go.
    let options = Options::default().egress(EgressPolicy::only(["127.0.0.1"]));
    let mailer = match connector.configure_with(&configuration, &options).await {
        Ok(mailer) => mailer, // once per configuration
        Err(error) => {
            for finding in error.diagnostics() {
                eprintln!("{} {}: {}", finding.code, finding.path, finding.message);
            }
            return Err(error.into());
        }
    };

    let payload = serde_json::json!({ "code": "482913" });
    let request = Request::new("SignIn", "jo@example.org").payload(payload);
    match mailer.send(&request).await {
        Ok(receipt) => println!("accepted: {}", receipt.reply),
        // The server may have it: who sends it again may send it twice.
        Err(error) if error.is_ambiguous() => println!("perhaps accepted: {error}"),
        Err(error) => println!("{error} ({})", error.hint().unwrap_or("no hint")),
    }
    mailer.close().await;

    for mail in server.caught() {
        print!("{}", mail.parse().part("text/plain").unwrap_or_default());
    }
    Ok(())
}
