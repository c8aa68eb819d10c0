#!/usr/bin/env python3
"""A copy of the catalogue in SQLite that proves itself. Run it every night, or as often as you like.

    mirror.py FILE [--anew]

The first time it takes exports, later what has changed since. Whatever it has read is written together with its place in the
feed, so it may be stopped at any moment. At the end it compares its rows with the digest that the catalogue tells of the same
place: exit code 0 means that nothing is missing and nothing is wrong.
"""

import argparse
import hashlib
import json
import pathlib
import sqlite3
import sys
import tempfile

from catalogue import ask, export

KINDS = {"MUNICIPALITIES": "MUNICIPALITY", "PROVIDERS": "PROVIDER", "PRODUCTS": "PRODUCT", "SUBSCRIPTIONS": "PRODUCT_SUBSCRIPTION"}


def canonical(row):
    """A row as RFC 8785 writes it: the catalogue's rows hold no fractions and no exotic keys."""
    return json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def begin(copy):
    """Takes everything along, as of the moment of each export."""
    cursor = None
    with tempfile.TemporaryDirectory() as folder:
        for what, kind in KINDS.items():
            file = pathlib.Path(folder) / what
            told = export(file, what)
            # The feed is read from the earliest of them: what comes again holds the whole row, so it does no harm.
            cursor = cursor or told["cursor"]
            with open(file, encoding="utf-8") as lines:
                rows = ((kind, json.loads(line)["id"], line.rstrip("\n")) for line in lines)
                copy.executemany("INSERT INTO rows VALUES (?, ?, ?)", rows)
            print(f"{what.lower()}: {told['rows']} rows exported")
    copy.execute("INSERT INTO place VALUES (?, NULL)", [cursor])


def follow(copy):
    """Reads on to the end of the feed. Each page is written together with its place."""
    count = 0
    while True:
        cursor, last = copy.execute("SELECT cursor, sequence FROM place").fetchone()
        page = ask("mirrored_changes", after=cursor)["changes"]
        with copy:
            for change in (edge["node"] for edge in page["edges"]):
                if last is not None and (change["previous"] or 0) > last:
                    sys.exit(f"entries between {last} and {change['previous']} are missing: run it with --anew")
                last = change["sequence"]
                key = (change["type"], change["entityId"])
                copy.execute("DELETE FROM rows WHERE kind = ? AND id = ?", key)
                if change["state"] is not None:
                    copy.execute("INSERT INTO rows VALUES (?, ?, ?)", (*key, canonical(change["state"])))
            copy.execute("UPDATE place SET cursor = ?, sequence = ?", (page["pageInfo"]["endCursor"], last))
        count += len(page["edges"])
        if not page["pageInfo"]["hasNextPage"]:
            print(f"{count} changes read")
            return


def prove(copy):
    """Whether the copy is what the catalogue says of the same place."""
    (cursor,) = copy.execute("SELECT cursor FROM place").fetchone()
    is_whole = True
    for what, kind in KINDS.items():
        rows = copy.execute("SELECT row FROM rows WHERE kind = ?", [kind])
        digests = sorted(hashlib.sha256(row.encode()).hexdigest() + "\n" for (row,) in rows)
        own = {"count": len(digests), "sha256": hashlib.sha256("".join(digests).encode()).hexdigest()}
        told = ask("state_digest", what=what, at=cursor)["stateDigest"]
        is_whole &= own == told
        print(f"{what.lower()}: {own['count']} rows, {own['sha256'][:16]}… {'proved' if own == told else 'DIFFERS from ' + str(told)}")
    return is_whole


arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("file", type=pathlib.Path)
arguments.add_argument("--anew", action="store_true", help="forget the copy and begin with exports again")
given = arguments.parse_args()
if given.anew:
    given.file.unlink(missing_ok=True)
copy = sqlite3.connect(given.file)
with copy:
    copy.execute("CREATE TABLE IF NOT EXISTS rows (kind TEXT, id TEXT, row TEXT, PRIMARY KEY (kind, id))")
    copy.execute("CREATE TABLE IF NOT EXISTS place (cursor TEXT, sequence INTEGER)")
    if copy.execute("SELECT count(*) FROM place").fetchone() == (0,):
        begin(copy)
follow(copy)
if not prove(copy):
    sys.exit("the copy is not what the catalogue is: run it with --anew, and tell the operators")
