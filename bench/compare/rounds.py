"""One size, measured: its servers, the rounds of each by turns, and the rows of the table."""
import datetime, pathlib, sys

from . import answers, servers, works, writes
from .load import lua, wrk
from .table import Row, median

WARM_SECONDS, STARTS, WALKS = 1, 5, {"x1": 3, "x10": 1}


def say(text):
    print(f"{datetime.datetime.now():%H:%M:%S} {text}", file=sys.stderr, flush=True)


class Run:
    """One size: its servers, and the rows of the table."""

    def __init__(self, given, size, database, folder):
        self.given, self.size, self.rows = given, size, []
        own = {"service": servers.service(folder, given.server_core, database)}
        has_cache = servers.has_answer_cache()
        own["uncached"] = servers.service(folder, given.server_core, database, "uncached", servers.UNCACHED) if has_cache else own["service"]
        own["postgraphile"] = servers.postgraphile(folder, given.server_core, database)
        self.stage = works.Stage(database, folder, own)

    def stop(self):
        for server in list(servers.RUNNING):
            server.stop()

    def loaded(self, work):
        """Rounds of all servers by turns."""
        stage, given = self.stage, self.given
        sides = {side: stage.servers[work.by if side == "service" else side] for side in work.asks}
        if not work.unique:
            answer = stage.client("service").raw(work.asks["service"][0])
            sides = {"static": servers.static(stage.folder, given.server_core, answer), **sides}
            work.asks["static"], work.lengths["static"] = work.asks["service"][:1], {len(answer)}
        rounds = {side: [] for side in sides}
        try:
            for number in range(given.rounds + 1):
                for side, server in sides.items():
                    path = pathlib.Path(stage.folder) / f"{work.name}-{side}.lua"
                    path.write_text(lua(work.asks[side], work.lengths[side], work.unique))
                    measured = wrk(server, path, given.seconds if number else WARM_SECONDS, given.load_core)
                    rounds[side] += [measured] if number else []
        finally:
            if "static" in sides:
                sides["static"].stop()
        self.add(work.name, work.title, rounds, sides["service"])

    def add(self, name, title, rounds, server):
        row = Row(self.size, name, title, {side: median(told) for side, told in rounds.items()}, megabytes=server.megabytes())
        say(f"{self.size}: {name}: " + ", ".join(f"{side} {told.per_cpu_second():.0f}/s, p50 {told.p50:.2f} ms" for side, told in row.measured.items()))
        self.rows.append(row)

    def walked(self):
        expected, rounds = answers.lines(self.stage.database), {"service": [], "postgraphile": []}
        for _ in range(WALKS[self.size]):
            for side in rounds:
                rounds[side].append(writes.walk(self.stage, side, expected))
        self.add("walk", "all subscriptions by pages of 100: rows", rounds, self.stage.servers["uncached"])

    def everything(self):
        wanted = self.given.only
        for name, work in works.READS.items():
            if name in wanted:
                say(f"{self.size}: {name}: checking")
                self.loaded(work(self.stage))
        if "walk" in wanted:
            say(f"{self.size}: walk")
            self.walked()
        if "memory" in wanted:
            held = self.stage.servers["service"].megabytes()
            self.rows.append(Row(self.size, "memory", "resident memory after this load", figure=f"{held:.0f} MB", megabytes=held))
        if "request" in wanted:
            self.requested()
        if "portfolio" in wanted:
            say(f"{self.size}: portfolio")
            wall, cpu = writes.portfolio(self.stage, self.given.rounds)
            figure = f"{wall:.2f} s, {cpu:.2f} s of CPU"
            held = self.stage.servers["service"].megabytes()
            self.rows.append(Row(self.size, "portfolio", f"registerPortfolio, {writes.ROWS} rows", figure=figure, megabytes=held))
        if "start" in wanted:
            self.started()

    def requested(self):
        say(f"{self.size}: request: checking")
        work = writes.request(self.stage)
        before = writes.records(self.stage)
        self.loaded(work)
        written = [after - was for after, was in zip(writes.records(self.stage), before)]
        works.same("subscriptions, audit events and feed entries", written[1:3], [written[0]] * 2)

    def started(self):
        say(f"{self.size}: start")
        self.stop()
        wall, cpu = writes.starts(self.stage, self.given.server_core, STARTS)
        self.rows.append(Row(self.size, "start", "start on this database until /readyz", figure=f"{wall:.2f} s, {cpu:.2f} s of CPU"))
