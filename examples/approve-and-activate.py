#!/usr/bin/env python3
"""A provider works off its requests: approves what it may approve, or starts the delivery of one from today on.

    approve-and-activate.py                  lists what waits
    approve-and-activate.py approve ID
    approve-and-activate.py activate ID

Needs a token of the provider. The keys are made from what is done: sent again after a lost answer, it happens once.
"""

import datetime
import sys

from client import ask, change, pages


def show():
    for request in pages("open_requests", "subscriptions"):
        may = [one["action"] for one in request["permissions"] if one["allowed"]]
        subscriber = request["subscriber"].get("name") or request["subscriber"].get("key")
        print(request["id"], request["state"], subscriber, request["product"]["name"], ",".join(may), sep="\t")


def step(action, subscription, **more):
    """One step from the version that was read: whoever was quicker is not overwritten, but told as CONFLICT."""
    version = ask("subscription", id=subscription)["subscription"]["version"]
    key = f"{action}-{subscription}-{version}"
    done = change(action, subscription=subscription, version=version, idempotencyKey=key, **more)["subscription"]
    print(done["id"], done["state"], "version", done["version"])


match sys.argv[1:]:
    case []:
        show()
    case ["approve", subscription]:
        step("approve", subscription, reason={"code": "APPROVED", "text": "Lieferung ist möglich"})
    case ["activate", subscription]:
        step("activate", subscription, reason={"code": "DELIVERED", "text": "In Betrieb genommen"}, on=str(datetime.date.today()))
    case _:
        sys.exit(__doc__)
