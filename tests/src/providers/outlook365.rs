//! Exchange Online: `smtp.office365.com`, 587 with STARTTLS only. Most replies end with the
//! server's name.

use super::{Credentials, Mail, Provider, Verdict, Words};

/// Exchange Online, with a mailbox of each state.
#[derive(Debug)]
pub struct Outlook365;

impl Outlook365 {
    /// A mailbox in good order that still takes a password.
    pub const USER: &'static str = "app@contoso.com";
    /// The password of every mailbox.
    pub const PASSWORD: &'static str = "Passw0rd-of-contoso";
    /// An access token of an application that may send as `USER`.
    pub const TOKEN: &'static str = "eyJ0.good.token";
    /// A mailbox without "Authenticated SMTP".
    pub const DISABLED: &'static str = "disabled@contoso.com";
    /// A mailbox in an organisation with security defaults.
    pub const DEFAULTS: &'static str = "defaults@contoso.com";
    /// A mailbox that a policy keeps from logging in.
    pub const POLICY: &'static str = "policy@contoso.com";
    /// A mailbox that takes no passwords.
    pub const MODERN: &'static str = "modern@contoso.com";
    /// The same, after the end of passwords for all.
    pub const RETIRED: &'static str = "retired@contoso.com";
    /// A mailbox that others are sending through.
    pub const BUSY: &'static str = "busy@contoso.com";
    /// A mailbox that has reached its daily limit.
    pub const SPENT: &'static str = "spent@contoso.com";
}

const BAD_CREDENTIALS: &str =
    "535 5.7.3 Authentication unsuccessful [AM0PR06CA0126.eurprd06.prod.outlook.com]";
const BASIC_DISABLED: &str = "535 5.7.139 Authentication unsuccessful, \
    basic authentication is disabled. [AM0PR06CA0126.eurprd06.prod.outlook.com]";
const BASIC_RETIRED: &str =
    "550 5.7.30 Basic authentication is not supported for Client Submission.";
const BUSY: &str = "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded";
const CRITERIA: &str = "535 5.7.139 Authentication unsuccessful, \
    the request did not meet the criteria to be authenticated successfully. \
    [AM0PR06CA0126.eurprd06.prod.outlook.com]";
const DAILY_LIMIT: &str =
    "550 5.1.90 Your message can't be sent because you've reached your daily limit";
const SECURITY_DEFAULTS: &str = "535 5.7.139 Authentication unsuccessful, \
    user is locked by your organization's security defaults policy. \
    [AM0PR06CA0126.eurprd06.prod.outlook.com]";
const SEND_AS: &str = "554 5.2.252 SendAsDenied; not allowed to send as; \
    STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied";
const SMTP_DISABLED: &str = "535 5.7.139 Authentication unsuccessful, \
    SmtpClientAuthentication is disabled for the Tenant. \
    [AM0PR06CA0126.eurprd06.prod.outlook.com]";

const WORDS: Words = Words {
    greeting: "220 AM0PR06CA0126.outlook.office365.com Microsoft ESMTP MAIL Service ready at \
        Wed, 14 Feb 2024 14:50:26 +0000",
    in_clear: &[
        "AM0PR06CA0126.outlook.office365.com Hello [127.0.0.1]",
        "SIZE 157286400",
        "PIPELINING",
        "DSN",
        "ENHANCEDSTATUSCODES",
        "STARTTLS",
        "8BITMIME",
        "BINARYMIME",
        "CHUNKING",
        "SMTPUTF8",
    ],
    within_tls: &[
        "AM0PR06CA0126.outlook.office365.com Hello [127.0.0.1]",
        "SIZE 157286400",
        "PIPELINING",
        "DSN",
        "ENHANCEDSTATUSCODES",
        "AUTH LOGIN XOAUTH2",
        "8BITMIME",
        "BINARYMIME",
        "CHUNKING",
        "SMTPUTF8",
    ],
    starttls: "220 2.0.0 SMTP server ready",
    tls_first: Some(
        "451 5.7.3 STARTTLS is required to send mail [AM0PR06CA0126.eurprd06.prod.outlook.com]",
    ),
    prompts: ["VXNlcm5hbWU6", "UGFzc3dvcmQ6"],
    token_refused: None,
    logged_in: "235 2.7.0 Authentication successful",
    login_first: "530 5.7.57 Client not authenticated to send mail. \
        [AM0PR06CA0126.eurprd06.prod.outlook.com]",
    sender: "250 2.1.0 Sender OK",
    recipient: "250 2.1.5 Recipient OK",
    data: "354 Start mail input; end with <CRLF>.<CRLF>",
    accepted: "250 2.0.0 OK <1@AM0PR06MB1234.eurprd06.prod.outlook.com> [Hostname=AM0PR06MB1234]",
    goodbye: "221 2.0.0 Service closing transmission channel",
};

impl Provider for Outlook365 {
    fn words(&self) -> &'static Words {
        &WORDS
    }

    fn log_in(&self, credentials: &Credentials<'_>) -> Verdict {
        match *credentials {
            Credentials::Password(Self::DISABLED, Self::PASSWORD) => Err(SMTP_DISABLED),
            Credentials::Password(Self::DEFAULTS, Self::PASSWORD) => Err(SECURITY_DEFAULTS),
            Credentials::Password(Self::POLICY, Self::PASSWORD) => Err(CRITERIA),
            Credentials::Password(Self::MODERN, _) => Err(BASIC_DISABLED),
            Credentials::Password(Self::RETIRED, _) => Err(BASIC_RETIRED),
            Credentials::Password(Self::USER | Self::BUSY | Self::SPENT, Self::PASSWORD)
            | Credentials::Token(Self::USER, Self::TOKEN) => Ok(()),
            Credentials::Password(..) | Credentials::Token(..) => Err(BAD_CREDENTIALS),
        }
    }

    fn content(&self, mail: &Mail) -> Verdict {
        match mail.user.as_deref() {
            Some(Self::BUSY) => Err(BUSY),
            Some(Self::SPENT) => Err(DAILY_LIMIT),
            user if user != Some(&mail.from) => Err(SEND_AS),
            _ => Ok(()),
        }
    }
}
