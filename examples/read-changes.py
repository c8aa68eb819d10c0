#!/usr/bin/env python3
"""What has changed since the last time: reads the feed of changes and keeps where it stopped in a file.

    read-changes.py FILE

The first time it begins now. Every entry comes exactly once, in the order of commits, however long ago the last time was
(two years at least). With a token of the Land all types of changes, without one those of the published catalogue.
"""

import pathlib
import sys

from client import ask

if len(sys.argv) != 2:
    sys.exit(__doc__)
kept = pathlib.Path(sys.argv[1])
if not kept.exists():
    kept.write_text(ask("changes", after=None)["changes"]["latestCursor"])
    sys.exit(0)
while True:
    page = ask("changes", after=kept.read_text())["changes"]
    for edge in page["edges"]:
        change = edge["node"]
        print(change["sequence"], change["at"], change["type"], change["entityId"], sep="\t", flush=True)
    # Only now: what was printed is not read again, and what was not is not lost.
    kept.write_text(page["pageInfo"]["endCursor"])
    if not page["pageInfo"]["hasNextPage"]:
        break
