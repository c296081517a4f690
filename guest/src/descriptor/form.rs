//! The form for the configuration, item by item, for consoles in the manner of Logto's.
//!
//! A form that writes a value nobody chose does harm: `secure: false` on port 465 speaks clear text
//! to a port that expects TLS. So an item has a default only where writing it changes nothing.

use crate::bindings::exports::smtp_connector::contract::description::{
    FormCondition, FormItem, FormItemKind,
};

use FormItemKind::{Json, Number, Switch, Text};

/// An item as the table below writes it.
struct Spec {
    key: &'static str,
    kind: FormItemKind,
    label: &'static str,
    placeholder: &'static str,
    description: &'static str,
    default: &'static str,
    required: bool,
    /// The key and the JSON value on which the item depends.
    shown_if: Option<(&'static str, &'static str)>,
}

const fn spec(key: &'static str, kind: FormItemKind, label: &'static str) -> Spec {
    Spec {
        key,
        kind,
        label,
        placeholder: "",
        description: "",
        default: "",
        required: false,
        shown_if: None,
    }
}

impl Spec {
    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn placeholder(mut self, text: &'static str) -> Self {
        self.placeholder = text;
        self
    }

    const fn description(mut self, text: &'static str) -> Self {
        self.description = text;
        self
    }

    const fn default(mut self, json: &'static str) -> Self {
        self.default = json;
        self
    }

    const fn shown_if(mut self, key: &'static str, json: &'static str) -> Self {
        self.shown_if = Some((key, json));
        self
    }
}

/// The authentication that a form begins with.
const AUTH: &str = r#"{"type":"login","user":"<your-user-name>","pass":"<your-password>"}"#;

/// The templates that a form begins with: those that must exist.
const TEMPLATES: &str = include_str!("../../data/templates.json");

const SPECS: [Spec; 22] = [
    spec("host", Text, "Host")
        .required()
        .placeholder("smtp.example.com")
        .description("The domain name or IP address of your provider's submission server."),
    spec("port", Number, "Port").required().placeholder("465").description(
        "465 speaks TLS from the first byte, 587 begins in clear and turns to TLS by \
            STARTTLS.",
    ),
    spec("auth", Json, "Authentication").required().default(AUTH).description(
        "User and password, or OAuth 2.0. Write {} for a relay that asks for no \
            login.",
    ),
    spec("fromEmail", Text, "From")
        .required()
        .placeholder("Example Accounts <no-reply@example.com>")
        .description(
            "The mailbox that mail comes from. Most providers want it to be a verified \
            sender.",
        ),
    spec("replyTo", Text, "Reply to")
        .placeholder("Example Support <support@example.com>")
        .description("Where answers go, if not to the sender."),
    spec("templates", Json, "Templates").required().default(TEMPLATES).description(
        "What is sent for each use. Register, SignIn, ForgotPassword and Generic must exist; \
        {{code}} is the code.",
    ),
    spec("customHeaders", Json, "Custom headers").default("{}").description(
        "Header fields to add to every mail, such as {\"X-Tag\": [\"accounts\", \
            \"codes\"]}.",
    ),
    spec("secure", Switch, "TLS from the first byte").description(
        "Leave it untouched, and the port decides. On suits port 465; off suits 587, 25 and 2525.",
    ),
    spec("tls", Json, "TLS options").default("{}").description(
        "Trusted certificates (ca), a client certificate (cert, key), versions and more, as \
        nodemailer names them.",
    ),
    spec("servername", Text, "TLS server name")
        .placeholder("smtp.example.com")
        .description("The name to look for in the certificate, where it is not the host."),
    spec("ignoreTLS", Switch, "Never use STARTTLS").default("false").description(
        "Sends everything, the password too, in clear. Only for a relay that you \
            trust the way to.",
    ),
    spec("requireTLS", Switch, "Insist on STARTTLS")
        .default("false")
        .shown_if("ignoreTLS", "false")
        .description(
            "Ends the session where the server does not turn to TLS, rather than going on \
            in clear.",
        ),
    spec("name", Text, "EHLO name").placeholder("mail.example.com").description(
        "The name to greet the server with. ASCII only, for some servers refuse \
            anything else.",
    ),
    spec("localAddress", Text, "Local address")
        .placeholder("192.0.2.10")
        .description("The IP address to connect from, on a machine that has several."),
    spec("connectionTimeout", Number, "Connection timeout").placeholder("120000").description(
        "Milliseconds to reach one address of the server, the TLS handshake of port 465 included.",
    ),
    spec("greetingTimeout", Number, "Greeting timeout")
        .placeholder("30000")
        .description("Milliseconds until the server has greeted completely."),
    spec("socketTimeout", Number, "Reply timeout")
        .placeholder("600000")
        .description("Milliseconds until each later reply is complete."),
    spec("dnsTimeout", Number, "DNS timeout")
        .placeholder("30000")
        .description("Milliseconds to find the server's addresses."),
    spec("logger", Switch, "Log the dialogue")
        .default("false")
        .description("Logs commands and replies, with secrets masked."),
    spec("debug", Switch, "Log more")
        .default("false")
        .shown_if("logger", "true")
        .description("Logs the size of what else is exchanged, never the mail itself."),
    spec("disableFileAccess", Switch, "No file access").default("true").description(
        "Always the case here: mail never reads files. Kept so that a configuration \
            can move back.",
    ),
    spec("disableUrlAccess", Switch, "No URL access").default("true").description(
        "Always the case here: mail never fetches URLs. Kept so that a configuration \
            can move back.",
    ),
];

/// The form, in the order in which it is filled in.
pub(super) fn items() -> Vec<FormItem> {
    SPECS.iter().map(item).collect()
}

fn item(spec: &Spec) -> FormItem {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    FormItem {
        key: spec.key.to_owned(),
        kind: spec.kind,
        label: spec.label.to_owned(),
        placeholder: text(spec.placeholder),
        description: text(spec.description),
        tooltip: None,
        required: spec.required,
        default_value: text(spec.default),
        options: Vec::new(),
        show_conditions: spec.shown_if.map(condition).into_iter().collect(),
        confidential: matches!(spec.key, "auth" | "tls"),
    }
}

fn condition((key, json): (&str, &str)) -> FormCondition {
    FormCondition { target_key: key.to_owned(), expected_value: json.to_owned() }
}
