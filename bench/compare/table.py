"""The one table that is printed."""
import dataclasses, statistics

from .load import Measured

# What each work shall reach, at least and if it can be: requests per second of server CPU as a multiple of PostGraphile's, or as said.
GOALS = {"available": "0.5 / 0.8 of static", "list-again": "25 / 45, 0.5 / 0.8 of static", "list-first": "4 / 10", "own-first": "2.2 / 6",
         "own-again": "10 / 30", "search": "4 / 10", "page-200": "4 / 10", "request": "1 / 3", "portfolio": "0.5 s / 0.2 s", "walk": "2 / 4",
         "memory": "120 MB / 60 MB", "start": "1 s / 0.3 s"}
HEAD = ["size", "work", "service, per s of CPU", "static", "PostGraphile", "of static", "times PostGraphile", "at least / aim",
        "p50 ms", "p99 ms", "CPU µs", "MB", "x10/x1"]


@dataclasses.dataclass
class Row:
    """What was measured of a work at one size."""

    size: str
    name: str
    title: str
    # By server; empty for what is told by one figure.
    measured: dict[str, Measured] = dataclasses.field(default_factory=dict)
    figure: str = ""
    megabytes: float | None = None


def median(rounds):
    """One measurement for several rounds: the median of each figure; requests and CPU are those of a median second."""
    middle = lambda figure: statistics.median(figure(round) for round in rounds)
    return Measured(middle(Measured.per_cpu_second), 1.0, middle(lambda round: round.p50), middle(lambda round: round.p99))


def short(number):
    if number is None:
        return "–"
    return f"{number:,.0f}" if number >= 100 else f"{number:.1f}" if number >= 10 else f"{number:.2f}"


def cells(row, small):
    speed = {side: measured.per_cpu_second() for side, measured in row.measured.items()}
    own, of = speed.get("service"), lambda side: speed["service"] / speed[side] if speed.get(side) else None
    if own is None:
        return [row.size, row.title, row.figure, "–", "–", "–", "–", GOALS[row.name], "–", "–", "–", short(row.megabytes), "–"]
    service = row.measured["service"]
    fall = own / small[row.name] if row.size != "x1" and row.name in small else None
    return [row.size, row.title, short(own), short(speed.get("static")), short(speed.get("postgraphile")), short(of("static")),
            short(of("postgraphile")), GOALS[row.name], short(service.p50), short(service.p99), short(1e6 / own), short(row.megabytes), short(fall)]


def markdown(rows):
    small = {row.name: row.measured["service"].per_cpu_second() for row in rows if row.size == "x1" and row.measured}
    lines = [HEAD, ["---"] * len(HEAD), *(cells(row, small) for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
