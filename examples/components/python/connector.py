"""The other half of the connector: templates with placeholders such as {{code}}, and the composer that
fills them. The contract's resource `composer` is looked for in a module of this name."""

import html
import json
import re
from dataclasses import replace

from componentize_py_types import Err
from wit_world.exports import connector
from wit_world.exports.messages import (
    AddressProblem, ComposeError_Address, ComposeError_Payload, ComposeError_Template,
    ComposeError_TemplateNotFound, Content_Literal, Content_Supplied, ContentType, Mailbox, Message,
    MessagePart, TemplateProblem,
)

MAILBOX = "write `jo@example.com` or `Jo <jo@example.com>`"
ODD_TAG = "this holds a tag that is no plain placeholder"
TAGS = "write plain placeholders such as {{code}} or {{user.name}}"
ADDRESS = r'[^\s"\\<>()@,;:]+@[^\s"\\<>()@,;:]+'


def mailbox(written):
    """A mailbox; None where a text could be read as another or as several."""
    if re.fullmatch(ADDRESS, written):
        return Mailbox(None, written)
    found = re.fullmatch(rf'([^"\\<>()@,;:]*?)\s*<({ADDRESS})>', written)
    return Mailbox(found[1] or None, found[2]) if found else None


def scan(template):
    """Literal text and the paths of placeholders in turns; None where there is any other tag."""
    parts = re.split(r"(?<!\{)\{\{\s*([\w.]+)\s*\}\}(?!\})", template, flags=re.ASCII)
    return None if any("{{" in part for part in parts) else parts


def fill(parts, payload, is_html=False):
    """A root that the payload lacks stays as it was written; what else is missing is empty."""

    def value(path):
        root, *members = path.split(".")
        if root not in payload:
            return "{{" + path + "}}"
        found = payload[root]
        for member in members:
            found = found.get(member) if isinstance(found, dict) else None
        if found is None or isinstance(found, (dict, list)):
            return ""
        written = found if isinstance(found, str) else json.dumps(found)
        return html.escape(written) if is_html else written

    return "".join(value(part) if index % 2 else part for index, part in enumerate(parts))


class Composer(connector.Composer):
    def __init__(self, sender, templates):
        self.sender, self.templates = sender, templates

    @classmethod
    def open(cls, program):
        read = parsed(program)
        if not isinstance(read, dict):
            raise Err("this is no program of this connector")
        return cls(mailbox(read["sender"]), read["templates"])

    def compose(self, request):
        values = parsed(request.payload)
        if not isinstance(values, dict):
            raise Err(ComposeError_Payload("it is no JSON object"))
        message = Message(self.sender, [], "", None, None, [])
        if isinstance(request.content, Content_Literal):
            return message
        if isinstance(request.content, Content_Supplied):
            return supplied(message, request.content.value, values)
        for usage_type in [request.usage_type, "Generic"]:
            found = [entry for entry in self.templates if entry["usageType"] == usage_type]
            if found:
                return rendered(message, found, values)
        raise Err(ComposeError_TemplateNotFound(request.usage_type))


def rendered(message, templates, values):
    """The mail of a template for text, of one for HTML, or of both."""
    parts = {
        template["isHtml"]: fill(template["content"], values, template["isHtml"])
        for template in reversed(templates)
    }
    subject = re.sub(r"[\x00-\x1f\x7f]+", " ", fill(templates[0]["subject"], values))
    return replace(message, subject=subject, text=parts.get(False), html=parts.get(True))


def supplied(message, template, values):
    """The mail of a template that comes with the request."""

    def scanned(part, written):
        parts = scan(written)
        if parts is None:
            problem = TemplateProblem(part, f"{ODD_TAG}; {TAGS}", None, None)
            raise Err(ComposeError_Template(problem))
        return parts

    def box(field, part, written):
        found = mailbox(fill(scanned(part, written), values))
        if found is None:
            raise Err(ComposeError_Address(AddressProblem(field, "it is not one mailbox")))
        return found

    if template.send_from is not None:
        sender = box("sendFrom", MessagePart.SEND_FROM, template.send_from)
        message = replace(message, sender=sender)
    if template.reply_to is not None:
        answers = [box("replyTo", MessagePart.REPLY_TO, template.reply_to)]
        message = replace(message, reply_to=answers)
    is_html = template.content_type != ContentType.PLAIN
    part = MessagePart.HTML if is_html else MessagePart.TEXT
    entry = {
        "isHtml": is_html,
        "subject": scanned(MessagePart.SUBJECT, template.subject),
        "content": scanned(part, template.content),
    }
    return rendered(message, [entry], values)


def parsed(written):
    """What a text says as JSON, or None."""
    try:
        return json.loads(written)
    except (ValueError, RecursionError):
        return None
