"""A mail connector in Python, one half of it: what it says of itself, and how it reads the commonest
options of a configuration and reports what is wrong with them."""

import json
import re

from connector import MAILBOX, ODD_TAG, TAGS, mailbox, parsed, scan
from wit_world import exports
from wit_world.exports.connector import Outcome, Report
from wit_world.exports.description import Descriptor, Example, LocalizedText
from wit_world.exports.diagnostics import Diagnostic, Severity
from wit_world.exports.transport import (
    Authentication_None_, Authentication_Password, Endpoint, Logging, PasswordLogin, Protocol, Secret,
    Timeouts, TlsMode, TlsOptions, TransportPlan,
)

TOP = ["host", "port", "secure", "ignoreTLS", "tls", "auth", "fromEmail", "templates"]
TEMPLATE = ["usageType", "contentType", "subject", "content"]

TEXT = {"type": "string"}
SCHEMA = {
    "type": "object",
    "required": ["host", "fromEmail", "templates"],
    "properties": {
        "host": TEXT,
        "port": {"type": ["integer", "string"]},
        "secure": {"type": "boolean"},
        "ignoreTLS": {"type": "boolean"},
        "tls": {"type": "object", "properties": {"ca": TEXT}},
        "auth": {
            "type": "object",
            "properties": {"type": {"const": "login"}, "user": TEXT, "pass": True},
        },
        "fromEmail": TEXT,
        "templates": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["usageType", "subject", "content"],
                "properties": {
                    "usageType": TEXT,
                    "contentType": {"enum": ["text/plain", "text/html"]},
                    "subject": TEXT,
                    "content": TEXT,
                },
            },
        },
    },
}
EXAMPLE = {
    "host": "smtp.example.com",
    "port": 587,
    "auth": {"user": "<user>", "pass": "<password>"},
    "fromEmail": "Acme <no-reply@example.com>",
    "templates": [
        {
            "usageType": usage_type,
            "contentType": "text/html",
            "subject": "Your code is {{code}}",
            "content": "<p>Hello {{user.name}}, your code is <b>{{code}}</b>.</p>",
        }
        for usage_type in ["SignIn", "Register", "ForgotPassword", "Generic"]
    ],
}


class Connector(exports.Connector):
    def describe(self):
        return Descriptor(
            id="example-python",
            target="smtp",
            names=[LocalizedText("en", "SMTP in Python")],
            descriptions=[LocalizedText("en", "An example of a connector in Python.")],
            logo=None,
            logo_dark=None,
            configuration_schema=json.dumps(SCHEMA),
            form_items=[],
            examples=[Example("login", "With a login", json.dumps(EXAMPLE))],
            secret_pointers=["/auth/pass"],
        )

    def check(self, configuration):
        findings = Findings()
        read = parsed(configuration)
        if not isinstance(read, dict):
            findings.error("not-an-object", "", "the configuration is no JSON object")
            return Report(findings.diagnostics, None)
        findings.unknown(read, "", TOP)
        plan = read_plan(read, findings)
        program = read_program(read, findings)
        if any(finding.severity == Severity.ERROR for finding in findings.diagnostics):
            return Report(findings.diagnostics, None)
        return Report(findings.diagnostics, Outcome(plan, json.dumps(program).encode()))


class Findings:
    """All that a check finds, at JSON Pointers."""

    def __init__(self):
        self.diagnostics = []

    def add(self, severity, code, path, message, help=None):
        self.diagnostics.append(Diagnostic(severity, code, path, message, help, quotable=False))

    def error(self, *finding):
        self.add(Severity.ERROR, *finding)

    def read(self, members, pointer, key, kind):
        """The member of an object where it has the right type; one that is null is absent."""
        value = members.get(key)
        if value is None or KINDS[kind](value):
            return value
        self.error("wrong-type", f"{pointer}/{key}", f"`{key}` is no {kind}")
        return None

    def need(self, members, pointer, key, kind):
        if members.get(key) in (None, ""):
            self.error("missing-key", f"{pointer}/{key}", f"`{key}` is missing", f"add `{key}`")
            return None
        return self.read(members, pointer, key, kind)

    def unknown(self, members, pointer, known):
        for key in members:
            if key not in known:
                path = f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
                message = "this key is unknown and has no effect"
                help = f"this connector reads {', '.join(known)}"
                self.add(Severity.WARNING, "unknown-key", path, message, help)


def is_port(value):
    return not isinstance(value, bool) and bool(
        re.fullmatch(r"[1-9][0-9]{0,4}", str(value)) and int(value) < 65536
    )


KINDS = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "list": lambda value: isinstance(value, list),
    "port number": is_port,
    # A string is here the place of one: the host has taken the secret out.
    "secret": lambda value: isinstance(value, (str, dict)),
}


def read_plan(configuration, findings):
    host = findings.need(configuration, "", "host", "string")
    port = int(findings.read(configuration, "", "port", "port number") or 0)
    secure = findings.read(configuration, "", "secure", "boolean")
    if secure is None:
        secure = port == 465
    in_clear = findings.read(configuration, "", "ignoreTLS", "boolean")
    tls = findings.read(configuration, "", "tls", "object") or {}
    findings.unknown(tls, "/tls", ["ca"])
    root = findings.read(tls, "/tls", "ca", "string")
    encrypted = TlsMode.IMPLICIT if secure else TlsMode.OPPORTUNISTIC_STARTTLS
    return TransportPlan(
        endpoint=Endpoint(host or "", port or (465 if secure else 587)),
        protocol=Protocol.SMTP,
        tls=TlsMode.NONE if in_clear and not secure else encrypted,
        plaintext_after_refusal=False,
        tls_options=TlsOptions(None, True, [root] if root else [], None, None, None, []),
        authentication=read_login(configuration, findings),
        force_authentication=False,
        ehlo_name=None,
        local_address=None,
        proxy=None,
        timeouts=Timeouts(30_000, 120_000, 30_000, 600_000),
        pool=None,
        pipelining=True,
        dkim=None,
        logging=Logging.NONE,
    )


def read_login(configuration, findings):
    auth = findings.read(configuration, "", "auth", "object") or {}
    if not auth.get("user") and not auth.get("pass"):
        return Authentication_None_()
    findings.unknown(auth, "/auth", ["type", "user", "pass"])
    if auth.get("type") not in (None, "login"):
        findings.error("unsupported-value", "/auth/type", "only `login` is supported")
    findings.need(auth, "/auth", "pass", "secret")
    user = findings.need(auth, "/auth", "user", "string")
    return Authentication_Password(PasswordLogin(user or "", Secret("/auth/pass"), None))


def read_program(configuration, findings):
    written = findings.need(configuration, "", "fromEmail", "string")
    if written and not mailbox(written):
        findings.error("bad-mailbox", "/fromEmail", "this is no mailbox", MAILBOX)
    templates = findings.need(configuration, "", "templates", "list")
    if templates == []:
        findings.error("missing-template", "/templates", "it is empty")
    read = [read_template(*entry, findings) for entry in enumerate(templates or [])]
    return {"sender": written, "templates": read}


def read_template(index, template, findings):
    pointer = f"/templates/{index}"
    if not isinstance(template, dict):
        return findings.error("wrong-type", pointer, "it is no object")
    findings.unknown(template, pointer, TEMPLATE)
    content_type = findings.read(template, pointer, "contentType", "string") or "text/plain"
    if content_type not in ("text/plain", "text/html"):
        message = "only `text/plain` and `text/html` are supported"
        findings.error("unsupported-value", f"{pointer}/contentType", message)
    read = {"isHtml": content_type == "text/html"}
    for key in ["subject", "content"]:
        read[key] = scan(findings.need(template, pointer, key, "string") or "")
        if read[key] is None:
            findings.error("template-syntax", f"{pointer}/{key}", ODD_TAG, TAGS)
    return read | {"usageType": findings.need(template, pointer, "usageType", "string")}
