//! Finds out what a port really speaks after a verification failed there: TLS at once, plaintext
//! with or without STARTTLS, or nothing at all. It asks the same server at the same port, by the
//! same way, and sends nothing that a server would act on.

use std::time::Duration;

use tokio::time::timeout;

use super::Submitter;
use super::advice;
use super::capabilities::Capabilities;
use super::dial::Dialler;
use super::journal::Journal;
use super::route::Route;
use super::security::Security;
use super::wire::Wire;
use crate::error::{Error, ErrorKind, Result, Stage};
use crate::plan::{TlsMode, TlsOptions};

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
pub(super) async fn advise(
    submitter: &Submitter,
    error: &Error,
    journal: &Journal,
) -> Option<&'static str> {
    let implicit = submitter.plan.tls == TlsMode::Implicit;
    let spoken = match (error.stage()?, error.kind()) {
        (Stage::Tls, ErrorKind::Lost | ErrorKind::Timeout | ErrorKind::Tls)
            if implicit && !advice::is_about_certificate(error) =>
        {
            ask_in_clear(submitter, journal.aside()).await
        }
        (Stage::Greeting, ErrorKind::Lost | ErrorKind::Protocol | ErrorKind::Timeout)
            if !implicit =>
        {
            ask_by_tls(submitter, journal.aside()).await
        }
        _ => return None,
    };
    journal.remark(match spoken {
        Spoken::ImplicitTls => "asked again, the port speaks TLS at once",
        Spoken::Starttls => "asked again, the port speaks plaintext with STARTTLS",
        Spoken::Plaintext => "asked again, the port speaks plaintext without STARTTLS",
        Spoken::Nothing => "asked again, the port says nothing that is understood",
    });
    match spoken {
        Spoken::ImplicitTls => Some(advice::IMPLICIT_TLS_PORT),
        Spoken::Starttls => Some(advice::PLAINTEXT_PORT),
        Spoken::Plaintext => Some(advice::CLEAR_PORT),
        // Who was answered at all needs another advice than this.
        Spoken::Nothing if error.kind() == ErrorKind::Timeout => Some(advice::SILENT_PORT),
        Spoken::Nothing => None,
    }
}

async fn ask_in_clear(submitter: &Submitter, journal: Journal) -> Spoken {
    let asked = async {
        let route = route(submitter, &journal).await?;
        let mut wire = Wire::new(route.stream, journal);
        wire.reply(Stage::Greeting, PATIENCE).await?;
        let name = super::session::ehlo_name(&submitter.plan, route.local);
        let answer = wire.command(Stage::Ehlo, &format!("EHLO {name}\r\n"), PATIENCE).await;
        // A server that refuses to go on speaks SMTP all the same.
        let offered = answer.map(|answer| Capabilities::parse(&answer.words)).unwrap_or_default();
        let _ = wire.command(Stage::Quit, "QUIT\r\n", PATIENCE).await;
        Ok::<_, Error>(if offered.starttls { Spoken::Starttls } else { Spoken::Plaintext })
    };
    in_time(asked).await
}

async fn ask_by_tls(submitter: &Submitter, journal: Journal) -> Spoken {
    let asked = async {
        let plan = &submitter.plan;
        // Whose certificate it is does not matter here.
        let options = TlsOptions { verify_certificate: false, ..plan.tls_options.clone() };
        let security = Security::new(&options, &plan.endpoint.host, &submitter.vault, "/tls")?;
        let route = route(submitter, &journal).await?;
        security.negotiate(route.stream, PATIENCE, &journal).await?;
        Ok::<_, Error>(Spoken::ImplicitTls)
    };
    in_time(asked).await
}

async fn in_time(asked: impl Future<Output = Result<Spoken>>) -> Spoken {
    timeout(PATIENCE, asked).await.ok().and_then(Result::ok).unwrap_or(Spoken::Nothing)
}

async fn route(submitter: &Submitter, journal: &Journal) -> Result<Route> {
    let connection = submitter.dialler.connection.min(PATIENCE);
    Route::open(submitter, &Dialler { connection, ..submitter.dialler.clone() }, journal).await
}
