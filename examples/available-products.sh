#!/usr/bin/env bash
# What can my town have? A portal asks without a token, for a municipality (AGS) and, if wanted, some words.
. "$(dirname "$0")/lib.sh"

data=$(ask available_products ags="${1:?AGS, for example 05334002}" search="${2:-}")
python3 -c '
import json, sys
data = json.load(sys.stdin)
found = data["availableProducts"]
print(data["municipality"]["name"], "-", found["totalCount"], "products")
for edge in found["edges"]:
    offer, product = edge["node"], edge["node"]["product"]
    print(offer["status"], offer["availableFrom"] or "", product["provider"]["key"], product["externalId"], product["name"], sep="\t")
' <<<"$data"
