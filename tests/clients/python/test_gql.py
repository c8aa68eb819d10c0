"""gql, the usual client in Python: one after the other and side by side, over each of its ways to the server."""

import asyncio
import unittest

from gql import Client, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.aiohttp_websockets import AIOHTTPWebsocketsTransport
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport, HTTPXTransport
from gql.transport.requests import RequestsHTTPTransport
from gql.transport.websockets import WebsocketsTransport

from support import SOCKET, TOWN, URL, change, signed

PRODUCTS = gql("""query Products($after: String) {
  products(first: 40, after: $after, where: { provider: { eq: "krzn" } }) {
    totalCount edges { node { id } } pageInfo { hasNextPage endCursor }
  }
}""")
VIEWER = gql("{ viewer { roles municipality { name } } }")
REQUEST = gql("""mutation Request($input: RequestSubscriptionInput!) {
  requestSubscription(input: $input) { subscription { id state version } errors { code path message } }
}""")
LIVE = gql("""subscription Live($after: String) {
  changes(after: $after, types: [FREEZE]) { cursor change { sequence previous type } }
}""")
START = gql("{ changes(first: 1) { latestCursor } }")
OFFER = gql("""{ availableProducts(municipality: { ags: "05334002" }, search: "archiv", first: 1) { edges { node { product { id } } } } }""")

WAYS = {"requests": RequestsHTTPTransport, "httpx": HTTPXTransport}
ASYNC_WAYS = {"aiohttp": AIOHTTPTransport, "httpx": HTTPXAsyncTransport}
SOCKETS = {"websockets": WebsocketsTransport, "aiohttp": AIOHTTPWebsocketsTransport}


class OneAfterTheOther(unittest.TestCase):
    def test_pages_join_and_fit_the_schema_that_is_served(self):
        for name, transport in WAYS.items():
            with self.subTest(name):
                client = Client(transport=transport(url=URL), fetch_schema_from_transport=True)
                with client as session:
                    ids, after = [], None
                    while True:
                        page = session.execute(PRODUCTS, variable_values={"after": after})["products"]
                        ids += [edge["node"]["id"] for edge in page["edges"]]
                        if not page["pageInfo"]["hasNextPage"]:
                            break
                        after = page["pageInfo"]["endCursor"]
                self.assertIsNotNone(client.schema.get_type("ProductConnection"))
                self.assertGreater(len(ids), 80)
                self.assertEqual((len(ids), len(set(ids))), (page["totalCount"], page["totalCount"]))

    def test_a_token_says_who_is_asking_and_errors_have_codes(self):
        for name, transport in WAYS.items():
            with self.subTest(name):
                client = Client(transport=transport(url=URL, headers=signed(TOWN)))
                self.assertEqual(client.execute(VIEWER), {"viewer": {"roles": ["MUNICIPALITY"], "municipality": {"name": "Aachen"}}})
                with self.assertRaises(TransportQueryError) as refused:
                    client.execute(gql('{ municipality(by: { ags: "05999999" }) { name } }'))
                self.assertEqual(refused.exception.errors[0]["extensions"]["code"], "NOT_FOUND")


class SideBySide(unittest.IsolatedAsyncioTestCase):
    async def test_a_mutation_that_is_sent_twice_at_once_with_its_key_happens_once(self):
        for name, transport in ASYNC_WAYS.items():
            with self.subTest(name):
                async with Client(transport=transport(url=URL, headers=signed(TOWN))) as session:
                    product = (await session.execute(OFFER))["availableProducts"]["edges"][0]["node"]["product"]["id"]
                    wanted = {
                        "subscriber": {"municipality": {"ags": "05334002"}}, "product": product, "quantity": 1, "from": "2027-09-01",
                        "reason": {"code": "NEED", "text": "Probe"}, "idempotencyKey": "python-1",
                    }
                    send = lambda: session.execute(REQUEST, variable_values={"input": wanted})
                    both = [one["requestSubscription"] for one in await asyncio.gather(send(), send())]
                self.assertEqual([one["errors"] for one in both], [[], []])
                self.assertEqual(both[0]["subscription"], both[1]["subscription"])
                self.assertEqual(both[0]["subscription"]["version"], 1)

    async def test_changes_arrive_over_a_websocket_and_none_is_lost_between_two(self):
        for name, transport in SOCKETS.items():
            with self.subTest(name):
                make = lambda: Client(transport=transport(
                    url=SOCKET, init_payload={"authorization": f"Bearer {TOWN}"},
                    subprotocols=["graphql-transport-ws"], keep_alive_timeout=60))
                async with make() as session:
                    after = (await session.execute(START))["changes"]["latestCursor"]
                    stream = session.subscribe(LIVE, variable_values={"after": after})
                    change(f"{name}-1")
                    one = (await anext(stream))["changes"]
                    await stream.aclose()
                change(f"{name}-2")
                change(f"{name}-3")
                async with make() as session:
                    stream = session.subscribe(LIVE, variable_values={"after": one["cursor"]})
                    two, three = (await anext(stream))["changes"]["change"], (await anext(stream))["changes"]["change"]
                    await stream.aclose()
                self.assertEqual([two["previous"], three["previous"]], [one["change"]["sequence"], two["sequence"]])


if __name__ == "__main__":
    unittest.main()
