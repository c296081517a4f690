#!/usr/bin/env python3
"""Verifies a webhook as the Python library of Standard Webhooks does: for a JSON object with
`secret`, `headers` and `body` on standard input, `genuine` or `forged` on standard output."""

import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

call = json.load(sys.stdin)
try:
    Webhook(call["secret"]).verify(call["body"], call["headers"])
    sys.stdout.write("genuine")
except WebhookVerificationError:
    sys.stdout.write("forged")
