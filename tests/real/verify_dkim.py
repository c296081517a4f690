#!/usr/bin/env python3
"""Verifies the DKIM signatures of a mail, in their order, and prints what becomes of each.

The mail is in the file named first; what is printed is one JSON document. The file named second
holds the DNS: a JSON object of names and TXT records. No other DNS is asked.
"""

import json
import re
import sys

import dkim

with open(sys.argv[1], "rb") as file:
    mail = file.read()
with open(sys.argv[2], encoding="utf-8") as file:
    records = json.load(file)


def look_up(name, timeout=5):
    return records.get(name.decode().rstrip("."), "").encode()


def judge(index):
    verifier = dkim.DKIM(mail)
    try:
        valid = verifier.verify(idx=index, dnsfunc=look_up)
    except dkim.DKIMException as error:
        return {"valid": False, "reason": str(error)}
    return {"valid": valid, "domain": verifier.domain.decode(), "signed": [
        name.decode() for name, _ in verifier.signed_headers if name != b"dkim-signature"
    ]}


header = mail.partition(b"\r\n\r\n")[0]
count = len(re.findall(rb"^DKIM-Signature:", header, re.IGNORECASE | re.MULTILINE))
print(json.dumps([judge(index) for index in range(count)]))
