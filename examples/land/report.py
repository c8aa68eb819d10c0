#!/usr/bin/env python3
"""Subscriptions and yearly costs per Kreis, as CSV on standard output: what runs today, at today's prices. Run it once a month.

A Kreis counts with its municipalities, a kreisfreie Stadt by itself. Costs are what the catalogue estimates (`annualCost`): what is
priced by use, or has no price, is not in them. Needs a token of the Land.
"""

import collections
import csv
import decimal
import sys

from catalogue import pages

rows = collections.defaultdict(lambda: [0, 0, decimal.Decimal(0)])
for town in pages("costs", "municipalities"):
    place = (town["district"] or town)["name"]
    row = rows[place]
    row[0] += 1
    row[1] += town["running"]["totalCount"]
    row[2] += decimal.Decimal((town["annualCost"] or {"amount": 0})["amount"])
out = csv.writer(sys.stdout)
out.writerow(["kreis", "organisations", "subscriptions", "costPerYearEur"])
for place, (organisations, subscriptions, cost) in sorted(rows.items()):
    out.writerow([place, organisations, subscriptions, cost])
out.writerow(["NRW", *(sum(column) for column in zip(*rows.values()))])
