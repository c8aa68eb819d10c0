// A running itkatalog on sample data, in an empty folder and on a free port, for the tests beside this file.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** The program that is tried. Its own settings begin with ITKATALOG_, and it refuses unknown ones. */
export const PROGRAM = process.env.CATALOGUE_PROGRAM ?? new URL('../../target/debug/itkatalog', import.meta.url).pathname;
const ANNOUNCED = /listening on (http:\/\/[^"\s]+)/;

const FREEZE = `mutation Freeze($key: String!) {
  freeze(input: { scope: { provider: { key: "krzn" } }, message: "Probe", reason: { code: OTHER, text: "Probe" }, idempotencyKey: $key }) { errors { message } }
}`;
let frozen = 0;

/** Starts a server; `settings` are environment variables. Stop it with `stop()`. */
export async function start(settings = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'itkatalog-clients-'));
  const env = { ...process.env, ...settings };
  const server = spawn(PROGRAM, ['serve', '--demo', '--listen', '127.0.0.1:0'], { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] });
  const url = await announced(server);
  return {
    url,
    origin: new URL(url).origin,
    folder,
    /** A token of the demo: `token('municipality', '--municipality', '05334002')`. */
    token: async (role, ...more) => (await run(PROGRAM, ['token', '--role', role, ...more], { cwd: folder, env })).stdout.trim(),
    /** Asks as a script would: `ask(document, variables, token)`. */
    ask: (query, variables, token) => ask(url, query, variables, token),
    /** Makes a change that everybody sees: the transformation office freezes a provider. */
    change: async () => {
      const { stdout } = await run(PROGRAM, ['token', '--role', 'transformation_office', '--subject', 'office'], { cwd: folder, env });
      const { freeze } = await ask(url, FREEZE, { key: `freeze-${frozen++}` }, stdout.trim());
      if (freeze.errors.length > 0) throw new Error(JSON.stringify(freeze.errors));
    },
    stop: async () => {
      const ended = once(server, 'exit');
      server.kill('SIGTERM');
      const [code] = await ended;
      await rm(folder, { recursive: true });
      return code;
    },
  };
}

async function announced(server) {
  const said = [];
  for await (const line of createInterface({ input: server.stderr })) {
    said.push(line);
    const found = ANNOUNCED.exec(line);
    if (found) {
      server.stderr.resume();
      return found[1];
    }
  }
  throw new Error(`the server did not start:\n${said.join('\n')}`);
}

async function ask(url, query, variables, token) {
  const headers = { 'Content-Type': 'application/json', 'Accept-Language': 'en', ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  const { data, errors } = await answer.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}
