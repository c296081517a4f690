//! A refused sender, recipient or message.

use super::provider::Provider;
use super::{Cures, Refusal, later};
use crate::error::Stage;
use crate::plan::Authentication;

const BLOCKED: &str = "This machine's address is on a block list: send through the provider's \
    submission port (587, or 465 with `secure` true) with `auth`, or have the address taken off \
    the list.";
const CREDENTIALS: &str = "The server wants credentials: set `auth.user` and `auth.pass`.";
const NO_RELAY: &str = "The server does not send to other domains for this session: check `auth`, \
    and use the submission port (587, or 465 with `secure` true).";
const NOT_LOGGED_IN: &str = "The server wants a session that is encrypted and logged in: check \
    `auth`, and use a port with TLS.";
const NOT_ONES_OWN: &str =
    "The account may not send as this address: set `fromEmail` to one that belongs to it.";
const OWN_ADDRESS: &str =
    "The sender must be the account's own address: set `fromEmail` to `auth.user`.";
const SPAM: &str = "The message is taken for spam: change subject and content of the template, and \
    leave out links to other domains than the sender's.";
const TOO_LARGE: &str = "The message is larger than the server takes: make the template smaller.";
const UNKNOWN_CLIENT: &str = "The server relays for those it knows only: set `auth.user` and \
    `auth.pass`, or have this machine's address allowed.";
const UNKNOWN_RECIPIENT: &str =
    "The recipient's mailbox does not exist: check the address for typing errors.";
const UNPROVEN: &str = "The domain of `fromEmail` does not prove that this server may send for it: \
    publish SPF and DKIM records as the provider says.";

const ALIYUN_QUOTA: &str = "The sending quota of the Direct Mail account is used up: wait for the \
    next day or month, or raise it in the console.";
const ALIYUN_RECIPIENT: &str = "Direct Mail keeps this recipient as an invalid address: check it \
    for typing errors, or take it off the console's list of invalid addresses.";

const ALIYUN: &Cures = &[
    ("conform with authentication", OWN_ADDRESS),
    ("invalid rcptto", ALIYUN_RECIPIENT),
    ("563 rcptto", ALIYUN_RECIPIENT),
    ("quota", ALIYUN_QUOTA),
    ("spam", SPAM),
    (
        "main account unavailable",
        "The Direct Mail account may not send now: its console says why on the overview page.",
    ),
    ("length of data content", TOO_LARGE),
    (
        "number of rcpts",
        "Direct Mail takes fewer recipients for one message: split them over several.",
    ),
];

const GMAIL_QUOTA: &str = "The account has reached Gmail's daily limit: it can send again within \
    24 hours. For more mail use Google Workspace, or a provider made for it.";

const GMAIL: &Cures = &[
    ("daily user sending", GMAIL_QUOTA),
    (" 5.4.5 ", GMAIL_QUOTA),
    (
        "credentials for relay",
        "Google's relay does not know this machine: add its address to the SMTP relay service in \
         the Google Admin console, or set `auth.user` and `auth.pass`.",
    ),
];

const MICROSOFT_QUOTA: &str = "The mailbox has reached its limit of recipients: wait until \
    tomorrow, or send through a service made for more.";
const MICROSOFT_SENDER: &str = "The account may not send as this address: set `fromEmail` to \
    `auth.user`, or have the administrator give the mailbox \"Send as\" for it.";

const MICROSOFT: &Cures = &[
    ("sendasdenied", MICROSOFT_SENDER),
    (" 5.7.60 ", MICROSOFT_SENDER),
    ("permissions to send as", MICROSOFT_SENDER),
    (" 5.1.90 ", MICROSOFT_QUOTA),
    ("submissionquotaexceeded", MICROSOFT_QUOTA),
    (
        " 5.7.57 ",
        "Microsoft wants a login: set `auth.user` to the mailbox, and `auth.type` to `OAuth2` with \
         what it needs, as in `smtp-connector example outlook365`.",
    ),
    (
        " 5.1.8 ",
        "Microsoft has barred the mailbox from sending: the administrator can lift that under \
         Restricted entities in the Defender portal.",
    ),
];

const SENDGRID_SENDER: &str = "Verify the sender's address or domain at SendGrid (Settings, Sender \
    Authentication), and use it in `fromEmail`.";

const SENDGRID: &Cures = &[
    ("verified sender", SENDGRID_SENDER),
    ("not authorized to send from", SENDGRID_SENDER),
    (
        "unauthenticated sender",
        "SendGrid wants credentials: set `auth.user` to `apikey`, literally, and `auth.pass` to \
         the API key.",
    ),
    (
        "credits exceeded",
        "The credits of the SendGrid account are used up: wait for the next period, or choose a \
         larger plan.",
    ),
];

const SENDER: &Cures = &[
    ("must be same as authorization user", OWN_ADDRESS),
    ("must equal authorized user", OWN_ADDRESS),
    ("sendasdenied", NOT_ONES_OWN),
    (" send as ", NOT_ONES_OWN),
    ("not owned by", NOT_ONES_OWN),
    (" 5.7.60 ", NOT_ONES_OWN),
];

const RECIPIENT: &Cures = &[
    (" 5.1.1 ", UNKNOWN_RECIPIENT),
    (" 5.1.10 ", UNKNOWN_RECIPIENT),
    ("user unknown", UNKNOWN_RECIPIENT),
    ("unknown user", UNKNOWN_RECIPIENT),
    ("no such user", UNKNOWN_RECIPIENT),
    ("does not exist", UNKNOWN_RECIPIENT),
    (" 5.1.2 ", "The recipient's domain takes no mail: check the address for typing errors."),
    (
        " 5.2.2 ",
        "The recipient's mailbox is full: the mail can be delivered once there is room in it.",
    ),
];

const MESSAGE: &Cures = &[
    (" 5.2.3 ", TOO_LARGE),
    (" 5.3.4 ", TOO_LARGE),
    (" 5.7.26 ", UNPROVEN),
    ("dmarc", UNPROVEN),
    ("spamhaus", BLOCKED),
    ("blacklist", BLOCKED),
    ("block list", BLOCKED),
    ("blocklist", BLOCKED),
    ("spam", SPAM),
];

/// The advice on a refusal within the transaction, where one is known.
pub(super) fn on(refusal: &Refusal<'_>) -> Option<&'static str> {
    let own = match refusal.provider {
        Some(Provider::Aliyun) => refusal.among(ALIYUN),
        Some(Provider::Gmail) => refusal.among(GMAIL),
        Some(Provider::Microsoft) => refusal.among(MICROSOFT),
        Some(Provider::SendGrid) => refusal.among(SENDGRID),
        None => None,
    };
    own.or_else(
        || if refusal.is_transient() { Some(later::on(refusal)) } else { anywhere(refusal) },
    )
}

fn anywhere(refusal: &Refusal<'_>) -> Option<&'static str> {
    let authenticates = refusal.plan.authentication != Authentication::None;
    if refusal.code == 530 {
        return Some(if authenticates { NOT_LOGGED_IN } else { CREDENTIALS });
    }
    if refusal.stage == Stage::Mail && !authenticates && refusal.says("authenticat") {
        return Some(CREDENTIALS);
    }
    if refusal.says("relay") {
        return Some(if authenticates { NO_RELAY } else { UNKNOWN_CLIENT });
    }
    let on_recipient = (refusal.stage == Stage::Rcpt).then(|| refusal.among(RECIPIENT)).flatten();
    let told = on_recipient.or_else(|| refusal.among(SENDER)).or_else(|| refusal.among(MESSAGE));
    told.or(match (refusal.stage, refusal.code) {
        // Alibaba's servers have more words for this than their documentation.
        (Stage::Mail, _) if refusal.provider == Some(Provider::Aliyun) => Some(OWN_ADDRESS),
        (Stage::Mail, 553) => Some(NOT_ONES_OWN),
        (Stage::Mail, _) if refusal.says(" 5.7.") => Some(NOT_ONES_OWN),
        (_, 552) => Some(TOO_LARGE),
        _ => None,
    })
}
