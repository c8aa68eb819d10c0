"""A PostgreSQL cluster of its own: made, started, stopped; one filled database for each size, and a copy of it for each run."""
import os, pathlib, pwd, shutil, subprocess, time

HERE = pathlib.Path(__file__).parent
PORT = 18490
SETTINGS = {"shared_buffers": "1GB", "max_wal_size": "8GB", "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "port": PORT}
# What is generated, by the name of its size.
SIZES = {
    "x1": {"products": 5_000, "municipalities": 427, "subscriptions": 100_000},
    "x10": {"products": 50_000, "municipalities": 4_270, "subscriptions": 1_000_000},
}


def programs():
    """The folder of the newest installed server programs."""
    if found := shutil.which("initdb"):
        return pathlib.Path(found).resolve().parent
    installed = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not installed:
        raise SystemExit("Missing: PostgreSQL 15 or newer (Debian: postgresql).")
    return installed[-1].parent


def url(name):
    return f"postgres://itkatalog@127.0.0.1:{PORT}/{name}"


def psql(name, *arguments, given=None):
    """Runs psql and gives what it printed."""
    command = ["psql", url(name), "-XqtA", "-v", "ON_ERROR_STOP=1", *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"psql {' '.join(arguments)}: {done.stderr}")
    return done.stdout.strip()


class Cluster:
    """Lives in a folder; PostgreSQL refuses to run as root, so another user runs it then."""

    def __init__(self, folder, core):
        self.folder, self.server = pathlib.Path(folder), None
        self.user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.user:
            self.folder.chmod(0o755)
            owner = pwd.getpwnam("postgres")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        data = self.folder / "postgres"
        if not data.exists():
            command = [programs() / "initdb", "-D", data, "-U", "itkatalog", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", **self.user)
        settings = [part for key, value in SETTINGS.items() for part in ("-c", f"{key}={value}")]
        log = open(self.folder / "postgres.log", "a")
        command = ["taskset", "-c", str(core), programs() / "postgres", "-D", data, *settings]
        self.server = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **self.user)
        while subprocess.run(["psql", url("postgres"), "-c", "SELECT 1"], capture_output=True).returncode:
            if self.server.poll() is not None:
                raise SystemExit(f"PostgreSQL does not start: {(self.folder / 'postgres.log').read_text()[-2000:]}")
            time.sleep(0.2)

    def databases(self):
        return psql("postgres", "-c", "SELECT datname FROM pg_database").split()

    def create(self, name, template="template0"):
        psql("postgres", "-c", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", "-c", f"CREATE DATABASE {name} TEMPLATE {template}")

    def drop(self, name):
        psql("postgres", "-c", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def stop(self):
        # SIGINT is the fast shutdown: connections are ended.
        self.server.send_signal(2)
        self.server.wait()


def fill(name, size):
    """Writes the rows of a size into a database that has the sample."""
    values = [part for key, value in SIZES[size].items() for part in ("-v", f"{key}={value}")]
    psql(name, *values, "-f", str(HERE / "data.sql"))
    psql(name, "-c", "VACUUM ANALYZE")
