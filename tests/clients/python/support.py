"""Where the tests find the running server and its tokens: the environment that python.test.js sets."""

import json
import os
import urllib.request

URL = os.environ["CATALOGUE_URL"]
SOCKET = URL.replace("http", "ws", 1)
TOWN = os.environ["ITKATALOG_TOKEN_TOWN"]
OFFICE = os.environ["ITKATALOG_TOKEN_OFFICE"]

FREEZE = """mutation Freeze($key: String!) {
  freeze(input: {
    scope: { provider: { key: "krzn" } }, message: "Probe", reason: { code: OTHER, text: "Probe" }, idempotencyKey: $key
  }) { errors { message } }
}"""


def signed(token=None):
    """Headers of a request, with a token if one is given."""
    return {"Accept-Language": "en"} | ({"Authorization": f"Bearer {token}"} if token else {})


def change(key):
    """Makes a change that everybody sees, without the library that is tried."""
    body = json.dumps({"query": FREEZE, "variables": {"key": key}}).encode()
    headers = {"Content-Type": "application/json", **signed(OFFICE)}
    with urllib.request.urlopen(urllib.request.Request(URL, body, headers)) as answer:
        told = json.load(answer)
    assert told["data"]["freeze"]["errors"] == [], told
