#!/usr/bin/env python3
"""Receives webhooks: checks their signatures (Standard Webhooks), notes each message once, and prints it as a line of JSON.

    WEBHOOK_SECRET=whsec_… receive-webhooks.py PORT [FILE]

FILE is an SQLite database of the messages that were taken (usual: webhooks.sqlite). It listens on this machine only: put a proxy
with TLS before it. Work on messages elsewhere, from the table: an answer has to come within 15 seconds.
"""

import base64
import hashlib
import hmac
import http.server
import json
import os
import sqlite3
import sys
import time

TOLERANCE = 300
LONGEST = 1 << 20

if len(sys.argv) not in (2, 3) or not os.environ.get("WEBHOOK_SECRET", "").startswith("whsec_"):
    sys.exit(__doc__)
secret = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))
taken = sqlite3.connect(sys.argv[2] if len(sys.argv) == 3 else "webhooks.sqlite", isolation_level=None)
taken.execute("CREATE TABLE IF NOT EXISTS messages (id TEXT PRIMARY KEY, body TEXT NOT NULL)")


def is_genuine(headers, body):
    """Whether the catalogue has signed this, and lately. One of several signatures is enough: secrets are changed with an overlap."""
    message, moment = headers["webhook-id"], headers["webhook-timestamp"]
    if not message or not moment or not moment.isdigit() or abs(time.time() - int(moment)) > TOLERANCE:
        return False
    signature = hmac.digest(secret, f"{message}.{moment}.".encode() + body, hashlib.sha256)
    expected = "v1," + base64.b64encode(signature).decode()
    return any(hmac.compare_digest(expected.encode(), given.encode()) for given in (headers["webhook-signature"] or "").split())


class Receiver(http.server.BaseHTTPRequestHandler):
    """Answers 204 for what it has taken, 401 for what is not the catalogue's."""

    def do_POST(self):
        length = self.headers["content-length"] or ""
        if not length.isdigit() or int(length) > LONGEST:
            return self.answer(413)
        body = self.rfile.read(int(length))
        if not is_genuine(self.headers, body):
            return self.answer(401)
        new = taken.execute("INSERT OR IGNORE INTO messages VALUES (?, ?)", (self.headers["webhook-id"], body.decode()))
        if new.rowcount:
            print(json.dumps(json.loads(body)), flush=True)
        return self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Nothing: messages are the output."""


with http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver) as server:
    print(f"listening on http://127.0.0.1:{server.server_port}", file=sys.stderr, flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
