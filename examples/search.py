#!/usr/bin/env python3
"""Every product of any provider that some words fit, page by page, best match first. Without a token.

    search.py WORDS
"""

import sys

from client import pages

if len(sys.argv) != 2:
    sys.exit(__doc__)
for product in pages("search", "products", search=sys.argv[1]):
    print(product["provider"]["key"], product["externalId"], product["category"]["name"], product["name"], sep="\t")
