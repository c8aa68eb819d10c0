#!/usr/bin/env python3
"""Who did or tried what, by which rule: the audit trail as CSV on standard output, newest first. Needs a token of an auditor.

    audit-report.py [COMMITTED | REFUSED]
"""

import csv
import sys

from client import pages

where = {"outcome": sys.argv[1]} if len(sys.argv) > 1 else {}
out = csv.writer(sys.stdout)
out.writerow(["sequence", "at", "subject", "roles", "organisation", "action", "outcome", "rule", "entity", "reason"])
for event in pages("audit_events", "auditEvents", where=where):
    actor, entity, reason = event["actor"], event["entity"] or {}, event["reason"] or {}
    rule = (event["rule"] or {}).get("id")
    out.writerow([
        event["sequence"], event["at"], actor["subject"], " ".join(actor["roles"]), actor["organisation"],
        event["action"], event["outcome"], rule, entity.get("id"), reason.get("text"),
    ])
