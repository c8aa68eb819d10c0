// examples/land/: every line of its README.md does what it says, against a running demo.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFile, readdir, symlink } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { PROGRAM, start } from './server.js';

const run = promisify(execFile);
const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));

let server, env, lines;
before(async () => {
  const readme = await readFile(`${EXAMPLES}/land/README.md`, 'utf8');
  const blocks = [...readme.matchAll(/^```sh\n(.+)\n```$/gm)].map(([, line]) => line);
  lines = Object.fromEntries(blocks.map((line) => [/examples\/land\/(\S+)/.exec(line)[1], line]));
  server = await start();
  await symlink(EXAMPLES, `${server.folder}/examples`);
  const path = `${PROGRAM.slice(0, PROGRAM.lastIndexOf('/'))}:${process.env.PATH}`;
  env = { ...process.env, PATH: path, CATALOGUE_URL: server.url, CATALOGUE_LANG: 'en', LC_ALL: 'C.UTF-8', PYTHONDONTWRITEBYTECODE: '1' };
});
after(() => server?.stop());

const shell = async (line) => (await run('bash', ['-c', line], { cwd: server.folder, env, maxBuffer: 1 << 26 })).stdout;
const failing = (line) => run('bash', ['-c', line], { cwd: server.folder, env }).then(() => assert.fail('it succeeded'), ({ code, stderr }) => ({ code, stderr }));
const sqlite = (file, sql) => shell(`python3 -c 'import sqlite3, sys
copy = sqlite3.connect(sys.argv[1])
with copy: print(copy.execute(sys.argv[2]).fetchall())' ${file} "${sql}"`);

/** A change of a subscription: Aachen asks for something. */
async function request() {
  const token = await server.token('municipality', '--municipality', '05334002');
  const { product } = await server.ask('{ product(by: { externalId: { provider: "regioit", externalId: "PER-02" } }) { id } }');
  const input = {
    subscriber: { municipality: { ags: '05334002' } }, product: product.id, quantity: 3, from: '2027-07-01',
    reason: { code: 'NEED', text: 'Probe' }, idempotencyKey: `land-${Date.now()}`,
  };
  const { requestSubscription } = await server.ask(
    'mutation($input: RequestSubscriptionInput!) { requestSubscription(input: $input) { subscription { id } errors { message } } }', { input }, token,
  );
  assert.deepEqual(requestSubscription.errors, []);
  return requestSubscription.subscription.id;
}

test('every script has its line in the README', async () => {
  const files = (await readdir(`${EXAMPLES}/land`)).filter((name) => /\.(sh|py)$/.test(name) && name !== 'catalogue.py');
  assert.deepEqual(Object.keys(lines).sort(), files.sort());
});

test('a mirror proves itself, follows what is changed, and says when it is not whole', async () => {
  const first = await shell(lines['mirror.py']);
  assert.equal(first.match(/ proved$/gm).length, 4, first);
  const id = await request();
  const second = await shell(lines['mirror.py']);
  assert.match(second, /^1 changes read$/m);
  assert.equal(second.match(/ proved$/gm).length, 4, second);
  assert.match(await sqlite('mirror.sqlite', `SELECT row FROM rows WHERE id = '${id}'`), /REQUESTED/);
  await sqlite('mirror.sqlite', "DELETE FROM rows WHERE rowid = (SELECT max(rowid) FROM rows WHERE kind = 'PRODUCT')");
  const wrong = await failing(lines['mirror.py']);
  assert.deepEqual([wrong.code, wrong.stderr.includes('--anew')], [1, true]);
  const anew = await shell(`${lines['mirror.py']} --anew`);
  assert.equal(anew.match(/ proved$/gm).length, 4, anew);
});

test('the subscriptions of a Kreis as a table', async () => {
  assert.match(await shell(lines['export-kreis.sh']), /^aachen\.csv: \d+ subscriptions\n$/);
  const table = (await readFile(`${server.folder}/aachen.csv`, 'utf8')).trimEnd().split('\r\n');
  const [{ length }, head] = [table, table[0].split(';')];
  const told = await server.ask('{ municipality(by: { ags: "05334000" }) { municipalities(first: 100) { edges { node { subscriptions(first: 1) { totalCount } } } } } }', {}, await server.token('land'));
  const expected = told.municipality.municipalities.edges.reduce((sum, { node }) => sum + node.subscriptions.totalCount, 0);
  assert.ok(head[0].endsWith('id') && head.includes('municipality') && length - 1 >= expected && expected > 50, `${length} ${expected}`);
  const { code, stderr } = await failing(lines['export-kreis.sh'].replace('05334000', '05999000'));
  assert.ok(code === 1 && stderr.includes('05999000'), stderr);
});

test('what has changed since yesterday, then since the last time', async () => {
  const first = (await shell(lines['delta.py'])).trimEnd().split('\r\n');
  assert.ok(first[0].startsWith('sequence,at,type,') && first.length > 7000, first.length);
  await request();
  const second = (await shell(lines['delta.py'])).trimEnd().split('\r\n');
  assert.equal(second.length, 2, second.join('\n'));
  assert.match(second[1], /,PRODUCT_SUBSCRIPTION,.*,Aachen: .*,1,REQUESTED,/);
});

test('costs of all Kreise, and their sum', async () => {
  const rows = (await shell(lines['report.py'])).trimEnd().split('\r\n').map((line) => line.split(','));
  const [head, ...kreise] = rows;
  const sum = kreise.pop();
  assert.deepEqual([head[0], sum[0], kreise.length], ['kreis', 'NRW', 53]);
  assert.equal(kreise.reduce((cents, row) => cents + Math.round(Number(row[3]) * 100), 0), Math.round(Number(sum[3]) * 100));
  assert.equal(kreise.reduce((count, row) => count + Number(row[1]), 0), 427);
});

test('webhooks are taken once, and only when the catalogue has signed them', async () => {
  const receiver = spawn('bash', ['-c', `exec env ${lines['receive-webhooks.py'].replace('8081', '0')}`], { cwd: server.folder, env });
  const [announced] = await once(createInterface({ input: receiver.stderr }), 'line');
  const url = announced.match(/http:\S+/)[0];
  const body = '{"type":"product.changed","data":{"sequence":1}}';
  const sign = (id, at, secret = Buffer.alloc(32)) => `v1,${createHmac('sha256', secret).update(`${id}.${at}.${body}`).digest('base64')}`;
  const send = async (id, at, signature) => (await fetch(url, {
    method: 'POST', body, headers: { 'webhook-id': id, 'webhook-timestamp': String(at), 'webhook-signature': signature },
  })).status;
  const now = Math.floor(Date.now() / 1000);
  const said = once(createInterface({ input: receiver.stdout }), 'line');
  assert.equal(await send('msg_1', now, sign('msg_1', now)), 204);
  assert.deepEqual(JSON.parse((await said)[0]), JSON.parse(body));
  assert.equal(await send('msg_1', now, sign('msg_1', now)), 204);
  assert.equal(await send('msg_2', now, `v1,AAAA ${sign('msg_2', now)}`), 204);
  assert.equal(await send('msg_3', now, sign('msg_3', now, Buffer.alloc(32, 1))), 401);
  assert.equal(await send('msg_4', now - 1000, sign('msg_4', now - 1000)), 401);
  assert.equal(await send('msg_5', now, sign('msg_1', now)), 401);
  assert.match(await sqlite('webhooks.sqlite', 'SELECT id FROM messages ORDER BY id'), /\[\('msg_1',\), \('msg_2',\)\]/);
  receiver.kill('SIGINT');
  await once(receiver, 'exit');
});

test('what goes wrong ends with another exit code and a message', async () => {
  for (const line of [
    'examples/land/mirror.py', 'examples/land/delta.py', 'examples/land/export-kreis.sh', 'examples/land/receive-webhooks.py 1',
    'examples/land/mirror.py no-token.sqlite', 'ITKATALOG_TOKEN=nonsense examples/land/mirror.py no.sqlite',
    'CATALOGUE_URL=http://127.0.0.1:9/graphql examples/land/delta.py x.cursor',
    'CATALOGUE_URL=http://127.0.0.1:9/graphql examples/land/report.py',
  ]) {
    const { code, stderr } = await failing(line);
    assert.ok(code >= 1 && code < 126 && stderr.trim().length > 10 && !stderr.includes('Traceback'), `${line}: ${code} ${stderr}`);
  }
});
