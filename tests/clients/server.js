// A running itkatalog on sample data, in an empty folder and on a free port, for the tests beside this file.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const run = promisify(execFile);
const PROGRAM = process.env.ITKATALOG_PROGRAM ?? new URL('../../target/debug/itkatalog', import.meta.url).pathname;
const ANNOUNCED = /listening on (http:\/\/[^"\s]+)/;

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
