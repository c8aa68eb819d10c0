"""Asks a server: one request at a time, or as many as `wrk` can send on 16 connections."""
import dataclasses, http.client, itertools, json, os, pathlib, subprocess, sys, time

CONNECTIONS = 16
HERE = pathlib.Path(__file__).parent
NUMBERS = itertools.count()


@dataclasses.dataclass
class Ask:
    """A request: its body, and who asks."""

    body: str
    token: str | None = None

    def but_key(self, key):
        return Ask(self.body.replace("@KEY@", key), self.token)


def ask(document, variables, token=None):
    return Ask(json.dumps({"query": document, "variables": variables}, ensure_ascii=False), token)


@dataclasses.dataclass
class Measured:
    """What one round, or all rounds together, told of one server."""

    requests: float
    cpu: float
    p50: float
    p99: float

    def per_cpu_second(self):
        return self.requests / max(self.cpu, 0.01)


class Client:
    """One connection that stays."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def raw(self, ask):
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {ask.token}"} if ask.token else {})
        self.connection.request("POST", "/graphql", ask.body.encode(), headers)
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{answer.status}: {body[:2000].decode()}\nasked was {ask.body[:2000]}")
        return body

    def data(self, ask):
        answer = json.loads(self.raw(ask))
        if "errors" in answer:
            raise SystemExit(f"{json.dumps(answer['errors'])[:2000]}\nasked was {ask.body[:2000]}")
        return answer["data"]


def lua(asks, lengths, unique):
    """The requests of a work as a table of Lua."""
    quoted = lambda text: f"[==[{text}]==]"
    rows = (f"{{ body = {quoted(ask.body)}, token = {quoted(ask.token) if ask.token else 'nil'} }}," for ask in asks)
    known = ", ".join(f"[{length}] = true" for length in sorted(lengths))
    return f"return {{ unique = {str(unique).lower()}, lengths = {{ {known} }}, asks = {{\n" + "\n".join(rows) + "\n} }\n"


def wrk(server, path, seconds, core):
    """A round: counts only when every answer is right."""
    environment = {**os.environ, "WORK": str(path), "KEYS": f"{time.time_ns()}-{next(NUMBERS)}-"}
    command = ["taskset", "-c", str(core), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "30s"]
    command += ["-s", str(HERE / "load.lua"), f"http://127.0.0.1:{server.port}/graphql"]
    before = server.cpu()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    cpu = server.cpu() - before
    told = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if done.returncode or not told:
        raise SystemExit(f"wrk: {done.stdout}{done.stderr}")
    _, requests, _, p50, p99, wrong, *rest = told[0].split(" ", 6)
    if not int(requests):
        print(f"{server.name}: no answer within {seconds} s; longer rounds would tell more", file=sys.stderr)
    if int(wrong):
        raise SystemExit(f"{server.name}: {wrong} of {requests} answers were wrong: {' '.join(rest)}")
    return Measured(int(requests), cpu, int(p50) / 1000, int(p99) / 1000)
