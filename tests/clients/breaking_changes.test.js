// Nobody who wrote against the last release is broken: released/schema.graphql against schema.graphql. See docs/releasing.md.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { buildSchema } from 'graphql';
import { breakingChanges } from './breaking_changes.js';
import { edited, ofType, removed } from './schema_edit.js';

const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const RELEASED = buildSchema(read('released/schema.graphql'));
const CURRENT = read('schema.graphql');
const MEANT = JSON.parse(read('released/breaking-changes.json'));
const is = (one) => (other) => one.type === other.type && one.path === other.path;

test('nothing of the last release is broken, unless it is meant and has its reason', async () => {
  const found = await breakingChanges(RELEASED, buildSchema(CURRENT), new Date().toISOString().slice(0, 10));
  assert.deepEqual(found.filter((change) => !MEANT.some(is(change))), [], 'list what is meant in released/breaking-changes.json');
  assert.deepEqual(MEANT.filter((change) => !found.some(is(change))), [], 'listed, but nothing of it is broken');
  assert.ok(MEANT.every(({ reason }) => typeof reason === 'string' && reason.length > 10), 'every entry has a reason');
});

// [what is broken, the element, what becomes of it, the finding]
const BROKEN = [
  ['a field that is removed', 'Money.currency', removed, 'FIELD_REMOVED'],
  ['a type that changes', 'ProviderConnection.totalCount', ofType('String!'), 'FIELD_TYPE_CHANGED'],
  ['a field that may be null now', 'ProviderConnection.totalCount', ofType('Int'), 'FIELD_TYPE_CHANGED'],
  ['an argument that is removed', 'Query.providers.after', removed, 'FIELD_ARGUMENT_REMOVED'],
  ['an argument that is required now', 'Query.providers.first', ofType('Int!'), 'FIELD_ARGUMENT_TYPE_CHANGED'],
  ['an enum value that is removed', 'ChangeType.CATEGORY', removed, 'ENUM_VALUE_REMOVED'],
  ['an input field that is removed', 'MunicipalityBy.ags', removed, 'INPUT_FIELD_REMOVED'],
];

for (const [what, path, change, type] of BROKEN) {
  test(`${what} is found`, async () => {
    const found = await breakingChanges(buildSchema(CURRENT), buildSchema(edited(CURRENT, path, change)), '2026-01-01');
    assert.deepEqual(found.map(({ type, path }) => ({ type, path })), [{ type, path }]);
  });
}

test('what is added breaks nobody', async () => {
  const older = edited(CURRENT, 'ProviderConnection.totalCount', removed);
  assert.deepEqual(await breakingChanges(buildSchema(older), buildSchema(CURRENT), '2026-01-01'), []);
});

test('a deprecated element may be gone from its day on, not before', async () => {
  const rest = 'type Query { left: Int f(b: Int): Int e: E }\nenum E { B }';
  const old = (reason) => `type Query { left: Int old: Int ${reason} f(a: Int ${reason} b: Int): Int e: E }\nenum E { A ${reason} B }`;
  const gone = async (reason, today) => (await breakingChanges(buildSchema(old(reason)), buildSchema(rest), today)).map(({ path }) => path).sort();
  const dated = '@deprecated(reason: "Use `left` instead. Removed from 2028-01-01.")';
  assert.deepEqual(await gone(dated, '2028-01-01'), []);
  assert.deepEqual(await gone(dated, '2027-12-31'), ['E.A', 'Query.f.a', 'Query.old']);
  assert.deepEqual(await gone('@deprecated(reason: "Use `left` instead.")', '2099-01-01'), ['E.A', 'Query.f.a', 'Query.old']);
  assert.deepEqual(await gone('', '2099-01-01'), ['E.A', 'Query.f.a', 'Query.old']);
});
