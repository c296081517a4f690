//! Peers that behave as four providers document it: what each says at every step, whom it lets in,
//! and how it refuses the usual mistakes.
//!
//! One file for each provider holds its words and its few rules. Codes, status codes and
//! keywords are the providers'; the texts are cut to what they are known by.

mod aliyun;
mod gmail;
mod outlook365;
mod sendgrid;
mod session;

use std::fmt;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tokio::sync::oneshot;

pub use aliyun::Aliyun;
pub use gmail::Gmail;
pub use outlook365::Outlook365;
pub use sendgrid::SendGrid;

use crate::certificates::Authority;
use crate::peer::ServerTls;

/// What a rule says: nothing, or the refusal with its code. Its lines are separated by line feeds.
pub type Verdict = Result<(), &'static str>;

/// A provider: its words, and whom and what it refuses.
pub trait Provider: fmt::Debug + Send + Sync {
    /// What it says where nothing is wrong.
    fn words(&self) -> &'static Words;

    /// Judges the name that EHLO gives.
    fn hello(&self, _name: &str) -> Verdict {
        Ok(())
    }

    /// Judges credentials.
    fn log_in(&self, credentials: &Credentials<'_>) -> Verdict;

    /// Judges the sender, the last thing that is known of the mail.
    fn sender(&self, _mail: &Mail) -> Verdict {
        Ok(())
    }

    /// Judges the recipient that was named last.
    fn recipient(&self, _mail: &Mail) -> Verdict {
        Ok(())
    }

    /// Judges the whole mail.
    fn content(&self, _mail: &Mail) -> Verdict {
        Ok(())
    }
}

/// What a provider says where nothing is wrong, and where a step is missing.
#[derive(Debug)]
pub struct Words {
    /// The greeting.
    pub greeting: &'static str,
    /// The lines of the EHLO reply in clear; the first is the salutation.
    pub in_clear: &'static [&'static str],
    /// The same within TLS.
    pub within_tls: &'static [&'static str],
    /// The reply to STARTTLS.
    pub starttls: &'static str,
    /// The refusal of AUTH and MAIL in clear, where TLS is a must.
    pub tls_first: Option<&'static str>,
    /// The prompts of LOGIN, in base64.
    pub prompts: [&'static str; 2],
    /// What precedes the refusal of a token (RFC 7628 §3.2.3), in JSON.
    pub token_refused: Option<&'static str>,
    /// The reply to credentials.
    pub logged_in: &'static str,
    /// The refusal of MAIL without a login.
    pub login_first: &'static str,
    /// The reply to MAIL.
    pub sender: &'static str,
    /// The reply to RCPT.
    pub recipient: &'static str,
    /// The reply to DATA.
    pub data: &'static str,
    /// The reply to the message.
    pub accepted: &'static str,
    /// The reply to QUIT.
    pub goodbye: &'static str,
}

/// What somebody logs in with.
#[derive(Debug, Clone, Copy)]
pub enum Credentials<'a> {
    /// User and password, by PLAIN or LOGIN.
    Password(&'a str, &'a str),
    /// User and access token, by XOAUTH2.
    Token(&'a str, &'a str),
}

/// A mail, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mail {
    /// Who is logged in.
    pub user: Option<String>,
    /// The reverse-path.
    pub from: String,
    /// The forward-paths.
    pub to: Vec<String>,
    /// The message.
    pub content: String,
}

impl Mail {
    /// Whether the one who is logged in is this user.
    pub fn is_of(&self, user: &str) -> bool {
        self.user.as_deref() == Some(user)
    }
}

/// A running provider on loopback, with a port of either kind. It ends when it is dropped.
#[derive(Debug)]
pub struct Server {
    submission: u16,
    submissions: u16,
    ca: String,
    kept: Kept,
    _stop: oneshot::Sender<()>,
}

/// The mails that were accepted.
type Kept = Arc<Mutex<Vec<Mail>>>;

impl Server {
    /// Starts a provider.
    pub fn start(provider: impl Provider + 'static) -> Self {
        let authority = Authority::new();
        let tls = authority.localhost().server();
        let (clear, encrypted) = (listener(), listener());
        let (submission, submissions) = (port(&clear), port(&encrypted));
        let kept = Kept::default();
        let house = Arc::new(House { provider: Box::new(provider), tls, kept: Arc::clone(&kept) });
        let (stop, stopped) = oneshot::channel::<()>();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be made").block_on(async {
                tokio::select! {
                    () = serve(clear, &house, false) => {}
                    () = serve(encrypted, &house, true) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { submission, submissions, ca: authority.pem().to_owned(), kept, _stop: stop }
    }

    /// The port that begins in clear and offers STARTTLS, as 587 does.
    pub fn submission(&self) -> u16 {
        self.submission
    }

    /// The port with implicit TLS, as 465.
    pub fn submissions(&self) -> u16 {
        self.submissions
    }

    /// The certificate of the authority that vouches for it, in PEM.
    pub fn ca(&self) -> &str {
        &self.ca
    }

    /// The mails that it accepted.
    pub fn kept(&self) -> Vec<Mail> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What all sessions of a server share.
#[derive(Debug)]
struct House {
    provider: Box<dyn Provider>,
    tls: ServerTls,
    kept: Kept,
}

async fn serve(listener: TcpListener, house: &Arc<House>, implicit: bool) {
    let listener =
        tokio::net::TcpListener::from_std(listener).expect("the runtime can watch a socket");
    while let Ok((socket, _)) = listener.accept().await {
        let house = Arc::clone(house);
        tokio::spawn(async move {
            // A client may leave whenever it likes.
            let _ = session::serve(socket, &house, implicit).await;
        });
    }
}

fn listener() -> TcpListener {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
    listener.set_nonblocking(true).expect("a listener can be made non-blocking");
    listener
}

fn port(listener: &TcpListener) -> u16 {
    listener.local_addr().expect("a bound listener has an address").port()
}
