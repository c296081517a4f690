//! Alibaba Cloud's Direct Mail: `smtpdm.aliyun.com`, 465. It has codes of its own and no enhanced
//! ones; that the sender is another than the user is a 4yz.

use super::{Credentials, Mail, Provider, Verdict, Words};

/// Direct Mail, with a sender address of each state.
#[derive(Debug)]
pub struct Aliyun;

impl Aliyun {
    /// A sender address in good order.
    pub const USER: &'static str = "noreply@mail.example.com";
    /// Its SMTP password.
    pub const PASSWORD: &'static str = "SmtpPassword8";
    /// A sender address of an account that has sent its daily share.
    pub const SPENT: &'static str = "spent@mail.example.com";
    /// A sender address of an account that may not send.
    pub const BARRED: &'static str = "barred@mail.example.com";
    /// A recipient that Direct Mail keeps as invalid.
    pub const INVALID: &'static str = "gone@example.org";
    /// A word that makes a message spam.
    pub const SPAM: &'static str = "lottery";
}

const BAD_CREDENTIALS: &str = "535 Authentication failure";
const INVALID_RECIPIENT: &str = "559 Invalid rcptto [@sm070104]";
const OTHER_SENDER: &str = "436 \"MAIL FROM\" doesn't conform with authentication [@sm060104]";
const QUOTA: &str = "552 Daily sending quota exceeded";
const SPAM: &str = "554 Reject by content spam";
const UNAVAILABLE: &str = "551 Main account unavailable";

const EXTENSIONS: &[&str] = &[
    "smtp.aliyun-inc.com",
    "8BITMIME",
    "AUTH=PLAIN LOGIN XALIOAUTH",
    "AUTH PLAIN LOGIN XALIOAUTH",
    "PIPELINING",
    "DSN",
];

const WORDS: Words = Words {
    greeting: "220 smtp.aliyun-inc.com MX AliMail Server(127.0.0.1)",
    in_clear: EXTENSIONS,
    within_tls: EXTENSIONS,
    starttls: "220 Ready to start TLS",
    tls_first: None,
    prompts: ["dXNlcm5hbWU6", "UGFzc3dvcmQ6"],
    token_refused: None,
    logged_in: "235 Authentication successful",
    login_first: "553 authentication is required",
    sender: "250 Mail Ok",
    recipient: "250 Rcpt Ok",
    data: "354 End data with <CR><LF>.<CR><LF>",
    accepted: "250 Data Ok: queued as freedom ###envid=148316",
    goodbye: "221 Bye",
};

impl Provider for Aliyun {
    fn words(&self) -> &'static Words {
        &WORDS
    }

    fn log_in(&self, credentials: &Credentials<'_>) -> Verdict {
        match *credentials {
            Credentials::Password(Self::USER | Self::SPENT | Self::BARRED, Self::PASSWORD) => {
                Ok(())
            }
            Credentials::Password(..) | Credentials::Token(..) => Err(BAD_CREDENTIALS),
        }
    }

    fn sender(&self, mail: &Mail) -> Verdict {
        if mail.is_of(&mail.from) { Ok(()) } else { Err(OTHER_SENDER) }
    }

    fn recipient(&self, mail: &Mail) -> Verdict {
        if mail.to.last().is_some_and(|to| to == Self::INVALID) {
            Err(INVALID_RECIPIENT)
        } else {
            Ok(())
        }
    }

    fn content(&self, mail: &Mail) -> Verdict {
        match mail.user.as_deref() {
            Some(Self::SPENT) => Err(QUOTA),
            Some(Self::BARRED) => Err(UNAVAILABLE),
            _ if mail.content.contains(Self::SPAM) => Err(SPAM),
            _ => Ok(()),
        }
    }
}
