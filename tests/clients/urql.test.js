// urql: queries with its document cache, by POST and by GET, and subscriptions as server-sent events, by graphql-sse in
// distinct connections and by urql's own reader.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client, cacheExchange, fetchExchange, gql, subscriptionExchange } from '@urql/core';
import { createClient } from 'graphql-sse';
import { start } from './server.js';
import { collect } from './streams.js';

let server, town;
before(async () => {
  server = await start();
  town = await server.token('municipality', '--municipality', '05334002');
});
after(() => server.stop());

const signed = (token) => ({ 'Accept-Language': 'en', ...(token ? { Authorization: `Bearer ${token}` } : {}) });

function client(token, more = {}) {
  return new Client({ url: server.url, exchanges: [cacheExchange, fetchExchange], fetchOptions: { headers: signed(token) }, ...more });
}

/** The stream of a subscription as a queue. */
function follow(client, document, variables = {}) {
  return collect((sink) => client.subscription(document, variables).subscribe((result) => {
    if (result.error) sink.error(result.error);
    else sink.next(result.data);
  }));
}

const OFFERS = gql`query Offers($ags: AGS!) {
  availableProducts(municipality: { ags: $ags }, first: 2) { totalCount edges { node { product { id name } } } }
}`;

for (const preferGetMethod of [false, 'force']) {
  test(`a query is answered ${preferGetMethod ? 'by GET' : 'by POST'}, and a second time from the cache`, async () => {
    const methods = [];
    const fetchAndNote = (url, options) => { methods.push(options.method); return fetch(url, options); };
    const urql = client(null, { preferGetMethod, fetch: fetchAndNote });
    const ask = () => urql.query(OFFERS, { ags: '05334002' });
    const { data, error } = await ask();
    assert.equal(error, undefined);
    assert.ok(data.availableProducts.totalCount > 100);
    assert.equal((await ask()).data, data);
    assert.deepEqual(methods, [preferGetMethod ? 'GET' : 'POST']);
  });
}

test('a token says who is asking, and an error comes with its code', async () => {
  const viewer = await client(town).query(gql`{ viewer { roles municipality { name } } }`, {});
  assert.deepEqual(viewer.data.viewer, { __typename: 'Viewer', roles: ['MUNICIPALITY'], municipality: { __typename: 'Municipality', name: 'Aachen' } });
  const { error } = await client(town).query(gql`{ product(by: { id: "nonsense" }) { name } }`, {});
  assert.deepEqual(error.graphQLErrors.map(({ extensions }) => extensions.code), ['BAD_USER_INPUT']);
  const refused = await client('nonsense').query(gql`{ viewer { roles } }`, {});
  assert.deepEqual(refused.error.graphQLErrors.map(({ extensions }) => extensions.code), ['UNAUTHENTICATED']);
});

const LIVE = gql`subscription Live($after: String) { changes(after: $after, types: [FREEZE]) { cursor change { sequence previous type } } }`;

/** Two ways to the same stream. */
const WAYS = {
  'graphql-sse': () => {
    const sse = createClient({ url: server.url, headers: signed(town) });
    const forwardSubscription = (operation) => ({ subscribe: (sink) => ({ unsubscribe: sse.subscribe(operation, sink) }) });
    return client(town, { exchanges: [cacheExchange, fetchExchange, subscriptionExchange({ forwardSubscription })] });
  },
  'its own reader of event streams': () => client(town, { fetchSubscriptions: true }),
};

for (const [name, make] of Object.entries(WAYS)) {
  test(`changes arrive over ${name}, and none is lost between two connections`, async () => {
    const urql = make();
    const { data } = await client(town).query(gql`{ changes(first: 1) { latestCursor } }`, {});
    const first = follow(urql, LIVE, { after: data.changes.latestCursor });
    await server.change();
    const one = (await first.next()).changes;
    first.stop();
    await server.change();
    await server.change();
    const second = follow(urql, LIVE, { after: one.cursor });
    const [two, three] = [(await second.next()).changes, (await second.next()).changes];
    second.stop();
    assert.deepEqual([two.change.previous, three.change.previous], [one.change.sequence, two.change.sequence]);
  });
}

test('a subscription that is wrong ends with its error', async () => {
  const live = follow(client(null, { fetchSubscriptions: true }), LIVE, { after: 'nonsense' });
  const error = await live.next().then(() => null, (error) => error);
  assert.deepEqual(error.graphQLErrors.map(({ extensions }) => extensions.code), ['BAD_USER_INPUT']);
});
