#!/usr/bin/env python3
"""How long a merger of providers takes that moves 100 000 subscriptions: its plan, and the merger itself.

    cargo build --release && bench/merger.py [DATABASE_URL [SUBSCRIPTIONS [PROGRAM]]]

Without an address a new SQLite file is used; a PostgreSQL database must be empty (needs `psql`). PROGRAM is another build,
for example target/debug/itkatalog. Sample data is loaded, then that many subscriptions to one product of `krzn`, and a tenth
as many that `krzn` takes itself: those are the rows that change. Wall time is that of the requests.
"""
import json, os, pathlib, subprocess, sys, tempfile, time, urllib.request, uuid

from subscriptions import fill

ROOT = pathlib.Path(__file__).parent.parent
PROGRAM = ROOT / "target/release/itkatalog"
LISTEN = "127.0.0.1:18098"
MERGE = """mutation($input: MergeProvidersInput!) { mergeProviders(input: $input) { merger { key }
    plan { hash counts { products subscriptions takenSubscriptions openRequests } } errors { code message } } }"""


def main():
    subscriptions = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    program = pathlib.Path(sys.argv[3]).resolve() if len(sys.argv) > 3 else PROGRAM
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as folder:
        url = sys.argv[1] if len(sys.argv) > 1 and sys.argv[1] else f"sqlite://{folder}/itkatalog.db"
        command = [program, "--database-url", url, "serve", "--demo", "--listen", LISTEN]
        server = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
        try:
            measure(program, url, folder, subscriptions)
        finally:
            server.terminate()
            server.wait()


def measure(program, url, folder, subscriptions):
    environment = {**os.environ, "ITKATALOG_LISTEN": LISTEN}
    while subprocess.run([program, "health"], cwd=folder, stderr=subprocess.DEVNULL, env=environment).returncode:
        time.sleep(0.2)
    fill(url, folder, subscriptions)
    token = subprocess.run([program, "token", "--role", "transformation_office"], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()

    def merge(what, **more):
        given = {"into": {"key": "zentral-nrw"}, "providers": [{"key": "krzn"}], "on": time.strftime("%Y-%m-%d"), "resolution": "Messung"}
        given |= {"reason": {"code": "MERGER", "text": "Messung"}, "idempotencyKey": str(uuid.uuid4()), **more}
        request = urllib.request.Request(
            f"http://{LISTEN}/graphql",
            json.dumps({"query": MERGE, "variables": {"input": given}}).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
        )
        start = time.monotonic()
        answer = json.load(urllib.request.urlopen(request))
        told = answer["data"]["mergeProviders"]
        assert "errors" not in answer and not told["errors"], answer
        print(f"{what:>8}: {time.monotonic() - start:6.2f} s, {json.dumps(told['plan']['counts'])}")
        return told["plan"]["hash"]

    merge("merger", planHash=merge("plan", dryRun=True))


main()
