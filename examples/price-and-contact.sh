#!/usr/bin/env bash
# What would it cost my town, under which conditions, and who is the contact? For the best match of some words.
. "$(dirname "$0")/lib.sh"

data=$(ask price_and_contact ags="${1:?AGS, for example 05334002}" search="${2:?words, for example E-Akte}")
python3 -c '
import json, sys
edges = json.load(sys.stdin)["availableProducts"]["edges"]
if not edges:
    sys.exit("nothing found")
offer = edges[0]["node"]
money = lambda value: " ".join([value["amount"], value["currency"]]) if value else "-"
print("Product:   ", offer["product"]["name"], "by", offer["product"]["provider"]["name"])
print("A year:    ", money(offer["priceEstimate"]["perYear"]))
print("Once:      ", money(offer["priceEstimate"]["oneOff"]))
print("Worked out:", offer["priceEstimate"]["basis"])
print("Conditions:", offer["conditions"]["organisational"] or "-", "/", offer["conditions"]["technical"] or "-")
print("Contact:   ", offer["contact"]["function"], offer["contact"]["email"])
' <<<"$data"
