#!/usr/bin/env python3
"""Signs a body as the Python library of Standard Webhooks does: for a JSON object with `secret`,
`id`, `timestamp` (in seconds) and `body` on standard input, the signature on standard output."""

import datetime
import json
import sys

from standardwebhooks.webhooks import Webhook

call = json.load(sys.stdin)
at = datetime.datetime.fromtimestamp(call["timestamp"], datetime.timezone.utc)
sys.stdout.write(Webhook(call["secret"]).sign(call["id"], at, call["body"]))
