#!/usr/bin/env python3
"""Reads a mail from the file named first and prints what it says as one JSON document."""

import email
import email.policy
import json
import sys


def mailboxes(field):
    return [[a.display_name, a.addr_spec] for a in field.addresses] if field else []


def content(mail, kind):
    part = mail.get_body(preferencelist=(kind,))
    return part.get_content() if part else None


with open(sys.argv[1], "rb") as file:
    mail = email.message_from_binary_file(file, policy=email.policy.default)

print(json.dumps({
    "from": mailboxes(mail["From"]),
    "to": mailboxes(mail["To"]),
    "replyTo": mailboxes(mail["Reply-To"]),
    "subject": mail["Subject"],
    "text": content(mail, "plain"),
    "html": content(mail, "html"),
    "headers": [[name, str(value)] for name, value in mail.items()],
    "defects": [str(defect) for part in mail.walk() for defect in part.defects],
}))
