// What the program serves of GraphiQL is what its packages hold, byte by byte, and nothing else.
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { FOLDER, files } from './graphiql_files.js';

test('files of GraphiQL are those of the packages in package-lock.json', async () => {
  const wanted = await files();
  const there = (await readdir(FOLDER)).filter((name) => name !== 'README.md');
  assert.deepEqual(there.sort(), wanted.flatMap(({ name }) => [name, `${name}.gz`]).sort(), 'run scripts/graphiql');
  for (const { name, source } of wanted) {
    const packaged = await readFile(source);
    assert.ok((await readFile(new URL(name, FOLDER))).equals(packaged), `${name} differs: run scripts/graphiql`);
    assert.ok(gunzipSync(await readFile(new URL(`${name}.gz`, FOLDER))).equals(packaged), `${name}.gz differs: run scripts/graphiql`);
  }
});

test('the versions are those that data/graphiql/README.md tells, with their licence', async () => {
  const readme = await readFile(new URL('README.md', FOLDER), 'utf8');
  const lock = JSON.parse(await readFile(new URL('package-lock.json', import.meta.url), 'utf8'));
  for (const { name } of await files()) {
    const [, package_, version] = /^(.+?)-(\d+\.\d+\.\d+)\./.exec(name);
    assert.deepEqual(lock.packages[`node_modules/${package_}`].license, 'MIT');
    assert.ok(readme.includes(`| \`${name}\` | ${package_} ${version} |`), name);
  }
});
