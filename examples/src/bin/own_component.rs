//! A platform loads a connector of its own, from a file: `own_component FILE`.

use smtp_connector::{Engine, Limits, Request};
use smtp_connector_catch_all::{CatchAll, Options as ServerOptions, Security};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Some(file) = std::env::args_os().nth(1) else {
        return Err("name the component's file".into());
    };
    let mut limits = Limits::default();
    limits.memory_bytes = 32 << 20;
    // A directory for compiled code spares the next process the compiler.
    let engine = Engine::builder().limits(limits).build()?;
    let connector = engine.load_file(&file).await?;
    println!("`{}` connects to {}", connector.descriptor().id, connector.descriptor().target);

    let server = CatchAll::start(ServerOptions::default().security(Security::Plaintext)).await?;
    let mut configuration = server.configuration();
    configuration["fromEmail"] = "no-reply@example.com".into();
    let mailer = connector.configure(&configuration.to_string()).await?;
    let request = Request::new("SignIn", "jo@example.org");
    let rendered = mailer.render(&request.payload(serde_json::json!({ "code": "482913" }))).await?;
    print!("{}", String::from_utf8_lossy(rendered.bytes()));
    Ok(())
}
