#!/usr/bin/env python3
"""How long an export of 100 000 subscriptions takes, and what it costs the server: written, downloaded, and by the command line.

    cargo build --release && bench/export.py [DATABASE_URL [SUBSCRIPTIONS [PROGRAM]]]

Without an address a new SQLite file is used; a PostgreSQL database must be empty (needs `psql`). PROGRAM is another build. Sample
data is loaded, then that many subscriptions and a tenth as many. Wall time of "written" is from `startExport` until DONE is seen,
asked every 20 ms. Memory is what the process holds itself (RssAnon), looked at every 5 ms; the allocator is set as in the image.
"""
import hashlib, json, os, pathlib, re, sqlite3, subprocess, sys, tempfile, threading, time, urllib.request, uuid

from subscriptions import fill

ROOT = pathlib.Path(__file__).parent.parent
PROGRAM = ROOT / "target/release/itkatalog"
LISTEN = "127.0.0.1:18099"
START = """mutation($input: StartExportInput!) { startExport(input: $input) { export { id } errors { message } } }"""
LOOK = """query($id: ID!) { export(id: $id) { state failure rows bytes sha256 rowsSha256 cursor downloadPath } }"""
PROVE = """query($at: String) { stateDigest(what: SUBSCRIPTIONS, at: $at) { count sha256 } }"""


def megabytes(pid):
    return int(re.search(r"RssAnon:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) / 1024


class Peak(threading.Thread):
    """Looks at the memory of a process until it is told to stop."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.before, self.most, self.is_over = pid, megabytes(pid), 0, threading.Event()
        self.start()

    def run(self):
        while not self.is_over.wait(0.005):
            self.most = max(self.most, megabytes(self.pid))

    def told(self):
        self.is_over.set()
        self.join()
        return f"memory {self.before:.0f} MB before, {self.most:.0f} MB at its peak (+{self.most - self.before:.0f})"


def serve(program, url, folder, environment):
    server = subprocess.Popen([program, "--database-url", url, "serve", "--demo"], cwd=folder, stderr=subprocess.DEVNULL, env=environment)
    while subprocess.run([program, "health"], cwd=folder, stderr=subprocess.DEVNULL, env=environment).returncode:
        time.sleep(0.2)
    return server


def anew(url, folder):
    """Has the next start write down how everything stands."""
    text = "UPDATE record_heads SET states_from = -1"
    if url.startswith("sqlite:"):
        with sqlite3.connect(f"{folder}/itkatalog.db") as db:
            db.execute("DELETE FROM entity_states")
            db.execute(text)
    else:
        subprocess.run(["psql", url, "-q", "-c", "DELETE FROM entity_states", "-c", text, "-c", "ANALYZE"], check=True)


def main():
    subscriptions = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    program = pathlib.Path(sys.argv[3]).resolve() if len(sys.argv) > 3 else PROGRAM
    environment = {"MIMALLOC_PURGE_DELAY": "5", **os.environ, "ITKATALOG_LISTEN": LISTEN}
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as folder:
        url = sys.argv[1] if len(sys.argv) > 1 and sys.argv[1] else f"sqlite://{folder}/itkatalog.db"
        server = serve(program, url, folder, environment)
        server.terminate()
        server.wait()
        fill(url, folder, subscriptions)
        anew(url, folder)
        server = serve(program, url, folder, environment)
        try:
            measure(server.pid, program, url, folder, environment)
        finally:
            server.terminate()
            server.wait()


def measure(pid, program, url, folder, environment):
    token = subprocess.run([program, "token", "--role", "land"], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}

    def ask(query, **variables):
        body = json.dumps({"query": query, "variables": variables}).encode()
        answer = json.load(urllib.request.urlopen(urllib.request.Request(f"http://{LISTEN}/graphql", body, headers)))
        assert "errors" not in answer, answer
        return answer["data"]

    for what in ["JSONL", "CSV"]:
        time.sleep(3)
        peak, start = Peak(pid), time.monotonic()
        given = {"what": "SUBSCRIPTIONS", "format": what, "idempotencyKey": str(uuid.uuid4())}
        export = ask(START, input=given)["startExport"]["export"]["id"]
        while (told := ask(LOOK, id=export)["export"])["state"] in ("WAITING", "RUNNING"):
            time.sleep(0.02)
        assert told["state"] == "DONE", told
        print(f"{what:>5} written:    {time.monotonic() - start:6.2f} s, {told['rows']} rows, {told['bytes'] / 1e6:.1f} MB, {peak.told()}")
        time.sleep(3)
        peak, start, sha256 = Peak(pid), time.monotonic(), hashlib.sha256()
        with urllib.request.urlopen(urllib.request.Request(f"http://{LISTEN}{told['downloadPath']}", headers=headers)) as answer:
            while part := answer.read(1 << 20):
                sha256.update(part)
        print(f"{what:>5} downloaded: {time.monotonic() - start:6.2f} s, {peak.told()}")
        assert sha256.hexdigest() == told["sha256"]
        start = time.monotonic()
        proof = ask(PROVE, at=told["cursor"])["stateDigest"]
        assert proof == {"count": told["rows"], "sha256": told["rowsSha256"]}, proof
        print(f"{what:>5} proved:     {time.monotonic() - start:6.2f} s")
    start = time.monotonic()
    command = [program, "--database-url", url, "export", "subscriptions", "--output", "subscriptions.jsonl"]
    subprocess.run(command, cwd=folder, env=environment, check=True, stderr=subprocess.DEVNULL)
    print(f"command line:     {time.monotonic() - start:6.2f} s")


main()
