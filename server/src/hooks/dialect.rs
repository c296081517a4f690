//! The names of the dialects.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A platform's way of asking for a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// Casdoor's "Custom HTTP Email" provider.
    Casdoor,
    /// Clerk's webhook `email.created`.
    Clerk,
    /// Microsoft Entra External ID's event `OnOtpSend`.
    Entra,
    /// Hanko's webhook `email.send`.
    Hanko,
    /// Ory Kratos' courier over HTTP.
    Kratos,
    /// Logto's connector `http-email`.
    Logto,
    /// SendGrid's request to send a mail, which Casdoor can be told to send elsewhere.
    SendGrid,
    /// Our own, for platforms that call a function of their user's.
    Standard,
    /// Supabase's Send Email hook.
    Supabase,
    /// Zitadel's HTTP provider for e-mail.
    Zitadel,
}

impl Dialect {
    /// All of them, in the order of their names.
    pub const ALL: [Self; 10] = [
        Self::Casdoor,
        Self::Clerk,
        Self::Entra,
        Self::Hanko,
        Self::Kratos,
        Self::Logto,
        Self::SendGrid,
        Self::Standard,
        Self::Supabase,
        Self::Zitadel,
    ];

    /// The name, as it stands in a path.
    pub fn name(self) -> &'static str {
        match self {
            Self::Casdoor => "casdoor",
            Self::Clerk => "clerk",
            Self::Entra => "entra",
            Self::Hanko => "hanko",
            Self::Kratos => "kratos",
            Self::Logto => "logto",
            Self::SendGrid => "sendgrid",
            Self::Standard => "standard",
            Self::Supabase => "supabase",
            Self::Zitadel => "zitadel",
        }
    }

    /// How long it is worth waiting for what the mail server says; none where the platform shows it
    /// to nobody, or does not wait itself.
    pub fn waits(self) -> Option<Duration> {
        match self {
            // Both show it to the administrator who sends a test mail, and have no time limit.
            Self::Casdoor | Self::Logto => Some(Duration::from_secs(10)),
            Self::Clerk
            | Self::Entra
            | Self::Hanko
            | Self::Kratos
            | Self::SendGrid
            | Self::Standard
            | Self::Supabase
            | Self::Zitadel => None,
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(name: &str) -> Result<Self, UnknownDialect> {
        Self::ALL.into_iter().find(|dialect| dialect.name() == name).ok_or(UnknownDialect)
    }
}

/// No dialect has this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownDialect;

impl fmt::Display for UnknownDialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no such dialect; write ")?;
        for (index, dialect) in Dialect::ALL.iter().enumerate() {
            let before = match index {
                0 => "",
                _ if index + 1 == Dialect::ALL.len() => " or ",
                _ => ", ",
            };
            write!(f, "{before}`{dialect}`")?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownDialect {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_read_back_and_no_other_is() {
        for dialect in Dialect::ALL {
            assert_eq!(dialect.name().parse(), Ok(dialect));
        }
        for name in ["", "Logto", "logto ", "keycloak"] {
            assert_eq!(name.parse::<Dialect>(), Err(UnknownDialect), "{name}");
        }
        assert_eq!(
            UnknownDialect.to_string(),
            "there is no such dialect; write `casdoor`, `clerk`, `entra`, `hanko`, `kratos`, \
             `logto`, `sendgrid`, `standard`, `supabase` or `zitadel`"
        );
    }
}
