//! A refused sender, recipient or message.

use super::provider::Provider;
use super::{Cures, Refusal, later};
use crate::error::{Blame, Stage};
use crate::plan::Authentication;

const BARRED: &str = "The account may not send now: the provider's console, or the mail that it \
    sent to the account's owner, says why.";
const BLOCKED: &str = "This machine's address is on a block list: send through the provider's \
    submission port (587, or 465 with `secure` true) with `auth`, or have the address taken off \
    the list.";
const CREDENTIALS: &str = "The server wants credentials: set `auth.user` and `auth.pass`.";
const FULL: &str =
    "The recipient's mailbox is full: the mail can be delivered once there is room in it.";
const FEWER: &str =
    "The server wants fewer connections at once from this machine: lower `maxConnections`.";
const LIMIT: &str = "The account has reached a limit of the provider's: wait until it is over, \
    send less at once, or have the limit raised.";
const NAME: &str = "The server does not like the name it was greeted with: set `name` to this \
    machine's domain name in full, such as `mail.example.com`.";
const NO_DOMAIN: &str =
    "The recipient's domain takes no mail: check the address for typing errors.";
const NO_RELAY: &str = "The server does not send to other domains for this session: check `auth`, \
    and use the submission port (587, or 465 with `secure` true).";
const NOT_LOGGED_IN: &str = "The server wants a session that is encrypted and logged in: check \
    `auth`, and use a port with TLS.";
const NOT_TAKEN: &str = "The server does not take mail from this sender: set `fromEmail` to an \
    address that the account owns, in a domain that exists.";
const NOT_ONES_OWN: &str =
    "The account may not send as this address: set `fromEmail` to one that belongs to it.";
const OUTCAST: &str = "The server does not take mail from this machine's address: use the \
    submission port (587, or 465 with `secure` true), or have the address allowed or taken off the \
    block list.";
const OWN_ADDRESS: &str =
    "The sender must be the account's own address: set `fromEmail` to `auth.user`.";
const REVERSE: &str = "The server wants this machine's address to have a name: have a PTR record \
    set for it, or use the submission port (587, or 465 with `secure` true) with `auth`.";
const SPAM: &str = "The message is taken for spam: change subject and content of the template, and \
    leave out links to other domains than the sender's.";
const TOO_LARGE: &str = "The message is larger than the server takes: make the template smaller.";
const UNKNOWN_CLIENT: &str = "The server relays for those it knows only: set `auth.user` and \
    `auth.pass`, or have this machine's address allowed.";
const UNKNOWN_RECIPIENT: &str =
    "The recipient's mailbox does not exist: check the address for typing errors.";
const UNVERIFIED: &str = "The provider sends for verified addresses only: verify the address or \
    domain of `fromEmail` in its console, in the region of `host`.";
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

const ACCOUNT: &Cures = &[
    ("suspended", BARRED),
    ("paused", BARRED),
    ("unavailable", BARRED),
    ("allowed to send", BARRED),
    ("bad outbound sender", BARRED),
    ("behaviour spam", BARRED),
];

const CLIENT: &Cures = &[
    ("helo", NAME),
    ("hostname", REVERSE),
    ("reverse dns", REVERSE),
    (" 5.7.25 ", REVERSE),
    ("ptr record", REVERSE),
    ("too many con", FEWER),
    ("too frequent con", FEWER),
    ("frequency limited", FEWER),
];

/// What names a list of blocked addresses.
const LISTS: [&str; 5] = ["spamhaus", "blacklist", "block list", "blocklist", "blocked using"];

const SENDER: &Cures = &[
    ("must be same as authorization user", OWN_ADDRESS),
    ("must equal authorized user", OWN_ADDRESS),
    ("conform with authentication", OWN_ADDRESS),
    ("sendasdenied", NOT_ONES_OWN),
    (" send as ", NOT_ONES_OWN),
    ("not owned by", NOT_ONES_OWN),
    ("not logged in", NOT_ONES_OWN),
    ("authorized to send from", NOT_ONES_OWN),
    (" 5.7.60 ", NOT_ONES_OWN),
    ("verified", UNVERIFIED),
    (" 5.7.26 ", UNPROVEN),
    ("spf", UNPROVEN),
    ("dkim", UNPROVEN),
    ("dmarc", UNPROVEN),
];

const RECIPIENT: &Cures = &[
    (" 5.1.2 ", NO_DOMAIN),
    (" 5.1.10 ", NO_DOMAIN),
    ("domain not found", NO_DOMAIN),
    ("nullmx", NO_DOMAIN),
    (" 5.2.2 ", FULL),
    ("full", FULL),
    ("quota", FULL),
    (" 5.1.1 ", UNKNOWN_RECIPIENT),
    ("unknown", UNKNOWN_RECIPIENT),
    ("no such", UNKNOWN_RECIPIENT),
    ("exist", UNKNOWN_RECIPIENT),
    ("not found", UNKNOWN_RECIPIENT),
];

const CONTENT: &Cures = &[
    (" 5.2.3 ", TOO_LARGE),
    (" 5.3.4 ", TOO_LARGE),
    ("size", TOO_LARGE),
    ("too large", TOO_LARGE),
    ("too long", TOO_LARGE),
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
    own.or_else(|| match refusal.blame {
        Blame::Account | Blame::Server if refusal.is_transient() => Some(later::on(refusal)),
        _ if refusal.is_transient() => anywhere(refusal).or_else(|| Some(later::on(refusal))),
        _ => anywhere(refusal),
    })
}

fn anywhere(refusal: &Refusal<'_>) -> Option<&'static str> {
    let authenticates = refusal.plan.authentication != Authentication::None;
    match refusal.blame {
        Blame::Account => refusal.among(ACCOUNT).or(Some(LIMIT)),
        Blame::Client if refusal.says("relay") || refusal.says("rcpthosts") => {
            Some(if authenticates { NO_RELAY } else { UNKNOWN_CLIENT })
        }
        Blame::Client => {
            let is_listed = LISTS.iter().any(|list| refusal.says(list));
            let other = if is_listed && !authenticates { BLOCKED } else { OUTCAST };
            refusal.among(CLIENT).or(Some(other))
        }
        Blame::Content => refusal.among(CONTENT).or((refusal.code == 552).then_some(TOO_LARGE)),
        Blame::Credentials => Some(if authenticates { NOT_LOGGED_IN } else { CREDENTIALS }),
        Blame::Encryption => Some(super::tls_first(refusal.plan)),
        Blame::Recipient => refusal.among(RECIPIENT),
        Blame::Sender => refusal.among(SENDER).or(Some(NOT_TAKEN)),
        Blame::Policy => match refusal.stage {
            // Alibaba's servers have more words for this than their documentation.
            Stage::Mail if refusal.provider == Some(Provider::Aliyun) => Some(OWN_ADDRESS),
            Stage::Mail if refusal.says(" 5.7.") => Some(NOT_ONES_OWN),
            _ => None,
        },
        // A blame that has no cure, or none that is known.
        _ => None,
    }
}
