//! Refused credentials: which ones the server wants instead, and where to get them.

use super::provider::Provider;
use super::{Cures, Refusal};
use crate::plan::{Authentication, Grant, OAuth2Login};

const MICROSOFT_PASSWORDS: &str = "This Microsoft account does not accept passwords any more: use \
    OAuth2, with `auth.type` set to `OAuth2` as in `smtp-connector example outlook365`.";

const GMAIL: &Cures = &[
    (
        "web browser",
        "Google suspects the login: sign in to the account once in a browser and confirm it. An \
         app password or OAuth2 in `auth` avoids this.",
    ),
    (
        "too many login",
        "Gmail has seen too many logins: wait some minutes, then send over fewer connections \
         (`maxConnections`).",
    ),
];

const SENDGRID: &Cures = &[(
    "credits exceeded",
    "The credits of the SendGrid account are used up: wait for the next period, or choose a larger \
     plan.",
)];

const MICROSOFT: &Cures = &[
    (
        "smtpclientauthentication",
        "SMTP AUTH is switched off at Microsoft: have the administrator switch on \"Authenticated \
         SMTP\" for the mailbox (admin center, the user's Mail tab, Manage email apps).",
    ),
    (
        "security defaults",
        "The organisation's security defaults forbid password logins: use OAuth2, with `auth.type` \
         set to `OAuth2`, or have the administrator exempt the mailbox.",
    ),
    (
        "did not meet the criteria",
        "A policy of the Microsoft organisation refuses this login: have the administrator allow \
         the mailbox \"Authenticated SMTP\", or use OAuth2 (`auth.type`).",
    ),
    (" 5.7.139 ", MICROSOFT_PASSWORDS),
    (" 5.7.30 ", MICROSOFT_PASSWORDS),
    ("basic authentication", MICROSOFT_PASSWORDS),
];

/// The advice on a login that the server refuses.
pub(super) fn on(refusal: &Refusal<'_>) -> &'static str {
    let own = match refusal.provider {
        Some(Provider::Aliyun) => aliyun(refusal),
        Some(Provider::Gmail) => gmail(refusal),
        Some(Provider::Microsoft) => microsoft(refusal),
        Some(Provider::SendGrid) => sendgrid(refusal),
        // Only Microsoft's servers know these, under whatever name they stand.
        None => refusal.among(MICROSOFT),
    };
    own.unwrap_or_else(|| anywhere(refusal))
}

fn aliyun(refusal: &Refusal<'_>) -> Option<&'static str> {
    refuses_credentials(refusal).then_some(
        "Direct Mail wants the sender address as `auth.user` and that address's SMTP password as \
         `auth.pass` (console, Sender Addresses, Set SMTP Password), and as `host` the SMTP \
         address of the account's region.",
    )
}

fn gmail(refusal: &Refusal<'_>) -> Option<&'static str> {
    let cure = refusal.among(GMAIL);
    cure.or_else(|| {
        refuses_credentials(refusal).then_some(match refusal.plan.authentication {
            Authentication::OAuth2(_) => {
                "Gmail refuses the access token: it must be for the account in `auth.user` and \
                 have the scope `https://mail.google.com/`. Have the account give its consent \
                 again, and set `auth.refreshToken` anew."
            }
            Authentication::None | Authentication::Password(_) => {
                "Gmail wants an app password instead of the account's own as `auth.pass`, and the \
                 whole address as `auth.user`; app passwords need 2-step verification to be on. \
                 OAuth2 works, too."
            }
        })
    })
}

fn microsoft(refusal: &Refusal<'_>) -> Option<&'static str> {
    let cure = refusal.among(MICROSOFT);
    cure.or_else(|| {
        refuses_credentials(refusal).then_some(match &refusal.plan.authentication {
            Authentication::OAuth2(login) if is_of_an_application(login) => {
                "Microsoft refuses the application's token: it needs the permission SMTP.SendAsApp \
                 with the administrator's consent, a service principal in Exchange Online with \
                 access to the mailbox in `auth.user`, and \"Authenticated SMTP\" switched on for \
                 that mailbox."
            }
            Authentication::OAuth2(_) => {
                "Microsoft refuses the access token: it must be for the mailbox in `auth.user` and \
                 have the scope `https://outlook.office.com/SMTP.Send`, and \"Authenticated SMTP\" \
                 must be on for that mailbox."
            }
            Authentication::None | Authentication::Password(_) => {
                "Check `auth.user`, the mailbox's whole address, and `auth.pass`. If they are \
                 right, the mailbox does not take passwords: use OAuth2 (`auth.type`)."
            }
        })
    })
}

/// Whether an application logs in by itself, without a person's consent.
fn is_of_an_application(login: &OAuth2Login) -> bool {
    login
        .renewal
        .as_ref()
        .is_some_and(|renewal| matches!(renewal.grant, Grant::ClientCredentials { .. }))
}

fn sendgrid(refusal: &Refusal<'_>) -> Option<&'static str> {
    let cure = refusal.among(SENDGRID);
    let is_key = refusal.plan.authentication.user() == Some("apikey");
    cure.or_else(|| {
        refuses_credentials(refusal).then_some(if is_key {
            "SendGrid does not take the API key: set `auth.pass` to one that exists, begins with \
             `SG.` and has the permission \"Mail Send\"; the account's own password does not work."
        } else {
            "At SendGrid the user is literally `apikey`: set `auth.user` to that, and `auth.pass` \
             to the API key."
        })
    })
}

/// Whether it is the credentials that the server objects to, and not the command or the moment.
fn refuses_credentials(refusal: &Refusal<'_>) -> bool {
    matches!(refusal.code, 523..=599) && refusal.code != 538
}

fn anywhere(refusal: &Refusal<'_>) -> &'static str {
    let plan = refusal.plan;
    if is_about_mechanism(refusal) {
        return match (&plan.authentication, refusal.code) {
            (login, _) if login.mechanism().is_some() => {
                "The server does not take the mechanism that is set: remove `authMethod` (in \
                 `auth` it is `method`), or set it to another one that the server offers."
            }
            (Authentication::OAuth2(_), _) => {
                "The server takes none of the mechanisms that a token can be sent by: ask the \
                 provider for a password made for SMTP, or for its OAuth2 server."
            }
            (_, 534) => {
                "The server wants a stronger login: use a password made for programs, or OAuth2 \
                 (`auth.type`)."
            }
            (Authentication::None | Authentication::Password(_), _) => {
                "The server takes none of the mechanisms that a password can be sent by: use \
                 OAuth2 (`auth.type`), or another server of the provider."
            }
        };
    }
    match (refusal.code, &plan.authentication) {
        (400..=499, _) => {
            "The server cannot check credentials for now, or has seen too many logins: wait some \
             minutes, then try again."
        }
        (500 | 502 | 503, _) if plan.force_authentication => {
            "The server does not take credentials here: remove `auth` and `forceAuth`, or use \
             another port."
        }
        (500 | 502 | 503, _) => {
            "The server does not take credentials here: remove `auth`, or use another port."
        }
        (_, Authentication::OAuth2(_)) => {
            "Check that the access token is for the account in `auth.user` and has the scope for \
             sending over SMTP; a new consent may be due."
        }
        (_, Authentication::None | Authentication::Password(_)) => {
            "Check `auth.user` and `auth.pass`; some providers want the whole address as user, or \
             a password made for SMTP alone."
        }
    }
}

/// Whether it is the mechanism that the server objects to.
fn is_about_mechanism(refusal: &Refusal<'_>) -> bool {
    matches!(refusal.code, 504 | 534) || refusal.says("535 5.7.4 ")
}
