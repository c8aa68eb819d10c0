// The schema as linters see it: Relay's rules and the usual ones for schemas.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import graphqlEslint from '@graphql-eslint/eslint-plugin';
import { ESLint } from 'eslint';
import schemaLinter from 'graphql-schema-linter';
import { deprecated, edited, named, removed, undescribed } from './schema_edit.js';
import { eslintAllowed, eslintOff, eslintOptions, linterOff } from './schema_rules.js';

// The plugin keeps the first schema of a process, its edges and its types for all others, unless this is a test.
process.env.NODE_ENV = 'test';

const SCHEMA = readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8');
const PLUGIN = '@graphql-eslint';
const ALL = { ...graphqlEslint.configs['flat/schema-all'].rules, ...graphqlEslint.configs['flat/schema-relay'].rules };
// Needs an argument that `@deprecated` does not have; the day is part of the reason, see tests/it/schema.rs.
delete ALL[`${PLUGIN}/require-deprecation-date`];

function rules(off) {
  const named = Object.entries(ALL).filter(([name]) => !off.includes(name.slice(PLUGIN.length + 1)));
  return Object.fromEntries(named.map(([name, usual]) => {
    const options = eslintOptions[name.slice(PLUGIN.length + 1)];
    return [name, options ? ['error', options] : usual];
  }));
}

/** What @graphql-eslint finds in a schema, as `{rule, message}`. */
async function eslintFindings(schema, off = Object.keys(eslintOff)) {
  const folder = await mkdtemp(join(tmpdir(), 'itkatalog-lint-'));
  try {
    const file = join(folder, 'schema.graphql');
    await writeFile(file, schema);
    const overrideConfig = [{
      files: ['**/*.graphql'],
      languageOptions: { parser: graphqlEslint.parser, parserOptions: { graphQLConfig: { schema: file } } },
      plugins: { [PLUGIN]: graphqlEslint },
      rules: rules(off),
    }];
    const eslint = new ESLint({ cwd: folder, overrideConfigFile: true, overrideConfig });
    const [result] = await eslint.lintFiles([file]);
    return result.messages.map(({ ruleId, message, line }) => ({ rule: ruleId?.slice(PLUGIN.length + 1), message, line }));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** What graphql-schema-linter finds in a schema. */
function linterFindings(schema, off = Object.keys(linterOff)) {
  const source = { definition: schema, sourceMap: { getOriginalPathForLine: () => 'schema.graphql' } };
  const configuration = new schemaLinter.configuration.Configuration(source, {});
  const found = schemaLinter.validator.validateSchemaDefinition(source, configuration.getRules(), configuration);
  return found.map(({ ruleName, message }) => ({ rule: ruleName, message })).filter(({ rule }) => !off.includes(rule));
}

const isAllowed = ({ rule, message }) => eslintAllowed.some((allowed) => allowed.rule === rule && message.startsWith(allowed.message));
const rulesOf = (findings) => [...new Set(findings.map(({ rule }) => rule))].sort();

test('graphql-eslint finds nothing in the schema', async () => {
  assert.deepEqual((await eslintFindings(SCHEMA)).filter((finding) => !isAllowed(finding)), []);
});

test('graphql-schema-linter finds nothing in the schema', () => {
  assert.deepEqual(linterFindings(SCHEMA), []);
});

test('every exception is needed and has its reason', async () => {
  const found = await eslintFindings(SCHEMA, []);
  assert.deepEqual(Object.keys(eslintOff).filter((rule) => !rulesOf(found).includes(rule)), []);
  assert.deepEqual(eslintAllowed.filter(({ rule, message }) => !found.some((one) => one.rule === rule && one.message.startsWith(message))), []);
  assert.deepEqual(Object.keys(linterOff).filter((rule) => !rulesOf(linterFindings(SCHEMA, [])).includes(rule)), []);
  const reasons = [...Object.values(eslintOff), ...eslintAllowed.map(({ reason }) => reason), ...Object.values(linterOff)];
  assert.ok(reasons.every((reason) => reason.length > 10), reasons.join('\n'));
});

// [what is broken, the element, what becomes of it, the rule that finds it, the linter]
const BROKEN = [
  ['a connection without its page info', 'ProviderConnection.pageInfo', removed, 'relay-connection-types', eslintFindings],
  ['an edge without a cursor', 'ProviderEdge.cursor', removed, 'relay-edge-types', eslintFindings],
  ['a list without `after`', 'Query.providers.after', removed, 'relay-arguments', eslintFindings],
  ['page info without `endCursor`', 'PageInfo.endCursor', removed, 'relay-page-info', eslintFindings],
  ['a type that nobody reaches', 'Query.overlapCandidates', removed, 'no-unreachable-types', eslintFindings],
  ['a name that is no camel case', 'ProviderConnection.totalCount', named('total_count'), 'fields-are-camel-cased', linterFindings],
  ['a field without a description', 'ProviderConnection.totalCount', undescribed, 'fields-have-descriptions', linterFindings],
  ['an argument without a description', 'Query.providers.after', undescribed, 'arguments-have-descriptions', linterFindings],
  ['a deprecation without a reason', 'ProviderConnection.totalCount', deprecated, 'deprecations-have-a-reason', linterFindings],
];

for (const [what, path, change, rule, findings] of BROKEN) {
  test(`${what} is found`, async () => {
    const found = (await findings(edited(SCHEMA, path, change))).filter((finding) => !isAllowed(finding));
    assert.ok(rulesOf(found).includes(rule), JSON.stringify(found));
  });
}
