//! Gmail: `smtp.gmail.com`, 465 and 587. Every reply ends with the session and `gsmtp`.

use super::{Credentials, Mail, Provider, Verdict, Words};

/// Gmail, with an account of each state.
#[derive(Debug)]
pub struct Gmail;

impl Gmail {
    /// An account in good order.
    pub const USER: &'static str = "ann@gmail.com";
    /// Its password for programs.
    pub const APP_PASSWORD: &'static str = "abcdefghijklmnop";
    /// Its password for people.
    pub const OWN_PASSWORD: &'static str = "correct horse battery";
    /// An access token for it.
    pub const TOKEN: &'static str = "ya29.good";
    /// An account whose login looks suspicious.
    pub const SUSPECT: &'static str = "suspect@gmail.com";
    /// An account that logs in all the time.
    pub const HASTY: &'static str = "hasty@gmail.com";
    /// An account that has sent its daily share.
    pub const SPENT: &'static str = "spent@gmail.com";
}

const BAD_CREDENTIALS: &str = "535-5.7.8 Username and Password not accepted.\n\
    535 5.7.8 https://support.google.com/mail/?p=BadCredentials 4sm52 - gsmtp";
const DAILY_LIMIT: &str =
    "550-5.4.5 Daily user sending limit exceeded.\n550 5.4.5 a/answer/166852 4sm52 - gsmtp";
const NAME: &str = "421 4.7.0 Try again later, closing connection. (EHLO) 4sm52 - gsmtp";
const SECOND_FACTOR: &str = "534-5.7.9 Application-specific password required.\n\
    534 5.7.9 https://support.google.com/mail/?p=InvalidSecondFactor 4sm52 - gsmtp";
const TOO_MANY_LOGINS: &str =
    "454 4.7.0 Too many login attempts, please try again later. 4sm52 - gsmtp";
const WEB_LOGIN: &str = "534-5.7.14 <https://accounts.google.com/signin/continue?sarp=1> \
    Please log\n534-5.7.14 in via your web browser and then try again.\n534 5.7.14 4sm52 - gsmtp";

const WORDS: Words = Words {
    greeting: "220 smtp.gmail.com ESMTP 4sm52 - gsmtp",
    in_clear: &[
        "smtp.gmail.com at your service, [127.0.0.1]",
        "SIZE 35882577",
        "8BITMIME",
        "STARTTLS",
        "ENHANCEDSTATUSCODES",
        "PIPELINING",
        "CHUNKING",
        "SMTPUTF8",
    ],
    within_tls: &[
        "smtp.gmail.com at your service, [127.0.0.1]",
        "SIZE 35882577",
        "8BITMIME",
        "AUTH LOGIN PLAIN XOAUTH2 PLAIN-CLIENTTOKEN OAUTHBEARER XOAUTH",
        "ENHANCEDSTATUSCODES",
        "PIPELINING",
        "CHUNKING",
        "SMTPUTF8",
    ],
    starttls: "220 2.0.0 Ready to start TLS",
    tls_first: Some("530 5.7.0 Must issue a STARTTLS command first. 4sm52 - gsmtp"),
    prompts: ["VXNlcm5hbWU6", "UGFzc3dvcmQ6"],
    token_refused: Some(
        r#"{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}"#,
    ),
    logged_in: "235 2.7.0 Accepted",
    login_first: "530-5.7.0 Authentication Required.\n\
        530 5.7.0 https://support.google.com/mail/?p=WantAuthError 4sm52 - gsmtp",
    sender: "250 2.1.0 OK 4sm52 - gsmtp",
    recipient: "250 2.1.5 OK 4sm52 - gsmtp",
    data: "354 Go ahead 4sm52 - gsmtp",
    accepted: "250 2.0.0 OK 1700000000 4sm52 - gsmtp",
    goodbye: "221 2.0.0 closing connection 4sm52 - gsmtp",
};

impl Provider for Gmail {
    fn words(&self) -> &'static Words {
        &WORDS
    }

    fn hello(&self, name: &str) -> Verdict {
        if name == "localhost" { Err(NAME) } else { Ok(()) }
    }

    fn log_in(&self, credentials: &Credentials<'_>) -> Verdict {
        match *credentials {
            Credentials::Password(Self::SUSPECT, _) => Err(WEB_LOGIN),
            Credentials::Password(Self::HASTY, _) => Err(TOO_MANY_LOGINS),
            Credentials::Password(Self::USER | Self::SPENT, Self::APP_PASSWORD)
            | Credentials::Token(Self::USER, Self::TOKEN) => Ok(()),
            Credentials::Password(Self::USER, Self::OWN_PASSWORD) => Err(SECOND_FACTOR),
            Credentials::Password(..) | Credentials::Token(..) => Err(BAD_CREDENTIALS),
        }
    }

    fn content(&self, mail: &Mail) -> Verdict {
        if mail.is_of(Self::SPENT) { Err(DAILY_LIMIT) } else { Ok(()) }
    }
}
