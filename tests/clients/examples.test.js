// examples/: every line of its README.md does what it says, against a running demo.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { readFile, readdir, symlink } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { PROGRAM, start } from './server.js';

const run = promisify(execFile);
const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));
const SHARED = ['client.py', 'lib.sh'];

let server, env, lines;
before(async () => {
  const readme = await readFile(`${EXAMPLES}/README.md`, 'utf8');
  const blocks = [...readme.matchAll(/^```sh\n(.+)\n```$/gm)].map(([, line]) => line);
  lines = Object.fromEntries(blocks.map((line) => [/examples\/(\S+)/.exec(line)[1], line]));
  server = await start();
  await symlink(EXAMPLES, `${server.folder}/examples`);
  const path = `${PROGRAM.slice(0, PROGRAM.lastIndexOf('/'))}:${process.env.PATH}`;
  env = { ...process.env, PATH: path, CATALOGUE_URL: server.url, CATALOGUE_LANG: 'en', LC_ALL: 'C.UTF-8', PYTHONDONTWRITEBYTECODE: '1' };
});
after(() => server?.stop());

/** What a line of the README prints; `more` is added to it. */
const example = async (name, more = '') => (await run('bash', ['-c', `${lines[name]} ${more}`], { cwd: server.folder, env })).stdout;
/** How a command line ends that must not succeed. */
const failing = (line) => run('bash', ['-c', line], { cwd: server.folder, env }).then(() => assert.fail('it succeeded'), ({ code, stderr }) => ({ code, stderr }));
const rows = (text) => text.trimEnd().split('\n').map((line) => line.split('\t'));

test('every example has its line in the README, and every document is used', async () => {
  const files = (await readdir(EXAMPLES)).filter((name) => /\.(sh|py|mjs)$/.test(name));
  assert.deepEqual(Object.keys(lines).sort(), files.filter((name) => !SHARED.includes(name)).sort());
  const of_land = (await readdir(`${EXAMPLES}/land`)).map((name) => `land/${name}`);
  const texts = (await Promise.all([...files, ...of_land].map((name) => readFile(`${EXAMPLES}/${name}`, 'utf8')))).join('');
  const unused = (await readdir(`${EXAMPLES}/documents`)).filter((name) => !new RegExp(`\\b${name.replace('.graphql', '')}\\b`).test(texts));
  assert.deepEqual(unused, []);
});

test('what a town can have', async () => {
  const [head, ...found] = rows(await example('available-products.sh'));
  assert.match(head[0], /^Aachen - 1\d products$/);
  assert.deepEqual([found.length, found[0][0], found[0][4]], [10, 'AVAILABLE', 'E-Akte']);
});

test('price, conditions and contact', async () => {
  const told = await example('price-and-contact.sh');
  assert.match(told, /^Product: +E-Akte by .*\nA year: +\d+\.\d\d EUR\n/);
  assert.match(told, /^Contact: .*\.example$/m);
});

test('a search through all pages', async () => {
  const found = rows(await example('search.py'));
  const { products } = await server.ask('{ products(search: "archiv", first: 1) { totalCount } }');
  assert.deepEqual([found.length, found[0][3]], [products.totalCount, 'Langzeitarchiv']);
});

test('offers of others, the cheapest first', async () => {
  const [head, ...offers] = rows(await example('compare-offers.py'));
  assert.match(head[0], /^Awareness .* standard product: Awareness/);
  const prices = offers.map(([, price]) => parseFloat(price));
  assert.ok(prices.length > 5);
  assert.deepEqual(prices, [...prices].sort((one, other) => one - other));
});

test('why not, and what would help', async () => {
  const told = await example('explain-refusal.sh');
  assert.match(told, /^refused in the phase FOUNDATION\nrule: [a-z-]+ - .+ \(.+\)\n/);
  assert.match(told, /^way out: /m);
});

/** Starts the line that waits, and gives what it prints line by line, and its exit code. */
function begin(name) {
  const child = spawn('bash', ['-c', `exec env ${lines[name]}`], { cwd: server.folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const said = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = new Promise((resolve) => child.once('exit', resolve));
  return { next: async () => (await said.next()).value, ended };
}

test('a request that is followed until the provider approves it, and then delivers', async () => {
  const following = begin('request-and-follow.mjs');
  assert.match(await following.next(), /^Ausländerwesen: \S+ REQUESTED, to be approved by PROVIDER or STEWARD$/);
  assert.match(await following.next(), / REQUESTED$/);
  const waiting = rows(await example('approve-and-activate.py')).find(([, state, , product]) => state === 'REQUESTED' && product === 'Ausländerwesen');
  assert.ok(waiting[4].split(',').includes('APPROVE_SUBSCRIPTION'), waiting.join(' '));
  assert.match(await example('approve-and-activate.py', `approve ${waiting[0]}`), / APPROVED version 2\n$/);
  assert.match(await following.next(), / APPROVED$/);
  assert.equal(await following.ended, 0);
  assert.match(await example('approve-and-activate.py', `activate ${waiting[0]}`), / ACTIVE version 3\n$/);
  const again = await failing(`${lines['approve-and-activate.py']} approve ${waiting[0]}`);
  assert.ok(again.code === 1 && again.stderr.length > 20, again.stderr);
});

test('a portfolio, and once more without a change', async () => {
  await run('bash', ['-c', 'itkatalog portfolio template > portfolio.csv'], { cwd: server.folder, env });
  assert.match(await example('register-portfolio.sh'), /2 rows: 2 new, 0 changed, .* Written\./);
  assert.match(await example('register-portfolio.sh'), /2 rows: 0 new, 0 changed, 2 unchanged, .* Written\./);
  await run('bash', ['-c', "sed 's/;dms;/;nothing;/' portfolio.csv > wrong.csv"], { cwd: server.folder, env });
  const wrong = await failing(lines['register-portfolio.sh'].replace('portfolio.csv', 'wrong.csv'));
  assert.equal(wrong.code, 2);
});

test('changes since the last time, each once', async () => {
  assert.equal(await example('read-changes.py'), '');
  await server.change();
  const found = rows(await example('read-changes.py'));
  assert.deepEqual(found.map(([, , type]) => type), ['FREEZE']);
  assert.equal(await example('read-changes.py'), '');
});

test('refusals of the audit trail as CSV', async () => {
  const town = await server.token('municipality', '--municipality', '05315000', '--subject', 'koeln-1');
  await server.ask(`mutation { freeze(input: { scope: { everything: true }, message: "x", reason: { code: OTHER, text: "Probe, nicht erlaubt" }, idempotencyKey: "no" }) { errors { code } } }`, {}, town);
  const [head, ...events] = (await example('audit-report.py')).trimEnd().split('\r\n');
  assert.match(head, /^sequence,at,subject,/);
  assert.equal(events.filter((line) => line.includes(',koeln-1,MUNICIPALITY,') && line.includes(',FREEZE,REFUSED,')).length, 1);
});

test('what goes wrong ends with 1 and a message', async () => {
  for (const line of [
    'examples/available-products.sh 05999999', 'examples/available-products.sh', 'examples/price-and-contact.sh 05334002 gibtesnicht',
    'examples/search.py', 'examples/compare-offers.py 05334002 regioit NONE', 'examples/read-changes.py', 'examples/audit-report.py',
    'examples/explain-refusal.sh 05334002 dnrw DMS-03', 'examples/request-and-follow.mjs 05334002 regioit PER-02 2027-07-01',
    'CATALOGUE_URL=http://127.0.0.1:9/graphql examples/available-products.sh 05334002',
    'CATALOGUE_URL=http://127.0.0.1:9/graphql examples/search.py archiv',
    'CATALOGUE_URL=http://127.0.0.1:9/graphql examples/request-and-follow.mjs 05334002 regioit PER-02 2027-07-01',
    'ITKATALOG_TOKEN=nonsense examples/approve-and-activate.py',
  ]) {
    const { code, stderr } = await failing(line);
    assert.ok(code >= 1 && code < 126 && stderr.trim().length > 10 && !stderr.includes('Traceback') && !stderr.includes('    at '), `${line}: ${code} ${stderr}`);
  }
});
