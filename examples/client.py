"""What the examples in Python share: one function that asks the catalogue. Needs nothing but Python.

CATALOGUE_URL and ITKATALOG_TOKEN say whom they ask, and as whom.
"""

import json
import os
import pathlib
import sys
import urllib.error
import urllib.request

URL = os.environ.get("CATALOGUE_URL", "http://127.0.0.1:8080/graphql")
TOKEN = os.environ.get("ITKATALOG_TOKEN")
DOCUMENTS = pathlib.Path(__file__).parent / "documents"


def ask(name, **variables):
    """Sends documents/NAME.graphql and returns its data; ends the program with a message when something is wrong."""
    body = json.dumps({"query": (DOCUMENTS / f"{name}.graphql").read_text(), "variables": variables}).encode()
    headers = {"Content-Type": "application/json", "Accept-Language": os.environ.get("CATALOGUE_LANG", "de")}
    if TOKEN:
        headers["Authorization"] = f"Bearer {TOKEN}"
    try:
        with urllib.request.urlopen(urllib.request.Request(URL, body, headers), timeout=60) as answer:
            told = json.load(answer)
    except urllib.error.HTTPError as error:
        told = json.load(error)
    except urllib.error.URLError as error:
        sys.exit(f"{URL}: {error.reason}")
    stop_on(told.get("errors"))
    return told["data"]


def change(name, **given):
    """Sends a mutation with one input; returns its payload, or ends the program with what the catalogue has against it."""
    (payload,) = ask(name, input=given).values()
    stop_on(payload["errors"])
    return payload


def pages(name, field, **variables):
    """All rows of a list, page by page."""
    after = None
    while True:
        page = ask(name, after=after, **variables)[field]
        yield from (edge["node"] for edge in page["edges"])
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


def stop_on(errors):
    """Prints errors with what to do next, and ends the program with 1 if there are any."""
    if errors:
        sys.exit("\n".join(f"{error['message']} {error.get('nextStep') or error.get('extensions', {}).get('nextStep', '')}" for error in errors))
