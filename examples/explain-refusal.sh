#!/usr/bin/env bash
# Why may I not? What the rules say to a request, by which rule of which document, and the ways out. Needs a token of any role.
. "$(dirname "$0")/lib.sh"

ags=${1:?AGS of the municipality} provider=${2:?key of the provider, for example krzn} externalId=${3:?key of the product, for example DMS-02}
data=$(ask find_product provider="$provider" externalId="$externalId")
product=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["product"]["id"])' <<<"$data")
data=$(ask explain input='{"action": "REQUEST_SUBSCRIPTION", "product": "'"$product"'", "subscriber": {"municipality": {"ags": "'"$ags"'"}}}')
python3 -c '
import json, sys
decision = json.load(sys.stdin)["explain"]
print("allowed" if decision["allowed"] else "refused", "in the phase", decision["phase"])
print("rule:", decision["rule"]["id"], "-", decision["rule"]["text"], "(" + decision["rule"]["source"] + ")")
if decision["needsApproval"]:
    print("to be approved by:", ", ".join(decision["approvers"]))
for way in decision["waysOut"]:
    print("way out:", way["text"], way["date"] or "")
' <<<"$data"
