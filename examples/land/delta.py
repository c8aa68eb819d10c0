#!/usr/bin/env python3
"""What has changed since the last time, as CSV on standard output, with names and what things were after each change.

    delta.py KEPT

KEPT is a file with the place in the feed. The first time it begins with yesterday, midnight in Berlin. Needs a token of the Land for
subscriptions; without one it tells of the published catalogue.
"""

import csv
import datetime
import json
import pathlib
import sys
import zoneinfo

from catalogue import ask

if len(sys.argv) != 2:
    sys.exit(__doc__)
kept = pathlib.Path(sys.argv[1])
today = datetime.datetime.now(zoneinfo.ZoneInfo("Europe/Berlin")).replace(hour=0, minute=0, second=0, microsecond=0)
since = None if kept.exists() else (today - datetime.timedelta(days=1)).astimezone(datetime.UTC)


def name(thing):
    """What people call it; of a subscription whose it is and to what."""
    if thing is None:
        return ""
    if "product" in thing:
        return f"{(thing['subscriber'] or {}).get('name', '')}: {(thing['product'] or {}).get('name', '')}"
    return thing.get("name", "")


out = csv.writer(sys.stdout)
out.writerow(["sequence", "at", "type", "entityId", "name", "version", "state", "row"])
after = kept.read_text() if kept.exists() else None
while True:
    page = ask("named_changes", after=after)["changes"]
    for change in (edge["node"] for edge in page["edges"]):
        if since and datetime.datetime.fromisoformat(change["at"]) < since:
            continue
        row = change["state"] or {}
        out.writerow([
            change["sequence"], change["at"], change["type"], change["entityId"], name(change["entity"]), change["entityVersion"],
            row.get("state") or row.get("lifecycle"), json.dumps(row, ensure_ascii=False, sort_keys=True) if row else "",
        ])
    after = page["pageInfo"]["endCursor"]
    if not page["pageInfo"]["hasNextPage"]:
        break
sys.stdout.flush()
# Only now, when all of it is written: who breaks off before gets it again.
kept.write_text(after)
