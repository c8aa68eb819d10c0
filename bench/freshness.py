#!/usr/bin/env python3
"""How soon an instance shows what another has written, while it tells kept answers.

    cargo build --release && bench/freshness.py [DATABASE_URL [TIMES [PROGRAM]]]

Without an address a new SQLite file is used; a PostgreSQL database must be empty. Two instances of the demo share it. One writes
(a freeze, which is of the catalogue; a request, which is of a subscriber), the other is asked the same again every 5 ms, without
`no-cache`, from the moment at which the write is answered. What is told is the time until the answer is the new one.
"""
import json, os, pathlib, statistics, subprocess, sys, tempfile, time, urllib.request, uuid

ROOT = pathlib.Path(__file__).parent.parent
ADDRESSES = ["127.0.0.1:18101", "127.0.0.1:18102"]
AACHEN = "05334002"
FREEZE = "mutation($input: FreezeInput!) { freeze(input: $input) { freeze { id } errors { message } } }"
UNFREEZE = "mutation($input: UnfreezeInput!) { unfreeze(input: $input) { freeze { id } errors { message } } }"
REQUEST = "mutation($input: RequestSubscriptionInput!) { requestSubscription(input: $input) { subscription { id version } errors { message } } }"
WITHDRAW = "mutation($input: WithdrawSubscriptionInput!) { withdrawSubscription(input: $input) { subscription { id version } errors { message } } }"
FREEZES = "{ freezes { id } }"
OWN = '{ municipality(by: {ags: "%s"}) { subscriptions(first: 50) { totalCount edges { node { id state version } } } } }' % AACHEN
PRODUCT = '{ product(by: {externalId: {provider: "zentral-nrw", externalId: "DMS-02"}}) { id } }'
REASON = {"code": "OTHER", "text": "Messung"}


def ask(address, token, query, variables=None):
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    body = json.dumps({"query": query, "variables": variables or {}}).encode()
    answer = json.load(urllib.request.urlopen(urllib.request.Request(f"http://{address}/graphql", body, headers)))
    assert "errors" not in answer, answer
    return answer["data"]


def change(token, mutation, query, given):
    given |= {"reason": REASON, "idempotencyKey": str(uuid.uuid4())}
    payload = ask(ADDRESSES[0], token, query, {"input": given})[mutation]
    assert not payload["errors"], payload
    return payload


def wait(token, query, before):
    """Seconds until the other instance answers otherwise."""
    start = time.monotonic()
    while ask(ADDRESSES[1], token, query) == before:
        time.sleep(0.005)
    return time.monotonic() - start


def measure(times, office, town):
    product = ask(ADDRESSES[0], None, PRODUCT)["product"]["id"]
    delays = {"catalogue": [], "subscription": []}
    for _ in range(times):
        before = ask(ADDRESSES[1], None, FREEZES)
        frozen = change(office, "freeze", FREEZE, {"scope": {"provider": {"key": "krzn"}}, "message": "Messung"})["freeze"]
        delays["catalogue"].append(wait(None, FREEZES, before))
        change(office, "unfreeze", UNFREEZE, {"freeze": frozen["id"]})
        before = ask(ADDRESSES[1], town, OWN)
        asked = {"subscriber": {"municipality": {"ags": AACHEN}}, "product": product, "quantity": 1, "from": "2030-01-01"}
        made = change(town, "requestSubscription", REQUEST, asked)["subscription"]
        delays["subscription"].append(wait(town, OWN, before))
        change(town, "withdrawSubscription", WITHDRAW, {"subscription": made["id"], "version": made["version"]})
    for what, seconds in delays.items():
        print(f"{what:>13}: median {statistics.median(seconds) * 1000:.0f} ms, longest {max(seconds) * 1000:.0f} ms of {len(seconds)}")


def main():
    times = int(sys.argv[2]) if len(sys.argv) > 2 else 40
    program = pathlib.Path(sys.argv[3]).resolve() if len(sys.argv) > 3 else ROOT / "target/release/itkatalog"
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as folder:
        url = sys.argv[1] if len(sys.argv) > 1 and sys.argv[1] else f"sqlite://{folder}/itkatalog.db"
        servers = []
        try:
            for address in ADDRESSES:
                environment = {**os.environ, "ITKATALOG_LISTEN": address}
                command = [program, "--database-url", url, "serve", "--demo"]
                servers.append(subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL, env=environment))
                while subprocess.run([program, "health"], cwd=folder, stderr=subprocess.DEVNULL, env=environment).returncode:
                    time.sleep(0.2)
            token = lambda *role: subprocess.run(
                [program, "token", "--role", *role], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()
            measure(times, token("transformation_office"), token("municipality", "--municipality", AACHEN))
        finally:
            for server in servers:
                server.terminate()
                server.wait()


main()
