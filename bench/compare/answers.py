"""What answers say, in one form for both services and for SQL, so that they can be compared."""
import base64, json, uuid

from .cluster import psql


def row_id(global_id):
    """The row that a global id of the service names."""
    return str(uuid.UUID(base64.urlsafe_b64decode(global_id + "==").decode().split(":")[1]))


def global_id(kind, row):
    return base64.urlsafe_b64encode(f"{kind}:{uuid.UUID(row).hex}".encode()).rstrip(b"=").decode()


def cents(amount):
    """A decimal string as cents; nothing where there is none."""
    return None if amount is None else int(amount["amount"].replace(".", ""))


def whole(number):
    return None if number is None else int(number)


def product(node):
    prices = sorted([price["unit"], price["period"], cents(price["amount"]) or 0] for price in node["prices"])
    provider, category = node["provider"], node["category"]
    return [row_id(node["id"]), node["name"], node["lifecycle"], provider["key"], provider["name"], category["key"], category["name"], prices]


def pg_product(node):
    prices = sorted([price["unit"], price["period"], whole(price["amountCents"]) or 0] for price in node["pricesByProductId"]["nodes"])
    provider, category = node["providerByProviderId"], node["categoryByCategoryId"]
    return [node["rowId"], node["name"], node["lifecycle"], provider["key"], provider["name"], category["key"], category["name"], prices]


def page(connection, node):
    # hasPreviousPage is not compared: PostGraphile says false of every page that is read forwards, which Relay's specification allows.
    info = connection["pageInfo"]
    cursors = [edge["cursor"] for edge in connection["edges"]]
    assert [info["startCursor"], info["endCursor"]] == [cursors[0], cursors[-1]], info
    return [connection["totalCount"], info["hasNextPage"], [node(edge["node"]) for edge in connection["edges"]]]


PRODUCTS = """SELECT json_build_array(products.id, products.name, lifecycle, providers.key, providers.name, categories.key, categories.name,
    coalesce((SELECT json_agg(json_build_array(unit, period, coalesce(amount_cents, 0)) ORDER BY unit COLLATE "C", period COLLATE "C",
        coalesce(amount_cents, 0)) FROM prices WHERE product_id = products.id), '[]'))
    FROM {source} JOIN providers ON providers.id = provider_id JOIN categories ON categories.id = category_id"""


def rows(database, statement):
    """The rows of a statement that gives JSON."""
    return [json.loads(line) for line in psql(database, "-c", statement).splitlines()]


def products(database, lifecycle="AVAILABLE"):
    return rows(database, f"{PRODUCTS.format(source='products')} WHERE lifecycle = '{lifecycle}' ORDER BY name_key, products.id")


def found_products(database, search, lifecycle="AVAILABLE"):
    source = f"search_products('{search}', '{lifecycle}') WITH ORDINALITY AS products"
    return rows(database, f"{PRODUCTS.format(source=source)} ORDER BY products.ordinality")


SUBSCRIPTION = "state version quantity origin requestedFrom agreedFrom activeSince endsOn noticeMonths termEnd".split()


def own_subscriptions(data):
    municipality = data["municipality"]
    found = municipality["subscriptions"]
    return [municipality["name"], cents(municipality["annualCost"]), found["totalCount"], [subscription(edge["node"]) for edge in found["edges"]]]


def subscription(node):
    price, taken = node["price"], node["product"]
    assert node["pendingChange"] is None, node
    own = [node[field] for field in SUBSCRIPTION]
    of_price = [price["unit"], price["period"], cents(price["amount"]), int(price["vatRate"].replace(".", ""))]
    return [row_id(node["id"]), *own, *of_price, row_id(taken["id"]), taken["name"], taken["provider"]["key"], taken["provider"]["name"]]


def pg_own_subscriptions(data):
    municipality = data["municipalityByAgs"]
    found = municipality["productSubscriptionsByMunicipalityId"]
    nodes = [pg_subscription(edge["node"]) for edge in found["edges"]]
    return [municipality["name"], whole(municipality["annualCost"]), found["totalCount"], nodes]


def pg_subscription(node):
    taken = node["productByProductId"]
    assert node["openMatter"] is None, node
    own = [whole(node[field]) if field in ("version", "quantity") else node[field] for field in SUBSCRIPTION]
    of_price = [node["priceUnit"], node["pricePeriod"], whole(node["priceAmountCents"]), node["priceVatBasisPoints"]]
    provider = taken["providerByProviderId"]
    return [node["rowId"], *own, *of_price, taken["rowId"], taken["name"], provider["key"], provider["name"]]


OWN_SUBSCRIPTIONS = """SELECT json_build_array(municipalities.name, municipalities_annual_cost(municipalities),
    (SELECT count(*) FROM product_subscriptions WHERE municipality_id = municipalities.id),
    (SELECT json_agg(json_build_array(own.id, state, own.version, quantity, origin, requested_from, agreed_from, active_since, ends_on,
            own.notice_months, term_end, price_unit, price_period, price_amount_cents, price_vat_basis_points, products.id, products.name,
            providers.key, providers.name) ORDER BY own.created_at DESC, own.id DESC)
        FROM (SELECT * FROM product_subscriptions WHERE municipality_id = municipalities.id ORDER BY created_at DESC, id DESC LIMIT 50) AS own
        JOIN products ON products.id = product_id JOIN providers ON providers.id = products.provider_id))
    FROM municipalities WHERE ags IN ({ags}) ORDER BY ags"""


def own_subscriptions_of(database, municipalities):
    return rows(database, OWN_SUBSCRIPTIONS.format(ags=", ".join(f"'{ags}'" for ags in municipalities)))


def line(node):
    """A subscription of the list of all, as one line."""
    price, taken = node["price"], node["product"]
    parts = [row_id(node["id"]), node["state"], node["version"], node["quantity"], node["origin"], node["agreedFrom"], node["activeSince"]]
    parts += [price["unit"], price["period"], cents(price["amount"]), row_id(taken["id"]), taken["name"], *node["subscriber"].values()]
    return "|".join("" if part is None else str(part) for part in parts)


def pg_line(node):
    taken, municipality = node["productByProductId"], node["municipalityByMunicipalityId"]
    parts = [node["rowId"], node["state"], node["version"], node["quantity"], node["origin"], node["agreedFrom"], node["activeSince"]]
    parts += [node["priceUnit"], node["pricePeriod"], node["priceAmountCents"], taken["rowId"], taken["name"], *municipality.values()]
    return "|".join("" if part is None else str(part) for part in parts)


LINES = """SELECT own.id, state, own.version, quantity, origin, agreed_from, active_since, price_unit, price_period, price_amount_cents,
    products.id, products.name, ags, municipalities.name FROM product_subscriptions AS own
    JOIN products ON products.id = product_id JOIN municipalities ON municipalities.id = municipality_id
    ORDER BY own.created_at DESC, own.id DESC"""


def lines(database):
    """All subscriptions, newest first, each as one line."""
    return psql(database, "-c", LINES).splitlines()


# What a municipality can have or show interest in: what is published for it and neither gone nor going. Whether it is in the customer
# groups that a product is for, SQL does not know: those products are told apart.
OPEN_TO = """SELECT json_build_array(found.id, found.name, EXISTS (SELECT FROM product_customer_groups WHERE product_id = found.id))
    FROM (SELECT * FROM search_products('{search}', 'AVAILABLE') UNION ALL SELECT * FROM search_products('{search}', 'PLANNED')) AS found,
    municipalities AS town WHERE ags = '{ags}' AND (service_area = 'STATE_WIDE'
        OR service_area = 'PROVIDER_COVERAGE' AND EXISTS (SELECT FROM provider_coverage AS served WHERE served.provider_id = found.provider_id
            AND municipality_id = town.id AND coalesce(valid_from, current_date) <= current_date AND coalesce(valid_to, current_date) >= current_date)
        OR service_area = 'LISTED' AND EXISTS (SELECT FROM product_municipalities WHERE product_id = found.id AND municipality_id = town.id))"""


def open_to(database, ags, search):
    """Products by id with their names, and how many at least: those for every customer group."""
    found = rows(database, OPEN_TO.format(ags=ags, search=search))
    return {product: name for product, name, _ in found}, sum(not is_restricted for *_, is_restricted in found)
