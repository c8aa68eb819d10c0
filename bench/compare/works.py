"""The works that are measured under load: what is sent, and that every answer is what SQL says before any is counted."""
import dataclasses, difflib, json

from . import answers, documents, servers
from .cluster import psql
from .load import Ask, Client, ask

AGS, SEARCH = "05334002", "akte"
PAGE, FAR = 20, 200
# How many different requests stand for "never asked before", and how many municipalities ask for their own subscriptions.
VARIANTS, CALLERS = 1_000, 200


@dataclasses.dataclass
class Work:
    """A row of the table: the same question in the words of each server."""

    name: str
    title: str
    asks: dict[str, list[Ask]]
    # Which process of the service: with its cache of answers, or without.
    by: str = "service"
    lengths: dict[str, set[int]] = dataclasses.field(default_factory=dict)
    # Whether each request has a key of its own.
    unique: bool = False


@dataclasses.dataclass
class Stage:
    """The servers with the data they serve, and where their files are."""

    database: str
    folder: str
    servers: dict[str, servers.Server]

    def client(self, side):
        return Client(self.servers[side].port)

    def token(self, *arguments):
        return servers.token(self.folder, *arguments)


def same(what, told, expected):
    if told != expected:
        text = lambda value: json.dumps(value, indent=1, ensure_ascii=False).splitlines()
        diff = "\n".join(list(difflib.unified_diff(text(expected), text(told), "SQL", what, lineterm=""))[:60])
        raise SystemExit(f"{what} does not say what SQL says:\n{diff}")


def check(stage, work, side, read, expected):
    """Sends each request of a work once, and keeps how long the answers are."""
    client = stage.client(work.by if side == "service" else side)
    lengths = work.lengths.setdefault(side, set())
    for place, (sent, wanted) in enumerate(zip(work.asks[side], expected, strict=True)):
        raw = client.raw(sent)
        lengths.add(len(raw))
        same(f"{side}, {work.name}, request {place}", read(json.loads(raw)["data"]), wanted)
    return work


def both(stage, work, read, pg_read, expected):
    check(stage, work, "service", read, expected)
    return check(stage, work, "postgraphile", pg_read, expected)


def available(stage):
    """Contract 01: PostGraphile has nothing that answers it."""
    work = Work("available", "contract 01, as asked before", {"service": [ask(documents.AVAILABLE_PRODUCTS, {"ags": AGS, "search": SEARCH})]})
    listed = stage.client("service").data(work.asks["service"][0])["availableProducts"]
    open_to, least = answers.open_to(stage.database, AGS, SEARCH)
    told = {answers.row_id(edge["node"]["product"]["id"]): edge["node"]["product"]["name"] for edge in listed["edges"]}
    total = listed["totalCount"]
    same("the products open to a municipality", [told.items() <= open_to.items(), len(told), min(max(total, least), len(open_to))], [True, min(PAGE, total), total])
    work.lengths["service"] = {len(stage.client("service").raw(work.asks["service"][0]))}
    return work


def given(after=None):
    return {"first": PAGE, "after": after, "where": {"lifecycle": {"eq": "AVAILABLE"}}, "orderBy": [{"field": "NAME", "direction": "ASC"}]}


def pg_given(after=None):
    return {"first": PAGE, "after": after, "lifecycle": "AVAILABLE"}


def list_pages(stage, name, title, places, by):
    """Pages that begin after these places of the list by name; None is the first page."""
    expected_rows = answers.products(stage.database)
    ours, theirs = cursors(stage, len(expected_rows))
    after = lambda known, place: None if place is None else known[place]
    work = Work(name, title, {
        "service": [ask(documents.PRODUCTS, given(after(ours, place))) for place in places(len(expected_rows))],
        "postgraphile": [ask(documents.PG_PRODUCTS, pg_given(after(theirs, place))) for place in places(len(expected_rows))],
    }, by)
    total = len(expected_rows)
    begins = [0 if place is None else place + 1 for place in places(total)]
    expected = [[total, begin + PAGE < total, expected_rows[begin : begin + PAGE]] for begin in begins]
    return both(stage, work, lambda data: answers.page(data["products"], answers.product),
                lambda data: answers.page(data["allProducts"], answers.pg_product), expected)


CURSORS = {}


def cursors(stage, total):
    """The cursors of the whole list, of both."""
    if stage.database in CURSORS:
        return CURSORS[stage.database]
    known = []
    for side, document, field, variables in [("service", documents.CURSORS, "products", given()), ("postgraphile", documents.PG_CURSORS, "allProducts", pg_given())]:
        client, found = stage.client(side), []
        while len(found) < total:
            sent = ask(document, {**variables, "first": 100, "after": found[-1] if found else None})
            page = [edge["cursor"] for edge in client.data(sent)[field]["edges"]]
            assert page, f"{side}: the list ends after {len(found)} of {total}"
            found += page
        same(f"{side}: the length of the list", len(found), total)
        known.append(found)
    CURSORS[stage.database] = tuple(known)
    return CURSORS[stage.database]


def list_again(stage):
    return list_pages(stage, "list-again", "contract 02, 20 products, as asked before", lambda _: [None], "service")


def list_first(stage):
    spread = lambda total: [place * (total - PAGE - 1) // VARIANTS for place in range(VARIANTS)]
    return list_pages(stage, "list-first", "contract 02, 20 products, first time", spread, "uncached")


def page_200(stage):
    last = (FAR - 1) * PAGE - 1
    return list_pages(stage, "page-200", "products, page 200 by cursor, first time", lambda _: range(last - 100, last + 100), "uncached")


def search(stage):
    variables = {"first": PAGE, "where": {"lifecycle": {"eq": "AVAILABLE"}}, "search": SEARCH}
    work = Work("search", "products that match “akte”, first 20, first time", {
        "service": [ask(documents.PRODUCTS, variables)],
        "postgraphile": [ask(documents.PG_SEARCH, {"first": PAGE, "search": SEARCH, "lifecycle": "AVAILABLE"})],
    }, "uncached")
    found = answers.found_products(stage.database, SEARCH)
    return both(stage, work, lambda data: answers.page(data["products"], answers.product),
                lambda data: answers.page(data["searchProducts"], answers.pg_product), [[len(found), len(found) > PAGE, found[:PAGE]]])


def own(stage, name, title, municipalities, by):
    tokens = [stage.token("--role", "municipality", "--municipality", ags) for ags in municipalities]
    work = Work(name, title, {
        "service": [ask(documents.OWN_SUBSCRIPTIONS, {"ags": ags}, token) for ags, token in zip(municipalities, tokens)],
        "postgraphile": [ask(documents.PG_OWN_SUBSCRIPTIONS, {"ags": ags}) for ags in municipalities],
    }, by)
    expected = answers.own_subscriptions_of(stage.database, municipalities)
    return both(stage, work, answers.own_subscriptions, answers.pg_own_subscriptions, expected)


def own_first(stage):
    listed = f"SELECT ags FROM (SELECT ags, row_number() OVER (ORDER BY md5(ags)) AS place FROM municipalities WHERE type <> 'KREIS') AS mixed WHERE place <= {CALLERS} ORDER BY ags"
    return own(stage, "own-first", "own subscriptions, 50 rows, first time", psql(stage.database, "-c", listed).split(), "uncached")


def own_again(stage):
    return own(stage, "own-again", "own subscriptions, 50 rows, as asked before", [AGS], "service")


READS = {"available": available, "list-again": list_again, "list-first": list_first, "own-first": own_first, "own-again": own_again,
         "search": search, "page-200": page_200}
