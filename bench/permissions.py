#!/usr/bin/env python3
"""What `permissions` costs: server CPU of a list of 50 subscriptions with and without it, side by side.

    cargo build --release && bench/permissions.py

Starts the release program on sample data in an empty folder, sends both requests by turns, and reads the server's
own CPU time. Absolute figures depend on the machine; the ratio is what counts.
"""
import json, os, pathlib, subprocess, tempfile, time, urllib.request

PROGRAM = pathlib.Path(__file__).parent.parent / "target/release/itkatalog"
LISTEN = "127.0.0.1:18099"
ROUNDS, BLOCK = 10, 40
FIELDS = "id state version quantity product { id name provider { key name } }"
PERMISSIONS = "permissions { action allowed needsApproval approvers rule { id text source } waysOut { kind text phase role } }"
LIST = "{ subscriptions(first: 50, where: {provider: {eq: \"zentral-nrw\"}}) { edges { node { %s } } } }"


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen([PROGRAM, "serve", "--demo", "--listen", LISTEN], cwd=folder, stderr=subprocess.DEVNULL)
        try:
            measure(folder, server.pid)
        finally:
            server.terminate()
            server.wait()


def measure(folder, pid):
    while subprocess.run([PROGRAM, "health"], cwd=folder, stderr=subprocess.DEVNULL, env={**os.environ, "ITKATALOG_LISTEN": LISTEN}).returncode:
        time.sleep(0.2)
    token = subprocess.run([PROGRAM, "token", "--role", "steward"], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()

    def ask(query):
        request = urllib.request.Request(
            f"http://{LISTEN}/graphql",
            json.dumps({"query": query}).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
        )
        answer = json.load(urllib.request.urlopen(request))
        assert "errors" not in answer and len(answer["data"]["subscriptions"]["edges"]) == 50, answer

    kinds = {"without permissions": LIST % FIELDS, "with permissions": LIST % f"{FIELDS} {PERMISSIONS}"}
    spent = {name: 0.0 for name in kinds}
    for query in kinds.values():
        ask(query)
    for _ in range(ROUNDS):
        for name, query in kinds.items():
            before = cpu_seconds(pid)
            for _ in range(BLOCK):
                ask(query)
            spent[name] += cpu_seconds(pid) - before
    for name, seconds in spent.items():
        print(f"{name:>20}: {seconds / ROUNDS / BLOCK * 1e6:8.0f} µs of server CPU for a page of 50")
    print(f"{'ratio':>20}: {spent['with permissions'] / spent['without permissions']:8.2f}")


main()
