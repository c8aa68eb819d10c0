// The usual client in Python (gql), in an environment of its own under target/, from requirements.txt with its hashes.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { start } from './server.js';

const run = promisify(execFile);
const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const REQUIREMENTS = path('python/requirements.txt');
const ENVIRONMENT = path('../../target/clients-python');
const PYTHON = `${ENVIRONMENT}/bin/python`;

/** Makes the environment when it is missing or when the requirements are others. */
async function prepare() {
  const wanted = createHash('sha256').update(await readFile(REQUIREMENTS)).digest('hex');
  const mark = `${ENVIRONMENT}/requirements.sha256`;
  if (existsSync(mark) && (await readFile(mark, 'utf8')) === wanted) return;
  await rm(ENVIRONMENT, { recursive: true, force: true });
  await run('python3', ['-m', 'venv', ENVIRONMENT]);
  await run(PYTHON, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--require-hashes', '--only-binary', ':all:', '-r', REQUIREMENTS]);
  await writeFile(mark, wanted);
}

let server;
before(async () => {
  await prepare();
  server = await start();
});
after(() => server?.stop());

test('gql asks, pages, changes and follows over each of its transports', async () => {
  const env = {
    ...process.env, CATALOGUE_URL: server.url, PYTHONDONTWRITEBYTECODE: '1',
    ITKATALOG_TOKEN_TOWN: await server.token('municipality', '--municipality', '05334002'),
    ITKATALOG_TOKEN_OFFICE: await server.token('transformation_office', '--subject', 'office'),
  };
  const { stderr } = await run(PYTHON, ['-W', 'error::DeprecationWarning:test_gql', '-m', 'unittest', '-v', 'test_gql'], { cwd: path('python/'), env });
  assert.match(stderr, /Ran 4 tests[^]*\nOK\n$/);
});
