// Apollo Client: pages by relayStylePagination, a mutation with its key, live changes over graphql-ws.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { SetContextLink } from '@apollo/client/link/context';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { relayStylePagination } from '@apollo/client/utilities';
import { createHash } from 'node:crypto';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { start } from './server.js';
import { collect } from './streams.js';

const AACHEN = { municipality: { ags: '05334002' } };
let server, town;
const open = [];
before(async () => {
  server = await start();
  town = await server.token('municipality', '--municipality', '05334002');
});
after(async () => {
  open.forEach((close) => close());
  await server.stop();
});

/** A client as an application sets it up: HTTP for requests, a WebSocket for subscriptions, the token on both. */
function client(token, http = new HttpLink({ uri: server.url })) {
  const socket = createClient({
    url: server.url.replace('http', 'ws'), webSocketImpl: WebSocket, lazy: true,
    connectionParams: token ? { authorization: `Bearer ${token}` } : {},
  });
  const signed = new SetContextLink(({ headers }) => ({ headers: { ...headers, 'Accept-Language': 'en', ...(token ? { authorization: `Bearer ${token}` } : {}) } }))
    .concat(http);
  const isSubscription = ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION;
  const link = ApolloLink.split(isSubscription, new GraphQLWsLink(socket), signed);
  const cache = new InMemoryCache({ typePolicies: { Query: { fields: { products: relayStylePagination(['where']) } } } });
  const made = new ApolloClient({ link, cache });
  open.push(() => { made.stop(); socket.dispose(); });
  return made;
}

const PRODUCTS = gql`query Products($first: Int!, $after: String) {
  products(first: $first, after: $after, where: { provider: { eq: "krzn" } }) {
    totalCount
    edges { cursor node { id name } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;

test('pages join in the cache without a gap and without doubles', async () => {
  const products = client().watchQuery({ query: PRODUCTS, variables: { first: 30 } });
  const results = collect((sink) => products.subscribe(sink));
  /** The next state of the list that is complete and has more rows than before. */
  const longer = async (than) => {
    let data;
    do ({ data } = await results.next()); while (!(data?.products.edges.length > than));
    return data;
  };
  let data = await longer(0);
  let pages = 1;
  while (data.products.pageInfo.hasNextPage) {
    await products.fetchMore({ variables: { after: data.products.pageInfo.endCursor } });
    data = await longer(data.products.edges.length);
    pages += 1;
  }
  results.stop();
  const ids = data.products.edges.map(({ node }) => node.id);
  assert.ok(pages > 2, `${pages} pages`);
  assert.equal(ids.length, data.products.totalCount);
  assert.equal(new Set(ids).size, ids.length);
});

const REQUEST = gql`mutation Request($input: RequestSubscriptionInput!) {
  requestSubscription(input: $input) { subscription { id state version } errors { code path message } }
}`;

test('a mutation that is sent twice with its key happens once; another input under it is refused', async () => {
  const apollo = client(town);
  const { data } = await apollo.query({ query: gql`{ availableProducts(municipality: { ags: "05334002" }, search: "akte", first: 1) { edges { node { product { id } } } } }` });
  const product = data.availableProducts.edges[0].node.product.id;
  const input = { subscriber: AACHEN, product, quantity: 3, from: '2027-03-01', reason: { code: 'NEED', text: 'Probe' }, idempotencyKey: 'apollo-1' };
  const send = async (more) => (await apollo.mutate({ mutation: REQUEST, variables: { input: { ...input, ...more } } })).data.requestSubscription;
  const first = await send();
  assert.equal(first.subscription.state, 'REQUESTED');
  assert.deepEqual((await send()).subscription.id, first.subscription.id);
  assert.deepEqual((await send({ quantity: 4 })).errors.map(({ code }) => code), ['IDEMPOTENCY_KEY_REUSED']);
  const seen = await apollo.query({ query: gql`{ subscriptions(first: 100, where: { state: { eq: REQUESTED } }) { edges { node { id version } } } }`, fetchPolicy: 'network-only' });
  const same = seen.data.subscriptions.edges.filter(({ node }) => node.id === first.subscription.id);
  assert.deepEqual(same.map(({ node }) => node.version), [1]);
});

test('errors come with their codes', async () => {
  const asked = client().query({ query: gql`{ municipality(by: { ags: "05999999" }) { name } }` });
  const error = await asked.then(() => null, (error) => error);
  assert.ok(CombinedGraphQLErrors.is(error), String(error));
  assert.deepEqual(error.errors.map(({ extensions }) => extensions.code), ['NOT_FOUND']);
});

test('persisted queries fall back to the text where a document is not known', async () => {
  const persisted = new PersistedQueryLink({ sha256: (text) => createHash('sha256').update(text).digest('hex') });
  const { data } = await client(undefined, persisted.concat(new HttpLink({ uri: server.url }))).query({ query: gql`query Phase { currentPhase { key } }` });
  assert.equal(data.currentPhase.key, 'FOUNDATION');
});

const LIVE = gql`subscription Live($after: String) { changes(after: $after, types: [FREEZE]) { cursor change { sequence previous type } } }`;

test('changes arrive over graphql-ws, and none is lost between two connections', async () => {
  const apollo = client(town);
  const subscribe = (after) => collect((sink) => apollo.subscribe({ query: LIVE, variables: { after } }).subscribe(sink));
  const { data } = await client().query({ query: gql`{ changes(first: 1) { latestCursor } }` });
  const first = subscribe(data.changes.latestCursor);
  await server.change();
  const { data: { changes: one } } = await first.next();
  assert.equal(one.change.type, 'FREEZE');
  first.stop();
  await server.change();
  await server.change();
  const second = subscribe(one.cursor);
  const [two, three] = [(await second.next()).data.changes, (await second.next()).data.changes];
  second.stop();
  assert.deepEqual([two.change.previous, three.change.previous], [one.change.sequence, two.change.sequence]);
});

test('a token that is not accepted ends the connection with its code', async () => {
  const socket = createClient({ url: server.url.replace('http', 'ws'), webSocketImpl: WebSocket, retryAttempts: 0, connectionParams: { authorization: 'Bearer nonsense' } });
  const events = collect((sink) => ({ unsubscribe: socket.subscribe({ query: 'subscription { changes { cursor } }' }, sink) }));
  const event = await events.next().then(() => null, (error) => error);
  assert.equal(event.code, 4403);
});
