// GraphQL over HTTP: every audit of the package graphql-http (MUST, SHOULD and MAY) holds.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { serverAudits } from 'graphql-http';
import { start } from './server.js';

const server = await start();
after(() => server.stop());
const audits = serverAudits({ url: server.url });

test('the suite is the one that is known', () => {
  assert.equal(audits.length, 61);
});

for (const audit of audits) {
  test(audit.name, async () => {
    const result = await audit.fn();
    assert.equal(result.status, 'ok', result.reason);
  });
}
