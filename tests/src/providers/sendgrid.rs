//! SendGrid: `smtp.sendgrid.net`, 587 and 465. No enhanced status codes, and AUTH in clear, too.

use super::{Credentials, Mail, Provider, Verdict, Words};

/// SendGrid, with an API key of each state.
#[derive(Debug)]
pub struct SendGrid;

impl SendGrid {
    /// A key with the permission to send.
    pub const KEY: &'static str = "SG.good-key";
    /// A key that was deleted, or may not send.
    pub const REVOKED: &'static str = "SG.revoked-key";
    /// A key of an account without credits.
    pub const SPENT: &'static str = "SG.spent-key";
    /// The domain that is verified as a sender's.
    pub const DOMAIN: &'static str = "shop.example.com";
}

const BAD_CREDENTIALS: &str = "535 Authentication failed: Bad username / password";
const INVALID_GRANT: &str =
    "535 Authentication failed: The provided authorization grant is invalid, expired, or revoked";
const NO_CREDITS: &str = "451 Authentication failed: Maximum credits exceeded";
const UNVERIFIED: &str = "550 The from address does not match a verified Sender Identity.";

const EXTENSIONS: &[&str] = &[
    "smtp.sendgrid.net",
    "8BITMIME",
    "PIPELINING",
    "SIZE 31457280",
    "STARTTLS",
    "AUTH PLAIN LOGIN",
    "AUTH=PLAIN LOGIN",
];

const WORDS: Words = Words {
    greeting: "220 SG ESMTP service ready at geopod-ismtpd-4",
    in_clear: EXTENSIONS,
    within_tls: EXTENSIONS,
    starttls: "220 Begin TLS negotiation now",
    tls_first: None,
    prompts: ["VXNlcm5hbWU6", "UGFzc3dvcmQ6"],
    token_refused: None,
    logged_in: "235 Authentication successful",
    login_first: "550 Unauthenticated senders not allowed",
    sender: "250 Sender address accepted",
    recipient: "250 Recipient address accepted",
    data: "354 Continue",
    accepted: "250 Ok: queued as nhIMmON9SFOPcT0ii4nt2A",
    goodbye: "221 See you later",
};

impl Provider for SendGrid {
    fn words(&self) -> &'static Words {
        &WORDS
    }

    fn log_in(&self, credentials: &Credentials<'_>) -> Verdict {
        match *credentials {
            Credentials::Password("apikey", Self::KEY) => Ok(()),
            Credentials::Password("apikey", Self::SPENT) => Err(NO_CREDITS),
            Credentials::Password("apikey", Self::REVOKED) => Err(INVALID_GRANT),
            Credentials::Password(..) | Credentials::Token(..) => Err(BAD_CREDENTIALS),
        }
    }

    /// Judges what the recipient sees, not the envelope.
    fn content(&self, mail: &Mail) -> Verdict {
        let author = mail.content.lines().find(|line| line.starts_with("From:"));
        let verified = author.is_some_and(|author| author.contains(Self::DOMAIN));
        if verified { Ok(()) } else { Err(UNVERIFIED) }
    }
}
