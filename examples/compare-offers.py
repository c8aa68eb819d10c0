#!/usr/bin/env python3
"""What others ask for the same standard product in my town, the cheapest first. Without a token.

    compare-offers.py AGS PROVIDER EXTERNAL-ID      for example 05334002 regioit SEC-08
"""

import sys

from client import ask

if len(sys.argv) != 4:
    sys.exit(__doc__)
ags, provider, external_id = sys.argv[1:]
product = ask("equivalents", ags=ags, provider=provider, externalId=external_id)["product"]
print(f"{product['name']}, standard product: {(product['standardProduct'] or {'name': 'none'})['name']}")
for offer in product["equivalents"]:
    estimate, other = offer["priceEstimate"]["perYear"], offer["product"]
    price = f"{estimate['amount']} {estimate['currency']} a year" if estimate else "no estimate"
    print(offer["status"], price, other["provider"]["name"], f"notice {other['noticeMonths']} months", sep="\t")
