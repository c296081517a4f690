//! What the component says of itself: names, logo, the form and the schema of the configuration,
//! examples, and where secrets stand.
//!
//! The schema and the examples are data files; the rest is below.

mod form;

use crate::bindings::exports::smtp_connector::contract::description::{
    Descriptor, Example, LocalizedText,
};

const SCHEMA: &str = include_str!("../data/schema.json");
const LOGO: &str = include_str!("../data/logo.svg");

const NAMES: [(&str, &str); 7] = [
    ("en", "SMTP"),
    ("zh-CN", "SMTP"),
    ("de", "SMTP"),
    ("es", "SMTP"),
    ("fr", "SMTP"),
    ("ja", "SMTP"),
    ("ko", "SMTP"),
];

const DESCRIPTIONS: [(&str, &str); 7] = [
    (
        "en",
        "Sends mail through any server that speaks SMTP, from a sandbox that never sees a \
        password.",
    ),
    ("zh-CN", "通过任何 SMTP 服务器发送邮件，模板在接触不到密码的沙箱中渲染。"),
    (
        "de",
        "Versendet E-Mails über jeden SMTP-Server, aus einer Sandbox, die nie ein Passwort sieht.",
    ),
    (
        "es",
        "Envía correo por cualquier servidor SMTP, desde un entorno aislado que nunca ve una \
        contraseña.",
    ),
    (
        "fr",
        "Envoie des e-mails par tout serveur SMTP, depuis un bac à sable qui ne voit jamais de mot \
        de passe.",
    ),
    (
        "ja",
        "あらゆる SMTP サーバーでメールを送信します。テンプレートはパスワードの見えないサンドボックスで処理されます。",
    ),
    (
        "ko",
        "모든 SMTP 서버로 메일을 보냅니다. 템플릿은 비밀번호를 볼 수 없는 샌드박스에서 처리됩니다.",
    ),
];

/// Ready configurations: id, title, text.
///
/// None holds a certificate or a private key (`tls.ca`, `tls.cert`, `tls.key`, `dkim`), not even
/// `all`: the host verifies these, and an example must be clean under check on every machine.
const EXAMPLES: [(&str, &str, &str); 7] = [
    ("gmail", "Gmail with an app password", include_str!("../data/examples/gmail.json")),
    ("gmail-oauth2", "Gmail with OAuth 2.0", include_str!("../data/examples/gmail-oauth2.json")),
    ("sendgrid", "SendGrid with an API key", include_str!("../data/examples/sendgrid.json")),
    ("aliyun", "Aliyun Direct Mail", include_str!("../data/examples/aliyun.json")),
    (
        "outlook365",
        "Microsoft 365 with an application's own credentials",
        include_str!("../data/examples/outlook365.json"),
    ),
    (
        "all",
        "Every parameter at once, to be edited down",
        include_str!("../data/examples/all.json"),
    ),
    (
        "demo",
        "A server on this machine, with a mail of every type",
        include_str!("../data/examples/demo.json"),
    ),
];

const SECRET_POINTERS: [&str; 29] = [
    "/auth/pass",
    "/auth/accessToken",
    "/auth/refreshToken",
    "/auth/clientSecret",
    "/auth/privateKey",
    "/auth/privateKey/key",
    "/auth/privateKey/passphrase",
    "/auth/customParams/*",
    "/auth/customHeaders/*",
    "/auth/tls/key",
    "/auth/tls/key/*",
    "/auth/tls/key/*/pem",
    "/auth/tls/key/*/passphrase",
    "/auth/tls/passphrase",
    "/auth/tls/pfx",
    "/tls/key",
    "/tls/key/*",
    "/tls/key/*/pem",
    "/tls/key/*/passphrase",
    "/tls/passphrase",
    "/tls/pfx",
    "/dkim/privateKey",
    "/dkim/privateKey/key",
    "/dkim/privateKey/passphrase",
    "/dkim/keys/*/privateKey",
    "/dkim/keys/*/privateKey/key",
    "/dkim/keys/*/privateKey/passphrase",
    "/proxy",
    "/url",
];

/// Describes the component.
pub fn describe() -> Descriptor {
    let logo = data_url(LOGO);
    Descriptor {
        id: "simple-mail-transfer-protocol".to_owned(),
        target: "smtp".to_owned(),
        names: localized(&NAMES),
        descriptions: localized(&DESCRIPTIONS),
        logo_dark: Some(data_url(&LOGO.replace("#1f2937", "#e5e7eb"))),
        logo: Some(logo),
        configuration_schema: SCHEMA.to_owned(),
        form_items: form::items(),
        examples: EXAMPLES.map(example).into(),
        secret_pointers: SECRET_POINTERS.map(str::to_owned).into(),
    }
}

fn localized(texts: &[(&str, &str)]) -> Vec<LocalizedText> {
    let text = |(language, text): &(&str, &str)| LocalizedText {
        language: (*language).to_owned(),
        text: (*text).to_owned(),
    };
    texts.iter().map(text).collect()
}

fn example((id, title, configuration): (&str, &str, &str)) -> Example {
    Example { id: id.to_owned(), title: title.to_owned(), configuration: configuration.to_owned() }
}

/// An SVG as a data URL (RFC 2397), with only what must be encoded encoded.
fn data_url(svg: &str) -> String {
    let mut url = "data:image/svg+xml,".to_owned();
    for c in svg.trim_end().chars() {
        match c {
            '"' => url.push('\''),
            '#' | '%' | '<' | '>' | '\n' | ' ' => url.push_str(&format!("%{:02X}", u32::from(c))),
            _ => url.push(c),
        }
    }
    url
}

#[cfg(test)]
mod tests;
