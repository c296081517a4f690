#!/usr/bin/env python3
"""Runs aiosmtpd twice, for STARTTLS and for implicit TLS, and prints each mail as a line of JSON.

The one argument is a JSON object; see tests/src/real/aiosmtpd.rs.
"""

import json
import signal
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

settings = json.loads(sys.argv[1])
tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
tls.load_cert_chain(settings["certificate"], settings["key"])


def authenticate(server, session, envelope, mechanism, login):
    session.mechanism = mechanism
    known = (settings["user"].encode(), settings["password"].encode())
    return AuthResult(success=(login.login, login.password) == known, handled=False)


class Inbox:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address == settings["refused"]:
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 welcome"

    async def handle_DATA(self, server, session, envelope):
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "mechanism": session.mechanism,
            "message": envelope.content.decode(),
        }
        print(json.dumps(mail), flush=True)
        return "250 2.0.0 kept"


def serve(port, **options):
    options |= {"auth_required": True, "authenticator": authenticate}
    names = {"hostname": "127.0.0.1", "server_hostname": "mx.mail.test"}
    Controller(Inbox(), port=port, **names, **options).start()


signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
serve(settings["submissionPort"], tls_context=tls, require_starttls=True)
# The server sees a connection without STARTTLS, and would offer no AUTH on it.
serve(settings["smtpsPort"], ssl_context=tls, auth_require_tls=False)
signal.sigwait({signal.SIGTERM})
