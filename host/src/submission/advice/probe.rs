//! Finds out what a port really speaks after a verification failed there: TLS at once, plaintext
//! with or without STARTTLS, or nothing at all. It asks the same server at the same port, by the
//! same way, and sends nothing that a server would act on.

use std::time::Duration;

use tokio::time::timeout;

use crate::error::{Error, ErrorKind, Result, Stage};
use crate::plan::{TlsMode, TlsOptions};
use crate::submission::network::Context;
use crate::submission::network::dial::Dialler;
use crate::submission::network::route::Route;
use crate::submission::network::tls::Tls;
use crate::submission::network::wire_error::IMPLICIT_TLS_PORT;
use crate::submission::record::Record;
use crate::submission::session::capabilities::Capabilities;
use crate::submission::session::opening;
use crate::submission::session::wire::Wire;

/// How long each question may take. Servers that hold their greeting back against spammers do so
/// for up to six seconds.
const PATIENCE: Duration = Duration::from_secs(8);

/// What a port speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spoken {
    /// TLS from the first byte.
    ImplicitTls,
    /// SMTP in clear that offers STARTTLS.
    Starttls,
    /// SMTP in clear, and nothing else.
    Plaintext,
    /// Nothing that was understood.
    Nothing,
}

/// The setting to change, where the failure may come from speaking the wrong way at this port.
pub(crate) async fn advise(
    context: &Context,
    error: &Error,
    record: &Record,
) -> Option<&'static str> {
    let implicit = context.plan.tls == TlsMode::Implicit;
    let spoken = match (error.stage()?, error.kind()) {
        (Stage::Tls, ErrorKind::Lost | ErrorKind::Timeout | ErrorKind::Tls)
            if implicit && !super::is_about_certificate(error) =>
        {
            ask_in_clear(context, record.aside()).await
        }
        (Stage::Greeting, ErrorKind::Lost | ErrorKind::Protocol | ErrorKind::Timeout)
            if !implicit =>
        {
            ask_by_tls(context, record.aside()).await
        }
        _ => return None,
    };
    record.remark(match spoken {
        Spoken::ImplicitTls => "asked again, the port speaks TLS at once",
        Spoken::Starttls => "asked again, the port speaks plaintext with STARTTLS",
        Spoken::Plaintext => "asked again, the port speaks plaintext without STARTTLS",
        Spoken::Nothing => "asked again, the port says nothing that is understood",
    });
    match spoken {
        Spoken::ImplicitTls => Some(IMPLICIT_TLS_PORT),
        Spoken::Starttls => Some(super::PLAINTEXT_PORT),
        Spoken::Plaintext => Some(super::CLEAR_PORT),
        // Who was answered at all needs another advice than this.
        Spoken::Nothing if error.kind() == ErrorKind::Timeout => Some(super::SILENT_PORT),
        Spoken::Nothing => None,
    }
}

async fn ask_in_clear(context: &Context, record: Record) -> Spoken {
    let asked = async {
        let route = route(context, &record).await?;
        let mut wire = Wire::new(route.stream, record);
        wire.reply(Stage::Greeting, PATIENCE).await?;
        let name = opening::ehlo_name(&context.plan, route.local);
        let answer = wire.command(Stage::Ehlo, &format!("EHLO {name}\r\n"), PATIENCE).await;
        // A server that refuses to go on speaks SMTP all the same.
        let offered = answer.map(|answer| Capabilities::parse(&answer.words)).unwrap_or_default();
        let _ = wire.command(Stage::Quit, "QUIT\r\n", PATIENCE).await;
        Ok::<_, Error>(if offered.starttls { Spoken::Starttls } else { Spoken::Plaintext })
    };
    in_time(asked).await
}

async fn ask_by_tls(context: &Context, record: Record) -> Spoken {
    let asked = async {
        let plan = &context.plan;
        // Whose certificate it is does not matter here.
        let options = TlsOptions { verify_certificate: false, ..plan.tls_options.clone() };
        let tls = Tls::new(&options, &plan.endpoint.host, &context.secrets, "/tls")?;
        let route = route(context, &record).await?;
        tls.negotiate(route.stream, PATIENCE, &record).await?;
        Ok::<_, Error>(Spoken::ImplicitTls)
    };
    in_time(asked).await
}

async fn in_time(asked: impl Future<Output = Result<Spoken>>) -> Spoken {
    timeout(PATIENCE, asked).await.ok().and_then(Result::ok).unwrap_or(Spoken::Nothing)
}

async fn route(context: &Context, record: &Record) -> Result<Route> {
    let connection = context.dialler.connection.min(PATIENCE);
    Route::open(context, &Dialler { connection, ..context.dialler.clone() }, record).await
}
