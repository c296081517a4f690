//! A program that builds its mails with lettre submits them over the connections of a mailer.

use std::time::Duration;

use lettre::message::{MultiPart, header};
use lettre::{AsyncTransport as _, Message};
use smtp_connector::{Delivery, EgressPolicy, Engine, Options};
use smtp_connector_catch_all::{CatchAll, Options as ServerOptions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = CatchAll::start(ServerOptions::default()).await?;
    let configuration = server.configuration().to_string();
    let options = Options::default().egress(EgressPolicy::only(["127.0.0.1"]));
    let mailer = Engine::new()?.bundled().await?.configure_with(&configuration, &options).await?;

    // Where there was an `AsyncSmtpTransport`, there is this one; nothing else changes.
    let transport =
        mailer.transport().delivery(Delivery::default().within(Duration::from_secs(60)));

    let message = Message::builder()
        .from("Acme <no-reply@acme.example>".parse()?)
        .to("Jo <jo@example.org>".parse()?)
        .cc("sam@example.org".parse()?)
        .subject("Welcome")
        .header(header::MIME_VERSION_1_0)
        .multipart(MultiPart::alternative_plain_html(
            "Good to have you here.\n".to_owned(),
            "<p>Good to have you here.</p>\n".to_owned(),
        ))?;
    let receipt = transport.send(message).await?;

    println!("accepted for {}: {}", receipt.accepted.join(", "), receipt.reply);
    for rejection in &receipt.rejected {
        println!("not for {}: {}", rejection.address, rejection.reply);
    }
    transport.shutdown().await;
    Ok(())
}
