#!/usr/bin/env python3
"""How long a portfolio of 5 000 products takes to be registered, and what it costs the server; then the same again.

    cargo build --release && bench/portfolio.py [DATABASE_URL [ROWS [PROGRAM]]]

Without an address a new SQLite file is used; a PostgreSQL database must be empty. PROGRAM is another build, for example
target/debug/itkatalog. Sample data is loaded; the rows are registered for `itkr` by the command line. Wall time is that of the
command, with reading the file; CPU and memory are those of the server. Memory is what the process holds itself (RssAnon, without
the pages of its program file), looked at every 5 ms; the allocator is set as in the image (MIMALLOC_PURGE_DELAY).
"""
import json, os, pathlib, re, subprocess, sys, tempfile, threading, time, urllib.request

ROOT = pathlib.Path(__file__).parent.parent
PROGRAM = ROOT / "target/release/itkatalog"
LISTEN = "127.0.0.1:18097"
CATEGORIES = ["fin", "dms", "per", "bur", "out"]


def row(number):
    return {
        "externalId": f"BENCH-{number:05}",
        "name": f"Leistung {number} der Messung",
        "summary": "Ein Satz, der die Leistung beschreibt, wie ihn ein Anbieter schreiben würde.",
        "description": "Mehr dazu. " * 15,
        "category": CATEGORIES[number % len(CATEGORIES)],
        "deliveryMode": ["CENTRAL", "REGIONAL", "DECENTRAL"][number % 3],
        "organisationalConditions": "Aktenplan und Dienstanweisung; Beteiligung des Personalrats",
        "technicalConditions": "Anschluss an das Landesverwaltungsnetz",
        "leadTimeDays": str(number % 120),
        "noticeMonths": "6",
        "termMonths": "24",
        "leikaKeys": [f"99107{number:09}"],
        "customerGroups": ["kgst-st-2", "kgst-st-3"] if number % 4 == 0 else [],
        "serviceArea": "LISTED" if number % 10 == 0 else "PROVIDER_COVERAGE",
        "municipalities": ["05334002", "05315000", "05962024"] if number % 10 == 0 else [],
        "prices": [
            {"unit": "INHABITANT", "period": "YEAR", "amount": f"0.{10 + number % 90}", "vatRate": "19"},
            {"unit": "FLAT", "period": "ONCE", "amount": f"{1000 + number}.00", "vatRate": "19"},
        ],
    }


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def megabytes(pid):
    return int(re.search(r"RssAnon:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) / 1024


class Peak(threading.Thread):
    """Looks at the memory of a process until it is told to stop."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.most, self.is_over = pid, 0, threading.Event()

    def run(self):
        while not self.is_over.wait(0.005):
            self.most = max(self.most, megabytes(self.pid))

    def stop(self):
        self.is_over.set()
        self.join()
        return self.most


def statements():
    text = urllib.request.urlopen(f"http://{LISTEN}/metrics").read().decode()
    return int(re.search(r"^itkatalog_sql_statements_total (\d+)", text, re.M)[1])


def main():
    url = sys.argv[1] if len(sys.argv) > 1 else ""
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 5_000
    program = pathlib.Path(sys.argv[3]).resolve() if len(sys.argv) > 3 else PROGRAM
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as folder:
        url = url or f"sqlite://{folder}/itkatalog.db"
        environment = {"MIMALLOC_PURGE_DELAY": "5", **os.environ, "ITKATALOG_REQUEST_TIMEOUT_MS": "300000", "ITKATALOG_LISTEN": LISTEN, "ITKATALOG_DATABASE_URL": url}
        server = subprocess.Popen([program, "serve", "--demo"], cwd=folder, stderr=subprocess.DEVNULL, env=environment)
        try:
            measure(program, server.pid, folder, environment, rows)
        finally:
            server.terminate()
            server.wait()


def measure(program, pid, folder, environment, rows):
    run = lambda *command: subprocess.run([program, *command], cwd=folder, env=environment, capture_output=True, text=True)
    while run("health").returncode:
        time.sleep(0.2)
    environment["ITKATALOG_TOKEN"] = run("token", "--role", "provider", "--provider", "itkr").stdout.strip()
    path = pathlib.Path(folder) / "portfolio.jsonl"
    path.write_text("".join(json.dumps(row(number), ensure_ascii=False) + "\n" for number in range(rows)))
    print(f"{rows} rows, {path.stat().st_size / 1e6:.1f} MB")

    def step(what, *more):
        before, cpu, asked, start = megabytes(pid), cpu_seconds(pid), statements(), time.monotonic()
        peak = Peak(pid)
        peak.start()
        done = run("portfolio", "register", str(path), "--provider", "itkr", "--lang", "en", *more)
        wall = time.monotonic() - start
        assert done.returncode == 0, done.stderr or done.stdout
        most = peak.stop()
        print(
            f"{what:>10}: {wall:6.2f} s, server CPU {cpu_seconds(pid) - cpu:6.2f} s, {statements() - asked} statements, "
            f"memory {before:.0f} MB before, {most:.0f} MB at its peak, {megabytes(pid):.0f} MB after; {done.stdout.splitlines()[0]}"
        )

    step("dry run", "--dry-run")
    step("first")
    step("again")
    path.write_text(path.read_text().replace("der Messung", "der zweiten Messung"))
    step("renamed")


main()
