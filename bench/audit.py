#!/usr/bin/env python3
"""How long `itkatalog audit` takes on a million events: verify, archive, and verify with the archive.

    cargo build --release && bench/audit.py [DATABASE_URL [EVENTS]]

Without an address a new SQLite file is used; a PostgreSQL database must be empty. `benches/audit_trail.rs` fills it with
chained events. Wall and CPU time are those of the program (without PostgreSQL's own); they depend on the machine.
"""
import os, pathlib, resource, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).parent.parent
PROGRAM = ROOT / "target/release/itkatalog"
ROUNDS = 3


def run(folder, url, *arguments):
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [PROGRAM, "--database-url", url, "audit", *arguments]
    told = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{arguments[0]:>8}: {wall:6.1f} s, {cpu:6.1f} s of CPU, up to {after.ru_maxrss // 1024:4} MiB: {told}")
    return told


def main():
    events = sys.argv[2] if len(sys.argv) > 2 else "1000000"
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as folder:
        url = sys.argv[1] if len(sys.argv) > 1 else f"sqlite://{folder}/itkatalog.db"
        fill = ["cargo", "bench", "--quiet", "--bench", "audit_trail", "--", url, events]
        subprocess.run(fill, cwd=ROOT, check=True)
        for _ in range(ROUNDS):
            run(folder, url, "verify")
        head = run(folder, url, "head")
        run(folder, url, "verify", "--head", head)
        run(folder, url, "archive", "--before", "2100-01-01", "--to", "archive.jsonl")
        run(folder, url, "verify")
        run(folder, url, "verify", "--head", head, "--archive", "archive.jsonl")


main()
