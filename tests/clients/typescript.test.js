// graphql-codegen: types from the schema for documents, checked by tsc, and a small program that runs with them. It has a lock
// file of its own, because the code generator and its many loaders are older than the rest (see docs/clients.md).
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { start } from './server.js';

const run = promisify(execFile);
const cwd = new URL('typescript/', import.meta.url);
const tool = (name, ...more) => run(process.execPath, [new URL(`node_modules/${name}`, cwd).pathname, ...more], { cwd });

let server;
before(async () => {
  if (!existsSync(new URL('node_modules', cwd))) await run('npm', ['ci', '--silent'], { cwd });
  await tool('@graphql-codegen/cli/cjs/bin.js', '--config', 'codegen.ts');
  server = await start();
});
after(() => server?.stop());

test('a program with types from the schema compiles and requests a subscription', async () => {
  await tool('typescript/bin/tsc');
  const token = await server.token('municipality', '--municipality', '05334002');
  const env = { ...process.env, CATALOGUE_URL: server.url, ITKATALOG_TOKEN: token };
  const { stdout } = await run(process.execPath, ['build/program.js'], { cwd, env });
  assert.deepEqual(JSON.parse(stdout), { product: 'E-Akte', state: 'REQUESTED', ags: '05334002', errors: [] });
});

test('a field that the document does not ask for does not compile', async () => {
  const program = new URL('program.ts', cwd);
  const right = await readFile(program, 'utf8');
  const wrong = new URL('wrong.ts', cwd);
  try {
    await writeFile(wrong, right.replace('offer.product.name', 'offer.product.externalId'));
    const compiled = await tool('typescript/bin/tsc', '--noEmit', '--project', 'tsconfig.wrong.json').then(() => '', ({ stdout }) => stdout);
    assert.match(compiled, /wrong\.ts.*TS2339: Property 'externalId' does not exist/);
  } finally {
    await rm(wrong);
  }
});
