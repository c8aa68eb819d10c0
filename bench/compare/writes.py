"""Works that change something, and those that are not a load: requests, a portfolio, a walk through everything, a start."""
import json, statistics, sys, time, uuid

from . import answers, documents, servers
from .cluster import psql
from .load import Client, Measured, ask
from .works import AGS, Work, same

ROWS, PROVIDER = 500, "itkr"
# A walk that takes longer, in seconds, ends before the last page.
LONGEST_WALK = 120
RECORDS = """SELECT (SELECT count(*) FROM product_subscriptions WHERE state = 'REQUESTED'), (SELECT count(*) FROM audit_events),
    (SELECT count(*) FROM changes WHERE type = 'PRODUCT_SUBSCRIPTION'), (SELECT count(*) FROM plain_requests)"""


def records(stage):
    return [int(number) for number in psql(stage.database, "-c", RECORDS).split("|")]


def request(stage):
    """Each with a key of its own: a subscription, its history, an audit event and a feed entry; for PostGraphile one row."""
    chosen = "SELECT id, name FROM products WHERE initial_portfolio AND lifecycle = 'AVAILABLE' AND standard_product_id IS NOT NULL ORDER BY external_id LIMIT 1"
    product, name = psql(stage.database, "-c", chosen).split("|")
    day, token = "2034-01-01", stage.token("--role", "municipality", "--municipality", AGS)
    given = {"subscriber": {"municipality": {"ags": AGS}}, "product": answers.global_id("Product", product), "quantity": 1,
             "from": day, "reason": {"code": "NEED", "text": "Messung", "reference": "Ratsbeschluss 12/2026"}, "idempotencyKey": "@KEY@"}
    plain = {"ags": AGS, "product": product, "quantity": "1", "day": day, "key": "@KEY@"}
    work = Work("request", "requestSubscription", {"service": [ask(documents.REQUEST, {"input": given}, token)],
                "postgraphile": [ask(documents.PG_REQUEST, {"input": plain})]}, unique=True)
    before = records(stage)
    for side in work.asks:
        raw = stage.client(side).raw(work.asks[side][0].but_key(str(uuid.uuid4())))
        work.lengths[side] = {len(raw)}
        data = json.loads(raw)["data"]
        if side == "service":
            told, row = data["requestSubscription"], data["requestSubscription"]["subscription"]
            same("errors of a request", told["errors"], [])
            same("a request", [row["state"], row["product"]["name"], row["subscriber"]["ags"]], ["REQUESTED", name, AGS])
        else:
            row = data["requestPlainly"]["result"]
            told = [row["state"], row["productByProductId"]["name"], row["municipalityByMunicipalityId"]["ags"]]
            same("a plain request", told, ["REQUESTED", name, AGS])
    same("the records of a request each", [after - was for after, was in zip(records(stage), before)], [1, 1, 1, 1])
    return work


def portfolio_row(number, prefix):
    return {"externalId": f"{prefix}-{number:05}", "name": f"Leistung {number} der Messung", "summary": "Ein Satz, der die Leistung beschreibt.",
            "description": "Mehr dazu. " * 15, "category": ["fin", "dms", "per", "bur", "out"][number % 5], "lifecycle": "AVAILABLE",
            "deliveryMode": "REGIONAL", "leadTimeDays": str(number % 120), "prices": [{"unit": "INHABITANT", "period": "YEAR", "amount": f"0.{10 + number % 90}"}]}


def portfolio(stage, rounds):
    """Seconds for new rows, each time others, and what they cost the server."""
    server, client = stage.servers["service"], Client(stage.servers["service"].port)
    token, told = stage.token("--role", "provider", "--provider", PROVIDER), []
    for number in range(rounds):
        prefix = f"M{number}"
        given = {"provider": PROVIDER, "count": ROWS, "products": [portfolio_row(row, prefix) for row in range(ROWS)], "onError": "REJECT_ALL",
                 "missing": "KEEP", "dryRun": False, "idempotencyKey": str(uuid.uuid4())}
        sent, cpu, start = ask(documents.REGISTER, {"input": given}, token), server.cpu(), time.monotonic()
        answer = client.data(sent)["registerPortfolio"]
        told.append((time.monotonic() - start, server.cpu() - cpu))
        same("errors of a portfolio", answer["errors"], [])
        same("a portfolio", [answer["report"]["added"], answer["report"]["rejected"]], [ROWS, 0])
        kept = psql(stage.database, "-c", f"SELECT count(*) FROM products WHERE external_id LIKE '{prefix}-%'")
        same("the rows of a portfolio", int(kept), ROWS)
    return [statistics.median(column) for column in zip(*told)]


def walk(stage, side, expected):
    """All subscriptions by pages of 100, one after the other, or as many as there is time for; gives rows as requests."""
    document, field, read = {"service": (documents.ALL_SUBSCRIPTIONS, "subscriptions", answers.line),
                             "postgraphile": (documents.PG_ALL_SUBSCRIPTIONS, "allProductSubscriptions", answers.pg_line)}[side]
    token = stage.token("--role", "land") if side == "service" else None
    server = stage.servers["uncached" if side == "service" else side]
    client, cpu, place, after, took = Client(server.port), server.cpu(), 0, None, []
    begin, is_whole = time.monotonic(), False
    while not is_whole and time.monotonic() < begin + LONGEST_WALK:
        sent, start = ask(document, {"first": 100, "after": after}, token), time.monotonic()
        raw = client.raw(sent)
        took.append(1000 * (time.monotonic() - start))
        page = json.loads(raw)["data"][field]
        lines = [read(edge["node"]) for edge in page["edges"]]
        same(f"{side}, subscriptions from {place}", lines, expected[place : place + 100])
        place, after = place + len(lines), page["pageInfo"]["endCursor"]
        is_whole = not page["pageInfo"]["hasNextPage"]
    if is_whole:
        same(f"{side}: the length of all subscriptions", place, len(expected))
    else:
        print(f"{side}: {place} of {len(expected)} subscriptions in {LONGEST_WALK} s, the last page in {took[-1]:.0f} ms", file=sys.stderr)
    took.sort()
    return Measured(place, server.cpu() - cpu, took[len(took) // 2], took[len(took) * 99 // 100])


def starts(stage, core, times):
    """Seconds until /readyz, on a database that is there, and what they cost the server."""
    told = []
    for _ in range(times):
        server = servers.service(stage.folder, core, stage.database)
        told.append((server.seconds, server.cpu()))
        server.stop()
    return [statistics.median(column) for column in zip(*told)]
