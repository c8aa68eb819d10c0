// Relay: its compiler accepts the schema (connections, Node, refetchable fragments), and its runtime joins pages in its store.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import relay from 'relay-runtime';
import { start } from './server.js';

const { Environment, Network, RecordSource, Store, commitMutation, createOperationDescriptor, fetchQuery, getSelector } = relay;
const run = promisify(execFile);
const place = (path) => new URL(`relay/${path}`, import.meta.url);

let server, town, documents;
before(async () => {
  await rm(place('__generated__'), { recursive: true, force: true });
  await mkdir(place('__generated__'));
  await writeFile(place('__generated__/package.json'), '{ "type": "commonjs" }');
  const compiler = new URL('node_modules/relay-compiler/cli.js', import.meta.url).pathname;
  await run(process.execPath, [compiler, 'relay.config.json'], { cwd: place('.').pathname });
  const load = createRequire(place('__generated__/'));
  const names = ['documentsProviderQuery', 'documentsProviderPageQuery', 'documents_provider', 'documentsProductsQuery', 'documentsProductsPageQuery', 'documents_products', 'documentsInterestMutation'];
  documents = Object.fromEntries(names.map((name) => [name, load(`./${name}.graphql.js`)]));
  server = await start();
  town = await server.token('municipality', '--municipality', '05334002');
});
after(() => server?.stop());

/** An environment with a store of its own; `asked` lists the operations that went out. */
function environment(token) {
  const asked = [];
  const network = Network.create(async ({ text, name }, variables) => {
    asked.push(name);
    const headers = { 'Content-Type': 'application/json', Accept: 'application/graphql-response+json', ...(token ? { Authorization: `Bearer ${token}` } : {}) };
    return (await fetch(server.url, { method: 'POST', headers, body: JSON.stringify({ query: text, variables }) })).json();
  });
  return { asked, env: new Environment({ network, store: new Store(new RecordSource()) }) };
}

/** Keeps a query in the store and gives what a fragment of it reads, as usePaginationFragment does. */
function reader(env, query, variables, fragment, under) {
  const operation = createOperationDescriptor(query, variables);
  env.retain(operation);
  return () => {
    const { data } = env.lookup(operation.fragment);
    return env.lookup(getSelector(fragment, under(data))).data;
  };
}

/** Reads page after page with the query that the compiler made for the fragment; gives how many pages. */
async function readOn(env, pageQuery, variables, connection) {
  let pages = 1;
  while (connection().pageInfo.hasNextPage) {
    await fetchQuery(env, pageQuery, { ...variables, cursor: connection().pageInfo.endCursor }).toPromise();
    pages += 1;
  }
  return pages;
}

function checkWhole(connection, total) {
  const ids = connection.edges.map(({ node }) => node.id);
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(ids.length, total);
}

test('pages of a provider come by its global id and join in the store', async () => {
  const { env, asked } = environment();
  const variables = { key: 'krzn', count: 30 };
  const { provider } = await fetchQuery(env, documents.documentsProviderQuery, variables).toPromise();
  const read = reader(env, documents.documentsProviderQuery, variables, documents.documents_provider, (data) => data.provider);
  assert.equal(read().products.edges.length, 30);
  const pages = await readOn(env, documents.documentsProviderPageQuery, { id: provider.id, count: 30 }, () => read().products);
  assert.ok(pages > 2, `${pages} pages`);
  checkWhole(read().products, read().products.totalCount);
  assert.ok(asked.includes('documentsProviderPageQuery'));
});

test('pages of a list of the root join in the store, for each search its own', async () => {
  const { env } = environment();
  for (const search of ['akte', 'archiv']) {
    const variables = { count: 10, search };
    await fetchQuery(env, documents.documentsProductsQuery, variables).toPromise();
    const read = reader(env, documents.documentsProductsQuery, variables, documents.documents_products, (data) => data);
    const pages = await readOn(env, documents.documentsProductsPageQuery, variables, () => read().products);
    const { products } = await server.ask('query($search: String) { products(first: 1, search: $search) { totalCount } }', { search });
    assert.ok(pages > 1, `${pages} pages`);
    checkWhole(read().products, products.totalCount);
  }
});

test('a mutation puts what it gives into the store', async () => {
  const { env } = environment(town);
  const { products } = await server.ask('{ products(first: 1, where: { provider: { eq: "zentral-nrw" } }) { edges { node { id } } } }');
  const input = {
    subscriber: { municipality: { ags: '05334002' } }, product: products.edges[0].node.id,
    reason: { code: 'NEED', text: 'Probe' }, idempotencyKey: 'relay-1',
  };
  const { declareInterest } = await new Promise((resolve, reject) => {
    commitMutation(env, { mutation: documents.documentsInterestMutation, variables: { input }, onCompleted: resolve, onError: reject });
  });
  assert.deepEqual(declareInterest.errors, []);
  assert.equal(env.getStore().getSource().get(declareInterest.subscription.id).state, declareInterest.subscription.state);
});
