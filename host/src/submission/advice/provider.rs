//! Who runs the server: known by its host name, or else by what it says of itself.

use crate::transcript::{Speaker, Transcript};

/// A provider whose mistakes and cures are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Provider {
    /// Alibaba Cloud: Direct Mail and the company mail of the same make.
    Aliyun,
    /// Gmail and Google Workspace.
    Gmail,
    /// Exchange Online and Outlook.com.
    Microsoft,
    /// Twilio SendGrid.
    SendGrid,
}

impl Provider {
    const ALL: [Self; 4] = [Self::Aliyun, Self::Gmail, Self::Microsoft, Self::SendGrid];

    /// The provider that a host name belongs to. Behind another name, such as one of a tunnel,
    /// greeting, salutation and replies tell.
    pub(super) fn recognise(host: &str, transcript: Option<&Transcript>) -> Option<Self> {
        let owns =
            |provider: &Self| provider.domains().iter().any(|domain| is_within(host, domain));
        let speaks =
            |provider: &Self| transcript.is_some_and(|transcript| provider.speaks_in(transcript));
        Self::ALL.into_iter().find(owns).or_else(|| Self::ALL.into_iter().find(speaks))
    }

    fn domains(self) -> &'static [&'static str] {
        match self {
            Self::Aliyun => &["aliyun.com", "mxhichina.com"],
            Self::Gmail => &["gmail.com", "googlemail.com"],
            Self::Microsoft => &["office365.com", "outlook.com"],
            Self::SendGrid => &["sendgrid.net"],
        }
    }

    /// What its servers call themselves, and nobody's address contains.
    fn marks(self) -> &'static [&'static str] {
        match self {
            Self::Aliyun => &["aliyun-inc.com", "alimail"],
            Self::Gmail => &[" gsmtp", "smtp.gmail.com ", "mx.google.com "],
            Self::Microsoft => &[".outlook.office365.com ", ".prod.outlook.com"],
            Self::SendGrid => &["220 sg esmtp", "250-smtp.sendgrid.net"],
        }
    }

    fn speaks_in(self, transcript: &Transcript) -> bool {
        let mut lines = transcript.lines().iter().filter(|line| line.speaker == Speaker::Server);
        lines.any(|line| {
            let text = line.text.to_ascii_lowercase();
            self.marks().iter().any(|mark| text.contains(mark))
        })
    }
}

/// Whether a host is a domain or within it.
fn is_within(host: &str, domain: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: &str, lines: &[&str], expected: Option<Provider>) {
        let mut transcript = Transcript::new();
        for line in lines {
            transcript.push(Speaker::Server, *line);
        }
        assert_eq!(Provider::recognise(host, Some(&transcript)), expected, "{host} {lines:?}");
    }

    #[test]
    fn the_host_decides_before_the_words() {
        check("smtp.gmail.com", &[], Some(Provider::Gmail));
        check("SMTP.Office365.com.", &[], Some(Provider::Microsoft));
        check("smtpdm-ap-southeast-1.aliyun.com", &[], Some(Provider::Aliyun));
        check("smtp.sendgrid.net", &["250 2.0.0 OK x - gsmtp"], Some(Provider::SendGrid));
        check("notgmail.com", &["220 notgmail.com ESMTP"], None);
    }

    #[test]
    fn greeting_salutation_and_replies_betray_the_provider() {
        check("127.0.0.1", &["220 smtp.gmail.com ESMTP x - gsmtp"], Some(Provider::Gmail));
        check(
            "127.0.0.1",
            &["535 5.7.3 no [AM0PR06CA.prod.outlook.com 2024]"],
            Some(Provider::Microsoft),
        );
        check(
            "127.0.0.1",
            &["220 YQBP.outlook.office365.com Microsoft ESMTP MAIL Service ready"],
            Some(Provider::Microsoft),
        );
        check(
            "127.0.0.1",
            &["220 SG ESMTP service ready at geopod-ismtpd-6-0"],
            Some(Provider::SendGrid),
        );
        check("127.0.0.1", &["250-smtp.aliyun-inc.com"], Some(Provider::Aliyun));
    }

    #[test]
    fn an_exchange_server_of_ones_own_and_addresses_at_a_provider_are_no_provider() {
        check("mail.test", &["220 mail.test Microsoft ESMTP MAIL Service ready"], None);
        check(
            "mail.test",
            &["550 5.1.1 <ann@outlook.com>: user unknown, <bob@gmail.com> too"],
            None,
        );
        check("mail.test", &["550 no <smtp@aliyun.com> <apikey@sendgrid.net>"], None);
    }
}
