"""Verifies a delivery, as JSON on standard input, with the official library."""

import json
import sys

from standardwebhooks.webhooks import Webhook

given = json.load(sys.stdin)
event = Webhook(given["secret"]).verify(given["body"], given["headers"])
print(event["type"])
