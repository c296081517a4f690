//! The key `service`: all of nodemailer's well-known services, found by each of their names.

use serde_json::json;

use crate::helpers::proof::{check, findings, plan};
use crate::helpers::tenant;

const IMPLICIT: &str = "implicit";
const NEVER: &str = "none";
const OFFERED: &str = "opportunistic-starttls";
const REQUIRED: &str = "required-starttls";

/// The services that want LOGIN, whatever they advertise.
const LOGIN: [&str; 5] = ["1und1", "Aruba", "Disroot", "KolabNow", "Zoho"];

#[tokio::test]
pub(crate) async fn service() {
    assert_eq!(SERVICES.len(), 88);
    let auth = json!({ "user": "ann", "pass": "secret-word" });
    for (name, endpoint, tls, others) in SERVICES {
        let others = others.split(", ").filter(|other| !other.is_empty());
        let addresses = others.clone().map(|other| format!("someone@{other}"));
        let asked = [(*name).to_owned(), name.to_uppercase(), format!(" {name}!")];
        for asked in asked.into_iter().chain(others.clone().map(str::to_owned)).chain(addresses) {
            let plan = plan(&json!({ "host": null, "service": asked, "auth": auth })).await;
            let found = format!("{}:{}", plan["host"].as_str().unwrap_or_default(), plan["port"]);
            assert_eq!((found.as_str(), plan["tls"].as_str()), (*endpoint, Some(*tls)), "{asked}");
            let method = LOGIN.contains(name).then_some("LOGIN");
            assert_eq!(
                plan.get("authMethod").and_then(|method| method.as_str()),
                method,
                "{asked}"
            );
        }
    }
}

#[tokio::test]
pub(crate) async fn service_and_keys_beside_it() {
    let gmail = |more| tenant::with(json!({ "host": null, "service": "Gmail" }), &more);
    check([
        (gmail(json!({ "host": "smtp.gmail.com", "port": "465", "secure": true })), ""),
        (gmail(json!({ "host": "dummy" })), "warning overridden /host"),
        (
            gmail(json!({ "port": 587, "secure": false })),
            "warning overridden /port, warning overridden /secure",
        ),
        (
            gmail(json!({ "service": "Proton", "requireTLS": false })),
            "warning overridden /requireTLS",
        ),
        (
            gmail(json!({ "service": "Maildev", "ignoreTLS": false })),
            "warning overridden /ignoreTLS",
        ),
        (gmail(json!({ "service": "Gmial" })), "error unknown-service /service"),
        (gmail(json!({ "service": 163 })), "error wrong-type /service"),
    ])
    .await;
    let zoho = json!({
        "host": null, "service": "Zoho", "authMethod": "PLAIN",
        "auth": { "user": "ann", "pass": "secret-word" },
    });
    assert_eq!(findings(&zoho).await, "warning overridden /authMethod");
    // Only a service without a host leaves the server to the configuration.
    let local = plan(&json!({ "host": "127.0.0.1", "service": "Maildev" })).await;
    assert_eq!((&local["host"], &local["port"]), (&json!("127.0.0.1"), &json!(1025)));
}

#[tokio::test]
async fn a_service_is_known_by_any_of_its_names() {
    let connector = tenant::bundled().await;
    for name in ["google mail", "Gmail", "GoogleMail", "googlemail.com", "someone@gmail.com"] {
        let mut configuration = tenant::configuration(587);
        configuration
            .as_object_mut()
            .expect("an object")
            .retain(|key, _| !["host", "port"].contains(&&**key));
        (configuration["service"], configuration["ignoreTLS"]) = (json!(name), json!(null));
        let check = connector.check(&configuration.to_string(), &tenant::local()).await;
        let plan = json!(check.expect("the check works").plan);
        let found = ["host", "port", "tls"].map(|key| plan[key].clone());
        assert_eq!(found, [json!("smtp.gmail.com"), json!(465), json!("implicit")], "{name}");
    }
}

/// Name, server, beginning of TLS, and the aliases and domains.
#[rustfmt::skip]
const SERVICES: &[(&str, &str, &str, &str)] = &[
    ("1und1", "smtp.1und1.de:465", IMPLICIT, ""),
    ("126", "smtp.126.com:465", IMPLICIT, ""),
    ("163", "smtp.163.com:465", IMPLICIT, ""),
    ("Aliyun", "smtp.aliyun.com:465", IMPLICIT, "aliyun.com"),
    ("AliyunQiye", "smtp.qiye.aliyun.com:465", IMPLICIT, ""),
    ("AOL", "smtp.aol.com:587", OFFERED, "aol.com"),
    ("Aruba", "smtps.aruba.it:465", IMPLICIT, "Aruba PEC, aruba.it, pec.aruba.it"),
    ("Bluewin", "smtpauths.bluewin.ch:465", IMPLICIT, "bluewin.ch"),
    ("BOL", "smtp.bol.com.br:587", REQUIRED, "bol.com.br"),
    ("DebugMail", "debugmail.io:25", OFFERED, ""),
    ("Disroot", "disroot.org:587", OFFERED, "disroot.org"),
    ("DynectEmail", "smtp.dynect.net:25", OFFERED, "Dynect"),
    ("ElasticEmail", "smtp.elasticemail.com:465", IMPLICIT, "Elastic Email"),
    ("Ethereal", "smtp.ethereal.email:587", OFFERED, "ethereal.email"),
    ("FastMail", "smtp.fastmail.com:465", IMPLICIT, "fastmail.fm"),
    ("Feishu Mail", "smtp.feishu.cn:465", IMPLICIT, "Feishu, FeishuMail, www.feishu.cn"),
    ("Forward Email", "smtp.forwardemail.net:465", IMPLICIT, "FE, ForwardEmail, forwardemail.net"),
    ("GandiMail", "mail.gandi.net:587", OFFERED, "Gandi, Gandi Mail"),
    ("Gmail", "smtp.gmail.com:465", IMPLICIT, "Google Mail, gmail.com, googlemail.com"),
    ("GmailWorkspace", "smtp-relay.gmail.com:465", IMPLICIT, "Google Workspace Mail"),
    ("GMX", "mail.gmx.com:587", OFFERED, "gmx.com, gmx.net, gmx.de"),
    ("Godaddy", "smtpout.secureserver.net:25", OFFERED, ""),
    ("GodaddyAsia", "smtp.asia.secureserver.net:25", OFFERED, ""),
    ("GodaddyEurope", "smtp.europe.secureserver.net:25", OFFERED, ""),
    ("hot.ee", "mail.hot.ee:587", OFFERED, ""),
    ("Hotmail", "smtp-mail.outlook.com:587", OFFERED,
        "Outlook, Outlook.com, Hotmail.com, hotmail.com, outlook.com"),
    ("iCloud", "smtp.mail.me.com:587", OFFERED, "Me, Mac, me.com, mac.com"),
    ("Infomaniak", "mail.infomaniak.com:587", OFFERED, "ik.me, ikmail.com, etik.com"),
    ("KolabNow", "smtp.kolabnow.com:465", IMPLICIT, "Kolab, kolabnow.com"),
    ("Loopia", "mailcluster.loopia.se:465", IMPLICIT, ""),
    ("Loops", "smtp.loops.so:587", OFFERED, ""),
    ("mail.ee", "smtp.mail.ee:587", OFFERED, ""),
    ("Mail.ru", "smtp.mail.ru:465", IMPLICIT, ""),
    ("Mailcatch.app", "sandbox-smtp.mailcatch.app:2525", OFFERED, ""),
    ("Maildev", "localhost:1025", NEVER, ""),
    ("MailerSend", "smtp.mailersend.net:587", OFFERED, ""),
    ("Mailgun", "smtp.mailgun.org:465", IMPLICIT, ""),
    ("Mailjet", "in.mailjet.com:587", OFFERED, ""),
    ("Mailosaur", "mailosaur.io:25", OFFERED, ""),
    ("Mailtrap", "live.smtp.mailtrap.io:587", OFFERED, ""),
    ("Mandrill", "smtp.mandrillapp.com:587", OFFERED, ""),
    ("Naver", "smtp.naver.com:587", OFFERED, ""),
    ("OhMySMTP", "smtp.ohmysmtp.com:587", OFFERED, ""),
    ("One", "send.one.com:465", IMPLICIT, ""),
    ("OpenMailBox", "smtp.openmailbox.org:465", IMPLICIT, "OMB, openmailbox.org"),
    ("Outlook365", "smtp.office365.com:587", OFFERED, ""),
    ("Postmark", "smtp.postmarkapp.com:2525", OFFERED, "PostmarkApp"),
    ("Proton", "smtp.protonmail.ch:587", REQUIRED,
        "ProtonMail, Proton.me, Protonmail.com, Protonmail.ch, proton.me, protonmail.com, pm.me, \
         protonmail.ch"),
    ("qiye.aliyun", "smtp.mxhichina.com:465", IMPLICIT, ""),
    ("QQ", "smtp.qq.com:465", IMPLICIT, "qq.com"),
    ("QQex", "smtp.exmail.qq.com:465", IMPLICIT, "QQ Enterprise, exmail.qq.com"),
    ("Resend", "smtp.resend.com:465", IMPLICIT, ""),
    ("Runbox", "smtp.runbox.com:465", IMPLICIT, "runbox.com"),
    ("SendCloud", "smtp.sendcloud.net:2525", OFFERED, ""),
    ("SendGrid", "smtp.sendgrid.net:587", OFFERED, ""),
    ("SendinBlue", "smtp-relay.brevo.com:587", OFFERED, "Brevo"),
    ("SendPulse", "smtp-pulse.com:465", IMPLICIT, ""),
    ("SES", "email-smtp.us-east-1.amazonaws.com:465", IMPLICIT, ""),
    ("SES-AP-NORTHEAST-1", "email-smtp.ap-northeast-1.amazonaws.com:465", IMPLICIT, ""),
    ("SES-AP-NORTHEAST-2", "email-smtp.ap-northeast-2.amazonaws.com:465", IMPLICIT, ""),
    ("SES-AP-NORTHEAST-3", "email-smtp.ap-northeast-3.amazonaws.com:465", IMPLICIT, ""),
    ("SES-AP-SOUTH-1", "email-smtp.ap-south-1.amazonaws.com:465", IMPLICIT, ""),
    ("SES-AP-SOUTHEAST-1", "email-smtp.ap-southeast-1.amazonaws.com:465", IMPLICIT, ""),
    ("SES-AP-SOUTHEAST-2", "email-smtp.ap-southeast-2.amazonaws.com:465", IMPLICIT, ""),
    ("SES-CA-CENTRAL-1", "email-smtp.ca-central-1.amazonaws.com:465", IMPLICIT, ""),
    ("SES-EU-CENTRAL-1", "email-smtp.eu-central-1.amazonaws.com:465", IMPLICIT, ""),
    ("SES-EU-NORTH-1", "email-smtp.eu-north-1.amazonaws.com:465", IMPLICIT, ""),
    ("SES-EU-WEST-1", "email-smtp.eu-west-1.amazonaws.com:465", IMPLICIT, ""),
    ("SES-EU-WEST-2", "email-smtp.eu-west-2.amazonaws.com:465", IMPLICIT, ""),
    ("SES-EU-WEST-3", "email-smtp.eu-west-3.amazonaws.com:465", IMPLICIT, ""),
    ("SES-SA-EAST-1", "email-smtp.sa-east-1.amazonaws.com:465", IMPLICIT, ""),
    ("SES-US-EAST-1", "email-smtp.us-east-1.amazonaws.com:465", IMPLICIT, ""),
    ("SES-US-EAST-2", "email-smtp.us-east-2.amazonaws.com:465", IMPLICIT, ""),
    ("SES-US-GOV-EAST-1", "email-smtp.us-gov-east-1.amazonaws.com:465", IMPLICIT, ""),
    ("SES-US-GOV-WEST-1", "email-smtp.us-gov-west-1.amazonaws.com:465", IMPLICIT, ""),
    ("SES-US-WEST-1", "email-smtp.us-west-1.amazonaws.com:465", IMPLICIT, ""),
    ("SES-US-WEST-2", "email-smtp.us-west-2.amazonaws.com:465", IMPLICIT, ""),
    ("Seznam", "smtp.seznam.cz:465", IMPLICIT,
        "Seznam Email, seznam.cz, email.cz, post.cz, spoluzaci.cz"),
    ("SMTP2GO", "mail.smtp2go.com:2525", OFFERED, ""),
    ("Sparkpost", "smtp.sparkpostmail.com:587", OFFERED,
        "SparkPost, SparkPost Mail, sparkpost.com"),
    ("Tipimail", "smtp.tipimail.com:587", OFFERED, ""),
    ("TurboSMTP", "pro.turbo-smtp.com:465", IMPLICIT, ""),
    ("TurboSMTP-EU", "pro.eu.turbo-smtp.com:465", IMPLICIT, ""),
    ("Tutanota", "smtp.tutanota.com:465", IMPLICIT, "tutanota.com, tuta.com, tutanota.de, tuta.io"),
    ("Yahoo", "smtp.mail.yahoo.com:465", IMPLICIT, "yahoo.com"),
    ("Yandex", "smtp.yandex.ru:465", IMPLICIT, "yandex.ru"),
    ("Zimbra", "smtp.zimbra.com:587", REQUIRED, "Zimbra Collaboration"),
    ("Zoho", "smtp.zoho.com:465", IMPLICIT, ""),
];
