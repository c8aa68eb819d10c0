"""What the Land's scripts share: the examples' client, and whole files from exports."""

import hashlib
import os
import pathlib
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from client import TOKEN, URL, ask, change, pages  # noqa: E402,F401


def export(to, what, **given):
    """Has an export written, downloads it to a file, and checks its digest. What the catalogue tells of it."""
    started = change("start_export", what=what, idempotencyKey=str(uuid.uuid4()), **given)["export"]
    while (told := ask("export", id=started["id"])["export"])["state"] in ("WAITING", "RUNNING"):
        time.sleep(0.5)
    if told["state"] != "DONE":
        sys.exit(f"the export of {what} came to {told['state']}: {told['failure']}")
    download(told["downloadPath"], to, told["bytes"])
    with open(to, "rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != told["sha256"]:
            os.remove(to)
            sys.exit(f"{to}: the file is not what the catalogue wrote")
    return told


def download(path, to, length):
    """Downloads a file; what broke off goes on where it was, up to five times."""
    open(to, "wb").close()
    for wait in (1, 2, 4, 8, 0):
        request = urllib.request.Request(urllib.parse.urljoin(URL, path), headers={"Authorization": f"Bearer {TOKEN}"})
        if have := os.path.getsize(to):
            request.add_header("Range", f"bytes={have}-")
        try:
            if have < length:
                with urllib.request.urlopen(request, timeout=60) as answer, open(to, "ab") as file:
                    while part := answer.read(1 << 16):
                        file.write(part)
        except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
            print(f"{to}: {error}", file=sys.stderr)
        if os.path.getsize(to) >= length:
            return
        time.sleep(wait)
    sys.exit(f"{to}: the download does not come to an end")
