#!/usr/bin/env python3
"""Sends one mail with Python's own client.

send_mail.py starttls|smtps|relay|lmtp PORT CA_FILE USER PASSWORD TO"""

import base64
import smtplib
import ssl
import sys
from email.message import EmailMessage

way, port, ca_file, user, password, to = sys.argv[1:]
tls = ssl.create_default_context(cafile=ca_file)

mail = EmailMessage()
mail["From"] = f"Größe <{user}>"
mail["To"] = to
mail["Subject"] = f"Über {way}"
mail.set_content("Grüße\n")
mail.add_alternative("<p>Grüße</p>\n", subtype="html")

if way == "smtps":
    client = smtplib.SMTP_SSL("127.0.0.1", int(port), context=tls)
elif way == "lmtp":
    client = smtplib.LMTP("127.0.0.1", int(port))
else:
    client = smtplib.SMTP("127.0.0.1", int(port))
with client:
    if way == "starttls":
        client.starttls(context=tls)
    if way in ("starttls", "smtps"):
        client.ehlo()
        # The client's own login() takes passwords in US-ASCII only.
        initial = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        code, reply = client.docmd("AUTH", f"PLAIN {initial}")
        if code != 235:
            sys.exit(f"{code} {reply.decode()}")
    client.send_message(mail)
